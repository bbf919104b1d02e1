"""What those who watch an authority ask: how many certificates are in which state, and which copies are where."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, case, func, or_, select

from jpki.terms import Role

from .schema import authority, certificate, pushed_list, revocation, revocation_list
from .values import HOLD, CertificateState, Scope, code_of, moment_of, name_of, role_of, seconds_of
from .view import View

__all__ = ["StoredCopy", "WatchReading"]


class StoredCopy(NamedTuple):
    """A list that an outlet was given last: of which scope and kind, its number, until when it holds, and when."""

    outlet: str
    scope: Scope
    delta: bool
    number: int
    next_update: datetime
    pushed_at: datetime


class WatchReading(View):
    """Questions of those who watch, within one transaction."""

    __slots__ = ()

    def at_most(self, role: Role) -> int:
        """Returns a number that the authority's certificates do not exceed, without counting them."""
        issued = certificate.c.id.between(code_of(role) << 32, (code_of(role) + 1 << 32) - 1)
        lowest = self._connection.execute(select(func.min(certificate.c.id)).where(issued)).scalar_one()
        following = select(authority.c.next_number).where(authority.c.code == code_of(role))
        if lowest is None:
            return 0
        return int(self._connection.execute(following).scalar_one()) - name_of(lowest).number

    def counts(self, at: datetime) -> dict[tuple[Role, CertificateState], int]:
        """Returns how many certificates are in each state at a moment. It reads every one of them."""
        held = revocation.c.reason == HOLD
        expired = certificate.c.not_after < seconds_of(at)
        state = case(
            (and_(revocation.c.id.is_not(None), revocation.c.reason != HOLD), CertificateState.REVOKED.value),
            (expired, CertificateState.EXPIRED.value),
            (held, CertificateState.HELD.value),
            else_=CertificateState.VALID.value,
        )
        query = (
            select(certificate.c.authority, state.label("state"), func.count())
            .select_from(certificate.outerjoin(revocation, revocation.c.id == certificate.c.id))
            .group_by(certificate.c.authority, "state")
        )
        found = dict.fromkeys(((role, one) for role in Role for one in CertificateState), 0)
        for code, word, count in self._connection.execute(query):
            found[role_of(code), CertificateState(word)] = int(count)
        return found

    def copies(self) -> Iterator[StoredCopy]:
        """Yields what each outlet was given last, by outlet, key and scope."""
        same = and_(
            revocation_list.c.issuer == pushed_list.c.issuer,
            revocation_list.c.scope == pushed_list.c.scope,
            revocation_list.c.number == pushed_list.c.number,
            or_(
                and_(pushed_list.c.delta == 0, revocation_list.c.base == 0),
                and_(pushed_list.c.delta == 1, revocation_list.c.base > 0),
            ),
        )
        query = (
            select(pushed_list, revocation_list.c.next_update)
            .join(revocation_list, same)
            .order_by(pushed_list.c.outlet, pushed_list.c.issuer, pushed_list.c.scope, pushed_list.c.delta)
        )
        for row in self._connection.execute(query):
            scope = Scope(name_of(row.issuer), row.scope)
            yield StoredCopy(
                row.outlet, scope, bool(row.delta), row.number, moment_of(row.next_update), moment_of(row.pushed_at)
            )

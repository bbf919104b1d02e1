"""Many certificates put on hold at once: found by what they are, and stored with as little work for each as can be.

A country's night may hold a million: here they are whole numbers as the tables have them, and no values of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select

from jpki.formats import RevocationReason, encode_revoked_lines
from jpki.terms import CertificateName, Role

from .bulk import Lookup
from .schema import certificate, intent, revocation
from .values import HOLD, Intent, code_of, fits, id_of, moment_of, name_of, seconds_of
from .view import View

__all__ = ["HoldReading", "Holdable", "NamedStates", "hold_rows", "told_holds"]

_NUMBER = 0xFFFF_FFFF

_WANTED = (certificate.c.id, certificate.c.issuer, certificate.c.point, certificate.c.not_after)
_NEXT = (
    select(*_WANTED, certificate.c.not_before, revocation.c.reason)
    .outerjoin(revocation, revocation.c.id == certificate.c.id)
    .where(certificate.c.id > bindparam("after"), certificate.c.id <= bindparam("last"))
    .order_by(certificate.c.id)
    .limit(bindparam("most"))
)
_NAMED = Lookup(
    select(*_WANTED, revocation.c.reason).outerjoin(revocation, revocation.c.id == certificate.c.id), certificate.c.id
)
_REVOKED = Lookup(select(revocation.c.id), revocation.c.id)


@dataclass(frozen=True, slots=True)
class Holdable:
    """Valid certificates of one authority, in order of number, to be put on hold together."""

    role: Role
    rows: Sequence[tuple[int, int, int, int]] = field(repr=False)

    def __len__(self) -> int:
        return len(self.rows)


class NamedStates(NamedTuple):
    """What certificates that were asked for by name are: to be held, by authority; and why the others are not."""

    holdable: tuple[Holdable, ...]
    held: int
    revoked: int
    expired: int
    unknown: tuple[CertificateName, ...]


class HoldReading(View):
    """Questions about many certificates at a time."""

    __slots__ = ()

    def next_holdable(
        self, role: Role, *, after: int, issued_before: datetime, at: datetime, most: int
    ) -> tuple[Holdable, int] | None:
        """Returns an authority's next certificates behind a number that are valid, and the number that was come to.

        Valid at `at` and issued before a moment; of so many (`most`) that are looked at. None where there is none left.
        """
        before, now = seconds_of(issued_before), seconds_of(at)
        first, last = (code_of(role) << 32) + after, (code_of(role) + 1 << 32) - 1
        rows = self._connection.execute(_NEXT, {"after": first, "last": last, "most": most}).all()
        found = [
            (key, issuer, point, not_after)
            for key, issuer, point, not_after, not_before, reason in rows
            if not_before < before and not_after >= now and reason is None
        ]
        return (Holdable(role, found), rows[-1].id & _NUMBER) if rows else None

    def open_numbers(self, roles: Sequence[Role], *, issued_before: datetime) -> tuple[Intent, ...]:
        """Returns the numbers that were taken for holders' certificates before a moment, and have none yet.

        What will be stored under them was issued before that moment, too.
        """
        query = select(intent).where(intent.c.noted_at < seconds_of(issued_before), intent.c.holder != "")
        rows = self._connection.execute(query.order_by(intent.c.id))
        found = (Intent(name_of(row.id), row.holder, row.job, row.submission, moment_of(row.noted_at)) for row in rows)
        return tuple(one for one in found if one.name.authority in roles)

    def count_holdable(self, role: Role, *, issued_before: datetime, at: datetime) -> int:
        """Returns how many certificates of an authority are valid at `at` and were issued before a moment."""
        query = (
            select(func.count())
            .select_from(certificate.outerjoin(revocation, revocation.c.id == certificate.c.id))
            .where(
                certificate.c.id.between(code_of(role) << 32, (code_of(role) + 1 << 32) - 1),
                certificate.c.not_before < seconds_of(issued_before),
                certificate.c.not_after >= seconds_of(at),
                revocation.c.id.is_(None),
            )
        )
        return int(self._connection.execute(query).scalar_one())

    def named_states(self, names: Sequence[CertificateName], at: datetime) -> NamedStates:
        """Returns which of these certificates can be put on hold, and what the others are.

        No person is locked for it: who decides by one of them meanwhile is not waited for. Where he is quicker,
        `add_holds` raises StoreConflict and keeps nothing; `still_holdable` then tells what is left to try again.
        """
        now = seconds_of(at)
        keys = [id_of(name) for name in names if fits(name)]
        rows: dict[int, Any] = {row.id: row for row in _NAMED.run(self._connection, keys)}
        unknown = tuple(name for name in dict.fromkeys(names) if not fits(name) or id_of(name) not in rows)
        valid: dict[Role, list[tuple[int, int, int, int]]] = {role: [] for role in Role}
        held = revoked = expired = 0
        for key in sorted(rows):
            _, issuer, point, not_after, reason = rows[key]
            if reason is not None and reason != HOLD:
                revoked += 1
            elif not_after < now:
                expired += 1
            elif reason is not None:
                held += 1
            else:
                valid[name_of(key).authority].append((key, issuer, point, not_after))
        holdable = tuple(Holdable(role, rows) for role, rows in valid.items() if rows)
        return NamedStates(holdable, held, revoked, expired, unknown)

    def still_holdable(self, chosen: Holdable) -> Holdable:
        """Returns those that nobody has revoked or held since they were looked at; it locks no person either."""
        gone = {row.id for row in _REVOKED.run(self._connection, [row[0] for row in chosen.rows])}
        return Holdable(chosen.role, [row for row in chosen.rows if row[0] not in gone]) if gone else chosen


def hold_rows(chosen: Holdable, at: datetime, entry: int | None, revision: int) -> list[tuple[Any, ...]]:
    """Returns the rows of holds since `at`, as the table of revocations has them."""
    moment = seconds_of(at)
    numbers = [row[0] & _NUMBER for row in chosen.rows]
    lines = encode_revoked_lines(numbers, at, RevocationReason.CERTIFICATE_HOLD)
    return [
        (key, issuer, point, HOLD, moment, moment, not_after, line, entry, revision)
        for (key, issuer, point, not_after), line in zip(chosen.rows, lines, strict=True)
    ]


def told_holds(chosen: Holdable, at: datetime) -> dict[str, object]:
    """Returns the facts of the entry of the audit trail that tells of holds since `at`: as `told` has revocations."""
    prefix = f"{chosen.role.short}:"
    names = [f"{prefix}{row[0] & _NUMBER:08X}" for row in chosen.rows]
    return {"revoked": [{"reason": HOLD, "since": seconds_of(at), "names": names}]}

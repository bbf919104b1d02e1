"""Many revocation lists at once: of each key of an authority, of each municipality, complete or as deltas.

A round has one moment, and for each authority one number and one revision: what its lists say was true at once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from jpki.formats import Name
from jpki.store import PublishedList, Scope, Store, StoreConflict, StoredPoint, StoreReading
from jpki.terms import Role

from .errors import ClockBehind, ListRefused
from .issuer import Issuer
from .lists import TRIES, ListForm, MadeList, numbered_snapshot, overtaken, record_lists, sign_list, spooled

if TYPE_CHECKING:
    from .authority import Authority

__all__ = ["ListOrder", "make_lists"]

_LISTS_AT_ONCE = 256  # in one transaction,
_OCTETS_AT_ONCE = 1 << 24  # unless they are long
_ROLES = (Role.SIGNATURE, Role.AUTHENTICATION)


@dataclass(frozen=True, slots=True)
class ListOrder:
    """Which lists are wanted: `full`, of everything that one key signed; `municipal`, one for each distribution point.

    With `delta` they are deltas to the newest complete ones; where there is none yet, the complete one is made.
    `urgent` says that they come out of turn: what leaves the lists after its end goes by the regular ones.
    """

    full: bool = True
    municipal: bool = False
    delta: bool = False
    urgent: bool = False
    roles: tuple[Role, ...] = _ROLES


def make_lists(authority: Authority, order: ListOrder, at: datetime) -> tuple[PublishedList, ...]:
    """Returns new lists of all keys whose certificates have not ended, signed, read back, verified and recorded.

    They are recorded some at a time: interrupted, those made so far stay, and the next round makes all of them anew.
    One in whose place another round put a newer one is passed over. Raises ClockBehind, ListRefused, KeysUnusable,
    StoreError.
    """
    at = at.replace(microsecond=0)
    if order.delta and not authority.settings.deltas:
        raise ListRefused(role=order.roles[0], problem="by its settings the authority makes no deltas")
    authority.refresh()
    issuers = [
        authority.issuer(role, own.generation)
        for role in order.roles
        for own in authority.generations[role]
        if own.not_after >= at
    ]
    for issuer in issuers:
        if at < issuer.certificate.not_before:
            raise ClockBehind(role=issuer.role, last=issuer.certificate.not_before)
    for _ in range(TRIES):
        try:
            made = _recorded(authority, issuers, order, at)
        except StoreConflict:
            with authority.store.snapshot() as view:
                at = max(last(view) for last in _lasts(issuers, at).values())
        else:
            authority.seal_if_due(at)
            return made
    raise overtaken(order.roles[0])


def _recorded(
    authority: Authority, issuers: Sequence[Issuer], order: ListOrder, at: datetime
) -> tuple[PublishedList, ...]:
    """Makes and records the lists of a round; raises StoreConflict where one does not go with what others recorded."""
    made = []
    with closing(_lists(authority.store, issuers, order, at, names_delta=authority.settings.deltas)) as lists:
        for some in _gathered(lists):
            made += [one.recorded for one in record_lists(authority.store, some, at)]
    return tuple(made)


def _lasts(issuers: Sequence[Issuer], at: datetime) -> dict[Role, Callable[[StoreReading], datetime]]:
    """Returns, for each authority, what tells the date of the last list of its keys; `at` where there is none."""

    def last_of(role: Role) -> Callable[[StoreReading], datetime]:
        names = [issuer.name for issuer in issuers if issuer.role is role]
        return lambda view: max((one.this_update for name in names for one in view.newest_lists(name)), default=at)

    return {role: last_of(role) for role in dict.fromkeys(issuer.role for issuer in issuers)}


def _lists(
    store: Store, issuers: Sequence[Issuer], order: ListOrder, at: datetime, *, names_delta: bool
) -> Generator[MadeList]:
    """Yields the lists, signed and verified, of one state of the store: however long that takes, nothing changes."""
    with numbered_snapshot(store, _lasts(issuers, at), at) as (view, numbers):
        revisions = {role: view.revision(role) for role in order.roles}
        points = {role: view.points(role) if order.municipal else () for role in order.roles}
        for issuer in issuers:
            before = _Before.of(view, issuer)
            for point in (*((None,) if order.full else ()), *points[issuer.role]):
                scope = Scope(issuer.name, 0 if point is None else point.id)
                form = ListForm(
                    scope,
                    _name(point),
                    numbers[issuer.role],
                    revisions[issuer.role],
                    at,
                    names_delta,
                    before.complete.get(scope) if order.delta else None,
                    order.urgent,
                )
                yield _made(view, issuer, form, before)


class _Before(NamedTuple):
    """The newest complete lists of a key by their scopes: all of them, and those that came in turn."""

    complete: dict[Scope, PublishedList]
    regular: dict[Scope, PublishedList]

    @classmethod
    def of(cls, view: StoreReading, issuer: Issuer) -> _Before:
        all_of_them = (view.newest_lists(issuer.name, regular=regular) for regular in (False, True))
        return cls(*({one.scope: one for one in some if not one.base} for some in all_of_them))


def _made(view: StoreReading, issuer: Issuer, form: ListForm, before: _Before) -> MadeList:
    if form.base is None:
        blocks = view.list_lines(form.scope, after=before.regular.get(form.scope))
    else:
        blocks = view.delta_lines(form.scope, since=form.base.revision)
    return sign_list(issuer, form, spooled(issuer.role, blocks))


def _name(point: StoredPoint | None) -> Name | None:
    return None if point is None else Name.parse(point.name)


def _gathered(lists: Iterator[MadeList]) -> Iterator[list[MadeList]]:
    """Yields the lists some at a time, so that no transaction is long and none is for a single short one."""
    some: list[MadeList] = []
    octets = 0
    for one in lists:
        some.append(one)
        octets += one.recorded.size
        if len(some) >= _LISTS_AT_ONCE or octets >= _OCTETS_AT_ONCE:
            yield some
            some, octets = [], 0
    if some:
        yield some

"""Many certificates put on hold by one act: some thousands in a transaction, so that everybody else goes on meanwhile.

What is on hold already stays as it is, so an act that was interrupted is simply begun again.

A certificate's number is taken before it is signed, and its row comes afterwards: then an act that goes by numbers may
be past it. So it goes on until nothing is left and, at the same moment, no number that was taken before it is open.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jpki.store import Holdable, Intent, NamedStates, Store, StoreBusy, StoreConflict, told_holds
from jpki.terms import CertificateName, Role

__all__ = ["HoldPlan", "IssuedBefore", "MassHold", "NamedCertificates"]

_AT_ONCE = 5_000  # a twentieth of a second in which nobody else writes
_TRIES = 3  # of one transaction, while others are in its way
_PATIENCE = 30.0
_LOOK_AGAIN = 0.25
_NOBODY_SIGNS_SO_LONG = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class IssuedBefore:
    """All valid certificates of some authorities that were issued before a moment."""

    moment: datetime
    roles: tuple[Role, ...] = tuple(Role)


@dataclass(frozen=True, slots=True)
class NamedCertificates:
    """Certificates by name."""

    names: Sequence[CertificateName]


@dataclass(frozen=True, slots=True)
class HoldPlan:
    """How many certificates an act would put on hold, by authority; and of those named: what the others are."""

    valid: dict[Role, int]
    held: int = 0
    revoked: int = 0
    expired: int = 0
    unknown: tuple[CertificateName, ...] = ()

    @property
    def total(self) -> int:
        """Returns how many certificates would be put on hold."""
        return sum(self.valid.values())


class MassHold:
    """One act: what is chosen, seen at a moment. Nothing is changed until `steps` is gone through."""

    def __init__(self, store: Store, chosen: IssuedBefore | NamedCertificates, at: datetime) -> None:
        self._store = store
        self._chosen = chosen
        self._at = at.replace(microsecond=0)
        self.unfinished: tuple[CertificateName, ...] = ()
        """After the steps: numbers that were taken for certificates like these, and are still without one."""

    def plan(self) -> HoldPlan:
        """Returns what there is to do. Raises StoreError."""
        chosen = self._chosen
        valid = dict.fromkeys(Role, 0)
        if isinstance(chosen, IssuedBefore):
            return HoldPlan(valid | self._left(chosen)[0])
        held = revoked = expired = 0
        unknown: list[CertificateName] = []
        for found in self._found():
            for some in found.holdable:
                valid[some.role] += len(some)
            held, revoked, expired = held + found.held, revoked + found.revoked, expired + found.expired
            unknown += found.unknown
        return HoldPlan(valid, held, revoked, expired, tuple(unknown))

    def steps(self, *, patience: float = _PATIENCE, pause: Callable[[float], object] = time.sleep) -> Iterator[int]:
        """Puts certificates on hold, and yields after each transaction how many it held.

        What somebody else revokes or holds meanwhile is left to him. What was being issued when the act began is waited
        for, `patience` seconds at most, and held as soon as it is stored; what has not come by then is in `unfinished`,
        and the same act again holds it. Raises StoreError: what was told is done, and the same act again goes on.
        """
        yield from self._pass()
        chosen = self._chosen
        while isinstance(chosen, IssuedBefore):
            left, taken = self._left(chosen)
            self.unfinished = tuple(one.name for one in taken)
            if any(left.values()):
                yield from self._pass()
            elif patience > 0 and any(self._may_come(one) for one in taken):
                pause(_LOOK_AGAIN)
                patience -= _LOOK_AGAIN
            else:
                return

    def _left(self, chosen: IssuedBefore) -> tuple[dict[Role, int], tuple[Intent, ...]]:
        """Returns how many certificates are left to hold and which numbers are open: both of one moment.

        A number is open until its certificate is there, so none can hide between the two.
        """
        before = self._before(chosen)
        with self._store.snapshot() as view:
            left = {role: view.count_holdable(role, issued_before=before, at=self._at) for role in chosen.roles}
            return left, view.open_numbers(chosen.roles, issued_before=before)

    def _may_come(self, one: Intent) -> bool:
        # The number of a process that died stays open for good.
        return one.noted_at > self._at - _NOBODY_SIGNS_SO_LONG

    def _pass(self) -> Iterator[int]:
        for found in self._found():
            for chosen in found.holdable:
                if chosen:
                    yield self._held(chosen)

    def _found(self) -> Iterator[NamedStates]:
        """Yields what is chosen, some thousands at a time; no transaction is open while they are dealt with."""
        chosen = self._chosen
        if isinstance(chosen, NamedCertificates):
            for start in range(0, len(chosen.names), _AT_ONCE):
                with self._store.snapshot() as view:
                    named = view.named_states(chosen.names[start : start + _AT_ONCE], self._at)
                yield named
            return
        before = self._before(chosen)
        for role in chosen.roles:
            after = 0
            while True:
                with self._store.snapshot() as view:
                    some = view.next_holdable(role, after=after, issued_before=before, at=self._at, most=_AT_ONCE)
                if some is None:
                    break
                found, after = some
                yield NamedStates((found,), 0, 0, 0, ())

    def _before(self, chosen: IssuedBefore) -> datetime:
        # What is issued from now on is not meant: it would be on hold since before it began.
        return min(chosen.moment, self._at)

    def _held(self, chosen: Holdable) -> int:
        """Holds a transaction's worth, less what others held or revoked since it was looked at; returns how many."""
        tries = _TRIES
        while chosen:
            try:
                return self._held_now(chosen)
            except StoreConflict:
                pass  # somebody was quicker with some of them
            except StoreBusy:
                tries -= 1
                if not tries:
                    raise
            with self._store.snapshot() as view:
                chosen = view.still_holdable(chosen)
        return 0

    def _held_now(self, chosen: Holdable) -> int:
        facts = told_holds(chosen, self._at)
        with self._store.transaction() as change:
            change.add_holds(chosen, self._at, change.note("hold", self._at, facts))
        return len(chosen)

"""Watching an authority: what is on record of lists, keys, responders, copies and seals, and what is late or broken.

Facts are read from the store at once; the judgement over them is pure. Source of the rules: docs/service.md, watching
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from itertools import groupby
from typing import NamedTuple

from jpki.store import PublishedList, StoreReading
from jpki.terms import CertificateName, Role

from .audit import read_seal
from .batch import CLOCK_TOLERANCE

__all__ = [
    "AnsweringStatus",
    "Deadline",
    "Due",
    "Finding",
    "Health",
    "KeyStatus",
    "ListsOfKey",
    "OutletStatus",
    "ResponderStatus",
    "SealStatus",
    "StatusFacts",
    "deadlines",
    "health_of",
    "judge",
    "list_due",
    "status_facts",
]

LIST_AHEAD = timedelta(hours=1)
"""So long before its predecessor's nextUpdate a regular list is due; a quarter of its period where that is shorter."""
KEY_EVERY = timedelta(days=4 * 365)
"""A new generation of an authority's key is due every four years."""
COPY_WITHIN = timedelta(minutes=15)
"""So long after a list was made every outlet that has lists of its kind is to have it."""
SEAL_WITHIN = timedelta(days=1)
"""So long entries of the audit trail may be without a seal."""
MARK_WITHIN = timedelta(seconds=60)
"""So long the service may be silent; it tells of itself every few seconds."""


class Health(Enum):
    """How things stand; the worst one of all counts."""

    FINE = "fine"
    LATE = "late"
    BROKEN = "broken"


class Due(Enum):
    """What has a deadline, or can be missing."""

    LIST = "list"
    RESPONDER = "responder"
    KEY = "key"
    COPY = "copy"
    SEAL = "seal"
    ANSWERING = "answering"


class Deadline(NamedTuple):
    """When something is due: what, of which key or outlet, and from when on it is broken (None: never)."""

    due: Due
    subject: str
    at: datetime
    broken_at: datetime | None


class Finding(NamedTuple):
    """What is not as it should be: since when; None where it was never there."""

    health: Health
    due: Due
    subject: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """One generation of an authority's key, by its certificate."""

    name: CertificateName
    generation: int
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class ListsOfKey:
    """The newest lists that a key signed: of everything or of each municipality; complete, or deltas.

    `regular` are the newest that came in turn; `never` counts the municipalities of which there was never one.
    """

    issuer: CertificateName
    generation: int
    municipal: bool
    delta: bool
    lists: tuple[PublishedList, ...] = field(repr=False)
    regular: tuple[PublishedList, ...] = field(repr=False)
    never: int = 0

    @property
    def count(self) -> int:
        """Returns how many there are."""
        return len(self.lists)

    @property
    def entries(self) -> int:
        """Returns how many lines they have together."""
        return sum(one.entries for one in self.lists)

    @property
    def number(self) -> int | None:
        """Returns the highest number among them."""
        return max((one.number for one in self.lists), default=None)

    @property
    def oldest(self) -> datetime | None:
        """Returns when the oldest of them was made."""
        return min((one.this_update for one in self.lists), default=None)

    @property
    def first_due(self) -> datetime | None:
        """Returns when the first regular successor is due: one out of turn puts nothing off."""
        in_turn = {one.scope: one for one in self.regular}
        return min((list_due(in_turn.get(one.scope, one)) for one in self.lists), default=None)

    @property
    def first_end(self) -> datetime | None:
        """Returns when the first of them ends (nextUpdate)."""
        return min((one.next_update for one in self.lists), default=None)

    @property
    def subject(self) -> str:
        """Returns what they are called, as their files are."""
        folder = "delta" if self.delta else "crl"
        return f"{folder}/{self.issuer.authority.short}-{self.generation}{'-*' if self.municipal else ''}"


@dataclass(frozen=True, slots=True)
class ResponderStatus:
    """The newest certificate by which answers about what a key issued are signed (OCSP)."""

    issuer: CertificateName
    generation: int
    name: CertificateName
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class OutletStatus:
    """What an outlet was given: how many lists, how many of them have a successor by now, and the moments that matter.

    `waiting_since` is when the oldest successor that it lacks was made, `first_end` when the first list there ends.
    """

    outlet: str
    copies: int
    behind: int
    pushed_at: datetime
    waiting_since: datetime | None
    first_end: datetime


@dataclass(frozen=True, slots=True)
class SealStatus:
    """The audit trail's last seal, None before the first, and whether entries came after it."""

    number: int | None
    at: datetime | None
    unsealed: bool


@dataclass(frozen=True, slots=True)
class AnsweringStatus:
    """What the running service last said of itself: when, when it saw the store, when it made answers ahead."""

    written_at: datetime
    looked_at: datetime | None
    round_at: datetime | None


@dataclass(frozen=True, slots=True)
class StatusFacts:
    """What the store knows of itself. `at_most` are bounds of how many certificates there are, counted by no one."""

    keys: tuple[KeyStatus, ...]
    lists: tuple[ListsOfKey, ...]
    responders: tuple[ResponderStatus, ...]
    outlets: tuple[OutletStatus, ...]
    seal: SealStatus
    revisions: Mapping[Role, int]
    at_most: Mapping[Role, int]


def status_facts(view: StoreReading) -> StatusFacts:
    """Returns what is on record now; it costs the same however many certificates there are. Raises StoreError."""
    keys = tuple(
        KeyStatus(own.name, own.generation, own.not_before, own.not_after)
        for role in Role
        for own in view.authority_keys(role)
    )
    newest = {key.name: view.newest_lists(key.name) for key in keys}
    points = {role: len(view.points(role)) for role in Role}
    return StatusFacts(
        keys,
        tuple(
            lists
            for key in keys
            for lists in _by_kind(
                key, newest[key.name], view.newest_lists(key.name, regular=True), points[key.name.authority]
            )
        ),
        tuple(_responders(view, keys)),
        tuple(_outlets(view, {_place(one): one for lists in newest.values() for one in lists})),
        _seal(view),
        {role: view.revision(role) for role in Role},
        {role: view.at_most(role) for role in Role},
    )


def _place(one: PublishedList) -> tuple[object, bool]:
    return one.scope, one.base > 0


def _by_kind(
    key: KeyStatus, newest: tuple[PublishedList, ...], regular: tuple[PublishedList, ...], points: int
) -> Iterator[ListsOfKey]:
    for municipal in (False, True):
        for delta in (False, True):
            some, in_turn = (
                tuple(one for one in each if bool(one.scope.point) is municipal and (one.base > 0) is delta)
                for each in (newest, regular)
            )
            # Where there is no complete list, a round of deltas makes that one.
            never = points - len(some) if municipal and not delta else 0
            if some or not (municipal or delta):
                yield ListsOfKey(key.name, key.generation, municipal, delta, some, in_turn, never)


def _responders(view: StoreReading, keys: tuple[KeyStatus, ...]) -> Iterator[ResponderStatus]:
    for key in keys:
        newest = max(view.responders(key.name), key=lambda one: one.not_after, default=None)
        if newest is not None:
            yield ResponderStatus(key.name, key.generation, newest.name, newest.not_before, newest.not_after)


def _outlets(view: StoreReading, newest: Mapping[tuple[object, bool], PublishedList]) -> Iterator[OutletStatus]:
    for outlet, given in groupby(view.copies(), key=lambda copy: copy.outlet):
        copies = list(given)
        lacking = [
            one
            for copy in copies
            if (one := newest.get((copy.scope, copy.delta))) is not None and one.number > copy.number
        ]
        yield OutletStatus(
            outlet,
            len(copies),
            len(lacking),
            max(copy.pushed_at for copy in copies),
            min((one.this_update for one in lacking), default=None),
            min(copy.next_update for copy in copies),
        )


def _seal(view: StoreReading) -> SealStatus:
    row = view.newest_seal()
    unsealed = bool(view.unsealed_heads())
    if row is None:
        return SealStatus(None, None, unsealed)
    return SealStatus(row.number, read_seal(row).at, unsealed)


def list_due(one: PublishedList) -> datetime:
    """Returns when the successor of a list is due: an hour before nextUpdate, or a quarter of a short period."""
    return one.next_update - min(LIST_AHEAD, (one.next_update - one.this_update) / 4)


def deadlines(facts: StatusFacts, at: datetime) -> tuple[Deadline, ...]:
    """Returns what is due next, the earliest first; what concerns a key whose certificate is over is left out."""
    return tuple(sorted(_deadlines(facts, at), key=lambda one: one.at))


def _deadlines(facts: StatusFacts, at: datetime) -> Iterator[Deadline]:
    in_use = {key.name for key in facts.keys if key.not_after >= at}
    newest = {key.name.authority: key for key in facts.keys}
    for lists in facts.lists:
        if lists.issuer in in_use and lists.first_due is not None:
            yield Deadline(Due.LIST, lists.subject, lists.first_due, lists.first_end)
    for one in facts.responders:
        if one.issuer in in_use:
            # It renews itself in the last third of its life: in the last quarter it is late.
            left = (one.not_after - one.not_before) / 4
            subject = f"{one.issuer.authority.short}-{one.generation}"
            yield Deadline(Due.RESPONDER, subject, one.not_after - left, one.not_after)
    for key in newest.values():
        subject = f"{key.name.authority.short}-{key.generation}"
        yield Deadline(Due.KEY, subject, key.not_before + KEY_EVERY, key.not_after)
    for outlet in facts.outlets:
        since = outlet.waiting_since
        if since is not None:
            yield Deadline(Due.COPY, outlet.outlet, since + COPY_WITHIN, outlet.first_end)
    if facts.seal.unsealed:
        # Before the first seal the trail is as old as the first key.
        begun = facts.seal.at or min((key.not_before for key in facts.keys), default=at)
        yield Deadline(Due.SEAL, "audit", begun + SEAL_WITHIN, None)


def judge(facts: StatusFacts, at: datetime, answering: AnsweringStatus | None = None) -> tuple[Finding, ...]:
    """Returns what is late or broken at a moment, the worst first; nothing where all is fine.

    `answering` is None where no service says anything of itself: that is no fault.
    """
    found = [*_missing(facts, at), *_passed(deadlines(facts, at), at), *_silent(answering, at)]
    return tuple(sorted(found, key=lambda one: (one.health is not Health.BROKEN, one.due.value, one.subject)))


def _missing(facts: StatusFacts, at: datetime) -> Iterator[Finding]:
    ends = {key.name: key.not_after for key in facts.keys}
    for lists in facts.lists:
        if (lists.never or not lists.count) and ends[lists.issuer] >= at:
            yield Finding(Health.BROKEN, Due.LIST, lists.subject, None)
    if facts.seal.at is not None and facts.seal.at > at + CLOCK_TOLERANCE:
        # None can follow it before its moment: this clock was set back, or the one that dated it was ahead.
        yield Finding(Health.BROKEN, Due.SEAL, "audit", facts.seal.at)


def _passed(due: tuple[Deadline, ...], at: datetime) -> Iterator[Finding]:
    for one in due:
        if one.broken_at is not None and at > one.broken_at:
            yield Finding(Health.BROKEN, one.due, one.subject, one.broken_at)
        elif at >= one.at:
            yield Finding(Health.LATE, one.due, one.subject, one.at)


def _silent(answering: AnsweringStatus | None, at: datetime) -> Iterator[Finding]:
    if answering is None:
        return
    if at - answering.written_at > MARK_WITHIN:
        yield Finding(Health.BROKEN, Due.ANSWERING, "service", answering.written_at)
    elif answering.looked_at is None or at - answering.looked_at > MARK_WITHIN:
        yield Finding(Health.BROKEN, Due.ANSWERING, "store", answering.looked_at)


def health_of(findings: tuple[Finding, ...]) -> Health:
    """Returns the worst of some findings."""
    if any(one.health is Health.BROKEN for one in findings):
        return Health.BROKEN
    return Health.LATE if findings else Health.FINE

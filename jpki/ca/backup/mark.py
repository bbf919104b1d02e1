"""The mark of an authority that was put back from a backup: it signs nothing before it has caught up.

The mark is a setting of the store: so every process sees it, and it goes along in every further copy.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from jpki.store import Scope, Store, StoreReading, StoreWriting
from jpki.terms import CertificateName, Role

from .errors import NotCaughtUp

__all__ = [
    "SAFETY_GAP",
    "OwedList",
    "RestoredMark",
    "mark_restored",
    "read_mark",
    "refuse_unless_caught_up",
    "settle",
    "waive",
]

SAFETY_GAP = 0x10_0000
"""How many numbers are left out behind the highest one that is known: of certificates, of lists, of audit chains.

For those that were given after the backup and stand in no list. A country gives as many certificates in a day and as
many numbers of lists in three weeks; four octets hold two thousand such gaps.
"""

_SETTING = "restored"
_ROLES = tuple(Role)


class OwedList(NamedTuple):
    """That the newest complete list, or the newest delta, of a scope is owed."""

    scope: Scope
    delta: bool = False


@dataclass(frozen=True, slots=True)
class RestoredMark:
    """When an authority was put back from a backup of which moment, and what it was not shown yet.

    `owed` are the lists, `seal` whether the newest seal of the audit trail is owed.
    """

    restored_at: datetime
    made_at: datetime
    owed: tuple[OwedList, ...]
    seal: bool

    @property
    def lists(self) -> tuple[CertificateName, ...]:
        """Returns the keys whose newest complete list of everything is owed."""
        return _keys(one for one in self.owed if not one.scope.point and not one.delta)

    @property
    def deltas(self) -> tuple[CertificateName, ...]:
        """Returns the keys whose newest delta to the list of everything is owed."""
        return _keys(one for one in self.owed if not one.scope.point and one.delta)

    @property
    def municipal(self) -> tuple[CertificateName, ...]:
        """Returns the keys of which the newest list or delta of a municipality is owed."""
        return _keys(one for one in self.owed if one.scope.point)

    @property
    def first(self) -> str:
        """Returns what has to be shown first: "lists", "deltas", "municipal" (lists and deltas) or "seal"."""
        return "lists" if self.lists else "deltas" if self.deltas else "municipal" if self.municipal else "seal"

    @property
    def settled(self) -> bool:
        """Returns whether nothing is owed any more."""
        return not self.owed and not self.seal


def read_mark(view: StoreReading) -> RestoredMark | None:
    """Returns the mark, or None for an authority that was not put back, or has caught up."""
    text = view.settings().get(_SETTING)
    if text is None:
        return None
    facts = json.loads(text)
    return RestoredMark(
        datetime.fromisoformat(facts["restored_at"]),
        datetime.fromisoformat(facts["made_at"]),
        _read_owed(facts),
        bool(facts["seal"]),
    )


def refuse_unless_caught_up(store: Store) -> None:
    """Raises NotCaughtUp where the authority was put back and not shown yet what was published since; StoreError."""
    with store.snapshot() as view:
        mark = read_mark(view)
    if mark is not None:
        raise NotCaughtUp(
            restored_at=mark.restored_at,
            owed=mark.first,
            lists=mark.lists,
            deltas=mark.deltas,
            municipal=mark.municipal,
            seal=mark.seal,
        )


def mark_restored(store: Store, at: datetime, *, made_at: datetime, sha256: str) -> RestoredMark:
    """Marks a store that was put back at a moment, tells it in the audit trail, and lets its numbers go on higher.

    `made_at` is the moment of the backup, `sha256` the digest of its store. A list of everything is owed of each key;
    deltas and lists of municipalities are where the store knows one that was made. Raises StoreError.
    """
    with store.transaction() as change:
        keys = [own.name for role in Role for own in change.authority_keys(role)]
        complete = [OwedList(Scope(key)) for key in keys]
        known = [OwedList(one.scope, one.base > 0) for key in keys for one in change.newest_lists(key)]
        mark = RestoredMark(at, made_at, tuple(dict.fromkeys(complete + known)), seal=True)
        for role in Role:
            now = change.sequences(role)
            change.skip_numbers(role, next_number=now.next_number + SAFETY_GAP, next_list=now.next_list + SAFETY_GAP)
        with change.chains_above(SAFETY_GAP):
            facts = {"made_at": _text(made_at), "sha256": sha256, "last_seal": change.last_seal(), "owed": _owed(mark)}
            change.note("restore", at, facts)
        _write(change, mark)
    return mark


def settle(
    change: StoreWriting,
    at: datetime,
    *,
    shown: Collection[OwedList] = (),
    again: Collection[OwedList] = (),
    keys: Collection[CertificateName] = (),
    seal: bool = False,
) -> RestoredMark | None:
    """Takes off the mark what was shown or stated, and the mark itself with the last of it; returns what is left.

    `shown` are lists, `keys` those of which nothing is owed any more; what is in `again` is owed (once more).
    """
    mark = read_mark(change)
    if mark is None:
        return None
    owed = [one for one in mark.owed if one not in shown and one.scope.issuer not in keys]
    left = RestoredMark(mark.restored_at, mark.made_at, tuple(dict.fromkeys([*owed, *again])), mark.seal and not seal)
    if left.settled:
        change.note("restored", at, {"restored_at": _text(mark.restored_at), "made_at": _text(mark.made_at)})
        change.replace_setting(_SETTING, None)
        return None
    if left != mark:
        _write(change, left)
    return left


def waive(store: Store, at: datetime, *, lists: Sequence[CertificateName] = (), seal: bool = False) -> None:
    """Takes somebody's word that of these keys no list (or no seal) was published but those shown, and tells it."""
    with store.transaction() as change:
        change.note("nothing published", at, {"lists": [str(name) for name in lists], "seal": seal})
        settle(change, at, keys=lists, seal=seal)


def _keys(owed: Iterable[OwedList]) -> tuple[CertificateName, ...]:
    return tuple(sorted({one.scope.issuer for one in owed}, key=lambda key: (_ROLES.index(key.authority), key.number)))


def _write(change: StoreWriting, mark: RestoredMark) -> None:
    municipal: dict[str, dict[str, list[int]]] = {}
    for one in mark.owed:
        if one.scope.point:
            of_key = municipal.setdefault(str(one.scope.issuer), {"lists": [], "deltas": []})
            of_key["deltas" if one.delta else "lists"].append(one.scope.point)
    facts = {
        "restored_at": _text(mark.restored_at),
        "made_at": _text(mark.made_at),
        "lists": [str(name) for name in mark.lists],
        "deltas": [str(name) for name in mark.deltas],
        "municipal": municipal,
        "seal": mark.seal,
    }
    change.replace_setting(_SETTING, json.dumps(facts, sort_keys=True))


def _read_owed(facts: dict[str, Any]) -> tuple[OwedList, ...]:
    owed = [OwedList(Scope(CertificateName.parse(name))) for name in facts["lists"]]
    # A mark of before it was told apart has neither of these.
    owed += [OwedList(Scope(CertificateName.parse(name)), delta=True) for name in facts.get("deltas", ())]
    for name, of_key in facts.get("municipal", {}).items():
        key = CertificateName.parse(name)
        owed += [OwedList(Scope(key, point)) for point in of_key["lists"]]
        owed += [OwedList(Scope(key, point), delta=True) for point in of_key["deltas"]]
    return tuple(owed)


def _owed(mark: RestoredMark) -> list[str]:
    return [
        *map(str, mark.lists),
        *(f"{name}/deltas" for name in mark.deltas),
        *(f"{name}/municipal" for name in mark.municipal),
        *(["seal"] if mark.seal else []),
    ]


def _text(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S+00:00}"

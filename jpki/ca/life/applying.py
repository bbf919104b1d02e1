"""An event takes effect: in one transaction what it does, the audit entry that tells of it, and the event itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jpki.formats import RevocationReason
from jpki.store import (
    CertificateState,
    Store,
    StoreConflict,
    StoredCertificate,
    StoredEvent,
    StoredRevocation,
    StoreReading,
    StoreWriting,
    canonical,
    told,
)
from jpki.terms import CertificateName

from .engine import HolderCertificate, LifeAction, LifeChange, LifeOutcome, outcome_of
from .errors import CardOfAnother, EventChanged, UnknownPerson
from .events import LifeEvent, PersonHistory
from .table import LifePolicy
from .table_file import load_life_table

__all__ = ["AppliedEvent", "apply_event"]


@dataclass(frozen=True, slots=True)
class AppliedEvent:
    """What became of an event that was taken: now, or (`repeated`) when it came for the first time, at `applied_at`."""

    event: str
    kind: str
    applied_at: datetime
    outcome: LifeOutcome
    repeated: bool = False


def apply_event(store: Store, event: LifeEvent, at: datetime, policy: LifePolicy) -> AppliedEvent:
    """Applies an event at the moment `at`, whole or not at all; the same event once more changes nothing.

    By the digest of all that it says, however it was written, it is told from another one under its name. Raises
    LifeEventRefused, and then nothing of the event is kept; StoreError.
    """
    digest = hashlib.sha256(canonical(event.facts)).digest()
    try:
        return _applied(store, event, digest, at, policy)
    except StoreConflict:
        # Somebody else took it, or changed one of the certificates, at the same moment: judged anew, it is settled.
        return _applied(store, event, digest, at, policy)


def _applied(store: Store, event: LifeEvent, digest: bytes, at: datetime, policy: LifePolicy) -> AppliedEvent:
    table = load_life_table()
    with store.transaction() as change:
        # First of all, because it locks the person: whoever sends the same event waits here, and then finds it known.
        own = change.of_holders([event.person]).get(event.person, ())
        name = _name_of(event)
        known = change.event(name)
        if known is not None:
            return _repeated(known, event, digest)
        _refuse_strangers(change, event, own)
        history = _history(change.events_of(event.person), table.last.value)
        certificates = _certificates(change, own, at)
        outcome = outcome_of(event, history, certificates, at, table=table, policy=policy)
        noted_at = at.replace(microsecond=0)
        text = canonical(_as_facts(outcome)).decode()
        record = StoredEvent(name, event.person, event.kind, event.earliest, noted_at, digest, text)
        change.add_event(record, _change(change, outcome, own, record))
    return AppliedEvent(event.id, event.kind, noted_at, outcome)


def _name_of(event: LifeEvent) -> str:
    """Returns an event's name here: the SHA-256 of the reporter's, which could be made of anything, also of a name."""
    return hashlib.sha256(event.id.encode()).hexdigest()


def _repeated(known: StoredEvent, event: LifeEvent, digest: bytes) -> AppliedEvent:
    if known.digest != digest:
        raise EventChanged(event=event.id, kind=event.kind, applied_at=known.noted_at)
    return AppliedEvent(event.id, known.kind, known.noted_at, _from_facts(json.loads(known.outcome)), repeated=True)


def _refuse_strangers(view: StoreReading, event: LifeEvent, own: tuple[StoredCertificate, ...]) -> None:
    """Raises UnknownPerson for somebody who never had anything here, CardOfAnother for a card that is not theirs."""
    if not own and not view.cards_of(event.person):
        raise UnknownPerson(event=event.id, kind=event.kind)
    card = None if event.card is None else view.card(bytes.fromhex(event.card))
    if card is not None and card.holder != event.person:
        raise CardOfAnother(event=event.id, kind=event.kind)


def _history(events: tuple[StoredEvent, ...], last_kinds: tuple[str, ...]) -> PersonHistory:
    if not events:
        return PersonHistory()
    return PersonHistory(max(one.occurred_at for one in events), any(one.kind in last_kinds for one in events))


def _certificates(view: StoreReading, own: tuple[StoredCertificate, ...], at: datetime) -> list[HolderCertificate]:
    cards = view.cards_of_certificates([one.name for one in own])
    return [_as_held(one, cards.get(one.name), at) for one in own]


def _as_held(stored: StoredCertificate, card: bytes | None, at: datetime) -> HolderCertificate:
    """Returns a certificate in the words of the engine; every one here is on a card, none on a phone."""
    state = stored.state_at(at)
    held = stored.revocation if state is CertificateState.HELD else None
    return HolderCertificate(
        stored.name,
        stored.not_before,
        stored.not_after,
        state,
        held_since=None if held is None else held.revoked_at,
        confirmed=stored.confirmed_at is not None,
        card=None if card is None else card.hex().upper(),
    )


def _change(change: StoreWriting, outcome: LifeOutcome, own: tuple[StoredCertificate, ...], record: StoredEvent) -> int:
    """Changes the certificates, and returns the entry of the audit trail that tells of it and of the event."""
    at = record.noted_at
    stored = {one.name: one for one in own}
    released = [one.name for one in outcome.changes if one.action is LifeAction.RELEASE]
    revoked = [
        StoredRevocation(one.name, one.reason, one.since, at) for one in outcome.changes if one.reason is not None
    ]
    entry = change.note("event", at, told(revoked=revoked, released=released, events=[record]))
    for name in released:
        change.release(name, at, entry)
    for one in revoked:
        if stored[one.name].revocation is not None:
            change.end_hold(one.name, one.reason, at, entry)
    new = [(stored[one.name], one) for one in revoked if stored[one.name].revocation is None]
    change.add_revocations(new, entry)
    return entry


def _as_facts(outcome: LifeOutcome) -> dict[str, object]:
    """Returns what an event did, as the store keeps it; it names certificates, and no person."""
    return {
        "changes": [
            {
                "name": str(one.name),
                "action": one.action.value,
                "reason": None if one.reason is None else one.reason.text,
                "since": one.since.isoformat(),
            }
            for one in outcome.changes
        ],
        "passed_over": [str(name) for name in outcome.passed_over],
        **({"late": True} if outcome.late else {}),
    }


def _from_facts(facts: Mapping[str, Any]) -> LifeOutcome:
    changes = tuple(
        LifeChange(
            CertificateName.parse(one["name"]),
            LifeAction(one["action"]),
            None if one["reason"] is None else RevocationReason.from_text(one["reason"]),
            datetime.fromisoformat(one["since"]),
        )
        for one in facts["changes"]
    )
    passed_over = tuple(CertificateName.parse(name) for name in facts["passed_over"])
    return LifeOutcome(changes, passed_over, late=facts.get("late", False))

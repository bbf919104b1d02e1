"""What the ledger knows of the card at hand: whose it is, and which work on it was interrupted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from jpki.ca import Issued, Occasion
from jpki.store import Store, StoredCard, StoredJob, StoreReading
from jpki.terms import CertificateName, Role, day_in_japan

from .errors import CardExpired, CardFinished, CardOfAnother, CardUnfinished, CardUnknown

__all__ = ["Work", "begin_first", "begin_later", "end_work", "known_card", "note_issued"]

Allow = Callable[[], None]
"""Raises where the authority would refuse: asked before a new job begins, so that no hopeless one is left open."""


@dataclass(frozen=True, slots=True)
class Work:
    """One job on one card. `certificates`: what was issued in it so far and not revoked since; it goes on from these.

    `name` is how the authority knows the job: asked again under it, it gives the same certificates.
    """

    card: StoredCard
    number: int
    occasion: Occasion
    certificates: tuple[CertificateName, ...]

    @property
    def name(self) -> str:
        """Returns the name under which the authority knows the job."""
        return f"{self.card.serial.hex().upper()}/{self.number}"

    @property
    def roles(self) -> tuple[Role, ...]:
        """Returns the roles that have a certificate of this job."""
        return tuple(name.authority for name in self.certificates)

    def issued(self, role: Role) -> CertificateName | None:
        """Returns the certificate of a role that was issued in this job."""
        return next((name for name in self.certificates if name.authority is role), None)


class _Open(NamedTuple):
    """The work on a card that is not done, and what was issued in it and not revoked since."""

    job: StoredJob | None
    done: tuple[CertificateName, ...]

    @classmethod
    def of(cls, view: StoreReading, serial: bytes) -> _Open:
        job = view.open_job(serial)
        found = [view.certificate(name) for name in job.certificates] if job is not None else []
        return cls(job, tuple(one.name for one in found if one is not None and one.revocation is None))


def begin_first(store: Store, new: StoredCard, occasion: Occasion, at: datetime, *, sealed: bool, allow: Allow) -> Work:
    """Records that a blank card becomes somebody's, or takes up the interrupted work of doing so.

    A sealed card is taken only where that work has come so far. Raises CardUnknown, CardOfAnother, CardFinished, and
    CardUnfinished where another desk began work on it in the same moment.
    """
    with store.snapshot() as view:
        card, work = view.card(new.serial), _Open.of(view, new.serial)
    if card is not None:
        _refuse_stranger(card, new.holder)
        if card.delivered_at is not None or (sealed and not work.done):
            raise CardFinished(card=card.serial)
    elif sealed:
        raise CardUnknown(card=new.serial)
    if work.job is None:
        allow()
    return _begin(store, card or new, work, occasion, at)


def begin_later(store: Store, serial: bytes, holder: str, occasion: Occasion, at: datetime, *, allow: Allow) -> Work:
    """Records that a finished card gets new certificates, or takes up the interrupted work of giving it some.

    Raises CardUnknown, CardOfAnother, CardUnfinished, CardExpired.
    """
    card = known_card(store, serial)
    _refuse_stranger(card, holder)
    if day_in_japan(at) > card.expires_on:
        raise CardExpired(card=serial, expires_on=card.expires_on)
    with store.snapshot() as view:
        work = _Open.of(view, serial)
    if work.done and work.job is not None and work.job.occasion != occasion.value:
        raise CardUnfinished(card=serial)
    if work.job is None:
        allow()
    return _begin(store, card, work, occasion, at)


def known_card(store: Store, serial: bytes) -> StoredCard:
    """Returns a finished card of this ledger; raises CardUnknown, CardUnfinished."""
    with store.snapshot() as view:
        card = view.card(serial)
    if card is None:
        raise CardUnknown(card=serial)
    if card.delivered_at is None:
        raise CardUnfinished(card=serial)
    return card


def note_issued(store: Store, work: Work, issued: Issued) -> Work:
    """Records what was issued in a job, as far as that is not recorded yet, and returns the job with it."""
    new = [one.name for one in issued.certificates if one.name not in work.certificates]
    with store.transaction() as change:
        for name in new:
            change.note_issued(work.number, name)
    return Work(work.card, work.number, work.occasion, (*work.certificates, *new))


def end_work(store: Store, work: Work, at: datetime) -> None:
    """Records that a job is done."""
    with store.transaction() as change:
        change.end_job(work.number, at)


def _begin(store: Store, card: StoredCard, work: _Open, occasion: Occasion, at: datetime) -> Work:
    job, done = work
    with store.transaction() as change:
        # Another desk may have begun since the ledger was looked at: a card file can be copied.
        known = change.card(card.serial)
        if known is not None:
            _refuse_stranger(known, card.holder)
        if change.open_job(card.serial) != job:
            raise CardUnfinished(card=card.serial)
        if known is None:
            change.add_card(card)
        if job is None:
            job = change.begin_job(card.serial, occasion.value, at)
        elif not done and job.occasion != occasion.value:
            change.change_occasion(job.number, occasion.value)
        else:
            occasion = Occasion(job.occasion)
    return Work(card, job.number, occasion, done)


def _refuse_stranger(card: StoredCard, holder: str) -> None:
    if card.holder != holder:
        raise CardOfAnother(card=card.serial)

"""The end of a certificate before its time, and the confirmation that a new one is on its card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from jpki.formats import RevocationReason
from jpki.store import CertificateState, Store, StoredCertificate, StoredRevocation, StoreReading, StoreWriting, told
from jpki.terms import CertificateName

from .errors import (
    AlreadyRevoked,
    BadRevocation,
    CertificateExpired,
    HoldIsFinal,
    NoSuchCertificate,
    NotOnHold,
    SuccessorInUse,
)

__all__ = [
    "Release",
    "Revocation",
    "confirm",
    "end_replaced",
    "release",
    "replaced",
    "revocation_of",
    "revoke",
    "stored_certificate",
]

_LIVE = (CertificateState.VALID, CertificateState.HELD)


@dataclass(frozen=True, slots=True)
class Revocation:
    """That a certificate is revoked (or held): why, since when, and when the authority recorded it."""

    reason: RevocationReason
    revoked_at: datetime
    noted_at: datetime


@dataclass(frozen=True, slots=True)
class Release:
    """That a certificate was on hold since a moment, and that the hold has ended at another."""

    held_since: datetime
    released_at: datetime


def revocation_of(stored: StoredRevocation) -> Revocation:
    """Returns a revocation of the store in the words of this room."""
    return Revocation(RevocationReason(stored.reason), stored.revoked_at, stored.noted_at)


def stored_certificate(view: StoreReading, name: CertificateName) -> StoredCertificate:
    """Returns what the store knows of a certificate; raises NoSuchCertificate."""
    stored = view.certificate(name)
    if stored is None:
        raise NoSuchCertificate(number=str(name))
    return stored


def revoke(
    store: Store, name: CertificateName, reason: RevocationReason, at: datetime, revoked_at: datetime
) -> Revocation:
    """Records a revocation at the moment `at`, valid since `revoked_at`, and returns it.

    The same once more changes nothing and returns what was recorded. A hold can be followed by a revocation for good,
    which then counts since the hold; nothing else changes a revocation, and only a hold is taken back. Raises
    NoSuchCertificate, AlreadyRevoked (for another reason), CertificateExpired, BadRevocation (a moment in the future or
    before the certificate, or removeFromCRL).
    """
    if reason is RevocationReason.REMOVE_FROM_CRL:
        raise BadRevocation(name=name, problem="a reason that ends no certificate")
    at, revoked_at = at.replace(microsecond=0), revoked_at.replace(microsecond=0)
    with store.transaction() as change:
        stored = stored_certificate(change, name)
        present = stored.revocation
        state = stored.state_at(at)
        if present is not None and present.reason == reason:
            return revocation_of(present)
        if present is not None and state is not CertificateState.HELD:
            raise _already(stored, present)
        if state is CertificateState.EXPIRED:
            raise CertificateExpired(name=name, not_after=stored.not_after)
        if present is not None:
            ended = StoredRevocation(name, reason, present.revoked_at, at)
            entry = change.note("revoke", at, told(revoked=[ended]))
            change.end_hold(name, reason, at, entry)
            return Revocation(reason, present.revoked_at, at)
        if revoked_at > at:
            raise BadRevocation(name=name, problem="a moment in the future")
        if revoked_at < stored.not_before:
            raise BadRevocation(name=name, problem="a moment before the certificate")
        one = StoredRevocation(name, reason, revoked_at, at)
        change.add_revocations([(stored, one)], change.note("revoke", at, told(revoked=[one])))
        return Revocation(reason, revoked_at, at)


def release(store: Store, name: CertificateName, at: datetime, *, can_end: bool) -> Release:
    """Ends a hold at the moment `at`: the certificate is valid again. Returns what was recorded.

    Once more it raises NotOnHold, also where the first answer was lost (StoreGone): with a hold goes the moment since
    when it was, and nothing tells the same request from somebody else's.

    `can_end` is what the authority's settings say of certificates of this role. Raises NoSuchCertificate,
    AlreadyRevoked, CertificateExpired, NotOnHold, HoldIsFinal, SuccessorInUse: two of a role are not valid at once.
    """
    at = at.replace(microsecond=0)
    with store.transaction() as change:
        stored = stored_certificate(change, name)
        present = stored.revocation
        state = stored.state_at(at)
        if present is not None and state is CertificateState.REVOKED:
            raise _already(stored, present)
        if state is CertificateState.EXPIRED:
            raise CertificateExpired(name=name, not_after=stored.not_after)
        if present is None:
            raise NotOnHold(name=name)
        if not can_end:
            raise HoldIsFinal(name=name)
        successor = _successor_in_use(change, stored, at)
        if successor is not None:
            raise SuccessorInUse(name=name, successor=successor)
        entry = change.note("release", at, told(released=[name]))
        change.release(name, at, entry)
        return Release(present.revoked_at, at)


def confirm(store: Store, name: CertificateName, at: datetime) -> None:
    """Records that a certificate is on its card and works; the holder's earlier ones of its role are then superseded.

    One on hold stays on hold, and those before it that are on hold end, since their hold. Once more changes nothing.
    Raises NoSuchCertificate, AlreadyRevoked.
    """
    at = at.replace(microsecond=0)
    with store.transaction() as change:
        stored = stored_certificate(change, name)
        if stored.confirmed_at is not None:
            return
        if stored.revocation is not None and stored.state_at(at) is CertificateState.REVOKED:
            raise _already(stored, stored.revocation)
        change.confirm(name, at)
        superseded = [
            (old, replaced(old, RevocationReason.SUPERSEDED, at))
            for old in _of_role(change, stored)
            if old.ordinal < stored.ordinal and old.state_at(at) in _LIVE
        ]
        entry = change.note("confirm", at, told(confirmed=[name], revoked=[one for _, one in superseded]))
        end_replaced(change, superseded, entry)


def replaced(stored: StoredCertificate, reason: RevocationReason, at: datetime) -> StoredRevocation:
    """Returns the revocation of a certificate that is replaced: since its hold, where it is on hold."""
    present = stored.revocation
    return StoredRevocation(stored.name, reason, at if present is None else present.revoked_at, at)


def end_replaced(change: StoreWriting, ended: Sequence[tuple[StoredCertificate, StoredRevocation]], entry: int) -> None:
    """Ends certificates that are replaced, each with the revocation that `replaced` gave for it."""
    for stored, one in ended:
        if stored.revocation is not None:
            change.end_hold(stored.name, RevocationReason(one.reason), one.noted_at, entry)
    change.add_revocations([each for each in ended if each[0].revocation is None], entry)


def _of_role(view: StoreReading, stored: StoredCertificate) -> list[StoredCertificate]:
    """Returns the holder's certificates of the same role as one of them, in order of issue."""
    family = view.of_holders([stored.holder])[stored.holder]
    return [one for one in family if one.name.authority is stored.name.authority]


def _successor_in_use(view: StoreReading, stored: StoredCertificate, at: datetime) -> CertificateName | None:
    """Returns the later certificate of the role that is on its card, valid or on hold; None where there is none."""
    later = (one for one in _of_role(view, stored) if one.ordinal > stored.ordinal and one.confirmed_at is not None)
    return next((one.name for one in later if one.state_at(at) in _LIVE), None)


def _already(stored: StoredCertificate, present: StoredRevocation) -> AlreadyRevoked:
    return AlreadyRevoked(name=stored.name, reason=RevocationReason(present.reason), revoked_at=present.revoked_at)

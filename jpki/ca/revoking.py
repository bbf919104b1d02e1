"""The end of a certificate before its time, and the confirmation that a new one is on its card."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from jpki.formats import RevocationReason
from jpki.store import CertificateState, Store, StoredCertificate, StoredRevocation, StoreReading
from jpki.terms import CertificateName

from .errors import AlreadyRevoked, BadRevocation, CertificateExpired, NoSuchCertificate

__all__ = ["Revocation", "confirm", "revocation_of", "revoke", "stored_certificate"]


@dataclass(frozen=True, slots=True)
class Revocation:
    """That a certificate is revoked (or held): why, since when, and when the authority recorded it."""

    reason: RevocationReason
    revoked_at: datetime
    noted_at: datetime


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
    which then counts since the hold; nothing else changes a revocation, and nothing takes it back. Raises
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
            change.end_hold(name, reason, at)
            return Revocation(reason, present.revoked_at, at)
        if revoked_at > at:
            raise BadRevocation(name=name, problem="a moment in the future")
        if revoked_at < stored.not_before:
            raise BadRevocation(name=name, problem="a moment before the certificate")
        change.add_revocations([(stored, StoredRevocation(name, reason, revoked_at, at))])
        return Revocation(reason, revoked_at, at)


def confirm(store: Store, name: CertificateName, at: datetime) -> None:
    """Records that a certificate is on its card and works; the holder's earlier ones of its role are then superseded.

    Once more changes nothing. Raises NoSuchCertificate, AlreadyRevoked.
    """
    with store.transaction() as change:
        stored = stored_certificate(change, name)
        if stored.confirmed_at is not None:
            return
        if stored.revocation is not None:
            raise _already(stored, stored.revocation)
        change.confirm(name, at)
        family = change.of_holders([stored.holder])[stored.holder]
        change.add_revocations(
            (old, StoredRevocation(old.name, RevocationReason.SUPERSEDED, at, at))
            for old in family
            if old.name.authority is name.authority
            and old.ordinal < stored.ordinal
            and old.state_at(at) is CertificateState.VALID
        )


def _already(stored: StoredCertificate, present: StoredRevocation) -> AlreadyRevoked:
    return AlreadyRevoked(name=stored.name, reason=RevocationReason(present.reason), revoked_at=present.revoked_at)

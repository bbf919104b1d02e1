"""Revocation lists: one complete list for each authority."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from jpki.formats import (
    SHA256_WITH_RSA,
    AuthorityKeyId,
    Certificate,
    CertificateList,
    FormatError,
    IssuingDistributionPoint,
    RevocationReason,
    certificate_list_tbs,
    encode_revoked,
)
from jpki.store import PublishedList, Store, StoreConflict
from jpki.terms import Role

from .errors import ClockBehind, ListRefused
from .issuer import Issuer, authority_profile

__all__ = ["MadeList", "make_list", "signed_by"]

# A name in here would have to be the certificates' own distribution point, and that is their municipality's.
_SCOPE = IssuingDistributionPoint(only_user_certificates=True)


@dataclass(frozen=True, slots=True)
class MadeList:
    """A revocation list (DER) that was read back, verified and recorded."""

    role: Role
    number: int
    this_update: datetime
    next_update: datetime
    entries: int
    encoded: bytes = field(repr=False)


def make_list(store: Store, issuer: Issuer, at: datetime) -> MadeList:
    """Returns a new complete list of everything one authority revoked, dated `at`; its number is committed.

    The line of an expired certificate is left out once it stood in a list made after the expiry. Raises ClockBehind
    where a list of a later date was recorded, and ListRefused where what was made is not what it should be.
    """
    at = at.replace(microsecond=0)
    number, newest = _take_number(store, issuer, at)
    with store.snapshot() as view:
        since = newest.this_update if newest is not None else None
        published = newest.number if newest is not None else 0
        lines = [
            (line.number, line.revoked_at, RevocationReason(line.reason))
            for line in view.list_entries(issuer.name, not_after_from=since, published=published)
        ]
    next_update = at + timedelta(hours=authority_profile(issuer.role).next_update_hours)
    encoded = issuer.sign(
        certificate_list_tbs(
            issuer=issuer.certificate.subject,
            this_update=at,
            next_update=next_update,
            number=number,
            authority_key_id=_key_id(issuer.certificate),
            entries=encode_revoked(lines),
            issuing_distribution_point=_SCOPE,
        )
    )
    made = MadeList(issuer.role, number, at, next_update, len(lines), encoded)
    _read_back(made, issuer.certificate)
    _record(store, issuer, made)
    return made


def _take_number(store: Store, issuer: Issuer, at: datetime) -> tuple[int, PublishedList | None]:
    """Returns the number of the list to be made and the newest list before; the new lines are claimed for it."""
    with store.transaction() as change:
        newest = change.newest_list(issuer.role)
        if newest is not None and at < newest.this_update:
            raise ClockBehind(role=issuer.role, last=newest.this_update)
        number = change.take_list_number(issuer.role)
        change.claim_entries(issuer.name, number, published=newest.number if newest is not None else 0)
    return number, newest


def _record(store: Store, issuer: Issuer, made: MadeList) -> None:
    digest = hashlib.sha256(made.encoded).digest()
    record = PublishedList(
        made.role, made.number, issuer.name, made.this_update, made.next_update, made.entries, digest
    )
    try:
        with store.transaction() as change:
            change.add_list(record)
    except StoreConflict:
        raise ListRefused(role=made.role, problem="a list of a higher number was recorded meanwhile") from None


def _key_id(authority: Certificate) -> AuthorityKeyId:
    return AuthorityKeyId(authority.subject_key_id, authority.issuer, authority.serial)


def signed_by(found: CertificateList, authority: Certificate) -> bool:
    """Returns whether a list is signed by the key of an authority's certificate (RSA, sha256WithRSAEncryption)."""
    key = load_der_public_key(authority.public_key_info)
    if not isinstance(key, RSAPublicKey) or found.signature_algorithm != SHA256_WITH_RSA:
        return False
    try:
        key.verify(found.signature, found.tbs, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _read_back(made: MadeList, authority: Certificate) -> None:
    """Raises ListRefused unless a reader finds in the list what was meant, signed by the authority's key."""
    try:
        found = CertificateList.parse(made.encoded)
    except FormatError as error:
        raise ListRefused(role=made.role, problem=error.problem) from error
    if not signed_by(found, authority):
        raise ListRefused(role=made.role, problem="the signature does not verify")
    meant = (made.number, made.this_update, made.next_update, made.entries, authority.subject, _SCOPE, False)
    read = (
        found.number,
        found.this_update,
        found.next_update,
        len(found),
        found.issuer,
        found.issuing_distribution_point,
        found.is_delta,
    )
    if meant != read or found.authority_key_id != _key_id(authority):
        raise ListRefused(role=made.role, problem="it does not say what was meant")

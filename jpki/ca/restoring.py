"""What an older copy of the store takes over from the lists that were published since it was made."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from jpki.formats import Certificate, CertificateList, FormatError, RevocationReason, RevokedEntry
from jpki.store import PublishedList, Store, StoredAuthorityKey, StoredRevocation, StoreWriting
from jpki.terms import CertificateName

from .errors import ListRefused
from .lists import signed_by
from .settings import HIGHEST_NUMBER

__all__ = ["CaughtUp", "catch_up"]


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """What a store took over from a published list.

    `revoked` are the certificates that the store did not know to be revoked; `unknown` those of them that it does not
    know at all, because they were issued later than the copy was made.
    """

    list_number: int
    revoked: tuple[CertificateName, ...]
    unknown: tuple[CertificateName, ...]


def catch_up(store: Store, own: StoredAuthorityKey, encoded: bytes, at: datetime, last_number: int) -> CaughtUp:
    """Records every revocation of a published list that the store lacks, and goes on above all numbers seen.

    `last_number` is the highest serial number that this authority may have given meanwhile. Raises ListRefused for what
    is not a complete list of this authority, signed by its key.
    """
    published = _read(own, encoded)
    number = published.number or 0
    role = own.name.authority
    names: list[CertificateName] = []
    unknown: list[CertificateName] = []
    with store.transaction() as change:
        for entry in published:
            name = CertificateName(role, entry.serial)
            if _take_over(change, own, name, entry, at):
                names.append(name)
                if change.certificate(name) is None:
                    unknown.append(name)
        highest = max((entry.serial for entry in published), default=0)
        change.skip_numbers(role, next_number=max(highest, last_number) + 1, next_list=number + 1)
        newest = change.newest_list(role)
        if newest is None or newest.number < number:
            change.add_list(_record_of(published, own))
    return CaughtUp(number, tuple(names), tuple(unknown))


def _take_over(
    change: StoreWriting, own: StoredAuthorityKey, name: CertificateName, entry: RevokedEntry, at: datetime
) -> bool:
    """Records what a line says of a number, and returns whether that was new."""
    present = change.revocation(name)
    if present is not None and (present.reason == entry.reason or present.reason != RevocationReason.CERTIFICATE_HOLD):
        return False
    if present is not None:
        change.end_hold(name, entry.reason, at)
        return True
    stored = change.certificate(name)
    # Of a number without a certificate nobody knows the end: its line stays as long as the authority's own certificate.
    issuer, not_after = (stored.issuer, stored.not_after) if stored is not None else (own.name, own.not_after)
    one = StoredRevocation(name, entry.reason, entry.revoked_at, at)
    change.add_revocation(one, issuer=issuer, not_after=not_after)
    return True


def _record_of(published: CertificateList, own: StoredAuthorityKey) -> PublishedList:
    return PublishedList(
        own.name.authority,
        published.number or 0,
        own.name,
        published.this_update,
        published.next_update or published.this_update,
        len(published),
        hashlib.sha256(published.raw).digest(),
    )


def _read(own: StoredAuthorityKey, encoded: bytes) -> CertificateList:
    role = own.name.authority
    authority = Certificate.parse(own.encoded)
    try:
        found = CertificateList.parse(encoded)
    except FormatError as error:
        raise ListRefused(role=role, problem=error.problem) from error
    if found.issuer != authority.subject or found.is_delta or found.number is None:
        raise ListRefused(role=role, problem="not a complete list of this authority")
    if not signed_by(found, authority):
        raise ListRefused(role=role, problem="the signature does not verify")
    if any(not 0 < entry.serial <= HIGHEST_NUMBER for entry in found):
        raise ListRefused(role=role, problem="a number over four octets")
    return found

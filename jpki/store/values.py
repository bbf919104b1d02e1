"""What goes into the store and comes out of it: frozen values, with moments in UTC and certificates by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from jpki.terms import CertificateName, Role

__all__ = [
    "HOLD",
    "CertificateState",
    "Intent",
    "ListBlock",
    "NewCertificate",
    "PublishedList",
    "Scope",
    "StoredAuthorityKey",
    "StoredCertificate",
    "StoredEvent",
    "StoredPoint",
    "StoredResponder",
    "StoredRevocation",
    "code_of",
    "end_of",
    "fits",
    "id_of",
    "moment_of",
    "name_of",
    "role_of",
    "seconds_of",
]

_CODES = {Role.SIGNATURE: 1, Role.AUTHENTICATION: 2}
_ROLES = {code: role for role, code in _CODES.items()}
_NUMBER_BITS = 32
_HIGHEST_NUMBER = (1 << _NUMBER_BITS) - 1

HOLD = 6  # the reason code certificateHold (RFC 5280, 5.3.1), the only one that does not end a certificate


def code_of(role: Role) -> int:
    """Returns the small number that stands for an authority in the tables."""
    return _CODES[role]


def role_of(code: int) -> Role:
    """Returns the authority that a small number stands for."""
    return _ROLES[code]


def id_of(name: CertificateName) -> int:
    """Returns a certificate's name as one integer: the authority in the upper, the number in the lower 32 bits.

    ValueError for a number of more than four octets: cut short, it would name another certificate.
    """
    if not fits(name):
        raise ValueError("a number of more than four octets")
    return _CODES[name.authority] << _NUMBER_BITS | name.number


def fits(name: CertificateName) -> bool:
    """Returns whether a certificate of this name can be in a store: no other number was ever given."""
    return 0 <= name.number <= _HIGHEST_NUMBER


def end_of(name: CertificateName) -> int:
    """Returns the integer behind which the certificates stand that come after a name; no store need have that one."""
    return _CODES[name.authority] << _NUMBER_BITS | min(name.number, _HIGHEST_NUMBER)


def name_of(key: int) -> CertificateName:
    """Returns the certificate that an integer made by `id_of` names."""
    return CertificateName(_ROLES[key >> _NUMBER_BITS], key & 0xFFFFFFFF)


@lru_cache(maxsize=1024)
def seconds_of(moment: datetime) -> int:
    """Returns a moment (with time zone, else ValueError) as seconds since 1970 in UTC, cut to the second."""
    if moment.tzinfo is None:
        raise ValueError("a moment without time zone")
    return int(moment.timestamp())


def moment_of(seconds: int) -> datetime:
    """Returns the moment that is so many seconds after 1970, in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


class CertificateState(Enum):
    """What a certificate in the store is at a given moment."""

    VALID = "valid"
    HELD = "held"
    REVOKED = "revoked"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class StoredAuthorityKey:
    """One generation of an authority's key, with its self-signed certificate (DER).

    `place` is the address of the private key; None where it lies in the authority's own folder of sealed files.
    """

    name: CertificateName
    generation: int
    not_before: datetime
    not_after: datetime
    encoded: bytes = field(repr=False)
    place: str | None = None


@dataclass(frozen=True, slots=True)
class StoredPoint:
    """A distribution point: the municipality's code, and the directory name (DER) that stands in certificates."""

    id: int
    authority: Role
    municipality: str
    name: bytes = field(repr=False)


class Intent(NamedTuple):
    """A number taken for a certificate that is about to be signed: for whom, in which job, for which submission."""

    name: CertificateName
    holder: str
    job: str
    submission: bytes
    noted_at: datetime


class NewCertificate(NamedTuple):
    """A certificate to be kept. `ordinal` is its place among the holder's certificates of this authority, from 1."""

    name: CertificateName
    holder: str
    ordinal: int
    issuer: CertificateName
    municipality: str
    point: int
    not_before: datetime
    not_after: datetime
    key_hash: bytes
    submission: bytes
    counterpart: CertificateName | None
    encoded: bytes

    def __repr__(self) -> str:
        return f"NewCertificate({self.name})"  # and not what the certificate says of its holder


@dataclass(frozen=True, slots=True)
class StoredRevocation:
    """That a certificate was revoked: CRL reason code (RFC 5280, 5.3.1), since when, and when it was recorded."""

    name: CertificateName
    reason: int
    revoked_at: datetime
    noted_at: datetime


@dataclass(frozen=True, slots=True)
class StoredCertificate:
    """What the store knows of a certificate, its encoded form left out (`StoreReading.encoded`)."""

    name: CertificateName
    holder: str
    ordinal: int
    issuer: CertificateName
    municipality: str
    point: int
    not_before: datetime
    not_after: datetime
    key_hash: bytes
    submission: bytes
    counterpart: CertificateName | None
    confirmed_at: datetime | None
    revocation: StoredRevocation | None

    def state_at(self, at: datetime) -> CertificateState:
        """Returns what the certificate is at this moment, by what is known now."""
        held = self.revocation is not None and self.revocation.reason == HOLD
        if self.revocation is not None and not held:
            return CertificateState.REVOKED
        if at.replace(microsecond=0) > self.not_after:  # to the end of its last second, as a question to the store
            return CertificateState.EXPIRED
        return CertificateState.HELD if held else CertificateState.VALID


class Scope(NamedTuple):
    """What a revocation list covers: one key's certificates, all of them or those of one distribution point."""

    issuer: CertificateName
    point: int = 0


class ListBlock(NamedTuple):
    """Lines of a list, one behind the other: how many the database counted, and how many of them say removeFromCRL."""

    entries: int
    octets: bytes
    removals: int = 0


@dataclass(frozen=True, slots=True)
class PublishedList:
    """A revocation list that was made, signed, read back and recorded.

    `base` is the number of the list that a delta goes on from, 0 for a complete list; `urgent` says that it came out of
    turn; everything up to `revision` is in it; `size` counts the octets of its DER form, `digest` is their SHA-256.
    """

    scope: Scope
    number: int
    this_update: datetime
    next_update: datetime
    entries: int
    size: int
    digest: bytes
    revision: int
    base: int = 0
    urgent: bool = False

    @property
    def authority(self) -> Role:
        """Returns whose list it is."""
        return self.scope.issuer.authority


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """What was reported once. `digest` is of the report as it came; `outcome` is what became of it, as JSON."""

    id: str
    person: str
    kind: str
    occurred_at: datetime
    noted_at: datetime
    digest: bytes
    outcome: str


@dataclass(frozen=True, slots=True)
class StoredResponder:
    """The certificate (DER) of one who signs answers about the certificates that an authority's key signed."""

    name: CertificateName
    issuer: CertificateName
    not_before: datetime
    not_after: datetime
    encoded: bytes = field(repr=False)

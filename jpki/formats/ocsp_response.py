"""OCSP answers as read: what a responder says of certificates, and the errors it may say. Source: RFC 6960, 4.2."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, IntEnum
from typing import ClassVar, NamedTuple

from . import object_identifiers as oids
from .certificate import Certificate
from .der import ENUMERATED, OCTET_STRING, SEQUENCE, DerReader
from .extensions import Extended, Extension
from .names import Name
from .ocsp_cert_id import CertId
from .ocsp_extensions import (
    read_archive_cutoff,
    read_generalized_time,
    read_nonce,
    read_optional_extensions,
    unknown_critical,
)
from .revocation_reason import RevocationReason
from .signed import signature_algorithm_name

__all__ = [
    "CERT_GOOD",
    "CERT_UNKNOWN",
    "BasicOcspResponse",
    "CertState",
    "CertStatus",
    "OcspResponse",
    "OcspResponseStatus",
    "SingleResponse",
]

_WHAT = "OCSP response"
_MAX_OCTETS = 0xFFFF
_VERSION = 0xA0
_BY_NAME, _BY_KEY = 0xA1, 0xA2
_GOOD, _REVOKED, _UNKNOWN = 0x80, 0xA1, 0x82
_REASON = 0xA0
_NEXT_UPDATE = 0xA0
_EXTENSIONS = 0xA1
_EXPLICIT = 0xA0
_KEY_HASH_OCTETS = 20


class OcspResponseStatus(IntEnum):
    """Whether a responder answers, or why not. Source: RFC 6960, 4.2.1."""

    SUCCESSFUL = 0
    MALFORMED_REQUEST = 1
    INTERNAL_ERROR = 2
    TRY_LATER = 3
    SIG_REQUIRED = 5
    UNAUTHORIZED = 6


class CertState(Enum):
    """What a responder knows of a certificate. UNKNOWN: nothing, so neither that it was issued nor that it was not."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


class CertStatus(NamedTuple):
    """What a responder says of a certificate: since when and why it is revoked where it is, else nothing more.

    A reason that is not written is UNSPECIFIED.
    """

    state: CertState
    revoked_at: datetime | None = None
    reason: RevocationReason | None = None

    @classmethod
    def revoked(cls, at: datetime, reason: RevocationReason = RevocationReason.UNSPECIFIED) -> CertStatus:
        """Returns what is said of a revoked certificate."""
        return cls(CertState.REVOKED, at, reason)


CERT_GOOD = CertStatus(CertState.GOOD)
CERT_UNKNOWN = CertStatus(CertState.UNKNOWN)


@dataclass(frozen=True)
class SingleResponse(Extended):
    """What an answer says of one certificate, and from when until when that holds.

    `archive_cutoff` is since when the responder keeps what it knows (RFC 6960, 4.4.4), None where it does not say.
    """

    _what: ClassVar[str] = _WHAT

    raw: bytes = field(repr=False)
    cert_id: CertId
    status: CertStatus
    this_update: datetime
    next_update: datetime | None
    archive_cutoff: datetime | None
    extensions: tuple[Extension, ...]

    @classmethod
    def read(cls, reader: DerReader) -> SingleResponse:
        """Takes what is said of the next certificate from a reader; raises FormatError."""
        start = reader.at
        fields = reader.enter()
        cert_id = CertId.read(fields)
        status = _status(fields)
        this_update = read_generalized_time(fields)
        next_update = _explicit_time(fields.optional(_NEXT_UPDATE))
        extensions = read_optional_extensions(fields.optional(_EXTENSIONS))
        fields.finish()
        cutoff = read_archive_cutoff(extensions, _WHAT)
        raw = reader.raw[start : reader.at]
        return cls(raw, cert_id, status, this_update, next_update, cutoff, extensions)

    @property
    def unknown_critical_extensions(self) -> tuple[str, ...]:
        """Returns the critical extensions that nothing here reads: no verifier may rely on the rest then."""
        return unknown_critical(self.extensions, oids.OCSP_ARCHIVE_CUTOFF)


@dataclass(frozen=True)
class BasicOcspResponse(Extended):
    """What a responder signed: `tbs` is what is signed, `certificates` are those it sent along.

    Either `responder_name` or `responder_key_hash` (SHA-1) says who signed; the other one is None.
    """

    _what: ClassVar[str] = _WHAT

    raw: bytes = field(repr=False)
    tbs: bytes = field(repr=False)
    responder_name: Name | None
    responder_key_hash: bytes | None
    produced_at: datetime
    responses: tuple[SingleResponse, ...]
    nonce: bytes | None
    extensions: tuple[Extension, ...]
    signature_algorithm: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    certificates: tuple[Certificate, ...]

    @classmethod
    def parse(cls, raw: bytes) -> BasicOcspResponse:
        """Reads a DER basic response; raises FormatError. Its signature is not checked here."""
        frame = DerReader.whole(raw, _WHAT)
        tbs = frame.element(SEQUENCE)
        algorithm = frame.element(SEQUENCE)
        signature_algorithm_name(algorithm)
        signature = frame.octet_bits()
        certificates = _certificates(frame.optional(_EXPLICIT))
        frame.finish()
        fields = DerReader.whole(tbs, _WHAT)
        if fields.next_tag == _VERSION:
            raise fields.wrong("a version that is written out as 1, or unknown")
        name, key_hash = _responder(fields)
        produced_at = read_generalized_time(fields)
        responses = _responses(fields.enter())
        extensions = read_optional_extensions(fields.optional(_EXTENSIONS))
        fields.finish()
        nonce = read_nonce(extensions, _WHAT)
        return cls(
            raw,
            tbs,
            name,
            key_hash,
            produced_at,
            responses,
            nonce,
            extensions,
            algorithm,
            signature,
            certificates,
        )

    @property
    def unknown_critical_extensions(self) -> tuple[str, ...]:
        """Returns the critical extensions of the whole that nothing here reads: no verifier may rely on it then."""
        return unknown_critical(self.extensions, oids.OCSP_NONCE)

    def find(self, cert_id: CertId) -> SingleResponse | None:
        """Returns what is said of the certificate that was asked for in these octets, or None."""
        return next((one for one in self.responses if one.cert_id.raw == cert_id.raw), None)


@dataclass(frozen=True, slots=True)
class OcspResponse:
    """An answer as read. `basic` is None where the responder did not answer, and `status` says why."""

    raw: bytes = field(repr=False)
    status: OcspResponseStatus
    basic: BasicOcspResponse | None

    @classmethod
    def parse(cls, raw: bytes) -> OcspResponse:
        """Reads a DER answer of up to 65,535 octets; raises FormatError. Its signature is not checked here.

        Refused besides what is not DER: an answer of another kind than basic, one about no certificate, an error with
        an answer, success without one, and a certificate sent along that `Certificate.parse` refuses.
        """
        fields = DerReader.whole(raw[: _MAX_OCTETS + 1], _WHAT)
        status = _response_status(fields)
        explicit = fields.optional(_EXPLICIT)
        fields.finish()
        if (explicit is None) == (status is OcspResponseStatus.SUCCESSFUL):
            raise fields.wrong("an error with an answer, or success without one")
        return cls(raw, status, None if explicit is None else _basic(explicit))


def _response_status(fields: DerReader) -> OcspResponseStatus:
    try:
        return OcspResponseStatus(fields.integer(ENUMERATED))
    except ValueError:
        raise fields.wrong("a response status without a meaning") from None


def _basic(explicit: DerReader) -> BasicOcspResponse:
    fields = explicit.enter()
    explicit.finish()
    if fields.oid() != oids.OCSP_BASIC:
        raise fields.wrong("an answer of another kind than basic")
    basic = fields.value(OCTET_STRING)
    fields.finish()
    return BasicOcspResponse.parse(basic)


def _certificates(explicit: DerReader | None) -> tuple[Certificate, ...]:
    if explicit is None:
        return ()
    sent = explicit.enter()
    explicit.finish()
    found = []
    while sent.more:
        found.append(Certificate.parse(sent.element(SEQUENCE)))
    return tuple(found)


def _responder(fields: DerReader) -> tuple[Name | None, bytes | None]:
    if fields.next_tag == _BY_NAME:
        explicit = fields.enter(_BY_NAME)
        name = Name.read(explicit)
        explicit.finish()
        return name, None
    explicit = fields.enter(_BY_KEY)
    key_hash = explicit.value(OCTET_STRING)
    explicit.finish()
    if len(key_hash) != _KEY_HASH_OCTETS:
        raise fields.wrong("a hash of another length than its algorithm's")
    return None, key_hash


def _responses(reader: DerReader) -> tuple[SingleResponse, ...]:
    found = []
    while reader.more:
        found.append(SingleResponse.read(reader))
    if not found:
        raise reader.wrong("an answer about no certificate")
    return tuple(found)


def _status(fields: DerReader) -> CertStatus:
    revoked = fields.optional(_REVOKED)
    if revoked is None:
        status = {_GOOD: CERT_GOOD, _UNKNOWN: CERT_UNKNOWN}.get(fields.next_tag)
        if status is None:
            raise fields.wrong("a certificate status without a meaning")
        if fields.value(fields.next_tag):
            raise fields.wrong("a NULL that is not empty")
        return status
    at = read_generalized_time(revoked)
    explicit = revoked.optional(_REASON)
    revoked.finish()
    return CertStatus.revoked(at) if explicit is None else CertStatus.revoked(at, _reason(explicit))


def _reason(explicit: DerReader) -> RevocationReason:
    try:
        reason = RevocationReason(explicit.integer(ENUMERATED))
    except ValueError:
        raise explicit.wrong("a reason without a meaning") from None
    explicit.finish()
    return reason


def _explicit_time(explicit: DerReader | None) -> datetime | None:
    if explicit is None:
        return None
    moment = read_generalized_time(explicit)
    explicit.finish()
    return moment

"""OCSP answers from prepared parts: what all answers of a responder share is encoded once. Source: RFC 6960, 4.2."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from . import object_identifiers as oids
from .certificate import Certificate
from .der import ENUMERATED, OCTET_STRING, SEQUENCE, encode, encode_bits, encode_integer, encode_oid
from .errors import FormatError
from .ocsp_cert_id import CertId
from .ocsp_extensions import encode_archive_cutoff, encode_generalized_time, encode_nonce
from .ocsp_response import CertState, CertStatus, OcspResponseStatus
from .public_key import key_identifier
from .revocation_reason import RevocationReason
from .signed import SHA256_WITH_RSA

__all__ = [
    "OCSP_INTERNAL_ERROR",
    "OCSP_MALFORMED_REQUEST",
    "OCSP_TRY_LATER",
    "OCSP_UNAUTHORIZED",
    "OcspTemplate",
    "encode_single_response",
]

_WHAT = "OCSP response"
_BY_KEY = 0xA2
_BASIC = encode_oid(oids.OCSP_BASIC)
_SUCCESSFUL = encode_integer(OcspResponseStatus.SUCCESSFUL, ENUMERATED)
_PLAIN = {CertState.GOOD: encode(0x80), CertState.UNKNOWN: encode(0x82)}


def _error(status: OcspResponseStatus) -> bytes:
    return encode(SEQUENCE, encode_integer(status, ENUMERATED))


OCSP_MALFORMED_REQUEST = _error(OcspResponseStatus.MALFORMED_REQUEST)
"""The answer to what cannot be read as a request. Errors are not signed."""
OCSP_INTERNAL_ERROR = _error(OcspResponseStatus.INTERNAL_ERROR)
"""The answer of a responder that is not in order."""
OCSP_TRY_LATER = _error(OcspResponseStatus.TRY_LATER)
"""The answer of a responder that cannot answer for now."""
OCSP_UNAUTHORIZED = _error(OcspResponseStatus.UNAUTHORIZED)
"""The answer to a question that this responder cannot answer: the certificate of another authority or key."""


def encode_single_response(
    cert_id: CertId,
    status: CertStatus,
    this_update: datetime,
    next_update: datetime | None = None,
    archive_cutoff: datetime | None = None,
) -> bytes:
    """Returns what is said of one certificate, which is named as it was asked for.

    An unspecified reason is not written, as in lists. Raises FormatError for a revocation without a moment, and for the
    reason removeFromCRL, which only a delta list has.
    """
    written = _PLAIN.get(status.state) or _revoked(status)
    return encode(SEQUENCE, cert_id.raw, written, _period(this_update, next_update, archive_cutoff))


def _revoked(status: CertStatus) -> bytes:
    if status.revoked_at is None or status.reason is RevocationReason.REMOVE_FROM_CRL:
        raise FormatError(what=_WHAT, problem="a revocation without a moment, or by the reason removeFromCRL")
    return encode(0xA1, encode_generalized_time(status.revoked_at), _REASONS[status.reason])


_REASONS: dict[RevocationReason | None, bytes] = {None: b"", RevocationReason.UNSPECIFIED: b""}
_REASONS |= {reason: encode(0xA0, encode_integer(reason, ENUMERATED)) for reason in RevocationReason if reason}


@lru_cache(maxsize=1024)
def _period(this_update: datetime, next_update: datetime | None, archive_cutoff: datetime | None) -> bytes:
    """Returns what stands after the status; all answers of a round share it."""
    until = b"" if next_update is None else encode(0xA0, encode_generalized_time(next_update))
    more = b"" if archive_cutoff is None else encode(0xA1, encode(SEQUENCE, encode_archive_cutoff(archive_cutoff)))
    return encode_generalized_time(this_update) + until + more


@dataclass(frozen=True, slots=True)
class OcspTemplate:
    """The prepared parts of the answers of one responder: who it is, how it signs, the certificate it sends along."""

    _responder: bytes = field(repr=False)
    _algorithm: bytes = field(repr=False)
    _certificates: bytes = field(repr=False)

    @classmethod
    def prepare(cls, responder: Certificate, algorithm: bytes = SHA256_WITH_RSA) -> OcspTemplate:
        """Returns the template for a responder's certificate; `algorithm` is the identifier of its signatures."""
        key_hash = encode(_BY_KEY, encode(OCTET_STRING, key_identifier(responder.public_key_info)))
        return cls(key_hash, algorithm, encode(0xA0, encode(SEQUENCE, responder.raw)))

    def tbs(self, responses: Iterable[bytes], produced_at: datetime, nonce: bytes | None = None) -> bytes:
        """Returns an answer to be signed: what `encode_single_response` made, in the order of the questions.

        The nonce is the request's, None where it had none. Raises FormatError for a nonce out of bounds.
        """
        return encode(
            SEQUENCE,
            self._responder,
            encode_generalized_time(produced_at),
            encode(SEQUENCE, *responses),
            b"" if nonce is None else encode(0xA1, encode(SEQUENCE, encode_nonce(nonce, _WHAT))),
        )

    def response(self, tbs: bytes, signature: bytes) -> bytes:
        """Returns the whole answer: what was signed, its signature, and the responder's certificate."""
        basic = encode(SEQUENCE, tbs, self._algorithm, encode_bits(signature), self._certificates)
        return encode(SEQUENCE, _SUCCESSFUL, encode(0xA0, encode(SEQUENCE, _BASIC, encode(OCTET_STRING, basic))))

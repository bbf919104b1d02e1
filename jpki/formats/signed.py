"""What a certificate, a request and a revocation list have in common: signed octets, an algorithm, a signature."""

from __future__ import annotations

from typing import NamedTuple

from . import object_identifiers as oids
from .der import NULL, SEQUENCE, DerReader, encode, encode_bits, encode_oid

__all__ = ["SHA256_WITH_RSA", "Signed", "read_signature", "read_signed", "signature_algorithm_name", "signed"]

SHA256_WITH_RSA = encode(SEQUENCE, encode_oid(oids.SHA256_WITH_RSA_ENCRYPTION), encode(NULL))
"""The algorithm identifier of sha256WithRSAEncryption, with the NULL that RFC 8017, appendix A.2.4, asks for."""

_SIGNATURE_2048 = 256  # octets, of a key of 2048 bits
_BEFORE_2048 = SHA256_WITH_RSA + encode_bits(bytes(_SIGNATURE_2048))[:-_SIGNATURE_2048]


class Signed(NamedTuple):
    """The three parts: the octets that are signed, the algorithm identifier as written, and the signature's octets."""

    content: bytes
    algorithm: bytes
    signature: bytes


def read_signed(raw: bytes, what: str) -> Signed:
    """Reads the outer frame of a signed object; raises FormatError. The content is not looked at."""
    frame = DerReader.whole(raw, what)
    content = frame.element(SEQUENCE)
    return Signed(content, *read_signature(frame))


def read_signature(frame: DerReader) -> tuple[bytes, bytes]:
    """Takes algorithm identifier and signature, the last of a signed object, from its reader; raises FormatError."""
    algorithm = frame.element(SEQUENCE)
    if algorithm != SHA256_WITH_RSA:
        _check_algorithm(algorithm, frame.what)
    signature = frame.octet_bits()
    frame.finish()
    return algorithm, signature


def signed(content: bytes, signature: bytes, algorithm: bytes = SHA256_WITH_RSA) -> bytes:
    """Returns the signed object: content, algorithm identifier, and the signature as a bit string."""
    if algorithm == SHA256_WITH_RSA and len(signature) == _SIGNATURE_2048:
        return encode(SEQUENCE, content, _BEFORE_2048, signature)
    return encode(SEQUENCE, content, algorithm, encode_bits(signature))


def signature_algorithm_name(algorithm: bytes) -> str:
    """Returns `sha256WithRSAEncryption` for exactly that, else the object identifier; raises FormatError."""
    if algorithm == SHA256_WITH_RSA:
        return "sha256WithRSAEncryption"
    return _check_algorithm(algorithm, "algorithm identifier")


def _check_algorithm(algorithm: bytes, what: str) -> str:
    fields = DerReader.whole(algorithm, what)
    oid = fields.oid()
    if fields.more:
        fields.any()
    fields.finish()
    return oid

"""DigestInfo: what an RSA PKCS#1 v1.5 signature signs, and what the card takes to pad. Source: RFC 8017, 9.2."""

from __future__ import annotations

from .der import NULL, OCTET_STRING, SEQUENCE, encode, encode_oid
from .errors import FormatError

__all__ = ["digest_info"]

_HASHES = {
    "sha1": ("1.3.14.3.2.26", 20),
    "sha256": ("2.16.840.1.101.3.4.2.1", 32),
    "sha384": ("2.16.840.1.101.3.4.2.2", 48),
    "sha512": ("2.16.840.1.101.3.4.2.3", 64),
}


def digest_info(algorithm: str, digest: bytes) -> bytes:
    """Returns the DigestInfo of a digest; `algorithm` is `sha1`, `sha256`, `sha384` or `sha512`.

    Raises FormatError for another name, or a digest that is not of its length.
    """
    if algorithm not in _HASHES:
        raise FormatError(what="DigestInfo", problem=f"no hash {algorithm[:20]!r} here")
    oid, length = _HASHES[algorithm]
    if len(digest) != length:
        raise FormatError(what="DigestInfo", problem=f"{len(digest)} octets where {algorithm} has {length}")
    return encode(SEQUENCE, encode(SEQUENCE, encode_oid(oid), encode(NULL)), encode(OCTET_STRING, digest))

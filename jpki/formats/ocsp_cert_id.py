"""How OCSP names a certificate: hashes of its issuer's name and key, and its number. Source: RFC 6960, 4.1.1."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

from . import object_identifiers as oids
from .certificate import Certificate
from .der import NULL, OCTET_STRING, SEQUENCE, DerReader, encode, encode_integer, encode_oid
from .public_key import check_public_key_info

__all__ = ["CertId", "cert_id_issuer", "cert_id_issuers"]

_WHAT = "OCSP certificate identifier"
_MAX_SERIAL_BITS = 160  # 20 octets and a sign: more than RFC 5280 allows, but there are such certificates
_NULL = encode(NULL)


# These hashes name an issuer and protect nothing. SHA-1 is what nearly all clients send (RFC 5019, 2.1.1).
def _sha1(octets: bytes) -> Any:  # noqa: ANN401 - hashlib's type has no public name
    return hashlib.sha1(octets, usedforsecurity=False)


_HASHES: dict[str, tuple[Callable[[bytes], Any], int]] = {
    oids.SHA1: (_sha1, 20),
    oids.SHA256: (hashlib.sha256, 32),
}


class CertId(NamedTuple):
    """One certificate as a question names it: `raw` is all of it, which an answer echoes octet for octet.

    `issuer` is what stands before the number, as written: the hash algorithm, and the hashes of the issuer's name and
    key.
    """

    raw: bytes
    issuer: bytes
    serial: int

    @classmethod
    def of(cls, issuer: bytes, serial: int) -> CertId:
        """Returns the identifier of a certificate; `issuer` is one that `cert_id_issuer` made."""
        return cls(encode(SEQUENCE, issuer, encode_integer(serial)), issuer, serial)

    @classmethod
    def read(cls, reader: DerReader) -> CertId:
        """Takes the identifier that comes next from a reader; raises FormatError.

        An unknown hash algorithm is kept as it is written. Refused are hashes of another length than their algorithm's,
        and a number of over 20 octets.
        """
        start = reader.at
        fields = reader.enter()
        begin = fields.at
        algorithm, name_hash, key_hash = _issuer(fields)
        issuer = fields.raw[begin : fields.at]
        serial = fields.integer()
        fields.finish()
        _, length = _HASHES.get(algorithm, (None, None))
        if length is not None and (len(name_hash) != length or len(key_hash) != length):
            raise fields.wrong("a hash of another length than its algorithm's")
        if serial.bit_length() > _MAX_SERIAL_BITS:
            raise fields.wrong("a serial number of over 20 octets")
        return cls(reader.raw[start : reader.at], issuer, serial)

    @property
    def algorithm(self) -> str:
        """Returns the hash algorithm by object identifier."""
        return _issuer(DerReader(self.issuer, _WHAT))[0]

    @property
    def issuer_name_hash(self) -> bytes:
        """Returns the hash of the issuer's name."""
        return _issuer(DerReader(self.issuer, _WHAT))[1]

    @property
    def issuer_key_hash(self) -> bytes:
        """Returns the hash of the issuer's key."""
        return _issuer(DerReader(self.issuer, _WHAT))[2]


def _issuer(fields: DerReader) -> tuple[str, bytes, bytes]:
    identifier = fields.enter()
    algorithm = identifier.oid()
    if identifier.more and identifier.any() != _NULL and algorithm in _HASHES:
        raise fields.wrong("a hash algorithm with parameters")
    identifier.finish()
    return algorithm, fields.value(OCTET_STRING), fields.value(OCTET_STRING)


def cert_id_issuer(authority: Certificate, algorithm: str = oids.SHA1, *, null: bool = True) -> bytes:
    """Returns what stands before the number in the identifiers of all certificates that an authority's key signed.

    `algorithm` is SHA-1's object identifier or SHA-256's, written with the NULL that most clients write, or without.
    """
    make, _ = _HASHES[algorithm]
    return b"".join(
        (
            encode(SEQUENCE, encode_oid(algorithm), _NULL if null else b""),
            encode(OCTET_STRING, make(authority.subject.raw).digest()),
            encode(OCTET_STRING, make(check_public_key_info(authority.public_key_info)).digest()),
        )
    )


def cert_id_issuers(authority: Certificate) -> frozenset[bytes]:
    """Returns every way to write `CertId.issuer` for an authority's key: SHA-1 or SHA-256, with NULL or without."""
    return frozenset(cert_id_issuer(authority, algorithm, null=null) for algorithm in _HASHES for null in (True, False))

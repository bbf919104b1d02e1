"""Public keys as certificates and requests carry them (SubjectPublicKeyInfo)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from . import object_identifiers as oids
from .der import NULL, SEQUENCE, DerReader, encode, encode_bits, encode_integer, encode_oid

__all__ = ["RsaPublicKey", "check_public_key_info", "key_identifier", "rsa_public_key_info"]

_WHAT = "public key"
_RSA = encode(SEQUENCE, encode_oid(oids.RSA_ENCRYPTION), encode(NULL))
_BITS_2048 = bytes.fromhex("30820122") + _RSA + bytes.fromhex("0382010F00")
_BEFORE_2048 = _BITS_2048 + bytes.fromhex("3082010A0282010100")
_AFTER_2048 = bytes.fromhex("0203010001")
_OCTETS_2048 = 294


@dataclass(frozen=True, slots=True)
class RsaPublicKey:
    """An RSA public key: both numbers are positive; nothing else is judged here."""

    modulus: int
    exponent: int

    @classmethod
    def parse(cls, public_key_info: bytes) -> RsaPublicKey:
        """Reads SubjectPublicKeyInfo; raises FormatError for what is not DER, or not an RSA key of up to 8,192 bits."""
        fields = DerReader.whole(public_key_info, _WHAT)
        if fields.element(SEQUENCE) != _RSA:
            raise fields.wrong("a key that is not RSA")
        key = fields.octet_bits()
        fields.finish()
        return cls(*_numbers(key))

    @property
    def bits(self) -> int:
        """Returns the length of the modulus in bits."""
        return self.modulus.bit_length()

    def encode(self) -> bytes:
        """Returns SubjectPublicKeyInfo in DER."""
        return rsa_public_key_info(self.modulus, self.exponent)


def rsa_public_key_info(modulus: int, exponent: int) -> bytes:
    """Returns SubjectPublicKeyInfo of an RSA key in DER. Source: RFC 3279, 2.3.1."""
    numbers = encode(SEQUENCE, encode_integer(modulus), encode_integer(exponent))
    return encode(SEQUENCE, _RSA, encode_bits(numbers))


def key_identifier(public_key_info: bytes) -> bytes:
    """Returns the SHA-1 of the key's bits, 20 octets; raises FormatError. Source: RFC 5280, 4.2.1.2, method 1."""
    # It names a key and protects nothing: JPKI's certificates carry this hash.
    return hashlib.sha1(check_public_key_info(public_key_info), usedforsecurity=False).digest()


def check_public_key_info(public_key_info: bytes) -> bytes:
    """Returns the octets of the key in SubjectPublicKeyInfo of any algorithm; raises FormatError.

    The numbers of an RSA key are read too, so that what passes here is a key for `RsaPublicKey.parse`.
    """
    if (
        len(public_key_info) == _OCTETS_2048
        and public_key_info.startswith(_BEFORE_2048)
        and public_key_info.endswith(_AFTER_2048)
        and public_key_info[len(_BEFORE_2048)] & 0x80
    ):
        return public_key_info[len(_BITS_2048) :]  # as nearly all are: 2048 bits, 65537
    fields = DerReader.whole(public_key_info, _WHAT)
    identifier = fields.element(SEQUENCE)
    key = fields.octet_bits()
    fields.finish()
    if identifier == _RSA:
        _numbers(key)
    else:
        _check_identifier(DerReader.whole(identifier, _WHAT))
    return key


def _check_identifier(fields: DerReader) -> None:
    fields.oid()
    if fields.more:
        fields.any()
    fields.finish()


def _numbers(key: bytes) -> tuple[int, int]:
    fields = DerReader.whole(key, _WHAT)
    modulus, exponent = fields.integer(), fields.integer()
    fields.finish()
    if modulus <= 0 or exponent <= 0:
        raise fields.wrong("a number that is not positive")
    return modulus, exponent

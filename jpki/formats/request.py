"""Certification requests (PKCS#10): a public key, signed with its private key. Source: RFC 2986."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from .der import SEQUENCE, DerReader, check_nested, encode, encode_bits, encode_integer
from .names import Name
from .public_key import RsaPublicKey, check_public_key_info, rsa_public_key_info
from .signed import SHA256_WITH_RSA, read_signed, signed

__all__ = ["CertificateRequest", "certificate_request"]

_WHAT = "certificate request"
_MAX_OCTETS = 0xFFFF
_ATTRIBUTES = 0xA0
_NO_ATTRIBUTES = encode(_ATTRIBUTES)
_VERSION_1 = encode_integer(0)


@dataclass(frozen=True)
class CertificateRequest:
    """A request as read. `info` is what is signed; `attributes` are kept as written and mean nothing here."""

    raw: bytes
    info: bytes
    subject: Name
    public_key_info: bytes
    attributes: bytes
    signature_algorithm: bytes
    signature: bytes

    @classmethod
    def parse(cls, raw: bytes) -> CertificateRequest:
        """Reads a DER request of up to 65,535 octets; raises FormatError. Its signature is not checked here."""
        if _is_usual(raw):
            subject = Name.parse(raw[_USUAL_SUBJECT:-_AFTER_SUBJECT], _WHAT)
            key = raw[-_AFTER_SUBJECT:-_AFTER_KEY]
            return cls(raw, raw[4:-_AFTER_INFO], subject, key, _NO_ATTRIBUTES, SHA256_WITH_RSA, raw[-_SIGNATURE:])
        info, algorithm, signature = read_signed(raw[: _MAX_OCTETS + 1], _WHAT)
        fields = DerReader.whole(info, _WHAT)
        if fields.integer() != 0:
            raise fields.wrong("a version that is not 1")
        subject = Name.read(fields)
        public_key_info = fields.element(SEQUENCE)
        check_public_key_info(public_key_info)
        attributes = fields.element(_ATTRIBUTES)
        if attributes != _NO_ATTRIBUTES:
            check_nested(attributes, _WHAT)
        fields.finish()
        return cls(raw, info, subject, public_key_info, attributes, algorithm, signature)

    @cached_property
    def public_key(self) -> RsaPublicKey:
        """Returns the key; raises FormatError where it is not RSA."""
        return RsaPublicKey.parse(self.public_key_info)

    @property
    def modulus(self) -> int:
        """Returns the key's modulus; raises FormatError where it is not RSA."""
        return self.public_key.modulus

    @property
    def exponent(self) -> int:
        """Returns the key's public exponent; raises FormatError where it is not RSA."""
        return self.public_key.exponent


# The usual request, for an RSA key of 2048 bits with the exponent 65537 and without attributes, signed with that key:
# all of it is known but two lengths, the subject, the modulus and the signature. To compare is faster than to walk.
_SIGNATURE = 256
_USUAL_KEY = rsa_public_key_info(1 << 2047, 65537)
_KEY_HEAD, _KEY_TAIL = _USUAL_KEY[:33], _USUAL_KEY[-5:]
_INFO_TAIL = SHA256_WITH_RSA + encode_bits(bytes(_SIGNATURE))[:-_SIGNATURE]
_AFTER_INFO = len(_INFO_TAIL) + _SIGNATURE
_AFTER_KEY = len(_NO_ATTRIBUTES) + _AFTER_INFO
_AFTER_SUBJECT = len(_USUAL_KEY) + _AFTER_KEY
_USUAL_TAIL = _KEY_TAIL + _NO_ATTRIBUTES + _INFO_TAIL  # between modulus and signature
_USUAL_SUBJECT = 11  # octets: two sequences with lengths of two octets, and the version


def _is_usual(raw: bytes) -> bool:
    """Returns whether every octet of a request is as in the usual form, its subject apart."""
    length = len(raw)
    return (
        _USUAL_SUBJECT + _AFTER_SUBJECT < length <= _MAX_OCTETS
        and raw.startswith(b"\x30\x82%c%c\x30\x82" % divmod(length - 4, 256))
        and raw[6:_USUAL_SUBJECT] == (length - 8 - _AFTER_INFO).to_bytes(2, "big") + _VERSION_1
        and raw.endswith(_USUAL_TAIL, -_AFTER_KEY - len(_KEY_TAIL), -_SIGNATURE)
        and raw.startswith(_KEY_HEAD, length - _AFTER_SUBJECT)
        and raw[length - _AFTER_SUBJECT + len(_KEY_HEAD)] > 0x7F
    )


def certificate_request(subject: Name, public_key_info: bytes, sign: Callable[[bytes], bytes]) -> bytes:
    """Returns a request without attributes. `sign` gets what is to be signed and returns its signature by the new key.

    The signature is sha256WithRSAEncryption: RSA PKCS#1 v1.5 over SHA-256.
    """
    check_public_key_info(public_key_info)
    info = encode(SEQUENCE, _VERSION_1, subject.raw, public_key_info, _NO_ATTRIBUTES)
    return signed(info, sign(info))

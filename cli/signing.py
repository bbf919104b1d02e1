"""A signature by a key on the card, checked before it leaves the program."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jpki.terms import Role

from .files import read_file

if TYPE_CHECKING:
    from jpki.card import JpkiApplication
    from jpki.formats import Certificate

__all__ = ["Signed", "read_certificate_file", "signature_of"]

_LARGEST = 65_536


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature (RSA PKCS #1 v1.5, SHA-256) and the certificate that it verifies with."""

    signature: bytes
    certificate: Certificate


def signature_of(jpki: JpkiApplication, role: Role, digest: bytes, known: Certificate | None) -> Signed:
    """Returns the signature of a logged-in card over a SHA-256 digest.

    The certificate is read from the card unless the caller knows it. Raises KeyMismatch where the two do not fit: a
    known certificate may be one from before a renewal.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
    from cryptography.hazmat.primitives.hashes import SHA256

    from jpki.card import KeyMismatch
    from jpki.formats import digest_info

    certificate = jpki.read_certificate(role) if known is None else known
    signature = jpki.sign(role, digest_info("sha256", digest))
    numbers = certificate.public_key
    public_key = rsa.RSAPublicNumbers(numbers.exponent, numbers.modulus).public_key()
    try:
        public_key.verify(signature, digest, padding.PKCS1v15(), utils.Prehashed(SHA256()))
    except InvalidSignature:
        raise KeyMismatch(role=role) from None
    return Signed(signature, certificate)


def read_certificate_file(path: Path) -> Certificate:
    """Reads a certificate from a file, DER or PEM; raises FileUnreadable, FormatError."""
    from jpki.formats import Certificate, FormatError, from_pem

    data = read_file(path, largest=_LARGEST)
    if b"-----BEGIN" in data[:_LARGEST]:
        blocks = from_pem(data.decode("ascii", "replace"), "CERTIFICATE")
        if not blocks:
            raise FormatError(what="PEM", problem="no certificate")
        data = blocks[0]
    return Certificate.parse(data)

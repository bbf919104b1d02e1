"""A signature by a key on the card, checked before it leaves the program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jpki.terms import Role

if TYPE_CHECKING:
    from jpki.card import JpkiApplication
    from jpki.formats import Certificate

__all__ = ["Signed", "signature_of"]


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
    from cryptography.hazmat.primitives.asymmetric import padding, utils
    from cryptography.hazmat.primitives.hashes import SHA256

    from jpki.card import KeyMismatch, certified_key
    from jpki.formats import digest_info

    certificate = jpki.read_certificate(role) if known is None else known
    signature = jpki.sign(role, digest_info("sha256", digest))
    try:
        certified_key(certificate, role).verify(signature, digest, padding.PKCS1v15(), utils.Prehashed(SHA256()))
    except InvalidSignature:
        raise KeyMismatch(role=role) from None
    return Signed(signature, certificate)

"""RSA keys and signatures: the one algorithm that JPKI signs with, and nothing near it."""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from jpki.formats import FormatError, RsaPublicKey

from .checks import Problem
from .policies import MINIMUM_RSA_BITS, RSA_EXPONENT

__all__ = ["key_problem", "rsa_key", "signature_fits", "signature_fits_digest"]

_PADDING = padding.PKCS1v15()
_PREHASHED = utils.Prehashed(SHA256())


def rsa_key(public_key_info: bytes) -> rsa.RSAPublicKey | None:
    """Returns the RSA key of a SubjectPublicKeyInfo in DER, or None where it holds none that can be used.

    The key must be for rsaEncryption, with NULL: one for RSASSA-PSS alone is another algorithm's (RFC 4055, 1.2).
    """
    try:
        RsaPublicKey.parse(public_key_info)  # as the other library takes RSASSA-PSS keys for plain ones
        key = load_der_public_key(public_key_info)
    except (FormatError, ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, rsa.RSAPublicKey) else None


def key_problem(key: rsa.RSAPublicKey | None) -> Problem | None:
    """Returns why a key is refused: not RSA, under 2048 bits, or another exponent than 65537; None if it is not."""
    if key is None:
        return Problem.NOT_RSA
    if key.key_size < MINIMUM_RSA_BITS:
        return Problem.KEY_TOO_SHORT
    return None if key.public_numbers().e == RSA_EXPONENT else Problem.BAD_EXPONENT


def signature_fits(key: rsa.RSAPublicKey, signature: bytes, message: bytes) -> bool:
    """Returns whether this is the key's signature over `message`: RSASSA-PKCS1-v1_5, SHA-256. Source: RFC 8017, 8.2."""
    return signature_fits_digest(key, signature, hashlib.sha256(message).digest())


def signature_fits_digest(key: rsa.RSAPublicKey, signature: bytes, digest: bytes) -> bool:
    """Returns whether this is the key's signature over what has this SHA-256."""
    try:
        key.verify(signature, digest, _PADDING, _PREHASHED)
    except InvalidSignature:
        return False
    return True

"""A certificate as cards carry them, with another public key in it; its signature fits no more."""

from __future__ import annotations

from jpki.formats import Certificate

__all__ = ["with_public_key"]


def with_public_key(certificate: bytes, public_key_info: bytes) -> bytes:
    """Returns the certificate (DER, 260 bytes and more) with this SubjectPublicKeyInfo in the place of its own."""
    parsed = Certificate.parse(certificate)
    fields = parsed.tbs[4:].replace(parsed.public_key_info, public_key_info)
    return _sequence(_sequence(fields) + certificate[4 + len(parsed.tbs) :])


def _sequence(value: bytes) -> bytes:
    return b"\x30\x82" + len(value).to_bytes(2, "big") + value

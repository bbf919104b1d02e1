"""Where a card's RSA keys come from."""

from __future__ import annotations

from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import rsa

from .state import EXPONENT, MODULUS_BITS, RsaKey

__all__ = ["GeneratedKeys", "KeySource"]


class KeySource(Protocol):
    """Makes the key pairs that a card generates: 2048 bits, exponent 65,537."""

    def generate(self) -> RsaKey:
        """Returns a key that was not returned before."""
        ...


class GeneratedKeys:
    """Makes fresh keys with the system's generator. One takes 40 ms and more."""

    def generate(self) -> RsaKey:
        """Returns a key that nobody else has."""
        numbers = rsa.generate_private_key(EXPONENT, MODULUS_BITS).private_numbers()
        return RsaKey(p=numbers.p, q=numbers.q)

"""Whether an RSA public key is one that its holder should not have: too short, easily factored, or from a flawed maker.

All together takes some 10 µs for a good key. Nothing here proves a key good.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum
from functools import cache

__all__ = ["KeyWeakness", "weakness_of", "weaknesses_of"]

_BITS = 2048
_EXPONENT = 65537
_FERMAT_ROUNDS = 100
_SMALL_FACTORS_BELOW = 752


class KeyWeakness(Enum):
    """What is wrong with a public key."""

    ALGORITHM = "algorithm"  # not RSA
    LENGTH = "length"  # not 2048 bits
    EXPONENT = "exponent"  # not 65537
    SMALL_FACTOR = "small factor"
    CLOSE_PRIMES = "close primes"
    ROCA = "ROCA"  # made by the flawed library of CVE-2017-15361


def weakness_of(modulus: int, exponent: int) -> KeyWeakness | None:
    """Returns the first weakness found in an RSA public key, or None. Source: docs/authority.md, requests."""
    if modulus <= 0 or modulus.bit_length() != _BITS:
        return KeyWeakness.LENGTH
    return KeyWeakness.EXPONENT if exponent != _EXPONENT else weaknesses_of([modulus])[0]


def weaknesses_of(moduli: Sequence[int]) -> list[KeyWeakness | None]:
    """Returns the same for many keys at once, whose length and exponent are known to be right."""
    rests = [modulus % _SMALL_PRIMES for modulus in moduli]
    # One look for small factors in the product of all: hardly a key ever has one, and then each is looked at.
    product = 1
    for rest in rests:
        product = product * rest % _SMALL_PRIMES
    suspicious = math.gcd(product, _SMALL_PRIMES) != 1
    return [_weakness(modulus, rest, suspicious) for modulus, rest in zip(moduli, rests, strict=True)]


def _weakness(modulus: int, rest: int, suspicious: bool) -> KeyWeakness | None:
    """Returns the weakness of a key; `rest` is its modulus modulo the small primes."""
    if suspicious and math.gcd(rest, _SMALL_PRIMES) != 1:
        return KeyWeakness.SMALL_FACTOR
    if _has_roca_fingerprint(rest):
        return KeyWeakness.ROCA
    return KeyWeakness.CLOSE_PRIMES if _has_close_primes(modulus) else None


def _odd_primes_below(end: int) -> tuple[int, ...]:
    return tuple(n for n in range(3, end, 2) if all(n % factor for factor in range(3, math.isqrt(n) + 1, 2)))


# No factor smaller than 752: NIST SP 800-89, 5.3.3.
_SMALL_PRIMES = 2 * math.prod(_odd_primes_below(_SMALL_FACTORS_BELOW))


def _powers_as_bits(prime: int) -> int:
    """Returns a number whose bit r is set where r is a power of 65537 modulo a prime."""
    bits, power = 0, 1
    while not bits >> power & 1:
        bits |= 1 << power
        power = power * _EXPONENT % prime
    return bits


# The flawed library made primes k·M + (65537^a mod M), with M a product of the first primes: so its moduli are powers
# of 65537 modulo each of those, which one in some hundred million other moduli is.
# Source: Nemec, Sys, Svenda, Klinec, Matyas, "The Return of Coppersmith's Attack" (ACM CCS 2017), section 3.
_ROCA_PRIMES = _odd_primes_below(168)
_ROCA_MODULUS = math.prod(_ROCA_PRIMES)
# The primes that tell most come first: most moduli are cleared after one or two.
_ROCA_POWERS = sorted(
    ((prime, _powers_as_bits(prime)) for prime in _ROCA_PRIMES), key=lambda pair: pair[1].bit_count() / pair[0]
)


def _has_roca_fingerprint(number: int) -> bool:
    """Returns whether a modulus, or what is left of it modulo the small primes, is of the flawed library."""
    rest = number % _ROCA_MODULUS
    return all(powers >> rest % prime & 1 for prime, powers in _ROCA_POWERS)


def _has_close_primes(modulus: int) -> bool:
    """Returns whether Fermat's method factors a modulus within 100 rounds.

    It looks for a square among (a + i)² - n, a being the root of n rounded up. What is a square is one modulo every
    number too, so that a few patterns of bits, one bit a round, leave a round in a thousand to be looked at.
    """
    first = math.isqrt(modulus - 1) + 1  # the root, rounded up
    rounds = _ALL_ROUNDS
    modulus_rest, first_rest = modulus % _FILTER_PRODUCT, first % _FILTER_PRODUCT
    for filter_modulus in _FILTERS:
        pattern = _possible_squares(filter_modulus, modulus_rest % filter_modulus)
        rounds &= pattern >> (first_rest % filter_modulus)
        if not rounds:
            return False
    while rounds:
        lowest = rounds & -rounds
        rounds ^= lowest
        difference = (first + lowest.bit_length() - 1) ** 2 - modulus
        if math.isqrt(difference) ** 2 == difference:
            return True
    return False


_ALL_ROUNDS = (1 << _FERMAT_ROUNDS) - 1
_FILTERS = (64, 63, 65, 11, 17, 19, 23, 29, 31, 37, 41)  # without common factors; the first three pass least
_FILTER_PRODUCT = math.prod(_FILTERS)


@cache
def _squares(modulus: int) -> frozenset[int]:
    return frozenset(x * x % modulus for x in range(modulus))


@cache
def _possible_squares(modulus: int, rest: int) -> int:
    """Returns a number whose bit x is set where x² - rest is a square modulo `modulus`, for x up to a round's end."""
    squares = _squares(modulus)
    pattern = 0
    for x in range(modulus):
        if (x * x - rest) % modulus in squares:
            pattern |= 1 << x
    return pattern * sum(1 << start for start in range(0, modulus + _FERMAT_ROUNDS, modulus))

"""Which public keys are refused, and that all others pass."""

from __future__ import annotations

import math
import random
from itertools import combinations

import pytest
from prime_pool import primes

from jpki.ca import KeyWeakness, weakness_of
from jpki.ca.weak_keys import _ROCA_PRIMES, _has_close_primes, _has_roca_fingerprint, weaknesses_of

P, Q = primes()[:2]
CHOICE = random.Random(20261122)  # noqa: S311 - which numbers are tried is no secret


def is_prime(number: int) -> bool:
    """Miller and Rabin's test to forty bases."""
    if number < 4 or number % 2 == 0:
        return number in (2, 3)
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(40):
        x = pow(CHOICE.randrange(2, number - 1), odd, number)
        if x in (1, number - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % number
            if x == number - 1:
                break
        else:
            return False
    return True


def next_prime(number: int) -> int:
    number |= 1
    while math.gcd(number, math.prod(range(3, 200, 2))) != 1 or not is_prime(number):
        number += 2
    return number


def flawed_prime(bits: int) -> int:
    """A prime as the library of CVE-2017-15361 made them: k·M + (65537^a mod M), M the product of 126 primes."""
    first_primes = [n for n in range(2, 702) if all(n % d for d in range(2, math.isqrt(n) + 1))]
    assert len(first_primes) == 126
    m = math.prod(first_primes)
    while True:
        k = CHOICE.randrange(1 << (bits - 1), 1 << bits) // m
        candidate = k * m + pow(65537, CHOICE.randrange(1 << 60), m)
        if candidate >> (bits - 2) == 3 and is_prime(candidate):
            return candidate


def test_keys_of_the_pool_pass() -> None:
    assert {weakness_of(p * q, 65537) for p, q in list(combinations(primes(), 2))[:300]} == {None}


@pytest.mark.parametrize("modulus", [P, P * Q >> 1, P * Q << 1, 0, 1, P * Q * 3, -(P * Q)], ids=range(7))
def test_another_length_than_2048_bits_is_refused(modulus: int) -> None:
    assert weakness_of(modulus, 65537) is KeyWeakness.LENGTH


@pytest.mark.parametrize("exponent", [0, 1, 3, 17, 65535, 65539, 1 << 40])
def test_another_exponent_than_65537_is_refused(exponent: int) -> None:
    assert weakness_of(P * Q, exponent) is KeyWeakness.EXPONENT


@pytest.mark.parametrize("factor", [2, 3, 5, 167, 173, 743, 751])
def test_a_small_factor_is_refused(factor: int) -> None:
    other = ((1 << 2047) + CHOICE.getrandbits(2040)) // factor + 1
    assert weakness_of(factor * other, 65537) is KeyWeakness.SMALL_FACTOR


def test_every_prime_below_752_is_looked_for() -> None:
    small = [n for n in range(2, 760) if all(n % d for d in range(2, math.isqrt(n) + 1))]
    found = weaknesses_of([n * P * Q for n in small])
    assert [n for n, weakness in zip(small, found, strict=True) if weakness is KeyWeakness.SMALL_FACTOR] == [
        n for n in small if n < 752
    ]


def test_one_weak_key_among_many_is_the_only_one_refused() -> None:
    good = [p * q for p, q in list(combinations(primes(), 2))[:50]]
    for weak in (P * P, 751 * P * Q, 2 * P * Q):
        found = weaknesses_of([*good[:20], weak, *good[20:]])
        assert [place for place, weakness in enumerate(found) if weakness is not None] == [20]


def test_two_primes_next_to_each_other_are_refused() -> None:
    assert weakness_of(P * next_prime(P + 2), 65537) is KeyWeakness.CLOSE_PRIMES


def test_a_square_is_refused() -> None:
    assert weakness_of(P * P, 65537) is KeyWeakness.CLOSE_PRIMES


def fermat(number: int, rounds: int) -> bool:
    """The method as it is written in every book, with no filter."""
    root = math.isqrt(number)
    first = root + (root * root != number)
    return any(math.isqrt((first + i) ** 2 - number) ** 2 == (first + i) ** 2 - number for i in range(rounds))


def test_close_primes_are_those_that_a_hundred_rounds_of_fermat_factor() -> None:
    found = 0
    for _ in range(3000):
        number = CHOICE.randrange(1 << 40, 1 << 44) | 1
        other = number + 2 * CHOICE.randrange(0, 1 << CHOICE.randrange(20, 42))
        expected = fermat(number * other, 100)
        found += expected
        assert _has_close_primes(number * other) is expected, (number, other)
    assert 500 < found < 2500


def found_in_round(rounds: int) -> int:
    """A number that Fermat's method factors in this round and not before: (a - d)(a + d), a so far above the root."""
    a = (1 << 1023) + CHOICE.getrandbits(1000) * 2
    d = math.isqrt(2 * a * (rounds - 1))
    while not fermat(a * a - d * d, rounds) or fermat(a * a - d * d, rounds - 1):
        d += 1
    return a * a - d * d


@pytest.mark.parametrize(("rounds", "close"), [(1, True), (2, True), (50, True), (100, True), (101, False)])
def test_the_hundredth_round_counts_and_the_next_does_not(rounds: int, close: bool) -> None:
    assert _has_close_primes(found_in_round(rounds)) is close


def test_a_key_of_the_flawed_library_is_refused() -> None:
    assert weakness_of(flawed_prime(1024) * flawed_prime(1024), 65537) is KeyWeakness.ROCA


def test_the_fingerprint_is_membership_in_the_powers_of_65537_modulo_each_odd_prime_to_167() -> None:
    odd_primes = [n for n in range(3, 168, 2) if all(n % d for d in range(3, math.isqrt(n) + 1, 2))]
    assert len(odd_primes) == 38
    assert tuple(odd_primes) == _ROCA_PRIMES
    powers = {p: {pow(65537, a, p) for a in range(p)} for p in odd_primes}
    modulus = math.prod(odd_primes)
    good = pow(65537, 123456789, modulus)
    assert _has_roca_fingerprint(good + 5 * modulus)
    for p in odd_primes:
        # The same number with another rest modulo this one prime, outside of the powers where there is an outside.
        others = [r for r in range(p) if r not in powers[p]]
        for rest in others:
            step = modulus // p
            shifted = good + step * ((rest - good) * pow(step, -1, p) % p)
            assert shifted % p == rest
            assert not _has_roca_fingerprint(shifted)

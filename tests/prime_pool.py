"""RSA keys without the wait: any two of 100 primes are a key."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

from emulator import RsaKey

_PRIMES = Path(__file__).parent / "data" / "primes.txt"


def primes() -> tuple[int, ...]:
    """Returns the primes of `tests/data/primes.txt`."""
    lines = _PRIMES.read_text("ascii").splitlines()
    return tuple(int(line, 16) for line in lines if not line.startswith("#"))


class PrimePool:
    """A key source of 4,950 keys, none given twice; the same seed gives the same keys in the same order."""

    def __init__(self, seed: int = 0) -> None:
        pairs = list(itertools.combinations(primes(), 2))
        random.Random(seed).shuffle(pairs)  # noqa: S311 - which test key comes first is no secret
        self._pairs: Iterator[tuple[int, int]] = iter(pairs)

    def generate(self) -> RsaKey:
        """Returns the next key; StopIteration after the last."""
        p, q = next(self._pairs)
        return RsaKey(p=p, q=q)

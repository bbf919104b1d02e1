"""Values that all certificates of a hierarchy share: read once, and kept for the next one."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

__all__ = ["read_once"]

T = TypeVar("T")

# Twice what the longest of them takes. A stranger's certificate may hold thousands of names in one value, each of which
# takes twenty times its octets in memory: kept, they would add up to gigabytes.
_LONGEST = 512


def read_once(read: Callable[[bytes, str], T], most: int) -> Callable[[bytes, str], T]:
    """Returns the same reader, which keeps what it made of up to `most` short values, those used last."""
    kept = lru_cache(maxsize=most)(read)

    def reader(value: bytes, what: str) -> T:
        return kept(value, what) if len(value) <= _LONGEST else read(value, what)

    return reader

"""The octets of a list on its way: written once, read often, and never all in memory where they are many."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator

from jpki.formats import ListFrame

__all__ = ["ListOctets", "Spool"]

_IN_MEMORY = 1 << 20
_PIECE = 1 << 18
_PART = 1 << 20


class Spool:
    """Octets one behind the other: up to a megabyte in memory, more of them in a temporary file without a name."""

    __slots__ = ("_file", "length")

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - it lives as long as this does
        self.length = 0

    def add(self, octets: bytes) -> None:
        """Writes behind what is there; raises OSError, as the other functions do."""
        self._file.write(octets)
        self.length += len(octets)

    def pieces(self) -> Iterator[bytes]:
        """Yields all octets from the first on; nobody else may read or write meanwhile."""
        self._file.seek(0)
        while piece := self._file.read(_PIECE):
            yield piece


class ListOctets:
    """A signed list: its entries in a spool, and what stands around them."""

    __slots__ = ("_entries", "_frame", "_signature")

    def __init__(self, frame: ListFrame, entries: Spool, signature: bytes) -> None:
        self._frame = frame
        self._entries = entries
        self._signature = signature

    def pieces(self) -> Iterator[bytes]:
        """Yields the list as it was signed, in pieces of any length."""
        return self._frame.signed(self._entries.pieces(), self._signature)

    def parts(self) -> Iterator[bytes]:
        """Yields the list in parts of a megabyte, as the store keeps it."""
        return _cut(self.pieces())


def _cut(pieces: Iterable[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    octets = 0
    for piece in pieces:
        held.append(piece)
        octets += len(piece)
        if octets >= _PART:
            yield b"".join(held)
            held, octets = [], 0
    if held:
        yield b"".join(held)

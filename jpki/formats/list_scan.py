"""Revocation lists read as a stream: everything is checked, and nothing but what stands around the entries is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from .der import SEQUENCE, DerReader
from .errors import FormatError
from .extensions import Extension
from .list_fields import LIST_WHAT, ListFields, read_list_extensions, read_list_header
from .names import Name
from .rising_entries import RisingEntries
from .signed import read_signature

__all__ = ["ScannedList", "scan_certificate_list"]

_WINDOW = 1 << 18  # octets of the stream that are held
_LONGEST = 1 << 16  # octets of one entry, and of all that stands before the entries, and after them
_OPENING = 6  # octets of a tag and the longest length field that is read
_NO_LIMIT = 1 << 62


@dataclass(frozen=True, repr=False)
class ScannedList(ListFields):
    """What a list says without its entries; moments are in UTC.

    `entries` and `removals` count all entries and those with the reason removeFromCRL. `tbs_digest` is the SHA-256 of
    what is signed, `digest` of the whole list, `length` its octets. Of the critical extensions of entries that nothing
    here reads, `unknown_critical_entry_extensions` are the first 16.
    """

    version: int
    signature_algorithm: bytes
    issuer: Name
    this_update: datetime
    next_update: datetime | None
    extensions: tuple[Extension, ...]
    signature: bytes
    entries: int
    removals: int
    unknown_critical_entry_extensions: tuple[str, ...]
    tbs_digest: bytes
    digest: bytes
    length: int

    def __repr__(self) -> str:
        number = "" if self.number is None else f"number {self.number:X}, "
        return f"ScannedList({number}{self.entries} entries)"


def scan_certificate_list(chunks: Iterable[bytes]) -> ScannedList:
    """Returns what a list says that comes in chunks cut anywhere; raises FormatError. Its signature is not checked.

    Refused is what `CertificateList.parse` refuses, and besides: serial numbers that do not rise from each entry to the
    next; an entry, or what stands before or after the entries, of over 64 KiB. It holds less than a megabyte at a time,
    and the chunk at hand.
    """
    window = _Window(chunks)
    end = window.enter(SEQUENCE, _NO_LIMIT)
    window.digests.append(signed := hashlib.sha256())
    tbs_end = window.enter(SEQUENCE, end)
    fields = window.reader(tbs_end)
    header = read_list_header(fields)
    window.take(fields.at)
    entries = RisingEntries()
    if fields.next_tag == SEQUENCE:
        _scan_entries(entries, window, window.enter(SEQUENCE, tbs_end))
    fields = window.rest(tbs_end)
    extensions = read_list_extensions(fields, header.version)
    window.take(fields.end)
    window.digests.remove(signed)
    frame = window.rest(end)
    algorithm, signature = read_signature(frame)
    window.take(frame.end)
    window.reader(_NO_LIMIT).finish()
    if algorithm != header.algorithm:
        raise frame.wrong("two signature algorithms")
    found = ScannedList(
        *header,
        extensions,
        signature,
        entries.count,
        entries.removals,
        entries.unknown_critical_extensions,
        signed.digest(),
        window.digests[0].digest(),
        end,
    )
    found.check_fields(name_issuers=entries.name_issuers)
    return found


def _scan_entries(entries: RisingEntries, window: _Window, end: int) -> None:
    reader = window.reader(end)
    if not reader.more:
        raise reader.wrong("a list of entries without one")
    while reader.more:
        entries.take(reader)
        window.take(reader.at)
        reader = window.reader(end)


class _Window:
    """The octets of a stream that came and were not yet taken. Ends of things are offsets in the stream."""

    __slots__ = ("_at", "_ended", "_pieces", "_raw", "_start", "digests")

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._pieces = _pieces(chunks)
        self._ended = False
        self._raw = b""
        self._start = 0  # offset of the first octet of `_raw`
        self._at = 0
        self.digests = [hashlib.sha256()]  # of what was taken

    def take(self, to: int) -> None:
        """Moves to where a reader is."""
        octets = memoryview(self._raw)[self._at : to]
        for digest in self.digests:
            digest.update(octets)
        self._at = to

    def enter(self, tag: int, limit: int) -> int:
        """Takes the tag and the length of an element that ends by `limit`; returns where it does."""
        self._fill()
        opening = self._raw[self._at : self._at + _OPENING]
        here = self._start + self._at
        if len(opening) < _OPENING:
            raise FormatError(what=LIST_WHAT, problem="an element is missing or cut short")
        start, end = DerReader(opening, LIST_WHAT, 0, limit - here).skip(tag)
        self.take(self._at + start)
        return here + end

    def reader(self, end: int) -> DerReader:
        """Returns a reader of what comes next, up to an offset or for as long as the longest of all parts."""
        self._fill()
        # Of one length wherever the chunks were cut, so that they do not decide what is refused.
        return DerReader(self._raw, LIST_WHAT, self._at, min(len(self._raw), end - self._start, self._at + _LONGEST))

    def rest(self, end: int) -> DerReader:
        """Returns a reader of all up to an offset, which must be near."""
        reader = self.reader(end)
        if self._start + reader.end != end:
            raise reader.wrong("cut short, or a part of it is too long")
        return reader

    def _fill(self) -> None:
        pieces: list[bytes | memoryview] = [memoryview(self._raw)[self._at :]]
        length = len(pieces[0])
        if length >= _LONGEST or self._ended:
            return
        for piece in self._pieces:
            pieces.append(piece)
            length += len(piece)
            if length >= _WINDOW:
                break
        else:
            self._ended = True
        self._start += self._at
        self._raw, self._at = b"".join(pieces), 0


def _pieces(chunks: Iterable[bytes]) -> Iterator[memoryview]:
    """Yields the same octets in pieces no longer than the window."""
    for chunk in chunks:
        octets = memoryview(chunk)
        for at in range(0, len(octets), _WINDOW):
            yield octets[at : at + _WINDOW]

"""The entries of a list whose serial numbers rise, checked as they pass by: none of them is kept."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice, product
from operator import lt
from typing import NamedTuple

from .der import ENUMERATED, DerReader, encode_integer
from .entry_patterns import EXTENSIONS, MOMENTS
from .extensions import encode_extension
from .object_identifiers import REASON_CODE
from .revocation_reason import RevocationReason
from .revoked_entries import RevokedEntry, with_unknown_of

__all__ = ["RisingEntries"]

_MAX_SERIAL_OCTETS = 20
_REMOVED = encode_extension(REASON_CODE, encode_integer(RevocationReason.REMOVE_FROM_CRL, ENUMERATED))


class _Patterns(NamedTuple):
    """For entries with serial numbers of one length: a run of them, and then the number of each and what follows it.

    `run` alone judges. The others take apart what it has matched: the length that an entry states says all of its form.
    """

    run: re.Pattern[bytes]
    serials: re.Pattern[bytes]
    rests: re.Pattern[bytes]


@lru_cache(maxsize=_MAX_SERIAL_OCTETS)
def _patterns(octets: int) -> _Patterns:
    serial = rb"[\x00-\x7f]"
    if octets > 1:
        serial = rb"(?:[\x01-\x7f].|\x00[\x80-\xff]).{%d}" % (octets - 2)
    entries, rests = [], []
    for (moment, moment_pattern), (more, more_pattern) in product(MOMENTS.items(), EXTENSIONS.items()):
        length = re.escape(bytes((2 + octets + moment + more,)))
        entries.append(length + rb"\x02" + re.escape(bytes((octets,))) + serial + moment_pattern + more_pattern)
        rests.append(rb"(?<=%b.{%d}).{%d}" % (length, 2 + octets, moment + more))
    number, rest = rb"\x30.{3}(.{%d})" % octets, b"|".join(rests)
    return _Patterns(
        re.compile(rb"(?:\x30(?:" + b"|".join(entries) + rb"))*+", re.DOTALL),
        re.compile(number + rb"(?:" + rest + rb")", re.DOTALL),
        re.compile(rb"\x30.{%d}(" % (3 + octets) + rest + rb")", re.DOTALL),
    )


class RisingEntries:
    """Counts and checks entries, by the rules of `RevokedEntry.read`, and that each number is higher than the last.

    So no number is listed twice, and no index is needed to know it.
    """

    __slots__ = ("_last", "count", "name_issuers", "removals", "unknown_critical_extensions")

    def __init__(self) -> None:
        self._last: int | None = None
        self.count = 0
        self.removals = 0  # entries with the reason removeFromCRL
        self.name_issuers = False  # as entries of an indirect list do
        self.unknown_critical_extensions: tuple[str, ...] = ()

    def take(self, entries: DerReader) -> None:
        """Takes the next entry, and all whole ones like it that follow, from a reader; raises FormatError."""
        raw, at = entries.raw, entries.at
        octets = raw[at + 3] if at + 3 < entries.end else 0
        if 1 <= octets <= _MAX_SERIAL_OCTETS:
            patterns = _patterns(octets)
            run = patterns.run.match(raw, at, entries.end)
            if run and run.end() > at:
                self._take_run(entries, patterns, run.end())
                return
        self._take_odd(entries)

    def _take_run(self, entries: DerReader, patterns: _Patterns, end: int) -> None:
        raw, at = entries.raw, entries.at
        serials = patterns.serials.findall(raw, at, end)
        # Of one length and not negative: they rise where their octets do.
        rising = all(map(lt, serials, islice(serials, 1, None)))
        self._follow(entries, int.from_bytes(serials[0], "big"), int.from_bytes(serials[-1], "big"), rising)
        self.count += len(serials)
        if raw.find(_REMOVED, at, end) >= 0:
            self.removals += sum(_REMOVED in rest for rest in patterns.rests.findall(raw, at, end))
        entries.at = end

    def _take_odd(self, entries: DerReader) -> None:
        entry = RevokedEntry.read(entries)
        self._follow(entries, entry.serial, entry.serial, True)
        self.count += 1
        self.removals += entry.reason is RevocationReason.REMOVE_FROM_CRL
        self.name_issuers |= entry.certificate_issuer is not None
        self.unknown_critical_extensions = with_unknown_of(entry, self.unknown_critical_extensions)

    def _follow(self, entries: DerReader, first: int, last: int, rising: bool) -> None:
        """Goes on from the number taken last to a first and a last one, between which all rise or do not."""
        if not rising or (self._last is not None and first <= self._last):
            raise entries.wrong("serial numbers that do not rise")
        self._last = last

"""The entries of a revocation list: one as a value, a million as an index. Source: RFC 5280, 5.3."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate, starmap

from . import object_identifiers as oids
from .der import ENUMERATED, GENERALIZED_TIME, SEQUENCE, DerReader, encode, encode_integer, encode_time
from .entry_patterns import EXTENSIONS, MOMENTS
from .errors import FormatError
from .extensions import encode_extension, read_extensions
from .names import GeneralName, Name, read_general_names
from .revocation_reason import RevocationReason

__all__ = [
    "RevokedEntries",
    "RevokedEntry",
    "encode_revoked",
    "encode_revoked_line",
    "encode_revoked_lines",
    "with_unknown_of",
]

_WHAT = "certificate revocation list"
_KNOWN = frozenset((oids.REASON_CODE, oids.INVALIDITY_DATE, oids.CERTIFICATE_ISSUER))
_MAX_SERIAL = (1 << 159) - 1  # 20 octets
_MOST_NAMED = 16  # critical extensions that nothing reads: one is enough to refuse, and a hostile list has millions


@dataclass(frozen=True, slots=True)
class RevokedEntry:
    """One revoked certificate. A reason that is not written is UNSPECIFIED.

    `certificate_issuer` is the one that this entry itself names; in an indirect list it holds for those after it too.
    """

    serial: int
    revoked_at: datetime
    reason: RevocationReason = RevocationReason.UNSPECIFIED
    invalidity_date: datetime | None = None
    certificate_issuer: Name | None = None
    unknown_critical_extensions: tuple[str, ...] = ()

    @classmethod
    def read(cls, reader: DerReader) -> RevokedEntry:
        """Takes the entry that comes next from a reader; raises FormatError."""
        fields = reader.enter()
        serial = fields.integer()
        revoked_at = fields.time()
        if not fields.more:
            return cls(serial, revoked_at)
        extensions = read_extensions(fields.enter())
        fields.finish()
        found = {extension.oid: DerReader(extension.value, reader.what) for extension in extensions}
        unknown = tuple(item.oid for item in extensions if item.critical and item.oid not in _KNOWN)
        entry = cls(
            serial,
            revoked_at,
            _reason(found.get(oids.REASON_CODE)),
            _invalidity_date(found.get(oids.INVALIDITY_DATE)),
            _certificate_issuer(found.get(oids.CERTIFICATE_ISSUER)),
            unknown,
        )
        for oid in _KNOWN & found.keys():
            found[oid].finish()
        return entry

    def encode(self) -> bytes:
        """Returns the entry as it stands in a list; an unspecified reason is not written (RFC 5280, 5.3.1)."""
        extensions = b""
        if self.reason is not RevocationReason.UNSPECIFIED:
            extensions += encode_extension(oids.REASON_CODE, encode_integer(self.reason, ENUMERATED))
        if self.invalidity_date is not None:
            extensions += encode_extension(oids.INVALIDITY_DATE, _generalized(self.invalidity_date))
        if self.certificate_issuer is not None:
            names = encode(SEQUENCE, GeneralName.directory(self.certificate_issuer).raw)
            extensions += encode_extension(oids.CERTIFICATE_ISSUER, names, critical=True)
        return encode(
            SEQUENCE,
            encode_integer(self.serial),
            encode_time(self.revoked_at),
            encode(SEQUENCE, extensions) if extensions else b"",
        )


def with_unknown_of(entry: RevokedEntry, found: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the critical extensions found in a list so far with those of one more entry: the first 16, each once."""
    for oid in entry.unknown_critical_extensions:
        if len(found) < _MOST_NAMED and oid not in found:
            found += (oid,)
    return found


def _reason(value: DerReader | None) -> RevocationReason:
    if value is None:
        return RevocationReason.UNSPECIFIED
    try:
        return RevocationReason(value.integer(ENUMERATED))
    except ValueError:
        raise value.wrong("a reason without a meaning") from None


def _invalidity_date(value: DerReader | None) -> datetime | None:
    if value is None:
        return None
    if value.next_tag != GENERALIZED_TIME:
        raise value.wrong("an invalidity date that is not a GeneralizedTime")
    return value.time()


def _certificate_issuer(value: DerReader | None) -> Name | None:
    if value is None:
        return None
    names = read_general_names(value.enter())
    for general in names:
        if general.directory_name is not None:
            return general.directory_name
    raise value.wrong("a certificate issuer without a directory name")


def _generalized(moment: datetime) -> bytes:
    encoded = encode_time(moment)
    if encoded[0] == GENERALIZED_TIME:
        return encoded
    return encode(GENERALIZED_TIME, b"%d" % (moment.astimezone(UTC).year // 100), encoded[2:])


def _reason_extension(reason: RevocationReason) -> bytes:
    if reason is RevocationReason.UNSPECIFIED:
        return b""  # RFC 5280, 5.3.1: then the extension should be absent
    return encode(SEQUENCE, encode_extension(oids.REASON_CODE, encode_integer(reason, ENUMERATED)))


_REASON_TAILS = {reason.value: _reason_extension(reason) for reason in RevocationReason}


def encode_revoked_line(serial: int, moment: datetime, reason: RevocationReason) -> bytes:
    """Returns one entry: serial number (of up to 20 octets), moment of revocation, reason. About a microsecond each.

    What has an invalidity date is a `RevokedEntry(...).encode()`. Raises FormatError for a number below zero, or too
    long.
    """
    if not 0 <= serial <= _MAX_SERIAL:
        raise FormatError(what=_WHAT, problem="a serial number below zero or of over 20 octets")
    octets = (serial.bit_length() >> 3) + 1
    time = encode_time(moment)
    tail = _REASON_TAILS[reason]
    # Serial number, time and reason stay under 128 octets together: a length of one octet.
    head = bytes((0x30, 2 + octets + len(time) + len(tail), 0x02, octets))
    return head + serial.to_bytes(octets, "big") + time + tail


def encode_revoked_lines(serials: Iterable[int], moment: datetime, reason: RevocationReason) -> list[bytes]:
    """Returns one entry for each number, all of one moment and reason; the same as `encode_revoked_line`, and faster.

    Raises FormatError for a number below zero, or too long.
    """
    frames: dict[int, tuple[bytes, bytes]] = {}
    lines = []
    for serial in serials:
        octets = (serial.bit_length() >> 3) + 1
        frame = frames.get(octets)
        if frame is None or serial < 0:
            line = encode_revoked_line(serial, moment, reason)
            frame = frames[octets] = line[:4], line[4 + octets :]
        lines.append(frame[0] + serial.to_bytes(octets, "big") + frame[1])
    return lines


def encode_revoked(rows: Iterable[tuple[int, datetime, RevocationReason]]) -> bytes:
    """Returns entries one after the other, in the order of the rows, each as `encode_revoked_line` writes it."""
    return b"".join(starmap(encode_revoked_line, rows))


# One entry as nearly all are. Everything else goes the long way.
_PLAIN = re.compile(
    rb"(\x30[\x12-\x7f]\x02[\x01-\x14]((?!\x00[\x00-\x7f]|\xff[\x80-\xff]).{1,20}?)(?:"
    + b"|".join(MOMENTS.values())
    + rb")(?:"
    + b"|".join(EXTENSIONS[octets] for octets in (14, 28, 40))
    + rb")?)",
    re.DOTALL,
)
_CHUNK = 1 << 16
_LESS_TWO = bytes(max(0, number - 2) for number in range(256))


class RevokedEntries:
    """All entries of a list, checked and indexed by number; one is read into a value when it is asked for.

    Raises FormatError when made from what is not a sequence of entries, or has one number twice for one issuer.
    """

    __slots__ = ("_at", "_by_issuer", "_count", "_end", "_raw", "name_issuers", "unknown_critical_extensions")

    def __init__(self, entries: DerReader | None, issuer: bytes) -> None:
        """Takes a reader of the entries, if there are any, and the list's own issuer as a DER name."""
        self._raw = b"" if entries is None else entries.raw
        self._at = 0 if entries is None else entries.at
        self._end = 0 if entries is None else entries.end
        self._by_issuer: dict[bytes, dict[bytes, int]] = {issuer: {}}
        self._count = 0
        self.name_issuers = False  # as entries of an indirect list do
        self.unknown_critical_extensions: tuple[str, ...] = ()
        if entries is not None:
            self._index(entries, self._by_issuer[issuer])
            if self._count != sum(map(len, self._by_issuer.values())):
                raise entries.wrong("one serial number twice")

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[RevokedEntry]:
        reader = DerReader(self._raw, _WHAT, self._at, self._end)
        while reader.more:
            yield RevokedEntry.read(reader)

    def find(self, serial: int, issuer: bytes) -> RevokedEntry | None:
        """Returns the entry of a number and an issuer (a DER name), or None."""
        index = self._by_issuer.get(issuer, {})
        octets = (serial if serial >= 0 else ~serial).bit_length() // 8 + 1
        at = index.get(serial.to_bytes(octets, "big", signed=True))
        return None if at is None else RevokedEntry.read(DerReader(self._raw, _WHAT, at, self._end))

    def _index(self, entries: DerReader, index: dict[bytes, int]) -> None:
        while entries.more:
            if not self._take_plain(entries, index):
                index = self._take_each(entries, min(entries.at + _CHUNK, entries.end), index)

    def _take_plain(self, entries: DerReader, index: dict[bytes, int]) -> bool:
        """Takes a chunk of entries that all look like `_PLAIN`, without a step of Python for each."""
        raw, at = entries.raw, entries.at
        found = _PLAIN.findall(raw, at, min(at + _CHUNK, entries.end))
        if not found:
            return False
        wholes, serials = zip(*found, strict=True)
        joined = b"".join(wholes)
        lengths = bytes(map(len, wholes))
        if (
            not raw.startswith(joined, at)  # something between them was passed over
            or lengths.translate(_LESS_TWO) != bytes([whole[1] for whole in wholes])
            or bytes(map(len, serials)) != bytes([whole[3] for whole in wholes])
        ):
            return False
        index.update(zip(serials, accumulate(lengths, initial=at), strict=False))
        self._count += len(wholes)
        entries.at = at + len(joined)
        return True

    def _take_each(self, entries: DerReader, until: int, index: dict[bytes, int]) -> dict[bytes, int]:
        """Takes entries one by one up to an offset; returns the index that the next ones belong into."""
        raw = entries.raw
        while entries.at < until:
            at = entries.at
            match = _PLAIN.match(raw, at, entries.end)
            if match and match.end() - at == raw[at + 1] + 2 and len(match[2]) == raw[at + 3]:
                index[match[2]] = at
                entries.at = match.end()
            else:
                index = self._take_odd(entries, index)
            self._count += 1
        return index

    def _take_odd(self, entries: DerReader, index: dict[bytes, int]) -> dict[bytes, int]:
        at = entries.at
        entry = RevokedEntry.read(entries)
        if entry.certificate_issuer is not None:
            self.name_issuers = True
            index = self._by_issuer.setdefault(entry.certificate_issuer.raw, {})
        self.unknown_critical_extensions = with_unknown_of(entry, self.unknown_critical_extensions)
        index[encode_integer(entry.serial)[2:]] = at
        return index

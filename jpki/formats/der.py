"""DER, strictly: what ITU-T X.690, sections 10 and 11, allow and nothing else.

A `DerReader` walks over one value without recursion: definite and shortest lengths, shortest integers, booleans 00 or
FF, sets in order, no octets left over. Whatever else comes raises FormatError, in time proportional to what was read.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from .errors import FormatError
from .tlv import encode_length

__all__ = [
    "BIT_STRING",
    "BOOLEAN",
    "ENUMERATED",
    "GENERALIZED_TIME",
    "IA5_STRING",
    "INTEGER",
    "NULL",
    "OCTET_STRING",
    "OID",
    "PRINTABLE_STRING",
    "SEQUENCE",
    "SET",
    "UTC_TIME",
    "UTF8_STRING",
    "DerReader",
    "check_nested",
    "decode_text",
    "dotted",
    "encode",
    "encode_bits",
    "encode_integer",
    "encode_named_bits",
    "encode_oid",
    "encode_text",
    "encode_time",
    "is_text_tag",
]

BOOLEAN = 0x01
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
NULL = 0x05
OID = 0x06
ENUMERATED = 0x0A
UTF8_STRING = 0x0C
PRINTABLE_STRING = 0x13
IA5_STRING = 0x16
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18
SEQUENCE = 0x30
SET = 0x31

# Tags of one octet. Of the universal ones 0 and 15 mean nothing, and each is either primitive or constructed.
_CONSTRUCTED = frozenset((0x28, 0x2B, SEQUENCE, SET, 0x3D))
_PRIMITIVE = frozenset(range(1, 0x1F)) - {tag & 0x1F for tag in _CONSTRUCTED} - {0x0F}
_TAGS = _CONSTRUCTED | _PRIMITIVE | {tag for tag in range(0x40, 0x100) if tag & 0x1F != 0x1F}

_MAX_LENGTH_OCTETS = 4
_MAX_DEPTH = 32
_MAX_INTEGER_OCTETS = 1025  # 8,192 bits and a sign; a longer one is no number of ours
_MAX_OID_OCTETS = 64
_MAX_ARC_DIGITS = 39  # of a UUID as a number
_FIRST_GENERALIZED_YEAR = 2050
_FIRST_OLD_YEAR = b"50"  # a two-digit year up to 49 is 20xx (RFC 5280, 4.1.2.5.1)

_TWO_DIGITS = tuple(b"%02d" % number for number in range(100))
_PRINTABLE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?")
_CODECS = {
    UTF8_STRING: "utf-8",
    0x12: "ascii",  # NumericString
    PRINTABLE_STRING: "ascii",
    0x14: "latin-1",  # TeletexString, as everybody reads it
    IA5_STRING: "ascii",
    0x1A: "ascii",  # VisibleString
    0x1C: "utf-32-be",  # UniversalString
    0x1E: "utf-16-be",  # BMPString
}


class DerReader:
    """Reads the elements of one DER value in order. `what` names the thing in errors ("certificate", "OCSP request").

    Every method that takes an element raises FormatError where the next one is absent, of another tag, or not DER.
    """

    __slots__ = ("at", "end", "raw", "what")

    def __init__(self, raw: bytes, what: str, at: int = 0, end: int | None = None) -> None:
        self.raw = raw
        self.what = what
        self.at = at
        self.end = len(raw) if end is None else end

    @classmethod
    def whole(cls, raw: bytes, what: str, tag: int = SEQUENCE) -> DerReader:
        """Returns a reader of the content of the one element that `raw` is; octets after it are refused."""
        outer = cls(raw, what)
        inner = outer.enter(tag)
        outer.finish()
        return inner

    def wrong(self, problem: str) -> FormatError:
        """Returns the error that names what is being read, and the problem."""
        return FormatError(what=self.what, problem=problem)

    @property
    def more(self) -> bool:
        """Returns whether another element follows."""
        return self.at < self.end

    @property
    def next_tag(self) -> int:
        """Returns the tag octet of the next element, or -1 where there is none."""
        return self.raw[self.at] if self.at < self.end else -1

    def finish(self) -> None:
        """Raises FormatError where octets are left over."""
        if self.at != self.end:
            raise self.wrong("octets left over")

    def _open(self, tag: int) -> int:
        """Moves to the content of the next element, which must have this tag, and returns where the content ends."""
        raw, at, end = self.raw, self.at, self.end
        if at + 2 > end:
            raise self.wrong("an element is missing or cut short")
        if raw[at] != tag:
            raise self.wrong(f"tag {raw[at]:02X} where {tag:02X} is due")
        length = raw[at + 1]
        at += 2
        if length > 0x7F:
            count = length & 0x7F
            length = int.from_bytes(raw[at : at + count], "big")
            if not 1 <= count <= _MAX_LENGTH_OCTETS or at + count > end:
                raise self.wrong("an indefinite, oversized or incomplete length")
            if length < 0x80 or length >> (8 * (count - 1)) == 0:
                raise self.wrong("a length that is not the shortest")
            at += count
        if at + length > end:
            raise self.wrong("an element is cut short")
        self.at = at
        return at + length

    def enter(self, tag: int = SEQUENCE) -> DerReader:
        """Returns a reader of the next element's content, and moves behind it."""
        end = self._open(tag)
        inner = DerReader(self.raw, self.what, self.at, end)
        self.at = end
        return inner

    def skip(self, tag: int) -> tuple[int, int]:
        """Returns where the next element's content begins and ends, and moves behind it."""
        end = self._open(tag)
        start, self.at = self.at, end
        return start, end

    def value(self, tag: int) -> bytes:
        """Returns the content octets of the next element."""
        end = self._open(tag)
        content = self.raw[self.at : end]
        self.at = end
        return content

    def element(self, tag: int) -> bytes:
        """Returns the next element whole, with its tag and length. Its inside is not looked at."""
        start = self.at
        self.at = self._open(tag)
        return self.raw[start : self.at]

    def any(self) -> bytes:
        """Returns the next element whole, whatever its tag; its inside is checked as nested DER."""
        tag = self.next_tag
        if tag not in _TAGS:
            raise self.wrong("an element is missing, or of a tag that DER does not have")
        element = self.element(tag)
        if tag & 0x20:
            check_nested(element, self.what)
        return element

    def optional(self, tag: int) -> DerReader | None:
        """Returns a reader of the next element's content where it has this tag, else None, without moving."""
        return self.enter(tag) if self.next_tag == tag else None

    def integer(self, tag: int = INTEGER) -> int:
        """Returns the next integer (or enumerated value), which must be in its shortest form."""
        content = self.value(tag)
        if not content or len(content) > _MAX_INTEGER_OCTETS:
            raise self.wrong("an integer that is empty or too long")
        if len(content) > 1 and ((content[0] == 0 and content[1] < 0x80) or (content[0] == 0xFF and content[1] > 0x7F)):
            raise self.wrong("an integer that is not the shortest")
        return int.from_bytes(content, "big", signed=True)

    def boolean(self, tag: int = BOOLEAN) -> bool:
        """Returns the next boolean: 00 or FF."""
        content = self.value(tag)
        if content not in (b"\x00", b"\xff"):
            raise self.wrong("a boolean that is neither 00 nor FF")
        return content == b"\xff"

    def flag(self, tag: int = BOOLEAN) -> bool:
        """Returns True where a boolean that is false by default comes next, False where it is absent."""
        if self.next_tag != tag:
            return False
        if not self.boolean(tag):
            raise self.wrong("a default value that is written out")
        return True

    def oid(self) -> str:
        """Returns the next object identifier in dotted form."""
        content = self.value(OID)
        try:
            return dotted(content)
        except ValueError as error:
            raise self.wrong(str(error)) from None

    def null(self) -> None:
        """Takes a NULL."""
        if self.value(NULL):
            raise self.wrong("a NULL that is not empty")

    def octet_bits(self) -> bytes:
        """Returns the octets of the next bit string, which must fill whole octets."""
        content = self.value(BIT_STRING)
        if not content or content[0] != 0:
            raise self.wrong("a bit string that does not fill its octets")
        return content[1:]

    def named_bits(self, tag: int = BIT_STRING) -> frozenset[int]:
        """Returns the numbers of the bits set in a list of named bits, which ends with a set bit.

        Source: ITU-T X.690, 11.2.2.
        """
        content = self.value(tag)
        if not content or content[0] > 7 or (len(content) == 1 and content[0]):
            raise self.wrong("a bit string that is not one")
        if len(content) > 1 and content[-1] & -content[-1] != 1 << content[0]:
            raise self.wrong("a list of named bits that does not end with a set bit")
        if len(content) > 1 + _MAX_DEPTH:
            raise self.wrong("a list of named bits that is too long")
        octets = content[1:]
        return frozenset(bit for bit in range(len(octets) * 8) if octets[bit >> 3] & 0x80 >> (bit & 7))

    def time(self) -> datetime:
        """Returns the next UTCTime or GeneralizedTime, in UTC: whole seconds, `Z`. Source: RFC 5280, 4.1.2.5."""
        if self.next_tag == UTC_TIME:
            content = self.value(UTC_TIME)
            content = (b"20" if content < _FIRST_OLD_YEAR else b"19") + content
        else:
            content = self.value(GENERALIZED_TIME)
        if len(content) != 15 or content[14] != 0x5A or not content[:14].isdigit() or content[8:10] > b"23":
            raise self.wrong("a time that is not written to the second in UTC")
        try:
            return datetime.fromisoformat(f"{content[:8].decode()}T{content[8:14].decode()}Z")
        except ValueError:
            raise self.wrong("a time that does not exist") from None

    def text(self) -> str:
        """Returns the next character string, of any of the string types."""
        tag = self.next_tag
        if tag not in _CODECS:
            raise self.wrong("something that is not a character string")
        return decode_text(tag, self.value(tag), self.what)


@lru_cache(maxsize=1024)
def dotted(content: bytes) -> str:
    """Returns the dotted form of an object identifier's content octets; ValueError says what is wrong with them."""
    if not content or content[-1] & 0x80 or len(content) > _MAX_OID_OCTETS:
        raise ValueError("an object identifier that is empty, cut short or too long")
    arcs: list[int] = []
    arc = 0
    for octet in content:
        if octet == 0x80 and arc == 0:
            raise ValueError("an object identifier that is not the shortest")
        arc = arc << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def is_text_tag(tag: int) -> bool:
    """Returns whether a tag is that of a character string."""
    return tag in _CODECS


def decode_text(tag: int, content: bytes, what: str) -> str:
    """Returns the text of a character string; raises FormatError for octets that are not of its type."""
    if tag == PRINTABLE_STRING and not _PRINTABLE.issuperset(content):
        raise FormatError(what=what, problem="a PrintableString with other characters")
    try:
        return content.decode(_CODECS[tag])
    except UnicodeDecodeError:
        raise FormatError(what=what, problem="a character string in another encoding") from None


def check_nested(raw: bytes, what: str) -> None:
    """Raises FormatError unless `raw` is whole DER elements down to the last, at most 32 deep. It does not recurse.

    Only tags and lengths are judged; what primitive elements hold is not.
    """
    readers = [DerReader(raw, what)]
    while readers:
        reader = readers[-1]
        if not reader.more:
            readers.pop()
            continue
        tag = reader.next_tag
        if tag not in _TAGS:
            raise reader.wrong("a tag that DER does not have")
        inner = reader.enter(tag)
        if tag & 0x20:
            if len(readers) > _MAX_DEPTH:
                raise reader.wrong("nested too deep")
            readers.append(inner)


def encode(tag: int, *parts: bytes) -> bytes:
    """Returns one element: tag octet, shortest length, and the parts one after the other as its content."""
    content = b"".join(parts)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    if 0x100 <= length <= 0xFFFF:
        return bytes((tag, 0x82, length >> 8, length & 0xFF)) + content
    return bytes((tag,)) + encode_length(length) + content


def encode_integer(number: int, tag: int = INTEGER) -> bytes:
    """Returns an integer in its shortest form."""
    octets = (number if number >= 0 else ~number).bit_length() // 8 + 1
    return encode(tag, number.to_bytes(octets, "big", signed=True))


@lru_cache(maxsize=1024)
def encode_oid(dotted: str) -> bytes:
    """Returns an object identifier; raises FormatError for a text that is none."""
    arcs = [int(arc) for arc in dotted.split(".") if arc.isascii() and arc.isdigit() and len(arc) <= _MAX_ARC_DIGITS]
    if len(arcs) != dotted.count(".") + 1 or len(arcs) < 2 or arcs[0] > 2 or (arcs[0] < 2 and arcs[1] > 39):
        raise FormatError(what="object identifier", problem="not numbers with dots between")
    octets = bytearray()
    for arc in (arcs[0] * 40 + arcs[1], *arcs[2:]):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        octets += bytes(reversed(groups))
    return encode(OID, bytes(octets))


def encode_text(text: str, tag: int = UTF8_STRING) -> bytes:
    """Returns a character string; raises FormatError for text that its type cannot hold."""
    try:
        content = text.encode(_CODECS[tag])
    except UnicodeEncodeError:
        raise FormatError(what="character string", problem="a character that its type cannot hold") from None
    if tag == PRINTABLE_STRING and not _PRINTABLE.issuperset(content):
        raise FormatError(what="character string", problem="a PrintableString with other characters")
    length = len(content)
    return bytes((tag, length)) + content if length < 0x80 else encode(tag, content)


def encode_bits(octets: bytes) -> bytes:
    """Returns a bit string that fills whole octets: a key, a signature."""
    return encode(BIT_STRING, b"\x00", octets)


def encode_named_bits(bits: frozenset[int], tag: int = BIT_STRING) -> bytes:
    """Returns a list of named bits, which ends with the last bit set. Source: ITU-T X.690, 11.2.2."""
    if not bits:
        return encode(tag, b"\x00")
    last = max(bits)
    octets = bytearray(last // 8 + 1)
    for bit in bits:
        octets[bit >> 3] |= 0x80 >> (bit & 7)
    return encode(tag, bytes((7 - last % 8,)), bytes(octets))


def encode_time(moment: datetime) -> bytes:
    """Returns a moment, cut to the second, in UTC: UTCTime up to 2049, GeneralizedTime from 2050 on.

    `moment` must carry a time zone (ValueError otherwise). Source: RFC 5280, 4.1.2.5.
    """
    if moment.tzinfo is not UTC:
        if moment.tzinfo is None:
            raise ValueError("a moment without time zone")
        moment = moment.astimezone(UTC)
    two, year = _TWO_DIGITS, moment.year
    clock = two[moment.hour], two[moment.minute], two[moment.second]
    if 1950 <= year < _FIRST_GENERALIZED_YEAR:
        return b"".join((b"\x17\x0d", two[year % 100], two[moment.month], two[moment.day], *clock, b"Z"))
    century, year = divmod(year, 100)
    return b"".join((b"\x18\x0f", two[century], two[year], two[moment.month], two[moment.day], *clock, b"Z"))

"""BER-TLV data objects as smart cards use them: definite lengths, tags up to three octets (ISO/IEC 7816-4, 5.2.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .errors import FormatError

__all__ = ["Tlv", "encode_length", "find_tlv", "parse_tlvs", "tlv"]

_MAX_TAG_OCTETS = 3
_MAX_LENGTH_OCTETS = 4


@dataclass(frozen=True, slots=True)
class Tlv:
    """One data object. `tag` is its octets read as one number (0x7F49); `raw` is the object as it was read."""

    tag: int
    value: bytes
    raw: bytes

    @property
    def constructed(self) -> bool:
        """Returns whether the value holds data objects itself."""
        return bool(self.raw[0] & 0x20)

    @property
    def children(self) -> tuple[Tlv, ...]:
        """Returns the data objects inside; raises FormatError where the value does not hold whole ones."""
        return tuple(parse_tlvs(self.value))


def encode_length(length: int) -> bytes:
    """Returns the shortest definite length field for `length` octets."""
    if length < 0x80:
        return bytes((length,))
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(octets),)) + octets


def tlv(tag: int, value: bytes | Iterable[bytes]) -> bytes:
    """Returns one encoded data object; an iterable of encoded objects becomes the value of a constructed one."""
    body = value if isinstance(value, bytes) else b"".join(value)
    return tag.to_bytes((tag.bit_length() + 7) // 8 or 1, "big") + encode_length(len(body)) + body


def parse_tlvs(raw: bytes) -> Iterator[Tlv]:
    """Yields the data objects that fill `raw` whole; raises FormatError at the first that does not fit."""
    at = 0
    while at < len(raw):
        tag, body = _tag(raw, at)
        length, body = _length(raw, body)
        end = body + length
        if end > len(raw):
            raise FormatError(what="TLV", problem="a value is cut short")
        yield Tlv(tag, raw[body:end], raw[at:end])
        at = end


def find_tlv(raw: bytes, *path: int) -> bytes | None:
    """Returns the value of the first object on a path of tags, or None; raises FormatError for what is no TLV."""
    value = raw
    for tag in path:
        found = next((item.value for item in parse_tlvs(value) if item.tag == tag), None)
        if found is None:
            return None
        value = found
    return value


def _tag(raw: bytes, at: int) -> tuple[int, int]:
    end = at + 1
    if raw[at] & 0x1F == 0x1F:
        while True:
            if end >= len(raw):
                raise FormatError(what="TLV", problem="a tag is cut short")
            if end - at >= _MAX_TAG_OCTETS:
                raise FormatError(what="TLV", problem="a tag of more than three octets")
            end += 1
            if not raw[end - 1] & 0x80:
                break
    return int.from_bytes(raw[at:end], "big"), end


def _length(raw: bytes, at: int) -> tuple[int, int]:
    if at >= len(raw):
        raise FormatError(what="TLV", problem="a length is missing")
    first = raw[at]
    if first < 0x80:
        return first, at + 1
    count = first & 0x7F
    if not 1 <= count <= _MAX_LENGTH_OCTETS:
        raise FormatError(what="TLV", problem="an indefinite or oversized length")
    if at + 1 + count > len(raw):
        raise FormatError(what="TLV", problem="a length is cut short")
    return int.from_bytes(raw[at + 1 : at + 1 + count], "big"), at + 1 + count

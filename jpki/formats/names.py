"""X.501 names as certificates carry them, and the other kinds of general names beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from . import object_identifiers as oids
from .der import (
    OID,
    PRINTABLE_STRING,
    SEQUENCE,
    SET,
    UTF8_STRING,
    DerReader,
    check_nested,
    decode_text,
    dotted,
    encode,
    encode_oid,
    encode_text,
    is_text_tag,
)
from .shared_values import read_once

__all__ = ["GeneralName", "Name", "NameAttribute", "OtherName", "read_general_names"]

_WORDS = {oid: word for word, oid in oids.NAME_WORDS.items()}
_ESCAPED = frozenset(',+"\\<>;')

OTHER_NAME = 0xA0
EMAIL = 0x81
DNS_NAME = 0x82
DIRECTORY_NAME = 0xA4
URI = 0x86
IP_ADDRESS = 0x87
REGISTERED_ID = 0x88
_CONSTRUCTED = frozenset((OTHER_NAME, 0xA3, DIRECTORY_NAME, 0xA5))


class NameAttribute(NamedTuple):
    """One attribute of a name: its type in dotted form, the tag of its value, and its text.

    A value that is not a character string shows as `#` and the hexadecimal octets of the whole element (RFC 4514, 2.4).
    """

    oid: str
    tag: int
    text: str


@dataclass(frozen=True, slots=True)
class Name:
    """A distinguished name. Two names are equal where their octets are; `rdns` holds a tuple of attributes each."""

    raw: bytes
    rdns: tuple[tuple[NameAttribute, ...], ...] = field(compare=False)

    @classmethod
    def parse(cls, raw: bytes, what: str = "name") -> Name:
        """Reads a DER name; raises FormatError."""
        outer = DerReader(raw, what)
        name = cls.read(outer)
        outer.finish()
        return name

    @classmethod
    def read(cls, reader: DerReader) -> Name:
        """Takes the name that comes next from a reader; raises FormatError."""
        start = reader.at
        names = reader.enter()
        rdns = []
        while names.more:
            rdns.append(_usual_relative_name(names) or _relative_name(names.enter(SET)))
        return cls(reader.raw[start : reader.at], tuple(rdns))

    @classmethod
    def read_shared(cls, reader: DerReader) -> Name:
        """Takes the name that comes next from a reader, as `read` does, for one that many certificates have."""
        return _shared(reader.element(SEQUENCE), reader.what)

    @classmethod
    def of(cls, *attributes: tuple[str, str]) -> Name:
        """Returns the name made of these types (`CN`, `OU`, … or dotted) and texts, one relative name each.

        The country is a PrintableString and all else UTF8String, as Japan's public PKIs write it. Raises FormatError
        for a type without a meaning or a text its type cannot hold.
        """
        rdns = []
        encoded = []
        for word, text in attributes:
            oid = oids.NAME_WORDS.get(word, word)
            tag = PRINTABLE_STRING if oid == oids.COUNTRY else UTF8_STRING
            rdns.append((NameAttribute(oid, tag, text),))
            encoded.append(encode(SET, encode(SEQUENCE, encode_oid(oid), encode_text(text, tag))))
        return cls(encode(SEQUENCE, *encoded), tuple(rdns))

    @property
    def attributes(self) -> tuple[NameAttribute, ...]:
        """Returns all attributes in the order written, relative names run together."""
        return tuple(attribute for rdn in self.rdns for attribute in rdn)

    def texts(self, word: str) -> tuple[str, ...]:
        """Returns the texts of one attribute type (`OU`, or dotted) in the order written."""
        oid = oids.NAME_WORDS.get(word, word)
        return tuple(attribute.text for attribute in self.attributes if attribute.oid == oid)

    @property
    def common_name(self) -> str | None:
        """Returns the last common name, or None."""
        texts = self.texts("CN")
        return texts[-1] if texts else None

    def __str__(self) -> str:
        return ", ".join(
            "+".join(f"{_WORDS.get(oid, oid)}={_escape(tag, text)}" for oid, tag, text in rdn) for rdn in self.rdns
        )


def _escape(tag: int, text: str) -> str:
    if not is_text_tag(tag):
        return text
    escaped = "".join("\\" + letter if letter in _ESCAPED else letter for letter in text)
    return "\\" + escaped if escaped[:1] in ("#", " ") else escaped


_shared = read_once(Name.parse, 256)


def _usual_relative_name(names: DerReader) -> tuple[NameAttribute, ...] | None:
    """Takes one attribute in UTF8String under 128 octets, as nearly all are, or nothing: then the long way judges."""
    raw, at = names.raw, names.at
    if at + 8 > names.end:
        return None
    length, oid_length = raw[at + 1], raw[at + 5]
    end, text = at + 2 + length, at + 6 + oid_length
    if (
        length < 0x80
        and end <= names.end
        and text + 2 <= end
        and raw[at] == SET
        and raw[at + 2] == SEQUENCE
        and raw[at + 3] == length - 2
        and raw[at + 4] == OID
        and raw[text] == UTF8_STRING
        and text + 2 + raw[text + 1] == end
    ):
        try:
            attribute = NameAttribute(dotted(raw[at + 6 : text]), UTF8_STRING, raw[text + 2 : end].decode())
        except ValueError:
            return None
        names.at = end
        return (attribute,)
    return None


def _relative_name(reader: DerReader) -> tuple[NameAttribute, ...]:
    start = reader.at
    first = _attribute(reader)
    if not reader.more:
        return (first,)
    attributes = [first]
    written = [reader.raw[start : reader.at]]
    while reader.more:
        start = reader.at
        attributes.append(_attribute(reader))
        written.append(reader.raw[start : reader.at])
    if any(one >= other for one, other in pairwise(written)):
        raise reader.wrong("a set that is not in order")
    return tuple(attributes)


def _attribute(reader: DerReader) -> NameAttribute:
    pair = reader.enter()
    oid = pair.oid()
    tag = pair.next_tag
    text = decode_text(tag, pair.value(tag), pair.what) if is_text_tag(tag) else f"#{pair.any().hex()}"
    pair.finish()
    return NameAttribute(oid, tag, text)


@dataclass(frozen=True, slots=True)
class OtherName:
    """A name of a kind that an object identifier says. `text` is None where the value is not a UTF8String."""

    oid: str
    text: str | None = field(repr=False)
    raw: bytes = field(repr=False)

    @staticmethod
    def encode(oid: str, text: str) -> bytes:
        """Returns the general name: `[0]`, the identifier, `[0]` EXPLICIT UTF8String. Source: RFC 5280, 4.2.1.6."""
        value = encode_text(text)
        return _before_text(oid, len(value)) + value


@lru_cache(maxsize=4096)
def _before_text(oid: str, length: int) -> bytes:
    """Returns what stands in an other name before its text, which is the same for all texts of so many octets."""
    return encode(OTHER_NAME, encode_oid(oid), encode(0xA0, bytes(length)))[:-length]


@dataclass(frozen=True, slots=True)
class GeneralName:
    """One of the kinds of names of RFC 5280, 4.2.1.6. `tag` says which; `raw` is the element as written."""

    tag: int
    raw: bytes = field(repr=False)
    directory_name: Name | None = None
    other_name: OtherName | None = None
    text: str | None = None  # of an e-mail address, a DNS name or a URI

    @classmethod
    def read(cls, reader: DerReader) -> GeneralName:
        """Takes the general name that comes next from a reader; raises FormatError."""
        tag = reader.next_tag
        if not 0x80 <= tag & ~0x20 <= REGISTERED_ID or bool(tag & 0x20) != (tag in _CONSTRUCTED):
            raise reader.wrong("a general name of no known kind")
        start = reader.at
        content = reader.enter(tag)
        raw = reader.raw[start : reader.at]
        if tag == DIRECTORY_NAME:
            name = Name.read(content)
            content.finish()
            return cls(tag, raw, directory_name=name)
        if tag == OTHER_NAME:
            return cls(tag, raw, other_name=_other_name(content, raw))
        octets = content.raw[content.at : content.end]
        if tag in (EMAIL, DNS_NAME, URI):
            return cls(tag, raw, text=decode_text(0x16, octets, reader.what))
        if tag == REGISTERED_ID:
            DerReader(encode(OID, octets), reader.what).oid()
        elif tag in _CONSTRUCTED:
            check_nested(octets, reader.what)
        elif len(octets) not in (4, 8, 16, 32):
            raise reader.wrong("an IP address of impossible length")
        return cls(tag, raw)

    @classmethod
    def directory(cls, name: Name) -> GeneralName:
        """Returns a directory name."""
        return cls(DIRECTORY_NAME, encode(DIRECTORY_NAME, name.raw), directory_name=name)

    @classmethod
    def uri(cls, text: str) -> GeneralName:
        """Returns a URI; raises FormatError where it is not ASCII."""
        return cls(URI, _implicit_text(URI, text), text=text)

    @property
    def uri_text(self) -> str | None:
        """Returns the URI where this is one, else None."""
        return self.text if self.tag == URI else None


def _implicit_text(tag: int, text: str) -> bytes:
    return bytes((tag,)) + encode_text(text, 0x16)[1:]


def _other_name(content: DerReader, raw: bytes) -> OtherName:
    oid = content.oid()
    value = content.enter(0xA0)
    content.finish()
    if value.next_tag == UTF8_STRING:
        text = value.text()
    else:
        text = None
        value.any()
    value.finish()
    return OtherName(oid, text, raw)


def read_general_names(reader: DerReader) -> tuple[GeneralName, ...]:
    """Takes all general names up to the reader's end; raises FormatError where there is none."""
    names = []
    while reader.more:
        names.append(GeneralName.read(reader))
    if not names:
        raise reader.wrong("a list of general names without one")
    return tuple(names)

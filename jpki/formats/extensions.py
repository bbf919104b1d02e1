"""The extensions of certificates and revocation lists that this toolkit knows: read, and written. Source: RFC 5280."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, TypeVar

from . import object_identifiers as oids
from .der import (
    BOOLEAN,
    INTEGER,
    OCTET_STRING,
    SEQUENCE,
    DerReader,
    encode,
    encode_integer,
    encode_named_bits,
    encode_oid,
    encode_text,
)
from .names import GeneralName, Name, read_general_names

__all__ = [
    "KEY_USAGES",
    "AuthorityKeyId",
    "BasicConstraints",
    "Extended",
    "Extension",
]

KEY_USAGES = (
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
)
T = TypeVar("T")

_TRUE = encode(BOOLEAN, b"\xff")


class Extension(NamedTuple):
    """One extension: type in dotted form, whether it is critical, the octets of its value, and all as written."""

    oid: str
    critical: bool
    value: bytes
    raw: bytes

    def __repr__(self) -> str:
        # The alternative name of a signature certificate holds its holder's attributes.
        return f"Extension({self.oid}{', critical' if self.critical else ''}, {len(self.value)} octets)"


class Extended:
    """What a certificate and a revocation list have in common: extensions, each found by its type.

    `_what` names the thing in errors.
    """

    __slots__ = ()

    _what: ClassVar[str]
    extensions: tuple[Extension, ...]

    def extension(self, oid: str) -> Extension | None:
        """Returns the extension of this type, or None."""
        for extension in self.extensions:
            if extension.oid == oid:
                return extension
        return None

    def _read(self, oid: str, read: Callable[[bytes, str], T]) -> T | None:
        extension = self.extension(oid)
        return None if extension is None else read(extension.value, self._what)


def read_extensions(extensions: DerReader) -> tuple[Extension, ...]:
    """Takes all extensions up to the reader's end; raises FormatError for none, or for one type twice."""
    raw = extensions.raw
    found: dict[str, Extension] = {}
    fields = DerReader(raw, extensions.what)
    while extensions.more:
        start = extensions.at
        fields.at, fields.end = extensions.skip(SEQUENCE)
        oid = fields.oid()
        critical = fields.flag()
        at = fields.at
        if at + 2 <= fields.end < at + 0x82 and raw[at] == OCTET_STRING and at + 2 + raw[at + 1] == fields.end:
            value = raw[at + 2 : fields.end]
        else:
            value = fields.value(OCTET_STRING)
            fields.finish()
        if oid in found:
            raise extensions.wrong(f"extension {oid} twice")
        found[oid] = Extension(oid, critical, value, raw[start : extensions.at])
    if not found:
        raise extensions.wrong("a list of extensions without one")
    return tuple(found.values())


def encode_extension(oid: str, value: bytes, *, critical: bool = False) -> bytes:
    """Returns one extension around an encoded value."""
    return encode(SEQUENCE, encode_oid(oid), _TRUE if critical else b"", encode(OCTET_STRING, value))


def read_key_usage(value: bytes, what: str) -> frozenset[str]:
    """Returns the usages set, as RFC 5280, 4.2.1.3, names them; raises FormatError."""
    reader = DerReader(value, what)
    bits = reader.named_bits()
    reader.finish()
    if any(bit >= len(KEY_USAGES) for bit in bits):
        raise reader.wrong("a key usage without a name")
    return frozenset(KEY_USAGES[bit] for bit in bits)


def encode_key_usage(usages: frozenset[str]) -> bytes:
    """Returns the value of keyUsage."""
    return encode_named_bits(frozenset(KEY_USAGES.index(usage) for usage in usages))


def read_oids(value: bytes, what: str) -> tuple[str, ...]:
    """Returns the object identifiers of extKeyUsage; raises FormatError."""
    reader = DerReader.whole(value, what)
    found = []
    while reader.more:
        found.append(reader.oid())
    if not found:
        raise reader.wrong("a list of purposes without one")
    return tuple(found)


class Policy(NamedTuple):
    """A certificate policy, and the addresses of the practice statements named with it."""

    oid: str
    cps_urls: tuple[str, ...]


def read_policies(value: bytes, what: str) -> tuple[Policy, ...]:
    """Returns the policies of certificatePolicies; raises FormatError, also for one policy twice."""
    reader = DerReader.whole(value, what)
    found: dict[str, Policy] = {}
    while reader.more:
        fields = reader.enter()
        oid = fields.oid()
        if oid in found:
            raise reader.wrong(f"policy {oid} twice")
        found[oid] = Policy(oid, _cps_urls(fields.enter()) if fields.more else ())
        fields.finish()
    if not found:
        raise reader.wrong("a list of policies without one")
    return tuple(found.values())


def _cps_urls(qualifiers: DerReader) -> tuple[str, ...]:
    urls = []
    while qualifiers.more:
        fields = qualifiers.enter()
        if fields.oid() == oids.CPS_QUALIFIER:
            urls.append(fields.text())
        else:
            fields.any()
        fields.finish()
    return tuple(urls)


def encode_policy(oid: str, cps_url: str) -> bytes:
    """Returns the value of certificatePolicies with one policy and, unless it is empty, its statement's address."""
    if not cps_url:
        return encode(SEQUENCE, encode(SEQUENCE, encode_oid(oid)))
    qualifier = encode(SEQUENCE, encode_oid(oids.CPS_QUALIFIER), encode_text(cps_url, 0x16))
    return encode(SEQUENCE, encode(SEQUENCE, encode_oid(oid), encode(SEQUENCE, qualifier)))


@dataclass(frozen=True, slots=True)
class BasicConstraints:
    """Whether the subject is an authority, and how many more may stand below it (None: any number)."""

    ca: bool
    path_length: int | None = None

    @classmethod
    def parse(cls, value: bytes, what: str) -> BasicConstraints:
        """Reads the value of basicConstraints; raises FormatError."""
        reader = DerReader.whole(value, what)
        ca = reader.flag()
        path_length = reader.integer() if reader.more else None
        reader.finish()
        if path_length is not None and path_length < 0:
            raise reader.wrong("a path length below zero")
        return cls(ca, path_length)

    def encode(self) -> bytes:
        """Returns the value of basicConstraints."""
        length = b"" if self.path_length is None else encode_integer(self.path_length)
        return encode(SEQUENCE, _TRUE if self.ca else b"", length)


@dataclass(frozen=True, slots=True)
class AuthorityKeyId:
    """Which key signed: its identifier, and issuer and serial number of its certificate; any of them may be absent."""

    key_id: bytes | None = None
    issuer: Name | None = None
    serial: int | None = None

    @classmethod
    def parse(cls, value: bytes, what: str) -> AuthorityKeyId:
        """Reads the value of authorityKeyIdentifier; raises FormatError."""
        reader = DerReader.whole(value, what)
        key_id = reader.value(0x80) if reader.next_tag == 0x80 else None
        issuers = reader.optional(0xA1)
        names = () if issuers is None else read_general_names(issuers)
        serial = reader.integer(0x82) if reader.next_tag == 0x82 else None
        reader.finish()
        if (issuers is None) != (serial is None):
            raise reader.wrong("an issuer without serial number, or the reverse")
        return cls(key_id, next((name.directory_name for name in names if name.directory_name), None), serial)

    def encode(self) -> bytes:
        """Returns the value of authorityKeyIdentifier."""
        key_id = b"" if self.key_id is None else encode(0x80, self.key_id)
        issuer = b"" if self.issuer is None else encode(0xA1, GeneralName.directory(self.issuer).raw)
        serial = b"" if self.serial is None else encode_integer(self.serial, 0x82)
        return encode(SEQUENCE, key_id, issuer, serial)


def read_ocsp_urls(value: bytes, what: str) -> tuple[str, ...]:
    """Returns the addresses of OCSP responders in authorityInfoAccess; raises FormatError."""
    reader = DerReader.whole(value, what)
    urls = []
    if not reader.more:
        raise reader.wrong("a list of access descriptions without one")
    while reader.more:
        fields = reader.enter()
        method = fields.oid()
        location = GeneralName.read(fields)
        fields.finish()
        if method == oids.OCSP_ACCESS and location.uri_text is not None:
            urls.append(location.uri_text)
    return tuple(urls)


def encode_ocsp_url(url: str) -> bytes:
    """Returns the value of authorityInfoAccess that names one OCSP responder."""
    return encode(SEQUENCE, encode(SEQUENCE, encode_oid(oids.OCSP_ACCESS), GeneralName.uri(url).raw))


def read_octets(value: bytes, what: str) -> bytes:
    """Returns the content of a value that is one OCTET STRING (subjectKeyIdentifier); raises FormatError."""
    reader = DerReader(value, what)
    octets = reader.value(OCTET_STRING)
    reader.finish()
    return octets


def read_null(value: bytes, what: str) -> bool:
    """Returns True for a value that is NULL (id-pkix-ocsp-nocheck); raises FormatError."""
    reader = DerReader(value, what)
    reader.null()
    reader.finish()
    return True


def read_integer(value: bytes, what: str) -> int:
    """Returns a value that is one non-negative INTEGER (cRLNumber, deltaCRLIndicator); raises FormatError."""
    reader = DerReader(value, what)
    number = reader.integer(INTEGER)
    reader.finish()
    if number < 0:
        raise reader.wrong("a number below zero")
    return number

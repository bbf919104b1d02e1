"""Where revocation is published, and what a revocation list covers. Source: RFC 5280, 4.2.1.13 and 5.2.5."""

from __future__ import annotations

from dataclasses import dataclass, field

from .der import SEQUENCE, DerReader, encode, encode_named_bits
from .names import GeneralName, Name, read_general_names
from .revocation_reason import RevocationReason

__all__ = [
    "DistributionPoint",
    "DistributionPointName",
    "IssuingDistributionPoint",
    "encode_distribution_points",
    "read_distribution_points",
]

_UNUSED_REASON_BIT = 0  # `unused` is its name in the standard, and lists in the field set it
# ReasonFlags counts otherwise than CRLReason from bit 7 on (RFC 5280, 4.2.1.13).
_REASON_BITS = {
    1: RevocationReason.KEY_COMPROMISE,
    2: RevocationReason.CA_COMPROMISE,
    3: RevocationReason.AFFILIATION_CHANGED,
    4: RevocationReason.SUPERSEDED,
    5: RevocationReason.CESSATION_OF_OPERATION,
    6: RevocationReason.CERTIFICATE_HOLD,
    7: RevocationReason.PRIVILEGE_WITHDRAWN,
    8: RevocationReason.AA_COMPROMISE,
}


@dataclass(frozen=True, slots=True)
class DistributionPointName:
    """The name of a distribution point; two are the same where their octets are."""

    raw: bytes = field(repr=False)
    full_name: tuple[GeneralName, ...] = field(default=(), compare=False)
    relative_name: bytes | None = field(default=None, compare=False, repr=False)

    @classmethod
    def read(cls, reader: DerReader) -> DistributionPointName:
        """Takes the name from the reader of the field that holds it; raises FormatError."""
        start = reader.at
        if reader.next_tag == 0xA0:
            full_name = read_general_names(reader.enter(0xA0))
            reader.finish()
            return cls(reader.raw[start : reader.at], full_name)
        relative_name = reader.any()
        reader.finish()
        if relative_name[0] != 0xA1:
            raise reader.wrong("a distribution point's name of no known kind")
        return cls(relative_name, (), relative_name)

    @classmethod
    def directory(cls, name: Name) -> DistributionPointName:
        """Returns a full name that is one directory name."""
        general = GeneralName.directory(name)
        return cls(encode(0xA0, general.raw), (general,))

    @property
    def directory_names(self) -> tuple[Name, ...]:
        """Returns the directory names among the full names."""
        return tuple(name.directory_name for name in self.full_name if name.directory_name is not None)


@dataclass(frozen=True, slots=True)
class DistributionPoint:
    """Where a certificate's revocation is published. `reasons` is None where the list covers all of them."""

    name: DistributionPointName | None = None
    reasons: frozenset[RevocationReason] | None = None
    crl_issuer: tuple[GeneralName, ...] = ()

    @property
    def directory_names(self) -> tuple[Name, ...]:
        """Returns the directory names of the point."""
        return () if self.name is None else self.name.directory_names

    def encode(self) -> bytes:
        """Returns the point as it stands in cRLDistributionPoints."""
        name = b"" if self.name is None else encode(0xA0, self.name.raw)
        issuer = encode(0xA2, *(general.raw for general in self.crl_issuer)) if self.crl_issuer else b""
        return encode(SEQUENCE, name, _encode_reasons(self.reasons, 0x81), issuer)


def read_distribution_points(value: bytes, what: str) -> tuple[DistributionPoint, ...]:
    """Returns the points of cRLDistributionPoints or freshestCRL; raises FormatError."""
    reader = DerReader.whole(value, what)
    found = []
    while reader.more:
        fields = reader.enter()
        name_field = fields.optional(0xA0)
        name = None if name_field is None else DistributionPointName.read(name_field)
        reasons = _read_reasons(fields, 0x81)
        issuer_field = fields.optional(0xA2)
        issuer = () if issuer_field is None else read_general_names(issuer_field)
        fields.finish()
        if name is None and not issuer:
            raise reader.wrong("a distribution point that names nothing")
        found.append(DistributionPoint(name, reasons, issuer))
    if not found:
        raise reader.wrong("a list of distribution points without one")
    return tuple(found)


def encode_distribution_points(*points: DistributionPoint) -> bytes:
    """Returns the value of cRLDistributionPoints or freshestCRL."""
    return encode(SEQUENCE, *(point.encode() for point in points))


def _read_reasons(fields: DerReader, tag: int) -> frozenset[RevocationReason] | None:
    if fields.next_tag != tag:
        return None
    bits = fields.named_bits(tag)
    if not bits <= _REASON_BITS.keys() | {_UNUSED_REASON_BIT}:
        raise fields.wrong("a reason flag without a meaning")
    return frozenset(_REASON_BITS[bit] for bit in bits - {_UNUSED_REASON_BIT})


def _encode_reasons(reasons: frozenset[RevocationReason] | None, tag: int) -> bytes:
    if reasons is None:
        return b""
    return encode_named_bits(frozenset(bit for bit, reason in _REASON_BITS.items() if reason in reasons), tag)


@dataclass(frozen=True, slots=True)
class IssuingDistributionPoint:
    """What a revocation list covers. Without a name and flags: all that its issuer issued. Source: RFC 5280, 5.2.5."""

    name: DistributionPointName | None = None
    only_user_certificates: bool = False
    only_ca_certificates: bool = False
    only_some_reasons: frozenset[RevocationReason] | None = None
    indirect: bool = False
    only_attribute_certificates: bool = False

    @classmethod
    def parse(cls, value: bytes, what: str) -> IssuingDistributionPoint:
        """Reads the value of issuingDistributionPoint; raises FormatError, also for more than one `only`."""
        reader = DerReader.whole(value, what)
        name_field = reader.optional(0xA0)
        name = None if name_field is None else DistributionPointName.read(name_field)
        user, authority = reader.flag(0x81), reader.flag(0x82)
        reasons = _read_reasons(reader, 0x83)
        indirect, attribute = reader.flag(0x84), reader.flag(0x85)
        reader.finish()
        if user + authority + attribute > 1:
            raise reader.wrong("a list of only one kind of certificates and only another")
        return cls(name, user, authority, reasons, indirect, attribute)

    def encode(self) -> bytes:
        """Returns the value of issuingDistributionPoint."""
        return encode(
            SEQUENCE,
            b"" if self.name is None else encode(0xA0, self.name.raw),
            encode(0x81, b"\xff") if self.only_user_certificates else b"",
            encode(0x82, b"\xff") if self.only_ca_certificates else b"",
            _encode_reasons(self.only_some_reasons, 0x83),
            encode(0x84, b"\xff") if self.indirect else b"",
            encode(0x85, b"\xff") if self.only_attribute_certificates else b"",
        )

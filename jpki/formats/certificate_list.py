"""Certificate revocation lists (CRLs). Source: RFC 5280, section 5."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import ClassVar

from . import object_identifiers as oids
from .der import GENERALIZED_TIME, INTEGER, SEQUENCE, UTC_TIME, DerReader, encode, encode_integer, encode_time
from .distribution_points import DistributionPoint, IssuingDistributionPoint, read_distribution_points
from .extensions import AuthorityKeyId, Extended, Extension, encode_extension, read_extensions, read_integer
from .names import Name
from .revoked_entries import RevokedEntries, RevokedEntry
from .signed import SHA256_WITH_RSA, read_signed

__all__ = ["CertificateList", "certificate_list_tbs"]

_WHAT = "certificate revocation list"
_VERSION_2 = encode_integer(1)


@dataclass(frozen=True, repr=False)
class CertificateList(Extended):
    """A revocation list as read: `raw` is all of it, `tbs` what is signed, moments are in UTC.

    `parse` reads and checks everything, every entry included; nothing of it raises later.
    """

    _what: ClassVar[str] = _WHAT

    raw: bytes
    tbs: bytes
    version: int
    signature_algorithm: bytes
    issuer: Name
    this_update: datetime
    next_update: datetime | None
    extensions: tuple[Extension, ...]
    signature: bytes
    _entries: RevokedEntries = field(compare=False)

    @classmethod
    def parse(cls, raw: bytes) -> CertificateList:
        """Reads a DER list; raises FormatError. Its signature is not checked here.

        Refused besides what is not DER: a number that is listed twice for one issuer, an extension twice, two different
        signature algorithms, an empty list of entries, and entries that name an issuer in a list that is not indirect.
        """
        tbs, algorithm, signature = read_signed(raw, _WHAT)
        fields = DerReader.whole(tbs, _WHAT)
        version = 1
        if fields.next_tag == INTEGER:
            if fields.integer() != 1:
                raise fields.wrong("a version that is not 2")
            version = 2
        if fields.element(SEQUENCE) != algorithm:
            raise fields.wrong("two signature algorithms")
        issuer = Name.read_shared(fields)
        this_update = fields.time()
        next_update = fields.time() if fields.next_tag in (UTC_TIME, GENERALIZED_TIME) else None
        revoked = fields.optional(SEQUENCE)
        if revoked is not None and not revoked.more:
            raise fields.wrong("a list of entries without one")
        extensions = _extensions(fields, version)
        entries = RevokedEntries(revoked, issuer.raw)
        found = cls(raw, tbs, version, algorithm, issuer, this_update, next_update, extensions, signature, entries)
        found._check()
        return found

    def _check(self) -> None:
        for name in _READ.values():
            getattr(self, name)
        if self._entries.name_issuers and not self.is_indirect:
            raise DerReader(b"", _WHAT).wrong("an entry of another issuer in a list that is not indirect")

    def __repr__(self) -> str:
        number = "" if self.number is None else f"number {self.number:X}, "
        return f"CertificateList({number}{len(self)} entries)"

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[RevokedEntry]:
        return iter(self._entries)

    def find(self, serial: int, issuer: Name | None = None) -> RevokedEntry | None:
        """Returns the entry of a certificate by its number, or None: one look into an index.

        `issuer` is the certificate's issuer, where it may be another than the list's (an indirect list).
        """
        return self._entries.find(serial, (issuer or self.issuer).raw)

    @cached_property
    def number(self) -> int | None:
        """Returns the list's number, or None where it has none."""
        return self._read(oids.CRL_NUMBER, read_integer)

    @cached_property
    def delta_base(self) -> int | None:
        """Returns the number of the complete list that this one changes, or None where this one is complete."""
        return self._read(oids.DELTA_CRL_INDICATOR, read_integer)

    @property
    def is_delta(self) -> bool:
        """Returns whether this list only says what changed since another."""
        return self.delta_base is not None

    @cached_property
    def authority_key_id(self) -> AuthorityKeyId | None:
        """Returns which key signed this list, or None."""
        return self._read(oids.AUTHORITY_KEY_IDENTIFIER, AuthorityKeyId.parse)

    @cached_property
    def issuing_distribution_point(self) -> IssuingDistributionPoint | None:
        """Returns what this list covers, or None: everything its issuer issued."""
        return self._read(oids.ISSUING_DISTRIBUTION_POINT, IssuingDistributionPoint.parse)

    @property
    def is_indirect(self) -> bool:
        """Returns whether this list may hold entries of other issuers."""
        point = self.issuing_distribution_point
        return point is not None and point.indirect

    @cached_property
    def freshest(self) -> tuple[DistributionPoint, ...]:
        """Returns where deltas to this list are published."""
        return self._read(oids.FRESHEST_CRL, read_distribution_points) or ()

    @property
    def unknown_critical_extensions(self) -> tuple[str, ...]:
        """Returns the critical extensions of the list that no property here reads: no verifier may rely on it then."""
        return tuple(item.oid for item in self.extensions if item.critical and item.oid not in _READ)

    @property
    def unknown_critical_entry_extensions(self) -> tuple[str, ...]:
        """Returns the critical extensions of any entry that nothing here reads: no verifier may rely on the list then.

        They are the first 16 of them, each once. Source: RFC 5280, 5.3.
        """
        return self._entries.unknown_critical_extensions


_READ = {
    oids.CRL_NUMBER: "number",
    oids.DELTA_CRL_INDICATOR: "delta_base",
    oids.AUTHORITY_KEY_IDENTIFIER: "authority_key_id",
    oids.ISSUING_DISTRIBUTION_POINT: "issuing_distribution_point",
    oids.FRESHEST_CRL: "freshest",
}


def _extensions(fields: DerReader, version: int) -> tuple[Extension, ...]:
    explicit = fields.optional(0xA0)
    fields.finish()
    if explicit is None:
        return ()
    if version != 2:
        raise fields.wrong("extensions before version 2")
    extensions = read_extensions(explicit.enter())
    explicit.finish()
    return extensions


def certificate_list_tbs(
    *,
    issuer: Name,
    this_update: datetime,
    next_update: datetime,
    number: int,
    authority_key_id: AuthorityKeyId,
    entries: bytes = b"",
    issuing_distribution_point: IssuingDistributionPoint | None = None,
    delta_base: int | None = None,
) -> bytes:
    """Returns a version 2 list to be signed with sha256WithRSAEncryption; `signed` joins it and the signature.

    `entries` are encoded ones, in the order they shall have (`encode_revoked`). The extensions, in this order:
    authorityKeyIdentifier, cRLNumber, deltaCRLIndicator (critical) and issuingDistributionPoint (critical) where given.
    """
    extensions = [
        encode_extension(oids.AUTHORITY_KEY_IDENTIFIER, authority_key_id.encode()),
        encode_extension(oids.CRL_NUMBER, encode_integer(number)),
    ]
    if delta_base is not None:
        extensions.append(encode_extension(oids.DELTA_CRL_INDICATOR, encode_integer(delta_base), critical=True))
    if issuing_distribution_point is not None:
        point = issuing_distribution_point.encode()
        extensions.append(encode_extension(oids.ISSUING_DISTRIBUTION_POINT, point, critical=True))
    return encode(
        SEQUENCE,
        _VERSION_2,
        SHA256_WITH_RSA,
        issuer.raw,
        encode_time(this_update),
        encode_time(next_update),
        encode(SEQUENCE, entries) if entries else b"",
        encode(0xA0, encode(SEQUENCE, *extensions)),
    )

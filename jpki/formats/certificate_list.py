"""Certificate revocation lists (CRLs), whole. Source: RFC 5280, section 5."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from .der import SEQUENCE, DerReader
from .distribution_points import DistributionPoint, IssuingDistributionPoint
from .extensions import AuthorityKeyId, Extension
from .list_fields import LIST_WHAT, ListFields, read_list_extensions, read_list_header
from .list_frame import ListFrame
from .names import Name
from .revoked_entries import RevokedEntries, RevokedEntry
from .signed import read_signed

__all__ = ["CertificateList", "certificate_list_tbs"]


@dataclass(frozen=True, repr=False)
class CertificateList(ListFields):
    """A revocation list as read: `raw` is all of it, `tbs` what is signed, moments are in UTC.

    `parse` reads and checks everything, every entry included; nothing of it raises later.
    """

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
        tbs, algorithm, signature = read_signed(raw, LIST_WHAT)
        fields = DerReader.whole(tbs, LIST_WHAT)
        header = read_list_header(fields)
        if header.algorithm != algorithm:
            raise fields.wrong("two signature algorithms")
        revoked = fields.optional(SEQUENCE)
        if revoked is not None and not revoked.more:
            raise fields.wrong("a list of entries without one")
        extensions = read_list_extensions(fields, header.version)
        entries = RevokedEntries(revoked, header.issuer.raw)
        found = cls(raw, tbs, *header, extensions, signature, entries)
        found.check_fields(name_issuers=entries.name_issuers)
        return found

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

    @property
    def unknown_critical_entry_extensions(self) -> tuple[str, ...]:
        """Returns the critical extensions of any entry that nothing here reads: no verifier may rely on the list then.

        They are the first 16 of them, each once. Source: RFC 5280, 5.3.
        """
        return self._entries.unknown_critical_extensions


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
    freshest: tuple[DistributionPoint, ...] = (),
) -> bytes:
    """Returns a version 2 list to be signed with sha256WithRSAEncryption; `signed` joins it and the signature.

    `entries` are encoded ones, in the order they shall have (`encode_revoked`). What else there is to say, and what is
    refused, stands at `ListFrame.of`, which writes lists that do not fit into memory.
    """
    frame = ListFrame.of(
        issuer=issuer,
        this_update=this_update,
        next_update=next_update,
        number=number,
        authority_key_id=authority_key_id,
        entries_length=len(entries),
        issuing_distribution_point=issuing_distribution_point,
        delta_base=delta_base,
        freshest=freshest,
    )
    return b"".join((frame.tbs_head, entries, frame.tbs_tail))

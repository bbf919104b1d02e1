"""What stands around the entries of a revocation list. Source: RFC 5280, 5.1 and 5.2."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import ClassVar, NamedTuple

from . import object_identifiers as oids
from .der import GENERALIZED_TIME, INTEGER, SEQUENCE, UTC_TIME, DerReader
from .distribution_points import DistributionPoint, IssuingDistributionPoint, read_distribution_points
from .extensions import AuthorityKeyId, Extended, Extension, read_extensions, read_integer
from .names import Name

__all__ = ["LIST_WHAT", "ListFields", "ListHeader", "read_list_extensions", "read_list_header"]

LIST_WHAT = "certificate revocation list"


class ListHeader(NamedTuple):
    """What stands before the entries; moments are in UTC."""

    version: int
    algorithm: bytes
    issuer: Name
    this_update: datetime
    next_update: datetime | None


def read_list_header(fields: DerReader) -> ListHeader:
    """Takes what stands before the entries from the reader of what is signed; raises FormatError."""
    version = 1
    if fields.next_tag == INTEGER:
        if fields.integer() != 1:
            raise fields.wrong("a version that is not 2")
        version = 2
    algorithm = fields.element(SEQUENCE)
    issuer = Name.read_shared(fields)
    this_update = fields.time()
    next_update = fields.time() if fields.next_tag in (UTC_TIME, GENERALIZED_TIME) else None
    return ListHeader(version, algorithm, issuer, this_update, next_update)


def read_list_extensions(fields: DerReader, version: int) -> tuple[Extension, ...]:
    """Takes the extensions after the entries, if there are any, up to the reader's end; raises FormatError."""
    explicit = fields.optional(0xA0)
    fields.finish()
    if explicit is None:
        return ()
    if version != 2:
        raise fields.wrong("extensions before version 2")
    extensions = read_extensions(explicit.enter())
    explicit.finish()
    return extensions


class ListFields(Extended):
    """The extensions of a list that are read here, by name. `check_fields` reads them all; later none raises."""

    _what: ClassVar[str] = LIST_WHAT

    def check_fields(self, *, name_issuers: bool) -> None:
        """Raises FormatError for an extension that is not what its type says.

        `name_issuers` says that an entry names an issuer of its own: only in an indirect list does one.
        """
        for name in _READ.values():
            getattr(self, name)
        if name_issuers and not self.is_indirect:
            raise DerReader(b"", LIST_WHAT).wrong("an entry of another issuer in a list that is not indirect")

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


_READ = {
    oids.CRL_NUMBER: "number",
    oids.DELTA_CRL_INDICATOR: "delta_base",
    oids.AUTHORITY_KEY_IDENTIFIER: "authority_key_id",
    oids.ISSUING_DISTRIBUTION_POINT: "issuing_distribution_point",
    oids.FRESHEST_CRL: "freshest",
}

"""Revocation lists written as a stream: what stands before and after entries that nobody holds all at once.

frame = ListFrame.of(..., entries_length=length)     # of all entries together
signature = key.sign_digest(frame.digest(entries))   # the entries pass by once
for octets in frame.signed(entries, signature): ...  # and once more
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from . import object_identifiers as oids
from .der import SEQUENCE, encode, encode_bits, encode_integer, encode_time
from .distribution_points import DistributionPoint, IssuingDistributionPoint, encode_distribution_points
from .errors import FormatError
from .extensions import AuthorityKeyId, encode_extension
from .list_fields import LIST_WHAT
from .names import Name
from .signed import SHA256_WITH_RSA
from .tlv import encode_length

__all__ = ["ListFrame"]

_VERSION_2 = encode_integer(1)


@dataclass(frozen=True, slots=True)
class ListFrame:
    """What is signed of a list, without its entries: the octets before and after them, and how long they are."""

    tbs_head: bytes
    tbs_tail: bytes
    entries_length: int
    algorithm: bytes

    @classmethod
    def of(
        cls,
        *,
        issuer: Name,
        this_update: datetime,
        next_update: datetime,
        number: int,
        authority_key_id: AuthorityKeyId,
        entries_length: int,
        issuing_distribution_point: IssuingDistributionPoint | None = None,
        delta_base: int | None = None,
        freshest: tuple[DistributionPoint, ...] = (),
        algorithm: bytes = SHA256_WITH_RSA,
    ) -> ListFrame:
        """Returns the frame of a version 2 list. `entries_length` is in octets; without entries it is 0.

        A delta names the number of its base. The extensions, in this order: authorityKeyIdentifier, cRLNumber,
        deltaCRLIndicator (critical), issuingDistributionPoint (critical) and freshestCRL, the last three where given.
        Raises FormatError for a delta to a list that is not older, and for one that says where deltas to it are.
        Source: RFC 5280, 5.1.2 and 5.2.
        """
        extensions = _extensions(authority_key_id, number, delta_base, issuing_distribution_point, freshest)
        before = b"".join((_VERSION_2, algorithm, issuer.raw, encode_time(this_update), encode_time(next_update))) + (
            _opening(entries_length) if entries_length else b""
        )
        return cls(
            _opening(len(before) + entries_length + len(extensions)) + before, extensions, entries_length, algorithm
        )

    def to_be_signed(self, entries: Iterable[bytes]) -> Iterator[bytes]:
        """Yields what is signed: encoded entries, one or many at a time, between their head and tail.

        Raises FormatError as soon as they are longer than was said, and at their end where they are shorter.
        """
        yield self.tbs_head
        left = self.entries_length
        for octets in entries:
            left -= len(octets)
            if left < 0:
                break
            yield octets
        if left:
            raise FormatError(what=LIST_WHAT, problem="entries of another length than was said")
        yield self.tbs_tail

    def digest(self, entries: Iterable[bytes]) -> bytes:
        """Returns the SHA-256 of what is signed; raises FormatError where the entries are not as long as was said."""
        digest = hashlib.sha256()
        for octets in self.to_be_signed(entries):
            digest.update(octets)
        return digest.digest()

    def signed(self, entries: Iterable[bytes], signature: bytes) -> Iterator[bytes]:
        """Yields the whole list; raises FormatError where the entries are not as long as was said."""
        tail = self.algorithm + encode_bits(signature)
        yield _opening(len(self.tbs_head) + self.entries_length + len(self.tbs_tail) + len(tail))
        yield from self.to_be_signed(entries)
        yield tail


def _opening(length: int) -> bytes:
    """Returns tag and length of a SEQUENCE with so many octets in it."""
    return bytes((SEQUENCE,)) + encode_length(length)


def _extensions(
    authority_key_id: AuthorityKeyId,
    number: int,
    delta_base: int | None,
    point: IssuingDistributionPoint | None,
    freshest: tuple[DistributionPoint, ...],
) -> bytes:
    if delta_base is not None and not 0 <= delta_base < number:
        raise FormatError(what=LIST_WHAT, problem="a delta to a list that is not older")
    if delta_base is not None and freshest:
        raise FormatError(what=LIST_WHAT, problem="a delta that says where deltas to it are")
    extensions = [
        encode_extension(oids.AUTHORITY_KEY_IDENTIFIER, authority_key_id.encode()),
        encode_extension(oids.CRL_NUMBER, encode_integer(number)),
    ]
    if delta_base is not None:
        extensions.append(encode_extension(oids.DELTA_CRL_INDICATOR, encode_integer(delta_base), critical=True))
    if point is not None:
        extensions.append(encode_extension(oids.ISSUING_DISTRIBUTION_POINT, point.encode(), critical=True))
    if freshest:
        extensions.append(encode_extension(oids.FRESHEST_CRL, encode_distribution_points(*freshest)))
    return encode(0xA0, encode(SEQUENCE, *extensions))

"""What a judgement relies on besides trust: revocation lists, each read once and its signature checked once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from jpki.formats import SHA256_WITH_RSA, Certificate, CertificateList, DistributionPointName

from .keys import signature_fits
from .roots import Root

__all__ = ["Evidence", "PreparedList", "names_of", "points_of", "prepare_list"]


class PreparedList:
    """A revocation list, read and indexed, which remembers which roots' signatures were checked over it.

    What is remembered is sound: it belongs to this object's unchangeable bytes, and is kept by the root's whole key.
    """

    __slots__ = ("_signed_by", "content", "digest")

    def __init__(self, content: CertificateList) -> None:
        self.content = content
        self.digest = hashlib.sha256(content.raw).digest()
        self._signed_by: dict[bytes, bool] = {}

    def signed_by(self, root: Root) -> bool:
        """Returns whether the root's key signed the list, with sha256WithRSAEncryption."""
        key = root.certificate.public_key_info
        known = self._signed_by.get(key)
        if known is None:
            right_algorithm = self.content.signature_algorithm == SHA256_WITH_RSA
            known = right_algorithm and signature_fits(root.key, self.content.signature, self.content.tbs)
            self._signed_by[key] = known
        return known

    @property
    def point_names(self) -> frozenset[bytes]:
        """Returns the names of the distribution point that the list is for, as written; empty where it names none."""
        point = self.content.issuing_distribution_point
        return frozenset() if point is None else names_of(point.name)

    @property
    def key_id(self) -> bytes | None:
        """Returns the identifier of the key that is said to have signed the list, or None where it does not say."""
        named = self.content.authority_key_id
        return None if named is None else named.key_id

    def __repr__(self) -> str:
        return f"PreparedList({self.content!r})"


def prepare_list(raw: bytes) -> PreparedList:
    """Reads a revocation list in DER and indexes it; raises FormatError for what is none."""
    return PreparedList(CertificateList.parse(raw))


def names_of(point: DistributionPointName | None) -> frozenset[bytes]:
    """Returns the names of a distribution point, each as written. Two points are one if they share a name."""
    if point is None:
        return frozenset()
    if point.relative_name is not None:
        return frozenset((point.relative_name,))
    return frozenset(name.raw for name in point.full_name)


def points_of(certificate: Certificate) -> frozenset[bytes]:
    """Returns the names of a certificate's distribution points at which its own issuer publishes all reasons.

    Raises FormatError where they cannot be read.
    """
    own = (one for one in certificate.distribution_points if one.reasons is None and not one.crl_issuer)
    return frozenset(name for point in own for name in names_of(point.name))


@dataclass(frozen=True, slots=True)
class Evidence:
    """Revocation lists to judge by. It does not change; `evidence | more` is another one that holds both.

    Make it once and use it for many judgements: the lists in it stay read, indexed and checked.
    """

    lists: tuple[PreparedList, ...] = ()
    _near: Mapping[tuple[bytes, bytes | None, bytes | None], tuple[PreparedList, ...]] = field(
        init=False, repr=False, compare=False
    )
    _named: Mapping[bytes, tuple[PreparedList, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        near: dict[tuple[bytes, bytes | None, bytes | None], list[PreparedList]] = {}
        named: dict[bytes, list[PreparedList]] = {}
        for one in self.lists:
            issuer = one.content.issuer.raw
            named.setdefault(issuer, []).append(one)
            for name in one.point_names or (None,):
                near.setdefault((issuer, one.key_id, name), []).append(one)
        object.__setattr__(self, "_near", {key: tuple(lists) for key, lists in near.items()})
        object.__setattr__(self, "_named", {key: tuple(lists) for key, lists in named.items()})

    @classmethod
    def of(cls, *lists: bytes | PreparedList) -> Evidence:
        """Returns the evidence of these revocation lists (DER, or prepared before); raises FormatError."""
        return cls(_once(one if isinstance(one, PreparedList) else prepare_list(one) for one in lists))

    def __or__(self, other: object) -> Evidence:
        if not isinstance(other, Evidence):
            return NotImplemented
        return Evidence(_once((*self.lists, *other.lists)))

    def current(self, at: datetime) -> Evidence:
        """Returns the same without the lists that had to be replaced by now: nextUpdate passed, or never said.

        For a verifier that runs for long and judges the present; judging the past needs the old lists.
        """
        kept = (one for one in self.lists if one.content.next_update is not None and at <= one.content.next_update)
        return Evidence(tuple(kept))

    def lists_for(self, root: Root, points: frozenset[bytes]) -> tuple[PreparedList, ...]:
        """Returns the lists that say they are of a root's key, for one of these distribution points or for none."""
        issuer = root.certificate.subject.raw
        found = (self._near.get((issuer, root.key_id, name), ()) for name in (None, *points))
        return _once(one for lists in found for one in lists)

    def lists_named(self, root: Root) -> tuple[PreparedList, ...]:
        """Returns the lists under a root's name, of whatever key and distribution point."""
        return self._named.get(root.certificate.subject.raw, ())


def _once(lists: Iterable[PreparedList]) -> tuple[PreparedList, ...]:
    found: dict[bytes, PreparedList] = {}
    for one in lists:
        found.setdefault(one.digest, one)
    return tuple(found.values())

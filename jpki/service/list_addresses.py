"""Under which addresses revocation lists are found: those of the files that a folder outlet has.

`/crl/sign-1.crl` is everything that one key of the signature authority signed for, `/crl/sign-1-13221-Kiyose-shi.crl`
one municipality's, `/delta/…` the deltas to them. The municipality's code alone does too, where only one distribution
point has it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from jpki.formats import FormatError, Name
from jpki.store import Scope, StoreReading
from jpki.terms import CertificateName, Role

__all__ = ["ListAddress", "ListAddresses", "municipal_stem"]

_ADDRESS = re.compile(r"/(crl|delta)/(sign|auth)-([1-9][0-9]{0,3})(?:-([A-Za-z0-9-]{1,120}))?\.crl")
_POINT = " CRLDP"  # the end of the name of every distribution point, by the certificate profiles


class ListAddress(NamedTuple):
    """What an address asks for: the list of a key, or the one for a distribution point (as it is written)."""

    role: Role
    generation: int
    point: str | None
    delta: bool

    @classmethod
    def parse(cls, path: str) -> ListAddress | None:
        """Reads the path of a request; None for what is not the address of a list."""
        found = _ADDRESS.fullmatch(path)
        if found is None:
            return None
        return cls(Role.from_short(found[2]), int(found[3]), found[4], found[1] == "delta")


class ListAddresses:
    """Which scope each address stands for, as the store knew it when this was read."""

    def __init__(
        self, keys: Mapping[tuple[Role, int], CertificateName], points: Mapping[tuple[Role, str], int]
    ) -> None:
        self._keys = keys
        self._points = points

    @classmethod
    def read(cls, view: StoreReading) -> ListAddresses:
        """Reads the generations of keys and the distribution points from the store."""
        keys = {(role, own.generation): own.name for role in Role for own in view.authority_keys(role)}
        points: dict[tuple[Role, str], int] = {}
        codes: dict[tuple[Role, str], list[int]] = {}
        for role in Role:
            for point in view.points(role):
                points[role, municipal_stem(point.municipality, point.name)] = point.id
                codes.setdefault((role, point.municipality), []).append(point.id)
        alone = {address: ids[0] for address, ids in codes.items() if len(ids) == 1}
        return cls(keys, alone | points)

    def scope(self, address: ListAddress) -> Scope | None:
        """Returns what the list at an address covers; None where there is no such key or distribution point."""
        issuer = self._keys.get((address.role, address.generation))
        if issuer is None:
            return None
        if address.point is None:
            return Scope(issuer)
        point = self._points.get((address.role, address.point))
        return None if point is None else Scope(issuer, point)


def municipal_stem(code: str, point: bytes) -> str:
    """Returns how the address of a municipality's list ends, of its code and its distribution point's name (DER)."""
    try:
        last = Name.parse(point).attributes[-1:]
    except FormatError:
        last = ()
    parts = [code, *(attribute.text.removesuffix(_POINT) for attribute in last)]
    return "-".join(re.sub(r"[^A-Za-z0-9]+", "-", part).strip("-") for part in parts)

"""What is copied to an outlet, and what every outlet can do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

from jpki.formats import Certificate, Name
from jpki.terms import Role

from .errors import ListBytesWrong

__all__ = ["Held", "ListOvertaken", "MunicipalScope", "Outcome", "Outlet", "PublishedCopy"]


class ListOvertaken(Exception):
    """Says that a list has no bytes any more, because a newer one came; nobody outside this room sees it."""


@dataclass(frozen=True, slots=True)
class MunicipalScope:
    """The municipality whose certificates alone a list covers: its code, and the distribution point they name."""

    code: str
    point: Name


@dataclass(frozen=True, slots=True)
class PublishedCopy:
    """A revocation list as the store has it, to be copied; its bytes come in pieces, anew at each call of `pieces`.

    `entry` is the name that relying parties look under: of a complete list the certificates' distribution point or the
    authority's own name, of a delta the name that freshestCRL says. `issuer` is the certificate of the key that signed.
    """

    authority: Role
    generation: int
    issuer: Certificate = field(repr=False)
    scope: MunicipalScope | None  # None: everything the key signed for
    delta: bool
    entry: Name
    number: int
    this_update: datetime
    next_update: datetime
    size: int  # octets
    digest: bytes  # SHA-256
    pieces: Callable[[], Iterable[bytes]] = field(repr=False, compare=False)

    def checked_pieces(self, place: str) -> Iterator[bytes]:
        """Yields the pieces; raises ListBytesWrong behind the last where they are not the list that was recorded.

        Raises ListOvertaken where there are none: the store keeps the newest list only, and has a newer one by now.
        """
        found = hashlib.sha256()
        empty = True
        for piece in self.pieces():
            found.update(piece)
            empty = empty and not piece
            yield piece
        if empty:
            raise ListOvertaken
        if found.digest() != self.digest:
            raise ListBytesWrong(place=place, number=self.number)


@dataclass(frozen=True, slots=True)
class Held:
    """The list that an outlet holds in a place: its number, and the SHA-256 of its bytes."""

    number: int
    digest: bytes


class Outcome(Enum):
    """What became of one copy at one outlet."""

    PUT = "put"
    HELD = "held"  # it was there already
    NEWER_HELD = "newer held"  # one of a higher number, signed by the same key, was there
    OVERTAKEN = "overtaken"  # the store has a newer one by now, which is to be put in its place


class Outlet(Protocol):
    """A place where lists are copied to, for relying parties to read."""

    @property
    def name(self) -> str:
        """Returns how an operator knows the outlet: its folder or address, never with a password."""
        ...

    def held(self, copy: PublishedCopy) -> Held | None:
        """Returns the list that is there in this copy's place, or None for nothing or nothing whole.

        Raises OutletError.
        """
        ...

    def put(self, copy: PublishedCopy) -> Outcome:
        """Has the copy be there, unless it or a newer one is. Raises OutletError, and then the old one is there still.

        Raises ListBytesWrong where the bytes are not those that were recorded.
        """
        ...

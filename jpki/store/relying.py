"""A relying party's store: outstanding challenges. It is a file of its own, and knows nothing of an authority's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Table, Text, delete, insert

from .database import Database

__all__ = ["RelyingStore", "StoredChallenge", "challenge"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

metadata = MetaData()

# Moments are microseconds since 1970 in UTC here: a challenge is given back as it was handed out.
challenge = Table(
    "challenge",
    metadata,
    Column("nonce", LargeBinary, primary_key=True),
    Column("origin", Text, nullable=False),
    Column("issued_at", BigInteger, nullable=False, index=True),
)


@dataclass(frozen=True, slots=True)
class StoredChallenge:
    """A challenge as it was kept; the moment is in UTC."""

    nonce: bytes
    origin: str
    issued_at: datetime


class RelyingStore(Database):
    """What a relying party keeps, in one file. Any number of processes may hold it."""

    __slots__ = ()

    application_id = 0x4A504B52  # "JPKR"
    newest_schema = "0001"
    versions = "relying"

    def add_challenge(self, nonce: bytes, origin: str, issued_at: datetime, *, forgotten_before: datetime) -> None:
        """Keeps a challenge, and forgets those that were issued before a moment.

        Raises StoreConflict where one with this nonce is kept, and the other errors of a store.
        """
        with self._connected(writing=True) as connection:
            connection.execute(delete(challenge).where(challenge.c.issued_at < _microseconds(forgotten_before)))
            row = {"nonce": nonce, "origin": origin, "issued_at": _microseconds(issued_at)}
            connection.execute(insert(challenge), row)

    def take_challenge(self, nonce: bytes) -> StoredChallenge | None:
        """Returns the challenge with this nonce and forgets it, in one step: of two who ask, one gets it.

        None where there is none. Raises the errors of a store.
        """
        taken = delete(challenge).where(challenge.c.nonce == nonce).returning(challenge.c.origin, challenge.c.issued_at)
        with self._connected(writing=True) as connection:
            row = connection.execute(taken).one_or_none()
        return None if row is None else StoredChallenge(nonce, row[0], _EPOCH + row[1] * _MICROSECOND)


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND

"""The authority's store, used in transactions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .database import Database
from .engine import APPLICATION_ID
from .reading import StoreReading
from .writing import StoreWriting

__all__ = ["NEWEST_SCHEMA", "Store"]

NEWEST_SCHEMA = "0002"


class Store(Database):
    """Certificates, revocations, sequences and settings of the two authorities, in one database."""

    __slots__ = ()

    application_id = APPLICATION_ID
    newest_schema = NEWEST_SCHEMA
    versions = "versions"

    @contextmanager
    def transaction(self) -> Iterator[StoreWriting]:
        """Gives changes that are kept together when the block ends; waits for another writer up to `busy_seconds`."""
        with self._connected(writing=True) as connection:
            yield StoreWriting(connection, str(self.file))

    @contextmanager
    def snapshot(self) -> Iterator[StoreReading]:
        """Gives questions whose answers all belong to one moment; no writer waits for it."""
        with self._connected(writing=False) as connection:
            yield StoreReading(connection, str(self.file))

"""The authority's store, used in transactions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from .audit import OpenChains
from .copying import copy_file, copy_rows
from .database import Database
from .engine import APPLICATION_ID, Place
from .reading import StoreReading
from .sqlite import SqliteFile
from .statuses import Statuses
from .writing import StoreWriting

__all__ = ["NEWEST_SCHEMA", "Store"]

NEWEST_SCHEMA = "0003"


class Store(Database):
    """Certificates, revocations, sequences and settings of the two authorities, in one database."""

    __slots__ = ("_chains",)

    application_id = APPLICATION_ID
    newest_schema = NEWEST_SCHEMA
    versions = "versions"

    def __init__(self, engine: Engine, at: Place, busy_seconds: float, *, read_only: bool = False) -> None:
        super().__init__(engine, at, busy_seconds, read_only=read_only)
        self._chains = OpenChains()

    @contextmanager
    def transaction(self) -> Iterator[StoreWriting]:
        """Gives changes that are kept together when the block ends; waits for other writers up to `busy_seconds`.

        What is asked within it of a person, a certificate or a card stays so until it ends: nobody else changes it.
        Raises StoreBusy where another writer was in the way for too long, or each waited for the other: nothing was
        kept, and the same once more is safe.
        """
        trail = self._chains.begin()
        with self._connected(writing=True) as connection:
            try:
                yield StoreWriting(connection, self.place, trail)
            except BaseException:
                trail.taken_back()
                raise
        trail.kept()

    @contextmanager
    def snapshot(self) -> Iterator[StoreReading]:
        """Gives questions whose answers all belong to one moment; no writer waits for it."""
        with self._connected(writing=False) as connection:
            yield StoreReading(connection, self.place)

    def write_copy(self, file: Path) -> None:
        """Writes the store as it is at one moment into a SQLite file that is made now, for its owner alone.

        Nobody waits for it. Raises FileExistsError, StoreFull, and the other errors of a store.
        """
        file.touch(mode=0o600, exist_ok=False)
        if isinstance(self._at, SqliteFile):
            copy_file(self._engine, self._at, SqliteFile(file), self.busy_seconds)
            return
        with Store.create(file) as copy:
            copy.take_rows_of(self)

    def take_rows_of(self, other: Store) -> None:
        """Takes over every row of another store, all or none; StoreConflict unless this one is empty.

        Raises the errors of both stores.
        """
        with other._connected(writing=False) as source, self._connected(writing=True) as target:
            copy_rows(source, target)

    def statuses(self) -> Statuses:
        """Returns what answers questions about single numbers at once; whoever has it closes it."""
        return Statuses(self._engine, self._at, self.busy_seconds)

"""A store in a SQLite file.

SQLite keeps its log beside the file (WAL), syncs at every commit, starts writing transactions with `BEGIN IMMEDIATE`
(an upgrade of a read lock would fail at once under several processes), waits for others, and checks foreign keys. So
there is one writing transaction at a time, and nothing that it has read changes before it ends.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from .engine import NOTHING, Place, keep_to_its_process
from .errors import ForeignStore, NoStore, StoreBusy, StoreDamaged, StoreError, StoreFull, StoreReadOnly

__all__ = ["SqliteFile"]

_PAGES_BETWEEN_CHECKPOINTS = 4000
_CACHE_KIBIBYTES = 64 * 1024
_ORPHANS = "PRAGMA foreign_key_check"
_EVERY_CONNECTION = (
    "synchronous = FULL",
    "foreign_keys = ON",
    "trusted_schema = OFF",
    "cell_size_check = ON",
    f"cache_size = -{_CACHE_KIBIBYTES}",
    f"wal_autocheckpoint = {_PAGES_BETWEEN_CHECKPOINTS}",
)


@dataclass(frozen=True, slots=True)
class SqliteFile(Place):
    """A file of SQLite's."""

    file: Path

    @property
    def text(self) -> str:
        """Returns the file's path."""
        return str(self.file)

    @property
    def address(self) -> str:
        """Returns the absolute path."""
        return str(self.file.absolute())

    def engine(self, busy_seconds: float, *, make: bool = False, read_only: bool = False) -> Engine:
        """Returns an engine on the file, which must exist unless `make` is set."""
        address = f"file:{quote(str(self.file.absolute()))}?mode={'rwc' if make else 'rw'}"

        def connect() -> sqlite3.Connection:
            # Transactions are started below, by their kind. A pooled connection may be used by another thread later.
            return sqlite3.connect(
                address,
                uri=True,
                timeout=busy_seconds,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=256,
            )

        # By the address alone SQLAlchemy would take this for a database in memory, and its pool for those closes
        # connections that other threads are using.
        engine = create_engine("sqlite://", creator=connect, hide_parameters=True, poolclass=QueuePool)
        keep_to_its_process(engine)

        @event.listens_for(engine, "connect")
        def _prepare(connection: sqlite3.Connection, _record: object) -> None:
            for pragma in (*_EVERY_CONNECTION, f"query_only = {'ON' if read_only else 'OFF'}"):
                connection.execute(f"PRAGMA {pragma}")

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            writing = connection.get_execution_options().get("jpki_writing", False)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

        return engine

    def look(self) -> None:
        """Raises NoStore where there is no such file."""
        if not self.file.is_file():
            raise NoStore(store=self.text)

    def prepare(self) -> None:
        """Makes an empty file that only its owner reads, unless there is one: a store tells names and addresses."""
        try:
            self.file.touch(mode=0o600)
        except OSError as error:
            raise StoreError(store=self.text, problem=error.strerror or type(error).__name__) from error

    def settle(self, engine: Engine) -> None:
        """Has the file keep its log beside it; that stays with the file, and a copy made by `VACUUM INTO` lacks it."""
        with engine.connect() as connection:
            # Before the transaction, where alone SQLite takes it.
            connection.connection.execute("PRAGMA journal_mode = WAL")
            connection.rollback()

    def mark(self, connection: Connection) -> int:
        """Returns the number in the file's header; NOTHING for a file without tables and without one."""
        found = int(connection.exec_driver_sql("PRAGMA application_id").scalar_one())
        tables = connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()
        return NOTHING if found == 0 and tables == 0 else found

    def set_mark(self, connection: Connection, mark: int) -> None:
        """Writes the number into the file's header."""
        connection.exec_driver_sql(f"PRAGMA application_id = {mark}")

    def hold_schema(self, connection: Connection) -> None:
        """Does nothing: no other writing transaction runs."""

    def damage(self, connection: Connection) -> str | None:
        """Returns what is wrong with the file's structure, or in which table a row lacks its parent."""
        problems = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check(1)")]
        if problems == ["ok"]:
            problems = [f"{row[0]}: a row without its parent" for row in connection.exec_driver_sql(_ORPHANS)]
        return problems[0] if problems else None

    def conflict(self, error: BaseException) -> str:
        """Returns what SQLite says: "UNIQUE constraint failed: table.column, …" has names of columns, no values."""
        return str(error).rpartition(": ")[2]

    def error(self, error: BaseException, busy_seconds: float, *, lost: bool) -> StoreError | None:
        """Returns what an error of SQLite's means, by its code."""
        if not isinstance(error, sqlite3.Error):
            return None
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return StoreBusy(store=self.text, seconds=busy_seconds)
        if code == sqlite3.SQLITE_FULL:
            return StoreFull(store=self.text)
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
            return StoreReadOnly(store=self.text)
        if code == sqlite3.SQLITE_CORRUPT:
            return StoreDamaged(store=self.text, problem=str(error))
        if code == sqlite3.SQLITE_NOTADB:
            return ForeignStore(store=self.text)
        if code == sqlite3.SQLITE_CANTOPEN and not self.file.exists():
            return NoStore(store=self.text)
        return StoreError(store=self.text, problem=str(error))

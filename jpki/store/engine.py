"""A database engine for a store, and its errors in words of ours.

SQLite keeps its log beside the file (WAL), syncs at every commit, starts writing transactions with `BEGIN IMMEDIATE`
(an upgrade of a read lock would fail at once under several processes), waits for others, and checks foreign keys.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from .errors import (
    BadStoreUrl,
    ForeignStore,
    NoStore,
    StoreBusy,
    StoreConflict,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreReadOnly,
)

__all__ = ["APPLICATION_ID", "WRITING", "file_of", "sqlite_engine", "translated"]

WRITING = {"jpki_writing": True}
"""Execution options of a connection whose next transaction writes."""

APPLICATION_ID = 0x4A504B49  # "JPKI": stands in the file's header, so that a foreign file is known as one

_PAGES_BETWEEN_CHECKPOINTS = 4000
_CACHE_KIBIBYTES = 64 * 1024


def file_of(address: str | Path) -> Path:
    """Returns the file that a store's address names: a path, or `sqlite:///PATH`. Raises BadStoreUrl."""
    if isinstance(address, Path) or "://" not in address:
        return Path(address)
    try:
        url: URL = make_url(address)
    except ArgumentError:
        raise BadStoreUrl(problem="not an address") from None
    if url.password is not None:
        raise BadStoreUrl(problem="a password in the address")
    if url.get_backend_name() != "sqlite" or url.host or url.query:
        raise BadStoreUrl(problem="not of the form sqlite:///PATH")
    if not url.database or url.database == ":memory:":
        raise BadStoreUrl(problem="names no file")
    return Path(url.database)


def sqlite_engine(file: Path, busy_seconds: float, *, make: bool = False) -> Engine:
    """Returns an engine on a SQLite file, which must exist unless `make` is set."""
    address = f"file:{quote(str(file.absolute()))}?mode={'rwc' if make else 'rw'}"

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

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in (
            "synchronous = FULL",
            "foreign_keys = ON",
            "trusted_schema = OFF",
            "cell_size_check = ON",
            f"cache_size = -{_CACHE_KIBIBYTES}",
            f"wal_autocheckpoint = {_PAGES_BETWEEN_CHECKPOINTS}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("jpki_writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


@contextmanager
def translated(file: Path, busy_seconds: float) -> Iterator[None]:
    """Raises what the database reports as errors of the store; other exceptions pass."""
    try:
        yield
    except IntegrityError as error:
        # SQLite says "UNIQUE constraint failed: table.column, …": names of columns, no values.
        raise StoreConflict(store=str(file), what=str(error.orig).rpartition(": ")[2]) from error
    except DBAPIError as error:
        raise _translation(file, busy_seconds, error.orig) from error
    except sqlite3.Error as error:
        raise _translation(file, busy_seconds, error) from error
    except SQLAlchemyError as error:
        raise StoreError(store=str(file), problem=type(error).__name__) from error


def _translation(file: Path, busy_seconds: float, error: BaseException | None) -> StoreError:
    store = str(file)
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBusy(store=store, seconds=busy_seconds)
    if code == sqlite3.SQLITE_FULL:
        return StoreFull(store=store)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return StoreReadOnly(store=store)
    if code == sqlite3.SQLITE_CORRUPT:
        return StoreDamaged(store=store, problem=str(error))
    if code == sqlite3.SQLITE_NOTADB:
        return ForeignStore(store=store)
    if code == sqlite3.SQLITE_CANTOPEN and not file.exists():
        return NoStore(store=store)
    return StoreError(store=store, problem=str(error))

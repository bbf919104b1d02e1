"""One database file of this toolkit: opened, made, brought up to date, and held in transactions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Self

from sqlalchemy import Connection, Engine

from .engine import WRITING, file_of, sqlite_engine, translated
from .errors import ForeignStore, NoStore, StoreDamaged, StoreError, StoreExists, StoreTooNew

__all__ = ["BUSY_SECONDS", "Database"]

BUSY_SECONDS = 30.0
_EMPTY = ""
_ORPHANS = "PRAGMA foreign_key_check"


class Database:
    """A SQLite file with a schema of ours. What it holds, a class below says: its mark, its schema's steps, its words.

    Any number of processes may hold the same file; each thread works in transactions of its own. What a transaction
    changed is on the disk when its block ends, and nothing of it is there when the block is left by an exception.
    """

    __slots__ = ("_engine", "busy_seconds", "file")

    application_id: ClassVar[int]
    newest_schema: ClassVar[str]
    versions: ClassVar[str]

    def __init__(self, engine: Engine, file: Path, busy_seconds: float) -> None:
        self._engine = engine
        self.file = file
        self.busy_seconds = busy_seconds

    @classmethod
    def open(cls, address: str | Path, *, busy_seconds: float = BUSY_SECONDS) -> Self:
        """Opens the store at a path or `sqlite:///PATH`, and brings the schema of an older version up to date.

        Raises BadStoreUrl, NoStore, ForeignStore, StoreTooNew, and the other errors of a store.
        """
        file = file_of(address)
        if not file.is_file():
            raise NoStore(store=str(file))
        store = cls(sqlite_engine(file, busy_seconds), file, busy_seconds)
        try:
            found = store._schema()
            if found == _EMPTY:
                raise ForeignStore(store=str(file))
            store._keep_a_log()  # which a copy made by `VACUUM INTO` does not
            if found != cls.newest_schema:
                store._upgrade()
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def create(cls, address: str | Path, *, taken_up: bool = False, busy_seconds: float = BUSY_SECONDS) -> Self:
        """Makes an empty store. Where there is one, it is opened with `taken_up`, and StoreExists raised without.

        Raises BadStoreUrl, ForeignStore, StoreTooNew, and the other errors of a store.
        """
        file = file_of(address)
        _make_private(file)
        store = cls(sqlite_engine(file, busy_seconds, make=True), file, busy_seconds)
        try:
            found = store._schema()
            if found != _EMPTY and not taken_up:
                raise StoreExists(store=str(file))
            if found != cls.newest_schema:
                store._upgrade()
        except BaseException:
            store.close()
            raise
        return store

    def check(self) -> None:
        """Reads the whole store, however long it takes, and raises StoreDamaged where it does not hold together."""
        with self._connected(writing=False) as connection:
            problems = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check(1)")]
            if problems == ["ok"]:
                problems = [f"{row[0]}: a row without its parent" for row in connection.exec_driver_sql(_ORPHANS)]
        if problems:
            raise StoreDamaged(store=str(self.file), problem=problems[0])

    def close(self) -> None:
        """Lets go of the database."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _connected(self, *, writing: bool) -> Iterator[Connection]:
        with translated(self.file, self.busy_seconds), self._engine.connect() as connection:
            if writing:
                connection = connection.execution_options(**WRITING)  # noqa: PLW2901 - the same connection, marked
            with connection.begin():
                yield connection

    def _schema(self) -> str:
        """Returns the schema's number, or "" for an empty file; raises ForeignStore, StoreTooNew."""
        with self._connected(writing=False) as connection:
            application = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
            tables = connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()
            if application == 0 and tables == 0:
                return _EMPTY
            if application != self.application_id:
                raise ForeignStore(store=str(self.file))
            found = str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one())
        if found > self.newest_schema:
            raise StoreTooNew(store=str(self.file), found=found, known=self.newest_schema)
        return found

    def _keep_a_log(self) -> None:
        """Has the file keep its log beside it; that stays with the file, and changes nothing where it is so already."""
        with translated(self.file, self.busy_seconds), self._engine.connect() as connection:
            # Before the transaction, where alone SQLite takes it.
            connection.connection.execute("PRAGMA journal_mode = WAL")
            connection.rollback()

    def _upgrade(self) -> None:
        from .migrate import upgrade  # late: Alembic takes a tenth of a second to load, and is seldom needed

        self._keep_a_log()
        with self._connected(writing=True) as connection:
            connection.exec_driver_sql(f"PRAGMA application_id = {self.application_id}")
            upgrade(connection, self.newest_schema, self.versions)


def _make_private(file: Path) -> None:
    """Makes an empty file that only its owner reads, unless there is one: a store tells names and addresses."""
    try:
        file.touch(mode=0o600)
    except OSError as error:
        raise StoreError(store=str(file), problem=error.strerror or type(error).__name__) from error

"""One database of this toolkit: opened, made, brought up to date, and held in transactions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Self

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from .address import place_of
from .engine import NOTHING, WRITING, Place, translated
from .errors import ForeignStore, StoreDamaged, StoreError, StoreExists, StoreReadOnly, StoreTooNew
from .sqlite import SqliteFile

__all__ = ["BUSY_SECONDS", "Database"]

BUSY_SECONDS = 30.0
_EMPTY = ""


class Database:
    """A database with a schema of ours. What it holds, a class below says: its mark, its schema's steps, its words.

    Any number of processes may hold the same one; each thread works in transactions of its own. What a transaction
    changed is on the disk when its block ends, and nothing of it is there when the block is left by an exception. Where
    the connection breaks while a block is ending (StoreGone), it may be either; what is asked once more then shows it.
    """

    __slots__ = ("_at", "_engine", "_read_only", "busy_seconds")

    application_id: ClassVar[int]
    newest_schema: ClassVar[str]
    versions: ClassVar[str]

    def __init__(self, engine: Engine, at: Place, busy_seconds: float, *, read_only: bool = False) -> None:
        self._engine = engine
        self._at = at
        self._read_only = read_only
        self.busy_seconds = busy_seconds

    @property
    def place(self) -> str:
        """Returns where the store is, for people: a file's path, or an address; nothing secret is in it."""
        return self._at.text

    @property
    def file(self) -> Path:
        """Returns the store's file; AttributeError for a store that is no file."""
        if not isinstance(self._at, SqliteFile):
            raise AttributeError("the store is no file", name="file", obj=self)
        return self._at.file

    @classmethod
    def open(cls, address: str | Path, *, busy_seconds: float = BUSY_SECONDS, read_only: bool = False) -> Self:
        """Opens the store at a path, `sqlite:///PATH` or `postgresql://USER@HOST/NAME`.

        The schema of an older version is brought up to date. With `read_only` nothing is changed, the schema neither:
        so a PostgreSQL standby can be asked. Raises BadStoreUrl, NoStore, ForeignStore, StoreTooNew, and the other
        errors of a store.
        """
        at = place_of(address)
        at.look()
        store = cls(at.engine(busy_seconds, read_only=read_only), at, busy_seconds, read_only=read_only)
        try:
            found = store._schema()
            if found == _EMPTY:
                raise ForeignStore(store=at.text)
            if not read_only:
                store._settle()
                if found != cls.newest_schema:
                    store._upgrade()
            elif found != cls.newest_schema:
                raise StoreError(store=at.text, problem="an older schema, opened for reading only")
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def create(cls, address: str | Path, *, taken_up: bool = False, busy_seconds: float = BUSY_SECONDS) -> Self:
        """Makes an empty store. Where there is one, it is opened with `taken_up`, and StoreExists raised without.

        A PostgreSQL database has to be there, and empty. Raises BadStoreUrl, ForeignStore, StoreTooNew, and the other
        errors of a store.
        """
        at = place_of(address)
        at.prepare()
        store = cls(at.engine(busy_seconds, make=True), at, busy_seconds)
        try:
            found = store._schema()
            if found != _EMPTY and not taken_up:
                raise StoreExists(store=at.text)
            if found != cls.newest_schema:
                store._settle()
                store._upgrade()
        except BaseException:
            store.close()
            raise
        return store

    def check(self) -> None:
        """Reads the whole store, however long it takes, and raises StoreDamaged where it does not hold together."""
        with self._connected(writing=False) as connection:
            problem = self._at.damage(connection)
        if problem is not None:
            raise StoreDamaged(store=self.place, problem=problem)

    def close(self) -> None:
        """Lets go of the database."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _connected(self, *, writing: bool) -> Iterator[Connection]:
        if writing and self._read_only:
            raise StoreReadOnly(store=self.place)
        with translated(self._at, self.busy_seconds):
            connection = self._begun(writing=writing)
            with connection, connection.get_transaction() or connection.begin():
                yield connection

    def _begun(self, *, writing: bool) -> Connection:
        """Returns a connection in a new transaction.

        A connection of the pool may have broken while nobody used it. Its first word shows that, before anything was
        done: it is said once more on a new one.
        """
        again = True
        while True:
            connection = self._engine.connect()
            try:
                if writing:
                    connection = connection.execution_options(**WRITING)
                connection.begin()
            except BaseException as error:
                connection.close()
                if not (again and isinstance(error, DBAPIError) and error.connection_invalidated):
                    raise
                again = False
            else:
                return connection

    def _schema(self) -> str:
        """Returns the schema's number, or "" for an empty database; raises ForeignStore, StoreTooNew."""
        with self._connected(writing=False) as connection:
            mark = self._at.mark(connection)
            if mark == NOTHING:
                return _EMPTY
            if mark != self.application_id:
                raise ForeignStore(store=self.place)
            found = str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one())
        if found > self.newest_schema:
            raise StoreTooNew(store=self.place, found=found, known=self.newest_schema)
        return found

    def _settle(self) -> None:
        with translated(self._at, self.busy_seconds):
            self._at.settle(self._engine)

    def _upgrade(self) -> None:
        from .migrate import upgrade  # late: Alembic takes a tenth of a second to load, and is seldom needed

        with self._connected(writing=True) as connection:
            # Another process may have begun at the same time: whoever comes second finds the newest schema, and does
            # nothing.
            self._at.hold_schema(connection)
            upgrade(connection, self.newest_schema, self.versions)
            self._at.set_mark(connection, self.application_id)

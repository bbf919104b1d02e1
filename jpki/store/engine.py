"""What every database of a store has in common: an engine, transactions of two kinds, and errors in words of ours."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError, SQLAlchemyError

from .errors import StoreConflict, StoreError

__all__ = ["APPLICATION_ID", "NOTHING", "WRITING", "Place", "keep_to_its_process", "translated"]

WRITING = {"jpki_writing": True}
"""Execution options of a connection whose next transaction writes."""

APPLICATION_ID = 0x4A504B49  # "JPKI": stands in the database, so that a foreign one is known as one

NOTHING = -1
"""Stands for the mark of a database in which there is nothing yet."""


class Place(ABC):
    """Where a store lies, with everything that one kind of database does in its own way."""

    __slots__ = ()

    @property
    @abstractmethod
    def text(self) -> str:
        """Returns the place as people read it; nothing secret is in it."""

    @property
    @abstractmethod
    def address(self) -> str:
        """Returns the address by which the place can be named again from anywhere."""

    @abstractmethod
    def engine(self, busy_seconds: float, *, make: bool = False, read_only: bool = False) -> Engine:
        """Returns an engine; `make` lets it make what is not there."""

    @abstractmethod
    def look(self) -> None:
        """Raises NoStore where it shows without a connection that there is none."""

    @abstractmethod
    def prepare(self) -> None:
        """Gets ready for a new store; what is there is left alone. Raises StoreError."""

    @abstractmethod
    def settle(self, engine: Engine) -> None:
        """Gives the database the properties that stay with it, if it lacks them; before any transaction."""

    @abstractmethod
    def mark(self, connection: Connection) -> int:
        """Returns the number by which a program marked the database as its own; 0 for none, NOTHING where it is empty.

        Raises ForeignStore for a mark of another form.
        """

    @abstractmethod
    def set_mark(self, connection: Connection, mark: int) -> None:
        """Marks the database; its tables are there already, in the same transaction."""

    @abstractmethod
    def hold_schema(self, connection: Connection) -> None:
        """Waits until nobody else changes the schema, and keeps them off to the end of the transaction."""

    @abstractmethod
    def damage(self, connection: Connection) -> str | None:
        """Reads everything, and returns what does not hold together in a few English words, or None."""

    @abstractmethod
    def conflict(self, error: BaseException) -> str:
        """Returns the table and columns of which two rows wanted the same; never a value."""

    @abstractmethod
    def error(self, error: BaseException, busy_seconds: float, *, lost: bool) -> StoreError | None:
        """Returns what a driver's error means, None for another exception; `lost`: the connection is gone with it."""


@contextmanager
def translated(place: Place, busy_seconds: float) -> Iterator[None]:
    """Raises what the database reports as errors of the store; other exceptions pass."""
    try:
        yield
    except IntegrityError as error:
        # Without its cause: PostgreSQL repeats the values there.
        raise StoreConflict(store=place.text, what=place.conflict(error.orig or error)) from None
    except DBAPIError as error:
        cause = error.orig or error
        raise place.error(cause, busy_seconds, lost=error.connection_invalidated) or _other(place, error) from error
    except SQLAlchemyError as error:
        raise _other(place, error) from error
    except Exception as error:
        found = place.error(error, busy_seconds, lost=False)
        if found is None:
            raise
        raise found from error


def keep_to_its_process(engine: Engine) -> None:
    """Has a process that was forked off make connections of its own: two that use one would read each other's rows."""

    @event.listens_for(engine, "connect")
    def _mine(_: object, record: Any) -> None:  # noqa: ANN401 - a record of SQLAlchemy's pool
        record.info["process"] = os.getpid()

    @event.listens_for(engine, "checkout")
    def _is_mine(_: object, record: Any, proxy: Any) -> None:  # noqa: ANN401
        if record.info["process"] != os.getpid():
            # Let go of, and not closed: closing would tell the server to end the other process's session.
            record.dbapi_connection = proxy.dbapi_connection = None
            raise DisconnectionError


def _other(place: Place, error: SQLAlchemyError) -> StoreError:
    return StoreError(store=place.text, problem=type(error).__name__)

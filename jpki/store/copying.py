"""A copy of the authority's store, as it was at one moment, while others go on writing: of a file, or row by row."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from sqlalchemy import Connection, Engine, Table, func, select

from .bulk import BulkInsert
from .engine import translated
from .schema import metadata
from .sqlite import SqliteFile

__all__ = ["copy_file", "copy_rows"]

_ROWS_AT_ONCE = 5000


def copy_file(engine: Engine, source: SqliteFile, target: SqliteFile, busy_seconds: float) -> None:
    """Copies a SQLite file into an empty one, page by page, in one step; no writer waits for it.

    In several steps it would begin anew whenever another process wrote. Raises the errors of a store: StoreFull where
    there is no space left for the copy.
    """
    with translated(source, busy_seconds), engine.connect() as connection:
        held = connection.connection.driver_connection
        if not isinstance(held, sqlite3.Connection):
            raise TypeError("not SQLite")
        with translated(target, busy_seconds), closing(sqlite3.connect(target.file, isolation_level=None)) as copy:
            # What is not whole when the machine stops is not kept: the copy need not wait for the disk.
            copy.execute("PRAGMA synchronous = OFF")
            held.backup(copy, pages=-1)


def copy_rows(source: Connection, target: Connection) -> None:
    """Copies every row of a store into an empty one of the same schema, table by table, some thousand rows at a time.

    Both are transactions: the copy is of the moment of the first one.
    """
    for table in metadata.sorted_tables:
        names = [column.name for column in table.columns]
        add = BulkInsert(table, names)
        rows = source.execute(select(table).execution_options(yield_per=_ROWS_AT_ONCE))
        for some in rows.partitions():
            add.run(target, [tuple(row) for row in some])
    if target.dialect.name == "postgresql":
        for table in metadata.sorted_tables:
            _go_on_above(target, table)


def _go_on_above(target: Connection, table: Table) -> None:
    """Lets PostgreSQL number the next row behind those that came with their numbers."""
    column = table.autoincrement_column
    if column is not None and len(table.primary_key) == 1:
        sequence = target.execute(select(func.pg_get_serial_sequence(table.name, column.name))).scalar_one()
        highest = target.execute(select(func.max(column))).scalar_one()
        if sequence is not None and highest is not None:
            target.execute(select(func.setval(sequence, highest)))

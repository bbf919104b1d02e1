"""Many rows at a time: a statement is turned into text once, and its values go to the driver as they are.

SQLAlchemy's own way looks at every value of every row, which costs more than storing it. The values of these tables are
whole numbers, text and bytes, which all drivers take as they are. SQLite takes a row at a time; PostgreSQL takes all of
them in one statement, column by column, as arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Row, Select, Table, any_, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ColumnElement

__all__ = ["BulkDelete", "BulkInsert", "Lookup"]

_AT_ONCE = 500  # values in one question: far under SQLite's limit of parameters


class BulkInsert:
    """The insertion of many rows, of which `columns` name the values in their order."""

    __slots__ = ("_columns", "_prepared")

    def __init__(self, table: Table, columns: Sequence[str]) -> None:
        self._columns = [table.c[name] for name in columns]
        self._prepared: dict[str, str] = {}

    def run(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Adds the rows, within the connection's transaction."""
        if not rows:
            return
        dialect = connection.dialect
        text = self._prepared.get(dialect.name)
        if text is None:
            text = self._prepared[dialect.name] = self._text(dialect)
        if dialect.name == "postgresql":
            connection.exec_driver_sql(text, tuple(list(values) for values in zip(*rows, strict=True)))
        else:
            connection.exec_driver_sql(text, list(rows))

    def _text(self, dialect: Dialect) -> str:
        table = self._columns[0].table
        names = [column.name for column in self._columns]
        if dialect.name == "postgresql":
            arrays = ", ".join(f"%b::{_type(column, dialect)}[]" for column in self._columns)
            return f"INSERT INTO {table.name} ({', '.join(names)}) SELECT * FROM unnest({arrays})"  # noqa: S608
        return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608


class BulkDelete:
    """The deletion of many rows by their values in one column."""

    __slots__ = ("_column", "_prepared")

    def __init__(self, column: Column[Any]) -> None:
        self._column = column
        self._prepared: dict[str, str] = {}

    def run(self, connection: Connection, values: Sequence[Any]) -> None:
        """Removes the rows that have one of these values, within the connection's transaction."""
        if not values:
            return
        dialect = connection.dialect
        text = self._prepared.get(dialect.name)
        if text is None:
            text = self._prepared[dialect.name] = self._text(dialect)
        if dialect.name == "postgresql":
            connection.exec_driver_sql(text, (list(values),))
        else:
            connection.exec_driver_sql(text, [(value,) for value in values])

    def _text(self, dialect: Dialect) -> str:
        value = f"ANY (%b::{_type(self._column, dialect)}[])" if dialect.name == "postgresql" else "?"
        return f"DELETE FROM {self._column.table.name} WHERE {self._column.name} = {value}"  # noqa: S608


class Lookup:
    """One question for many values: the rows of a statement that have one of them in a column."""

    __slots__ = ("_column", "_prepared", "_statement")

    def __init__(self, statement: Select[Any], column: ColumnElement[Any]) -> None:
        self._statement = statement
        self._column = column
        self._prepared: dict[tuple[str, int], str] = {}

    def run(self, connection: Connection, values: Sequence[Any]) -> Iterator[Row[Any]]:
        """Yields the rows, in the order of the statement within each 500 values; a value given twice is asked once."""
        if not values:
            return
        values = list(dict.fromkeys(values))
        dialect = connection.dialect
        as_array = dialect.name == "postgresql"
        for start in range(0, len(values), _AT_ONCE):
            part = values[start : start + _AT_ONCE]
            kind = (dialect.name, 0 if as_array else len(part))
            text = self._prepared.get(kind)
            if text is None:
                text = self._prepared[kind] = self._array(dialect) if as_array else self._list(dialect, len(part))
            yield from connection.exec_driver_sql(text, {"wanted": part} if as_array else tuple(part))

    def _array(self, dialect: Dialect) -> str:
        wanted = bindparam("wanted", type_=ARRAY(self._column.type))
        text = str(self._statement.where(self._column == any_(wanted)).compile(dialect=dialect))
        return text.replace("%(wanted)s", "%(wanted)b")  # as its octets are: as text, psycopg looks at every character

    def _list(self, dialect: Dialect, count: int) -> str:
        wanted = self._column.in_([bindparam(f"value_{at}", type_=self._column.type) for at in range(count)])
        return str(self._statement.where(wanted).compile(dialect=dialect, compile_kwargs={"render_postcompile": True}))


def _type(column: Column[Any], dialect: Dialect) -> str:
    return column.type.compile(dialect=dialect)

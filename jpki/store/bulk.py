"""Many rows at a time: a statement is turned into text once, and its values go to the driver as they are.

SQLAlchemy's own way looks at every value of every row, which costs more than storing it. The values of these tables are
whole numbers, text and bytes, which all drivers take as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Delete, Insert, Row, Select, bindparam
from sqlalchemy.sql import ColumnElement

__all__ = ["Bulk", "Lookup"]

_AT_ONCE = 500  # values in one question: far under every database's limit of parameters


class Bulk:
    """One statement for many rows. `parameters` name a row's values in their order."""

    __slots__ = ("_parameters", "_prepared", "_statement")

    def __init__(self, statement: Insert | Delete, parameters: Sequence[str]) -> None:
        self._statement = statement
        self._parameters = tuple(parameters)
        self._prepared: dict[tuple[str, str], tuple[str, tuple[int, ...] | None]] = {}

    def run(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Runs the statement for each row, within the connection's transaction."""
        if not rows:
            return
        kind = (connection.dialect.name, connection.dialect.driver)
        prepared = self._prepared.get(kind)
        if prepared is None:
            prepared = self._prepared[kind] = self._prepare(connection)
        text, order = prepared
        if order is None:
            connection.exec_driver_sql(text, [dict(zip(self._parameters, row, strict=True)) for row in rows])
        elif order == tuple(range(len(self._parameters))):
            connection.exec_driver_sql(text, list(rows))
        else:
            connection.exec_driver_sql(text, [tuple(row[place] for place in order) for row in rows])

    def _prepare(self, connection: Connection) -> tuple[str, tuple[int, ...] | None]:
        """Returns the text for this driver, and the order it wants the values in; None where it wants them by name."""
        compiled = self._statement.compile(dialect=connection.dialect, column_keys=list(self._parameters))
        names = getattr(compiled, "positiontup", None)
        order = tuple(self._parameters.index(name) for name in names) if names else None
        return str(compiled), order


class Lookup:
    """One question for many values: the rows of a statement that have one of them in a column."""

    __slots__ = ("_column", "_prepared", "_statement")

    def __init__(self, statement: Select[Any], column: ColumnElement[Any]) -> None:
        self._statement = statement
        self._column = column
        self._prepared: dict[tuple[str, str, int], tuple[str, tuple[str, ...] | None]] = {}

    def run(self, connection: Connection, values: Sequence[Any]) -> Iterator[Row[Any]]:
        """Yields the rows, in the order of the statement within each 500 values; a value given twice is asked once."""
        values = list(dict.fromkeys(values))
        for start in range(0, len(values), _AT_ONCE):
            part = values[start : start + _AT_ONCE]
            kind = (connection.dialect.name, connection.dialect.driver, len(part))
            prepared = self._prepared.get(kind)
            if prepared is None:
                prepared = self._prepared[kind] = self._prepare(connection, len(part))
            text, names = prepared
            wanted = tuple(part) if names is None else dict(zip(names, part, strict=True))
            yield from connection.exec_driver_sql(text, wanted)

    def _prepare(self, connection: Connection, count: int) -> tuple[str, tuple[str, ...] | None]:
        """Returns the text for this driver, and the names it wants the values by; None where it wants them in order."""
        names = tuple(f"value_{number}" for number in range(count))
        wanted = self._column.in_([bindparam(name, type_=self._column.type) for name in names])
        compiled = self._statement.where(wanted).compile(
            dialect=connection.dialect, compile_kwargs={"render_postcompile": True}
        )
        return str(compiled), None if getattr(compiled, "positiontup", None) else names

"""What all questions to a store, and all changes of it, go through: one transaction."""

from __future__ import annotations

from sqlalchemy import Connection

__all__ = ["View"]


class View:
    """One transaction on a store's connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

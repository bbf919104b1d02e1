"""What became of numbers: the one question that everybody asks all day, by primary key and in one statement.

SQLAlchemy's own way costs ten times what the question costs the database. So each thread keeps a connection, and the
statement goes to its driver as it is, outside any transaction: one statement sees one state of the store. PostgreSQL is
told to plan it once: left to itself it plans for every number, and that costs three times what the answer does.

A file that was deleted or replaced under an open connection would be read on for ever, and what was revoked in the new
one would stay good. So before each question the file is looked at.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from threading import Lock, local
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Connection,
    Dialect,
    Engine,
    Select,
    SmallInteger,
    bindparam,
    cast,
    null,
    select,
    union_all,
)
from sqlalchemy.sql import ColumnElement

from jpki.terms import CertificateName, Role

from .engine import Place, translated
from .errors import NoStore
from .list_queries import NO_INDEX
from .schema import authority, authority_key, certificate, responder, revocation
from .sqlite import SqliteFile
from .values import code_of, id_of, moment_of, name_of

__all__ = ["NumberStatus", "Statuses", "StatusesAt"]

_AT_ONCE = 512  # numbers in one statement: far under every database's limit of parameters
_FEW = 16
_NOBODY = -1
_PLAN_ONCE = "SET plan_cache_mode = force_generic_plan"
_HIGHEST = 0xFFFFFFFF


class NumberStatus(NamedTuple):
    """What is known of a number that was given: by which key, until when, and since when and why it is revoked.

    `reason` is a CRL reason code (RFC 5280, 5.3.1), None where nothing is revoked.
    """

    issuer: CertificateName
    not_after: datetime
    reason: int | None
    revoked_at: datetime | None


class StatusesAt(NamedTuple):
    """What became of some numbers at one moment: when the authority's revocations had this revision."""

    revision: int
    found: dict[int, NumberStatus]


class Statuses:
    """Questions about numbers, each answered from the newest state of the store. Any thread may ask."""

    __slots__ = ("_at", "_busy_seconds", "_engine", "_lock", "_mine", "_open", "_plans_once", "_prepared")

    def __init__(self, engine: Engine, at: Place, busy_seconds: float) -> None:
        """Takes the engine of a store, and where that is."""
        self._engine = engine
        self._plans_once = engine.dialect.name == "postgresql"
        self._at = at
        self._busy_seconds = busy_seconds
        self._mine = local()
        self._lock = Lock()
        self._open: list[Connection] = []
        self._prepared: dict[int, tuple[str, tuple[str, ...]]] = {}

    def ask(self, role: Role, numbers: Sequence[int]) -> StatusesAt:
        """Returns what is known of an authority's numbers; what nobody was ever given is missing.

        Numbers that are negative or have over 32 bits are nobody's. A number that was taken for a certificate which
        was never stored is nobody's either. Of several numbers the first may be older than the last: `revision` is the
        first one's. Raises StoreError.
        """
        ids = [code_of(role) << 32 | number for number in dict.fromkeys(numbers) if 0 <= number <= _HIGHEST]
        revision: int | None = None
        found: dict[int, NumberStatus] = {}
        # In a plan for any numbers PostgreSQL cannot tell which parts of a table they lie in; in one for one it can.
        at_once = 1 if self._plans_once and len(ids) <= _FEW else _AT_ONCE
        for start in range(0, len(ids) or 1, at_once):
            for row in self._rows(code_of(role), ids[start : start + at_once]):
                if row[0] is None:
                    revision = row[1] if revision is None else revision
                    continue
                key, issuer, until, reason, since = row
                number = key & _HIGHEST
                # A revoked certificate comes twice, once without its revocation.
                if reason is not None or number not in found:
                    moment = None if since is None else moment_of(since)
                    found[number] = NumberStatus(name_of(issuer), moment_of(until), reason, moment)
        return StatusesAt(revision or 0, found)

    def revoked(self, issuer: CertificateName, *, after: int, limit: int = _AT_ONCE) -> tuple[int, ...]:
        """Returns the next numbers behind `after` that a key signed and that are revoked, in order; StoreError."""
        role = issuer.authority
        query = (
            select(revocation.c.id)
            .where(
                # Not by the index of what changed: all that it has of the key would be sorted for each few numbers.
                revocation.c.issuer + NO_INDEX == id_of(issuer),
                revocation.c.id > (code_of(role) << 32 | min(max(after, 0), _HIGHEST)),
                revocation.c.id <= (code_of(role) << 32 | _HIGHEST),
            )
            .order_by(revocation.c.id)
            .limit(limit)
        )
        with translated(self._at, self._busy_seconds), self._engine.connect() as connection, connection.begin():
            return tuple(row.id & _HIGHEST for row in connection.execute(query))

    def close(self) -> None:
        """Lets go of all connections."""
        with self._lock:
            held, self._open = self._open, []
        for connection in held:
            _end(connection)
        self._mine = local()

    def _rows(self, code: int, ids: Sequence[int]) -> Sequence[tuple[Any, ...]]:
        # Few different statements, for any count: the rest of the places is filled up.
        count = 1 << (len(ids) - 1).bit_length() if ids else 0
        prepared = self._prepared.get(count)
        if prepared is None:
            prepared = self._prepared[count] = _prepare(self._engine.dialect, count)
        text, names = prepared
        values = {"authority": code} | {f"id_{place}": value for place, value in enumerate(ids)}
        values |= {f"id_{place}": _NOBODY for place in range(len(ids), count)}
        wanted: Any = tuple(map(values.__getitem__, names)) if names else values
        with translated(self._at, self._busy_seconds):
            try:
                rows: Sequence[tuple[Any, ...]] = self._cursor().execute(text, wanted).fetchall()
            except Exception:
                # The connection may have broken long ago, while nobody used it: the question goes to a new one.
                self._drop()
                try:
                    rows = self._cursor().execute(text, wanted).fetchall()
                except BaseException:
                    self._drop()
                    raise
        return rows

    def _cursor(self) -> Any:  # noqa: ANN401 - the driver's own, sqlite3's or psycopg's
        """Returns the cursor of this thread's connection, which begins no transaction by itself."""
        held: Connection | None = getattr(self._mine, "connection", None)
        file = _file(self._at)
        if held is not None and file != self._mine.file:
            self._drop()
            self._engine.dispose()  # with the connections of others that nobody uses now
            held = None
        if held is None:
            held = self._mine.connection = self._engine.connect()
            with self._lock:
                self._open.append(held)
            self._mine.file = file
            self._mine.cursor = held.connection.cursor()
            if self._plans_once:
                self._mine.cursor.execute(_PLAN_ONCE)
        return self._mine.cursor

    def _drop(self) -> None:
        """Lets go of this thread's connection: the next question gets a new one."""
        held: Connection | None = getattr(self._mine, "connection", None)
        if held is None:
            return
        self._mine.connection = self._mine.cursor = None
        with self._lock:
            if held in self._open:
                self._open.remove(held)
        _end(held)


def _end(connection: Connection) -> None:
    """Ends a connection; it does not go back to the pool, as it is not like the others."""
    with suppress(Exception):  # it may be lost already
        connection.invalidate()
    with suppress(Exception):
        connection.close()


def _file(at: Place) -> tuple[int, int] | None:
    """Returns which file is at a store's place, None where that is no file; raises NoStore."""
    if not isinstance(at, SqliteFile):
        return None
    try:
        found = os.stat(at.file)  # noqa: PTH116 - half the time of Path.stat, and it is asked every time
    except OSError:
        raise NoStore(store=at.text) from None
    return found.st_dev, found.st_ino


def _prepare(dialect: Dialect, count: int) -> tuple[str, tuple[str, ...]]:
    """Returns the text for this driver, and the values it wants by place; none where it wants them by name."""
    ids = [bindparam(f"id_{place}", type_=BigInteger()) for place in range(count)]
    nothing = cast(null(), BigInteger)
    revision = select(nothing, authority.c.revision, nothing, cast(null(), SmallInteger), nothing).where(
        authority.c.code == bindparam("authority", type_=SmallInteger())
    )
    whole = [revision, *(_known(table, issuer, ids) for table, issuer in _TABLES)] if ids else [revision]
    compiled = union_all(*whole).compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    return str(compiled), tuple(getattr(compiled, "positiontup", None) or ())


_TABLES = (
    (revocation, revocation.c.issuer),
    (certificate, certificate.c.issuer),
    (responder, responder.c.issuer),
    (authority_key, authority_key.c.id),  # signed by itself
)


def _known(table: Any, issuer: ColumnElement[Any], ids: Sequence[ColumnElement[Any]]) -> Select[Any]:  # noqa: ANN401
    revoked = table is revocation
    return select(
        table.c.id,
        issuer,
        table.c.not_after,
        cast(revocation.c.reason if revoked else null(), SmallInteger),
        revocation.c.revoked_at if revoked else cast(null(), BigInteger),
    ).where(table.c.id == ids[0] if len(ids) == 1 else table.c.id.in_(ids))

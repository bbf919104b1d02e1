"""A store in a PostgreSQL database, through psycopg 3.

A writing transaction is READ COMMITTED: each statement sees what was committed before it began, and rows that are to be
changed are waited for. What a transaction decides by and must not change under it is locked first (`locks`). A snapshot
is REPEATABLE READ READ ONLY. A commit returns when the server has it on its disk, and on its synchronous standby where
one is named; a server or role that is set to return earlier is overruled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from .engine import NOTHING, Place, keep_to_its_process
from .errors import (
    ForeignStore,
    NoStore,
    StoreBusy,
    StoreDamaged,
    StoreDenied,
    StoreError,
    StoreFull,
    StoreGone,
    StoreReadOnly,
)

if TYPE_CHECKING:
    import psycopg

__all__ = ["PostgresqlDatabase"]

_SCHEMA_LOCK = 0x4A504B49_00000000
_MARK = "jpki-toolkit store "
_CONNECT_SECONDS = 10
_WRITES = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
_READS = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_TABLES = """
    SELECT count(*) FROM pg_catalog.pg_class
    WHERE relnamespace = pg_catalog.current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
"""
_COMMENT = "SELECT pg_catalog.obj_description(pg_catalog.to_regclass('alembic_version'), 'pg_class')"
_PARTS = """
    SELECT pg_catalog.quote_ident(relname) FROM pg_catalog.pg_class
    WHERE relnamespace = pg_catalog.current_schema()::regnamespace AND relkind = 'r' ORDER BY relname
"""
_CONSTRAINTS = """
    SELECT c.conrelid::regclass::text FROM pg_catalog.pg_constraint c
    WHERE c.connamespace = pg_catalog.current_schema()::regnamespace AND NOT c.convalidated
"""

# Classes and codes of SQLSTATE (PostgreSQL's manual, appendix A).
_ENDED = ("08", "57P01", "57P02", "57P03", "57P05")
_IN_THE_WAY = ("40", "55P03", "57014", "53300")  # serialization and deadlock, lock timeout, cancelled, too many
_PLAIN: tuple[tuple[str, type[StoreError]], ...] = (("53100", StoreFull), ("25006", StoreReadOnly), ("3D000", NoStore))
_TELLING: tuple[tuple[tuple[str, ...], type[StoreError]], ...] = (
    (("28", "42501"), StoreDenied),
    (("XX001", "XX002"), StoreDamaged),
)


@dataclass(frozen=True, slots=True)
class PostgresqlDatabase(Place):
    """A database by name, its role, its servers and libpq's options. What is empty is left to libpq.

    There is one port for all hosts, or one for each.
    """

    name: str
    user: str = ""
    hosts: tuple[str, ...] = ("",)
    ports: tuple[str, ...] = ("",)
    options: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """Returns an address without options, in which each server stands as it was given."""
        user = f"{self.user}@" if self.user else ""
        if len(self.hosts) == 1 and not self.hosts[0].startswith("/"):
            port = f":{self.ports[0]}" if self.ports[0] else ""
            return f"postgresql://{user}{self.hosts[0]}{port}/{self.name}"
        ports = f"&port={','.join(self.ports)}" if any(self.ports) else ""
        return f"postgresql://{user}/{self.name}?host={','.join(self.hosts)}{ports}"

    @property
    def address(self) -> str:
        """Returns the address with its options."""
        options = "&".join(f"{name}={quote(value, safe='/:')}" for name, value in self.options)
        return f"{self.text}{'&' if '?' in self.text else '?'}{options}" if options else self.text

    def engine(self, busy_seconds: float, *, make: bool = False, read_only: bool = False) -> Engine:
        """Returns an engine on the database, which must exist in any case."""
        wanted = self._connection(busy_seconds, read_only=read_only)

        def connect() -> psycopg.Connection[Any]:
            return _connect(wanted)

        # Nothing is asked before a connection is used again: `Database` begins once more where its first word finds
        # that the server has gone.
        try:
            engine = create_engine(
                "postgresql+psycopg://",
                creator=connect,
                hide_parameters=True,
                poolclass=QueuePool,
                use_native_hstore=False,
            )
        except ImportError as error:
            raise StoreError(store=self.text, problem="psycopg is not installed") from error
        keep_to_its_process(engine)

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            writing = connection.get_execution_options().get("jpki_writing", False)
            connection.exec_driver_sql(_WRITES if writing else _READS)

        return engine

    def look(self) -> None:
        """Does nothing: only the server knows."""

    def prepare(self) -> None:
        """Does nothing: the database is made by who runs the server."""

    def settle(self, engine: Engine) -> None:
        """Does nothing: what matters is set for each connection."""

    def mark(self, connection: Connection) -> int:
        """Returns the number in the comment on the table of the schema's version."""
        found = connection.exec_driver_sql(_COMMENT).scalar_one()
        if found is None:
            return NOTHING if connection.exec_driver_sql(_TABLES).scalar_one() == 0 else 0
        text = str(found).removeprefix(_MARK)
        if not text.isdecimal():
            raise ForeignStore(store=self.text)
        return int(text)

    def set_mark(self, connection: Connection, mark: int) -> None:
        """Writes the comment: it comes along in every dump and copy."""
        connection.exec_driver_sql(f"COMMENT ON TABLE alembic_version IS '{_MARK}{mark}'")

    def hold_schema(self, connection: Connection) -> None:
        """Takes the lock of those who change the schema; whoever waited sees what the one before committed."""
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})")

    def damage(self, connection: Connection) -> str | None:
        """Reads every row of every table, which finds pages that cannot be read and checksums that do not fit.

        Foreign keys hold by the server's own doing; one that was made without a check is named. More than that is for
        the server's own tools: pg_amcheck, pg_checksums.
        """
        tables = [str(row[0]) for row in connection.exec_driver_sql(_PARTS)]
        for table in tables:
            # A row turned into text is read whole, also what lies apart from it.
            connection.exec_driver_sql(f"SELECT sum(octet_length(t::text)) FROM {table} t").scalar_one()  # noqa: S608
        loose = connection.exec_driver_sql(_CONSTRAINTS).scalars().first()
        return None if loose is None else f"{loose}: a foreign key that was never checked"

    def conflict(self, error: BaseException) -> str:
        """Returns table and columns, as in SQLite's words; the values that PostgreSQL adds are left out."""
        found: Any = getattr(error, "diag", None)
        table = re.sub(r"_[0-9]{2}$", "", (found and found.table_name) or "")
        # The sentence may be in any language; the columns stand in its first brackets.
        columns = re.search(r"\(([a-z_, ]+)\)=", (found and found.message_detail) or "")
        if columns is None:
            return table
        return ", ".join(f"{table}.{column}" for column in columns[1].split(", "))

    def error(self, error: BaseException, busy_seconds: float, *, lost: bool) -> StoreError | None:
        """Returns what an error of PostgreSQL's means, by its code; of the connection's, by what is known of it."""
        import psycopg

        if not isinstance(error, psycopg.Error):
            return None
        state = error.sqlstate or ""
        if not state and isinstance(error, psycopg.OperationalError):
            return self._unconnected(error, lost=lost)
        if state.startswith(_ENDED) or lost:
            return StoreGone(store=self.text, problem="the connection ended")
        if state.startswith(_IN_THE_WAY):
            return StoreBusy(store=self.text, seconds=busy_seconds)
        said = (error.diag.message_primary or type(error).__name__).splitlines()[0]
        return next((kind(store=self.text) for states, kind in _PLAIN if state.startswith(states)), None) or next(
            (kind for states, kind in _TELLING if state.startswith(states)), StoreError
        )(store=self.text, problem=said)

    def _unconnected(self, error: psycopg.OperationalError, *, lost: bool) -> StoreError:
        """Returns why there is no connection: libpq tells it in words only, and the server in its own language."""
        said = " ".join(str(error).split())
        if lost:
            return StoreGone(store=self.text, problem="the connection ended")
        if "read-only" in said or "session is not read-only" in said:
            return StoreReadOnly(store=self.text)
        if "FATAL:" not in said:
            return StoreGone(store=self.text, problem="no connection")
        reason = said.rpartition("FATAL:")[2].strip()
        if f'"{self.name}"' in reason and "database" in reason and "not exist" in reason:
            return NoStore(store=self.text)
        if "too many" in reason or "remaining connection slots" in reason:
            return StoreBusy(store=self.text, seconds=0)
        if "the database system is" in reason:  # starting up, shutting down, in recovery mode
            return StoreGone(store=self.text, problem="no connection")
        return StoreDenied(store=self.text, problem=reason)

    def _connection(self, busy_seconds: float, *, read_only: bool) -> Mapping[str, Any]:
        """Returns what libpq is told; what is not said here it takes from its environment, as `PGPASSFILE`."""
        settings = {
            "lock_timeout": str(max(1, round(busy_seconds * 1000))),
            "client_min_messages": "warning",
            # A client that vanished without a word must not keep its locks for hours.
            "tcp_keepalives_idle": "30",
            "tcp_keepalives_interval": "10",
            "tcp_keepalives_count": "3",
        }
        wanted: dict[str, Any] = {
            "dbname": self.name,
            "application_name": "jpki-toolkit",
            "connect_timeout": _CONNECT_SECONDS,
            "target_session_attrs": "any" if read_only else "read-write",
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": 60_000,
            "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
            **dict(self.options),
        }
        if self.user:
            wanted["user"] = self.user
        if any(self.hosts):
            wanted["host"] = ",".join(self.hosts)
        if any(self.ports):
            wanted["port"] = ",".join(self.ports)
        return wanted


def _connect(wanted: Mapping[str, Any]) -> psycopg.Connection[Any]:
    import psycopg

    # Transactions are begun by the word for their kind, in one exchange: see `PostgresqlDatabase.engine`.
    connection = psycopg.connect(**wanted, autocommit=True)
    found = connection.execute("SELECT pg_catalog.current_setting('synchronous_commit')").fetchone()
    if found is not None and found[0] in ("off", "local"):
        connection.execute("SET synchronous_commit = on")
    return connection

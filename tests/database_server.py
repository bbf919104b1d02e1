"""A PostgreSQL server for tests: Debian's, in a folder of its own, on a socket and a port of the loopback.

All test runs on this machine share one; it is started by the first that needs it and ended by the last that used it.
Each test has a database of its own, copied from one in which the schema has been made. They go with the server:
dropping one takes longer than making it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

import psycopg
import pytest
from virtual_reader import until

from jpki.store import RelyingStore, Store
from jpki.store import migrate as migration

_MISSING = "no PostgreSQL to try with: apt-get install postgresql"
_PROGRAMS = Path("/usr/lib/postgresql")
_USER = "postgres"
_SHARED = Path(tempfile.gettempdir()) / f"jpki-toolkit-postgresql-{os.geteuid()}"
_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = '{folder}'
port = {port}
fsync = on
shared_buffers = 64MB
max_connections = 60
max_locks_per_transaction = 256
max_wal_size = 512MB
wal_level = replica
max_wal_senders = 4
autovacuum_naptime = 10min
logging_collector = off
log_min_messages = fatal
lc_messages = 'C'
"""
# By the socket everybody is whom he says; by the port he shows it.
_WHO = "local all all trust\nlocal replication all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"


@dataclass
class DatabaseServer:
    """A server in a folder."""

    folder: Path
    port: int = 0
    settings: str = ""
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, name: str, *, user: str = "jpki") -> str:
        """Returns the address of a database, through the socket."""
        return f"postgresql://{user}@/{name}?host={self.folder}&port={self.port}"

    def by_port(self, name: str, *, user: str = "jpki") -> str:
        """Returns the address of a database through the port, where a password is asked for."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{name}"

    def make(self) -> Self:
        """Makes an empty cluster."""
        give_to_server(self.folder)
        run_as_server(
            [program("initdb"), "-D", self.data, "-U", "jpki", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        )
        return self.configure()

    def configure(self) -> Self:
        """Writes the settings, also of a cluster that was copied."""
        (self.data / "pg_hba.conf").write_text(_WHO)
        self.port = self.port or free_port()
        text = _SETTINGS.format(folder=self.folder, port=self.port) + self.settings
        (self.data / "postgresql.conf").write_text(text)
        return self

    def start(self) -> Self:
        """Starts it, and waits until it answers; a standby answers, too."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*as_server(), program("postgres"), "-D", str(self.data)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # others may use it when this one's terminal is gone
            )
        if not until(self.answers, 60):
            pytest.fail(f"PostgreSQL does not come up: {(self.folder / 'log').read_text('utf-8', 'replace')[-2000:]}")
        return self

    def standby(self, folder: Path, name: str) -> DatabaseServer:
        """Makes a standby that follows this server by a name, and starts it."""
        give_to_server(folder)
        copied = DatabaseServer(folder, settings=f"primary_conninfo = '{self._for_standby(name)}'\n")
        whom = ("-h", self.folder, "-p", self.port, "-U", "jpki", "-D", copied.data)
        how = ("--wal-method=stream", "--checkpoint=fast", "--write-recovery-conf", "--no-sync")
        run_as_server([program("pg_basebackup"), *whom, *how])
        copied.configure()
        (copied.data / "postgresql.auto.conf").write_text("")
        return copied.start()

    def _for_standby(self, name: str) -> str:
        return f"host={self.folder} port={self.port} user=jpki application_name={name}"

    @property
    def pid(self) -> int:
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def kill(self) -> None:
        """Ends it as a power cut does: no process of it may do anything any more."""
        first = self.pid
        everyone = [first, *children_of(first)]
        os.kill(first, signal.SIGSTOP)  # so that it starts no new ones while they end
        for process in [*everyone, *children_of(first)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._gone()

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Ends it: SIGQUIT at once, SIGINT after it sent everybody away."""
        with contextlib.suppress(OSError, ValueError):
            os.kill(self.pid, how)
            self._gone()

    def answers(self) -> bool:
        try:
            self.ask("postgres", "SELECT 1")
        except psycopg.OperationalError:
            if self._process is not None and self._process.poll() is not None:
                pytest.fail(f"PostgreSQL ended: {(self.folder / 'log').read_text('utf-8', 'replace')[-2000:]}")
            return False
        return True

    def ask(self, database: str, statement: str) -> list[tuple[object, ...]]:
        """Returns what a statement gives, outside any transaction."""
        with psycopg.connect(
            host=str(self.folder), port=self.port, user="jpki", dbname=database, autocommit=True
        ) as connection:
            found = connection.execute(statement)  # type: ignore[call-overload]
            return found.fetchall() if found.description else []

    def database(self, template: str | None = None) -> str:
        """Makes a database with a name of its own, and returns the name."""
        name = f"test_{uuid.uuid4().hex}"
        self.ask("postgres", f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
        return name

    def template(self, kind: type[Store | RelyingStore] = Store) -> str:
        """Returns the name of a database with the newest schema and nothing in it."""
        name = f"template_{kind.__name__.lower()}_{_steps()}"
        with locked("template"):
            if not self.ask("postgres", f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):  # noqa: S608
                made = self.database()
                kind.create(self.url(made)).close()
                self.ask("postgres", f"ALTER DATABASE {made} RENAME TO {name}")
        return name

    def _gone(self) -> None:
        if self._process is not None:
            self._process.wait(30)
            self._process = None
        # Whoever else started it: the socket goes with the last process.
        assert until(lambda: not self._listens(), 30)

    def _listens(self) -> bool:
        with socket.socket(socket.AF_INET) as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def need_programs() -> None:
    """Skips the test where PostgreSQL is not installed."""
    if not list(_PROGRAMS.glob("*/bin/initdb")):
        pytest.skip(_MISSING)


def program(name: str) -> str:
    """Returns the path of one of PostgreSQL's programs, of its newest version."""
    found = sorted(_PROGRAMS.glob(f"*/bin/{name}"), key=lambda path: int(path.parents[1].name))
    return str(found[-1])


def as_server() -> list[str]:
    """Returns what a command begins with that the server's user is to run: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam(_USER)
    return [
        shutil.which("setpriv") or "setpriv",
        f"--reuid={user.pw_uid}",
        f"--regid={user.pw_gid}",
        "--clear-groups",
        "--",
    ]


def run_as_server(command: list[object]) -> None:
    done = subprocess.run([*as_server(), *map(str, command)], capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr


def give_to_server(folder: Path) -> None:
    """Makes a folder that the server's user owns."""
    folder.mkdir(mode=0o755, exist_ok=True)
    if os.geteuid() == 0:
        user = pwd.getpwnam(_USER)
        os.chown(folder, user.pw_uid, user.pw_gid)


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def locked(what: str, how: int = fcntl.LOCK_EX) -> Iterator[IO[bytes]]:
    path = Path(f"{_SHARED}-{what}.lock")
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b") as lock:
        fcntl.flock(lock, how)
        yield lock


def _steps() -> str:
    """Returns a name of the schema as it stands in the checkout now."""
    digest = hashlib.sha256()
    for step in sorted((Path(migration.__file__).parent / "migrations").rglob("*.py")):
        digest.update(step.read_bytes())
    return digest.hexdigest()[:16]


def _shared() -> DatabaseServer:
    """Returns the shared server; it is started where it does not run."""
    server = DatabaseServer(_SHARED)
    with contextlib.suppress(OSError, AttributeError):
        found = re.search(r"^port = ([0-9]+)", (server.data / "postgresql.conf").read_text(), re.MULTILINE)
        assert found is not None
        server.port = int(found[1])
        if (server.data / "postmaster.pid").exists() and server.answers():
            return server
    shutil.rmtree(_SHARED, ignore_errors=True)  # what a machine that was switched off left
    server.port = 0
    return server.make().start()


@pytest.fixture(scope="session")
def database_server() -> Iterator[DatabaseServer]:
    """Has a server run; the last test run that uses it ends it."""
    need_programs()
    with contextlib.ExitStack() as stack:
        with locked("starting"):
            server = _shared()
            users = stack.enter_context(locked("users", fcntl.LOCK_SH))
        yield server
        with locked("starting"):
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return  # others use it
            server.stop()
            shutil.rmtree(server.folder, ignore_errors=True)


@pytest.fixture
def empty_database(database_server: DatabaseServer) -> str:
    """Gives the address of a database with nothing in it."""
    return database_server.url(database_server.database())


@pytest.fixture
def made_database(database_server: DatabaseServer) -> str:
    """Gives the address of a database with the newest schema and nothing in it."""
    return database_server.url(database_server.database(database_server.template()))

"""A PostgreSQL server that is killed, or lost for good, while authorities work: nothing confirmed is missing."""

from __future__ import annotations

import random
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from authorities import new_authority
from database_server import DatabaseServer, need_programs
from issue_in_a_process import BATCH
from issuing_processes import Workers, compare, everything, wait_for_lines
from virtual_reader import until

from jpki.store import Store, StoreReadOnly

CHOICE = random.Random(20261122)  # noqa: S311 - when a server is killed is no secret
FAILED = 1


@pytest.fixture
def home() -> Iterator[Path]:
    """Gives a folder that the server's user can come to."""
    need_programs()
    with tempfile.TemporaryDirectory(prefix="jpki-postgresql-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def server(home: Path) -> Iterator[DatabaseServer]:
    made = DatabaseServer(home / "server").make().start()
    yield made
    made.stop()


def work_until(workers: Workers, lines: int) -> None:
    """Waits until both workers have written so many lines, and a random moment longer."""
    for process, journal in zip(workers.running, workers.journals[-2:], strict=True):
        wait_for_lines(process, journal, lines)
    time.sleep(CHOICE.uniform(0.0, 0.01))


def begin(workers: Workers, count: int, *, turn: int = 0) -> None:
    (workers.folder / "go").unlink(missing_ok=True)
    workers.running.clear()
    for number in range(2):
        # One of them asks again for some of what it asked for before, which may be issued, or not, or half.
        workers.start(number * 2000 + turn * (60 if number else 30), count, revoking=bool(number))
    workers.go()


def kill_and_start(server: DatabaseServer, tmp_path: Path, rounds: int) -> None:
    address = server.url(server.database())
    new_authority(tmp_path, address=address).close()
    workers = Workers(tmp_path, address)
    try:
        for turn in range(rounds):
            begin(workers, 60, turn=turn)
            work_until(workers, 1 + CHOICE.randrange(0, 4) * (BATCH + 1))
            server.kill()
            assert {process.wait(60) for process in workers.running} <= {FAILED, 0}
            server.start()
            compare(workers)
        begin(workers, 20, turn=rounds)
        assert [process.wait(60) for process in workers.running] == [0, 0]
        compare(workers)
    finally:
        workers.stop()


def lose_and_promote(server: DatabaseServer, home: Path, tmp_path: Path, batches: int) -> str:
    """Kills the first server under load, promotes the synchronous standby and goes on; returns what was found."""
    name = server.database()
    new_authority(tmp_path, address=server.url(name)).close()
    standby = server.standby(home / "standby", "standby1")
    workers = Workers(
        tmp_path,
        f"postgresql://jpki@/{name}?host={server.folder},{standby.folder}&port={server.port},{standby.port}",
    )
    try:
        server.ask("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (standby1)'")
        server.ask("postgres", "SELECT pg_reload_conf()")
        assert until(lambda: server.ask("postgres", "SELECT sync_state FROM pg_stat_replication") == [("sync",)])
        begin(workers, 60 + batches * BATCH)
        work_until(workers, 1 + batches * (BATCH + 1))
        server.kill()
        confirmed = set(workers.confirmed())
        assert {process.wait(60) for process in workers.running} == {FAILED}
        standby.ask("postgres", "SELECT pg_promote()")
        compare(workers)
        begin(workers, 20, turn=40)
        assert [process.wait(60) for process in workers.running] == [0, 0]
        compare(workers)
        with Store.open(workers.address) as store, store.snapshot() as view:
            there = len(everything(view))
        return f"{len(confirmed)} confirmed, {len(workers.revoked())} revoked, {there} on the promoted standby"
    finally:
        workers.stop()
        standby.stop()


def test_a_server_that_is_killed_while_two_work_loses_nothing_that_was_confirmed(
    server: DatabaseServer, tmp_path: Path
) -> None:
    kill_and_start(server, tmp_path, 2)


def test_a_synchronous_standby_that_is_promoted_has_everything_that_was_confirmed(
    server: DatabaseServer, home: Path, tmp_path: Path, record_property: pytest.RecordProperty
) -> None:
    record_property("says", lose_and_promote(server, home, tmp_path, 2))


def test_a_standby_is_asked_and_not_changed(server: DatabaseServer, home: Path, tmp_path: Path) -> None:
    name = server.database()
    new_authority(tmp_path, address=server.url(name)).close()
    standby = server.standby(home / "standby", "standby1")
    either = f"postgresql://jpki@/{name}?host={standby.folder},{server.folder}&port={standby.port},{server.port}"
    try:
        with pytest.raises(StoreReadOnly):
            Store.open(standby.url(name))
        with Store.open(standby.url(name), read_only=True) as store:
            store.check()
            with store.snapshot() as view:
                assert view.settings()
            with pytest.raises(StoreReadOnly), store.transaction():
                pass
        with Store.open(either) as store, store.transaction() as change:
            change.put_settings({"written": "on the first server"})
    finally:
        standby.stop(signal.SIGINT)


@pytest.mark.soak
def test_a_server_that_is_killed_forty_times_loses_nothing_that_was_confirmed(
    server: DatabaseServer, tmp_path: Path
) -> None:
    kill_and_start(server, tmp_path, 40)


@pytest.mark.soak
@pytest.mark.parametrize("batches", range(0, 18, 2))
def test_whenever_the_first_server_is_lost_its_standby_has_everything(
    server: DatabaseServer, home: Path, tmp_path: Path, batches: int, record_property: pytest.RecordProperty
) -> None:
    record_property("says", lose_and_promote(server, home, tmp_path, batches))

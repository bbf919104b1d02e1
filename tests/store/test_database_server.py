"""What a store says of a PostgreSQL server that refuses, is missing, goes away or has no room."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from database_server import DatabaseServer, free_port, need_programs
from store_rows import NOW, row

from jpki.store import (
    ForeignStore,
    NoStore,
    RelyingStore,
    Store,
    StoreBusy,
    StoreDenied,
    StoreError,
    StoreFull,
    StoreGone,
    StoreReadOnly,
)
from jpki.terms import CertificateName, Role

FIRST = 0x0100_0002
NAME = CertificateName(Role.SIGNATURE, FIRST)


@pytest.fixture
def own_server() -> Iterator[DatabaseServer]:
    """Gives a server that this test alone uses."""
    need_programs()
    with tempfile.TemporaryDirectory(prefix="jpki-postgresql-") as home:
        Path(home).chmod(0o755)
        server = DatabaseServer(Path(home) / "server").make().start()
        yield server
        server.stop()


def names(store: Store) -> list[int]:
    with store.snapshot() as view:
        return [stored.name.number for stored in view.certificates(at=NOW, limit=10_000)]


def database_of(address: str) -> str:
    return address.partition("?")[0].rpartition("/")[2]


def pid_of(store: Store) -> int:
    with store._connected(writing=False) as connection:
        return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


def test_an_address_with_password_file_opens_a_store_by_the_port(
    database_server: DatabaseServer, made_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = database_of(made_database)
    database_server.ask("postgres", "ALTER ROLE jpki PASSWORD 'correct horse'")
    file = tmp_path / "pgpass"
    file.write_text("*:*:*:jpki:correct horse\n")
    file.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(file))
    with Store.open(database_server.by_port(name)) as store:
        assert names(store) == []
        assert store.place == f"postgresql://jpki@127.0.0.1:{database_server.port}/{name}"
    Store.open(f"{database_server.by_port(name)}?passfile={file}").close()
    file.write_text("*:*:*:jpki:wrong horse\n")
    with pytest.raises(StoreDenied) as caught:
        Store.open(database_server.by_port(name))
    assert "horse" not in f"{caught.value!r}{caught.value.problem}"


def test_a_role_that_is_not_there_is_denied(database_server: DatabaseServer, made_database: str) -> None:
    name = database_of(made_database)
    with pytest.raises(StoreDenied):
        Store.open(database_server.url(name, user="nobody_at_all"))


def test_a_database_that_is_not_there_is_no_store(database_server: DatabaseServer) -> None:
    for how in (Store.open, Store.create):
        with pytest.raises(NoStore) as caught:
            how(database_server.url("not_there"))
        assert "not_there" in caught.value.store


def test_a_server_that_is_not_there_is_gone(tmp_path: Path) -> None:
    for address in (f"postgresql://jpki@127.0.0.1:{free_port()}/x", f"postgresql://jpki@/x?host={tmp_path}"):
        with pytest.raises(StoreGone) as caught:
            Store.open(address)
        assert caught.value.problem == "no connection"


def test_what_a_role_may_not_do_is_denied(
    database_server: DatabaseServer, store_on_server: Store, made_database: str
) -> None:
    with store_on_server._connected(writing=True) as connection:
        connection.exec_driver_sql("DROP ROLE IF EXISTS only_reads")
        connection.exec_driver_sql("CREATE ROLE only_reads LOGIN")
        connection.exec_driver_sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO only_reads")
    name = database_of(made_database)
    with Store.open(database_server.url(name, user="only_reads")) as store:
        assert names(store) == []
        with pytest.raises(StoreDenied) as caught, store.transaction() as change:
            change.put_settings({"a": "b"})
    assert "setting" in caught.value.problem


def test_an_empty_database_is_no_store_until_one_is_made_there(empty_database: str) -> None:
    with pytest.raises(ForeignStore):
        Store.open(empty_database)
    Store.create(empty_database).close()
    Store.open(empty_database).close()


def test_another_programs_database_is_refused_and_left_alone(empty_database: str) -> None:
    connection = psycopg.connect(empty_database, autocommit=True)
    connection.execute("CREATE TABLE certificate (id bigint)")
    for how in (Store.open, Store.create):
        with pytest.raises(ForeignStore):
            how(empty_database)
    connection.execute("CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('0001')")
    for how in (Store.open, Store.create):
        with pytest.raises(ForeignStore):
            how(empty_database)
    tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert tables == (2,)
    connection.close()


def test_a_relying_partys_store_lies_in_a_database_too_and_is_no_authoritys(empty_database: str) -> None:
    with RelyingStore.create(empty_database) as store:
        store.add_challenge(b"n", "https://x", NOW, forgotten_before=NOW)
        taken = [store.take_challenge(b"n") for _ in range(2)]
    assert [one and one.issued_at for one in taken] == [NOW, None]
    with pytest.raises(ForeignStore):
        Store.open(empty_database)


def test_a_commit_waits_for_the_disk_whatever_the_role_is_set_to(store_on_server: Store, made_database: str) -> None:
    name = database_of(made_database)
    for setting, used in (("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")):
        with psycopg.connect(made_database, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = {setting}")
        with Store.open(made_database) as store, store._connected(writing=True) as change:
            assert change.exec_driver_sql("SHOW synchronous_commit").scalar_one() == used


def test_a_snapshot_changes_nothing(store_on_server: Store) -> None:
    with pytest.raises(StoreReadOnly), store_on_server._connected(writing=False) as connection:
        connection.exec_driver_sql("DELETE FROM setting")


def test_what_was_opened_for_reading_only_is_asked_and_not_changed(store: Store, address: str) -> None:
    with store.transaction() as change:
        change.add_certificates([row(FIRST)])
    with Store.open(address, read_only=True) as reading:
        assert names(reading) == [FIRST]
        with pytest.raises(StoreReadOnly), reading.transaction():
            pass


def test_a_connection_that_was_cut_while_nobody_used_it_is_not_noticed(
    store_on_server: Store, made_database: str
) -> None:
    with psycopg.connect(made_database, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (pid_of(store_on_server),))
    with store_on_server.transaction() as change:
        change.add_certificates([row(FIRST)])
    assert names(store_on_server) == [FIRST]


def test_a_connection_that_is_cut_in_the_middle_is_an_error_and_the_next_call_has_another(
    store_on_server: Store, made_database: str
) -> None:
    with psycopg.connect(made_database, autocommit=True) as other:

        def add_and_be_cut(more: int) -> None:
            with store_on_server.transaction() as change:
                change.add_certificates([row(FIRST)])
                mine = change._connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
                other.execute("SELECT pg_terminate_backend(%s, 10000)", (mine,))
                change.add_certificates([row(FIRST + 1 + number) for number in range(more)])

        for more in (1, 0):  # before a statement, and before the commit
            with pytest.raises(StoreGone) as caught:
                add_and_be_cut(more)
            assert caught.value.problem == "the connection ended"
    assert names(store_on_server) == []
    with store_on_server.transaction() as change:
        change.add_certificates([row(FIRST)])
    assert names(store_on_server) == [FIRST]


def test_of_two_who_wait_for_each_other_one_is_told_and_may_do_it_again(
    store_on_server: Store, made_database: str
) -> None:
    held = threading.Barrier(2)
    told: list[StoreBusy] = []

    def change_in(order: tuple[str, str]) -> None:
        with Store.open(made_database) as store:
            for attempt in range(2):
                try:
                    with store.transaction() as change:
                        change.of_holders([order[0]])
                        if not attempt:
                            held.wait(20)
                        change.of_holders([order[1]])
                        change.put_settings({f"{order}": "done"})
                    return
                except StoreBusy as error:
                    told.append(error)

    working = [threading.Thread(target=change_in, args=(order,)) for order in (("R1", "R2"), ("R2", "R1"))]
    for one in working:
        one.start()
    for one in working:
        one.join(30)
    with store_on_server.snapshot() as view:
        assert len(view.settings()) == 2
    assert len(told) == 1


def put_and(store: Store, do: Callable[[], object]) -> None:
    with store.transaction() as change:
        change.put_settings({"lost": "yes"})
        do()


def test_a_server_that_is_killed_loses_nothing_that_was_committed_and_the_store_goes_on(
    own_server: DatabaseServer,
) -> None:
    address = own_server.url(own_server.database())
    with Store.create(address) as store:
        with store.transaction() as change:
            change.put_settings({"kept": "yes"})
        with pytest.raises(StoreGone):
            put_and(store, own_server.kill)
        with pytest.raises(StoreGone), store.snapshot():
            pass
        own_server.start()
        with store.snapshot() as view:
            assert view.settings() == {"kept": "yes"}
        with store.transaction() as change:
            change.put_settings({"lost": "no"})


def test_a_server_that_is_shut_down_sends_everybody_away_with_an_error(own_server: DatabaseServer) -> None:
    address = own_server.url(own_server.database())
    with Store.create(address) as store:
        with pytest.raises(StoreGone):
            put_and(store, lambda: own_server.stop(signal.SIGINT))
        own_server.start()
        with store.snapshot() as view:
            assert view.settings() == {}


def fill(store: Store, kept: list[str]) -> None:
    while True:
        with store.transaction() as change:
            change.put_settings({f"name {len(kept)}": os.urandom(100_000).hex()})
        kept.append(f"name {len(kept)}")


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mounts a disk of few octets that the server may write to."""
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    folder.mkdir()
    mount = [*sudo, "mount", "-t", "tmpfs", "-o", "size=24m", "none", str(folder)]
    if (sudo and shutil.which("sudo") is None) or subprocess.run(mount, capture_output=True, check=False).returncode:
        folder.rmdir()
        pytest.skip("no small disk to try with: this user may not mount one")
    try:
        owner = folder.parent.stat()
        subprocess.run([*sudo, "chown", f"{owner.st_uid}:{owner.st_gid}", str(folder)], check=True)
        yield
    finally:
        subprocess.run([*sudo, "umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_under_the_server_is_an_error_and_loses_nothing(own_server: DatabaseServer) -> None:
    small = own_server.folder / "small"
    with small_disk(small):
        own_server.ask("postgres", f"CREATE TABLESPACE small LOCATION '{small}'")
        own_server.ask("postgres", "CREATE DATABASE full_one TABLESPACE small")
        with Store.create(own_server.url("full_one")) as store:
            kept: list[str] = []
            with pytest.raises(StoreFull):
                fill(store, kept)
            with store.snapshot() as view:
                assert sorted(view.settings()) == sorted(kept)
        own_server.stop()


def test_an_error_of_the_servers_tells_no_value(store_on_server: Store) -> None:
    with store_on_server.transaction() as change:
        change.add_certificates([row(FIRST, holder="R-secret")])
    with pytest.raises(StoreError) as caught, store_on_server.transaction() as change:
        change.add_certificates([row(FIRST + 1, holder="R-secret")])
    found: BaseException | None = caught.value
    while found is not None:
        assert "R-secret" not in f"{found!s}{found!r}{vars(found)}"
        found = found.__cause__

"""What a transaction keeps, and what it does where something is in its way."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from store_rows import NOW, row

from jpki.store import Intent, Store, StoreBusy, StoreConflict, StoreFull, StoreReadOnly
from jpki.terms import CertificateName, Role

ROOT = Path(__file__).parents[2]
FIRST = 0x0100_0002


def names(store: Store) -> list[int]:
    with store.snapshot() as view:
        return [stored.name.number for stored in view.certificates(at=NOW, limit=10_000)]


def test_a_block_that_ends_in_an_exception_leaves_nothing(store: Store) -> None:
    def add_and_fail() -> None:
        with store.transaction() as change:
            change.add_certificates([row(FIRST)])
            raise KeyError

    with pytest.raises(KeyError):
        add_and_fail()
    assert names(store) == []


def test_every_commit_is_synced_and_foreign_keys_hold(store_in_file: Store) -> None:
    with store_in_file._connected(writing=True) as connection:
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("synchronous", "foreign_keys")]
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    assert found == [2, 1]
    assert mode == "wal"


def test_numbers_are_never_given_twice(store: Store) -> None:
    with store.transaction() as change:
        first = change.take_numbers(Role.SIGNATURE, 3)
    with store.transaction() as change:
        second = change.take_numbers(Role.SIGNATURE, 2)
    assert [*first, *second] == list(range(FIRST, FIRST + 5))


def test_the_two_authorities_count_each_for_itself(store: Store) -> None:
    with store.transaction() as change:
        change.take_numbers(Role.SIGNATURE, 3)
        assert change.take_numbers(Role.AUTHENTICATION, 1)[0] == 0x0100_0001


def test_an_intent_stays_until_its_certificate_is_there(store: Store) -> None:
    intents = [
        Intent(CertificateName(Role.SIGNATURE, FIRST + index), f"R{index}", "job", bytes(16), NOW) for index in range(2)
    ]
    with store.transaction() as change:
        change.note_intents(intents)
    with store.transaction() as change:
        change.add_certificates([row(FIRST)])
    with store.snapshot() as view:
        assert view.intents() == (intents[1],)


@pytest.mark.parametrize(
    "second",
    [
        row(FIRST + 1, key_hash=FIRST.to_bytes(16, "big")),
        row(FIRST + 1, holder=f"R{FIRST}"),
        row(FIRST, holder="R5", key_hash=bytes(16)),
    ],
    ids=["the same key", "the same place in a chain", "the same number"],
)
def test_what_only_one_can_have_is_refused_to_the_second(store: Store, second: object) -> None:
    with store.transaction() as change:
        change.add_certificates([row(FIRST)])
    with pytest.raises(StoreConflict) as caught, store.transaction() as change:
        change.add_certificates([row(FIRST + 2), second])  # type: ignore[list-item]
    assert caught.value.what.split(".")[0] in {"certificate", "certificate_key", "holder_certificate"}
    assert names(store) == [FIRST]


def test_a_second_writer_waits_its_time_and_says_how_long(store: Store, address: str) -> None:
    with store.transaction() as change, Store.open(address, busy_seconds=0.05) as other:
        change.take_numbers(Role.SIGNATURE, 1)
        with pytest.raises(StoreBusy) as caught, other.transaction() as waiting:
            waiting.take_numbers(Role.SIGNATURE, 1)
    assert (caught.value.store, caught.value.seconds) == (store.place, 0.05)


def test_a_second_writer_goes_on_when_the_first_is_done(store: Store, address: str) -> None:
    taken: list[int] = []

    def take() -> None:
        with Store.open(address) as other, other.transaction() as change:
            taken.extend(change.take_numbers(Role.SIGNATURE, 1))

    with store.transaction() as change:
        mine = change.take_numbers(Role.SIGNATURE, 1)
        waiting = threading.Thread(target=take)
        waiting.start()
        waiting.join(0.1)
        assert not taken
    waiting.join(10)
    assert taken == [mine.stop]


def test_a_view_sees_one_moment_while_others_write(store: Store) -> None:
    with store.snapshot() as view:
        assert view.certificates(at=NOW) == ()
        with store.transaction() as change:
            change.add_certificates([row(FIRST)])
        assert view.certificates(at=NOW) == ()
    assert names(store) == [FIRST]


def test_a_store_that_may_not_be_written_says_so(store_in_file: Store, file: Path) -> None:
    with store_in_file._connected(writing=False) as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    with pytest.raises(StoreReadOnly) as caught, store_in_file.transaction() as change:
        change.take_numbers(Role.SIGNATURE, 1)
    assert caught.value.store == str(file)


def test_a_full_disk_loses_nothing_that_was_kept(store_in_file: Store, file: Path) -> None:
    with store_in_file.transaction() as change:
        change.add_certificates([row(FIRST)])
    with store_in_file._connected(writing=False) as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    many = [row(FIRST + number, encoded=b"x" * 1600) for number in range(1, 200)]
    with pytest.raises(StoreFull) as caught, store_in_file.transaction() as change:
        change.add_certificates(many)
    assert caught.value.store == str(file)
    assert names(store_in_file) == [FIRST]
    store_in_file.close()
    with Store.open(file) as again:
        with again.transaction() as change:
            change.add_certificates(many)
        assert len(names(again)) == 200


FILLS_A_DISK = """
import resource, sys
from jpki.store import Store, StoreError
with Store.open(sys.argv[1]) as store:
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
    done = 0
    try:
        while True:
            with store.transaction() as change:
                change.put_settings({f"name {done}": "x" * 4000})
            done += 1
    except StoreError as error:
        print(done, error.store)
"""


def test_a_file_that_cannot_grow_is_an_error_and_loses_nothing(store_in_file: Store, file: Path) -> None:
    store_in_file.close()
    done = subprocess.run(
        [sys.executable, "-c", FILLS_A_DISK, str(file)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    count, named = done.stdout.split()
    assert named == str(file)
    assert int(count) > 10
    with Store.open(file) as again:
        again.check()
        with again.snapshot() as view:
            assert set(view.settings()) == {f"name {number}" for number in range(int(count))}


def test_many_processes_that_make_one_store_at_once_make_one(empty: str) -> None:
    program = "import sys; from jpki.store import Store; Store.create(sys.argv[1], taken_up=True).close()"
    running = [subprocess.Popen([sys.executable, "-c", program, empty], cwd=ROOT) for _ in range(4)]
    assert [process.wait(60) for process in running] == [0, 0, 0, 0]
    with Store.open(empty) as store, store._connected(writing=False) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM alembic_version").scalar_one() == 1

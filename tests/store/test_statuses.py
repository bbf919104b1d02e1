"""What became of numbers, asked one at a time or many, from whichever thread, of a store that may go away."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from store_rows import CA, NOW, row

from jpki.store import (
    Intent,
    NoStore,
    NumberStatus,
    Statuses,
    Store,
    StoredResponder,
    StoredRevocation,
)
from jpki.terms import CertificateName, Role

SIGN, AUTH = Role.SIGNATURE, Role.AUTHENTICATION
FIRST = 0x0100_0002
UNTIL = NOW + timedelta(days=1000)
GOOD = NumberStatus(CA, UNTIL, None, None)
HOUR = timedelta(hours=1)


@pytest.fixture
def statuses(store: Store) -> Iterator[Statuses]:
    made = store.statuses()
    yield made
    made.close()


def named(number: int) -> CertificateName:
    return CertificateName(SIGN, number)


def issue(store: Store, *numbers: int) -> None:
    with store.transaction() as change:
        change.add_certificates([row(number) for number in numbers])


def revoke(store: Store, number: int, reason: int = 1) -> None:
    with store.transaction() as change:
        stored = change.certificate(named(number))
        assert stored is not None
        change.add_revocations([(stored, StoredRevocation(named(number), reason, NOW, NOW + HOUR))])


def test_a_certificate_and_a_revoked_one_are_told_with_key_and_end(store: Store, statuses: Statuses) -> None:
    issue(store, FIRST, FIRST + 1)
    revoke(store, FIRST)
    found = statuses.ask(SIGN, [FIRST, FIRST + 1, FIRST + 2]).found
    assert found == {FIRST: NumberStatus(CA, UNTIL, 1, NOW), FIRST + 1: GOOD}


def test_a_hold_that_ended_is_told_no_more(store: Store, statuses: Statuses) -> None:
    issue(store, FIRST)
    revoke(store, FIRST, 6)
    assert statuses.ask(SIGN, [FIRST]).found[FIRST].reason == 6
    with store.transaction() as change:
        change.release(named(FIRST), NOW + HOUR)
    assert statuses.ask(SIGN, [FIRST]).found == {FIRST: GOOD}


def test_own_certificates_and_those_of_responders_are_told(store: Store, statuses: Statuses) -> None:
    made = StoredResponder(named(FIRST), CA, NOW, NOW + HOUR, b"responder")
    with store.transaction() as change:
        change.note_intents([Intent(made.name, "", "job", b"", NOW)])
        change.add_responder(made)
        assert change.intents() == ()
    found = statuses.ask(SIGN, [CA.number, FIRST]).found
    assert found[FIRST] == NumberStatus(CA, NOW + HOUR, None, None)
    assert (found[CA.number].issuer, found[CA.number].reason) == (CA, None)


def test_a_revoked_number_without_a_certificate_is_told(store: Store, statuses: Statuses) -> None:
    with store.transaction() as change:
        change.add_revocation(StoredRevocation(named(7), 4, NOW, NOW), issuer=CA, not_after=UNTIL)
    assert statuses.ask(SIGN, [7]).found == {7: NumberStatus(CA, UNTIL, 4, NOW)}


@pytest.mark.parametrize("number", [0, -1, 1 << 32, FIRST + (1 << 32), -(1 << 160), 1 << 160])
def test_a_number_that_cannot_be_is_nobody_s_and_is_not_cut_short(
    store: Store, statuses: Statuses, number: int
) -> None:
    issue(store, FIRST)
    assert statuses.ask(SIGN, [number]).found == {}


def test_a_number_belongs_to_one_authority(store: Store, statuses: Statuses) -> None:
    issue(store, FIRST)
    assert statuses.ask(AUTH, [FIRST]).found == {}


def test_a_number_that_was_only_taken_is_nobody_s(store: Store, statuses: Statuses) -> None:
    with store.transaction() as change:
        change.note_intents([Intent(named(FIRST), "R1", "job", b"", NOW)])
    assert statuses.ask(SIGN, [FIRST]).found == {}


@pytest.mark.parametrize("count", [0, 1, 2, 499, 500, 501, 1201])
def test_any_count_of_numbers_can_be_asked_about_at_once(store: Store, statuses: Statuses, count: int) -> None:
    numbers = list(range(FIRST, FIRST + count))
    issue(store, *numbers)
    assert statuses.ask(SIGN, [*numbers, *numbers[:1]]).found == dict.fromkeys(numbers, GOOD)


def test_the_revision_is_that_of_the_state_that_was_seen(store: Store, statuses: Statuses) -> None:
    issue(store, FIRST)
    for expected in (0, 1):
        with store.snapshot() as view:
            assert view.revision(SIGN) == expected
        seen = statuses.ask(SIGN, [FIRST])
        assert (seen.revision, seen.found[FIRST].reason is not None) == (expected, bool(expected))
        assert statuses.ask(SIGN, []).revision == expected
        if not expected:
            revoke(store, FIRST)


def test_what_is_revoked_comes_in_order_some_at_a_time(store: Store, statuses: Statuses) -> None:
    numbers = [FIRST + place for place in range(7)]
    issue(store, *numbers)
    for number in numbers[::2]:
        revoke(store, number)
    assert statuses.revoked(CA, after=0, limit=3) == tuple(numbers[0:6:2])
    assert statuses.revoked(CA, after=numbers[4]) == (numbers[6],)
    assert statuses.revoked(CA, after=numbers[6]) == ()
    assert statuses.revoked(CA, after=1 << 40) == ()
    assert statuses.revoked(CertificateName(SIGN, 9), after=0) == ()


def test_threads_ask_at_once_while_another_one_revokes(store: Store, statuses: Statuses) -> None:
    numbers = list(range(FIRST, FIRST + 20))
    issue(store, *numbers)
    barrier = Barrier(4)

    def asks(_: int) -> None:
        barrier.wait(60)
        last = 0
        while last < len(numbers):
            seen = statuses.ask(SIGN, numbers)
            # Revoked in order, one at each revision: what is seen is one state.
            revoked = [number for number in numbers if seen.found[number].reason is not None]
            assert revoked == numbers[: seen.revision]
            assert seen.revision >= last
            last = seen.revision

    with ThreadPoolExecutor(3) as threads:
        asking = [threads.submit(asks, place) for place in range(3)]
        barrier.wait(60)
        for number in numbers:
            revoke(store, number)
        for one in asking:
            one.result(120)


def test_a_file_that_was_deleted_is_no_store(store_in_file: Store) -> None:
    issue(store_in_file, FIRST)
    statuses = store_in_file.statuses()
    assert statuses.ask(SIGN, [FIRST]).found == {FIRST: GOOD}
    store_in_file.file.unlink()
    for _ in range(2):
        with pytest.raises(NoStore):
            statuses.ask(SIGN, [FIRST])
    statuses.close()


def test_a_file_that_was_put_in_the_place_of_another_is_read_from_then_on(store_in_file: Store, tmp_path: Path) -> None:
    issue(store_in_file, FIRST)
    statuses = store_in_file.statuses()
    assert statuses.ask(SIGN, [FIRST]).found == {FIRST: GOOD}
    revoke(store_in_file, FIRST)
    copy = tmp_path / "copy.sqlite3"
    with store_in_file._engine.connect() as connection:
        connection.connection.execute(f"VACUUM INTO '{copy}'")
        connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with store_in_file.transaction() as change:
        change.end_hold(named(FIRST), 3, NOW)
    assert statuses.ask(SIGN, [FIRST]).found[FIRST].reason == 3
    for rest in ("-wal", "-shm"):
        Path(f"{store_in_file.file}{rest}").unlink(missing_ok=True)
    copy.replace(store_in_file.file)
    assert statuses.ask(SIGN, [FIRST]).found[FIRST].reason == 1
    statuses.close()


def test_a_connection_that_the_server_ended_is_made_anew(store_on_server: Store, made_database: str) -> None:
    issue(store_on_server, FIRST)
    statuses = store_on_server.statuses()
    assert statuses.ask(SIGN, [FIRST]).found == {FIRST: GOOD}
    with Store.open(made_database) as other, other._connected(writing=False) as connection:
        ended = connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database()"
        ).all()
    assert ended
    assert all(row[0] for row in ended)
    assert statuses.ask(SIGN, [FIRST]).found == {FIRST: GOOD}
    statuses.close()

"""How entries come into the audit trail: one chain for each that writes, and nothing of what was taken back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert
from store_rows import NOW, row

from jpki.store import AuditEntry, SealRow, Store, StoreConflict, canonical, entry_id, entry_of, told
from jpki.store.schema import audit_entry
from jpki.terms import CertificateName, Role

ROOT = Path(__file__).parents[2]
NAME = CertificateName(Role.SIGNATURE, 0x0100_0002)


def entries(store: Store) -> list[AuditEntry]:
    with store.snapshot() as view:
        return list(view.audit_entries())


def note(store: Store, kind: str = "test", **facts: object) -> int:
    with store.transaction() as change:
        return change.note(kind, NOW, facts)


def note_and_fail(store: Store) -> None:
    with store.transaction() as change:
        change.note("test", NOW, {})
        change.note("test", NOW, {})
        raise KeyError


def note_and_fail_at_the_commit(store: Store) -> None:
    with store.transaction() as change:
        change.note("test", NOW, {})
        change._connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        change._connection.exec_driver_sql("INSERT INTO encoded_certificate VALUES (1, x'00')")


def chains(store: Store) -> dict[int, list[int]]:
    """Returns the numbers of each chain's entries; each chain has to hold together."""
    found: dict[int, list[int]] = {}
    digest = bytes(32)
    for entry in entries(store):
        digest = bytes(32) if entry.number == 1 else digest
        digest = sha256(digest + entry.body).digest()
        assert digest == entry.digest
        body = json.loads(entry.body)
        assert (body["chain"], body["number"]) == (entry.chain, entry.number)
        assert canonical(body) == entry.body
        found.setdefault(entry.chain, []).append(entry.number)
    return found


def test_an_entry_says_what_was_done_when_and_where_it_stands(store: Store) -> None:
    name = note(store, "revoke", reason=1, names=["sign:01000002"])
    (entry,) = entries(store)
    assert entry_of(name) == (entry.chain, entry.number) == (1, 1)
    assert entry.body == (
        b'{"at":"2026-11-22T00:00:00Z","chain":1,"facts":{"names":["sign:01000002"],"reason":1},'
        b'"kind":"revoke","number":1}'
    )
    assert entry.digest == sha256(bytes(32) + entry.body).digest()


def test_moments_are_written_in_utc(store: Store) -> None:
    with store.transaction() as change:
        change.note("test", NOW.astimezone(timezone(timedelta(hours=9))), {})
    assert json.loads(entries(store)[0].body)["at"] == "2026-11-22T00:00:00Z"


def test_the_entries_of_a_store_that_is_open_are_one_chain(store: Store) -> None:
    for _ in range(3):
        note(store)
    with store.transaction() as change:
        change.note("test", NOW, {})
        change.note("test", NOW, {})
    assert chains(store) == {1: [1, 2, 3, 4, 5]}


def test_whoever_opens_it_next_begins_another_chain(store: Store, address: str) -> None:
    note(store)
    with Store.open(address) as other:
        note(other)
        note(store)
        note(other)
    assert chains(store) == {1: [1, 2], 2: [1, 2]}


def test_an_entry_is_not_there_where_its_transaction_was_taken_back(store: Store) -> None:
    note(store)
    for _ in range(2):
        with pytest.raises(KeyError):
            note_and_fail(store)
    note(store)
    assert chains(store) == {1: [1, 2]}


def test_a_chain_that_was_begun_and_taken_back_is_begun_again(store: Store, address: str) -> None:
    with pytest.raises(KeyError):
        note_and_fail(store)
    with Store.open(address) as other:
        note(other)  # which gets the number that was taken back, in SQLite
        note(store)
        note(other)
    assert sorted(chains(store).values()) == [[1], [1, 2]]


def test_an_entry_that_could_not_be_written_stops_no_later_one(store: Store, address: str) -> None:
    note(store)
    with Store.open(address) as other, other.transaction() as change:
        change._connection.execute(insert(audit_entry).values(chain=1, number=2, body=b"", digest=b""))
    with pytest.raises(StoreConflict):
        note(store)
    assert entry_of(note(store)) == (2, 1)


def test_a_transaction_that_fails_at_its_end_leaves_its_chain_alone(store_in_file: Store) -> None:
    """Nobody may know then whether it was kept; so another chain is begun."""
    note(store_in_file)
    with pytest.raises(StoreConflict):
        note_and_fail_at_the_commit(store_in_file)
    note(store_in_file)
    assert chains(store_in_file) == {1: [1], 2: [1]}


@pytest.mark.usefixtures("store")
def test_threads_that_write_at_once_leave_whole_chains(address: str) -> None:
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        barrier.wait(60)
        for turn in range(10):
            with patient.transaction() as change:
                change.note("test", NOW, {"thread": number, "turn": turn})

    with Store.open(address) as patient:
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(work, range(8)))
        found = chains(patient)
    assert sum(len(numbers) for numbers in found.values()) == 80
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in found.values())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_process_that_was_forked_off_begins_a_chain_of_its_own(address: str, store: Store) -> None:
    script = (
        "import os, sys\n"
        "from datetime import UTC, datetime\n"
        "from jpki.store import Store\n"
        "now = datetime(2026, 11, 22, tzinfo=UTC)\n"
        "def note(store):\n"
        "    with store.transaction() as change:\n"
        "        change.note('test', now, {})\n"
        "store = Store.open(sys.argv[1])\n"
        "note(store)\n"
        "if os.fork() == 0:\n"
        "    store._engine.dispose(close=False)\n"
        "    note(store)\n"
        "    os._exit(0)\n"
        "assert os.wait()[1] == 0\n"
        "note(store)\n"
    )
    subprocess.run([sys.executable, "-c", script, address], check=True, timeout=60, cwd=ROOT)
    assert chains(store) == {1: [1, 2], 2: [1]}


@given(st.integers(1, (1 << 31) - 1), st.integers(1, (1 << 31) - 1))
def test_an_entrys_name_is_its_chain_and_its_number(chain: int, number: int) -> None:
    assert entry_of(entry_id(chain, number)) == (chain, number)
    assert entry_id(chain, number) < 1 << 63


def test_what_has_grown_since_the_last_seal_is_told(store: Store, address: str) -> None:
    with Store.open(address) as other:
        for one in (store, other, store):
            note(one)
        with store.transaction() as change:
            heads = change.unsealed_heads()
            assert [(head.chain, head.number) for head in heads] == [(1, 2), (2, 1)]
            change.add_audit_seal(SealRow(1, b"{}", b"s"), heads)
            assert change.unsealed_heads() == ()
        note(other)
    with store.snapshot() as view:
        (head,) = view.unsealed_heads()
        assert (head.chain, head.number, head.digest) == (2, 2, entries(store)[-1].digest)
        assert [(one.chain, one.last, one.sealed) for one in view.audit_chains()] == [(1, 2, 2), (2, 2, 1)]


def test_a_seal_follows_the_last_one_or_is_refused(store: Store) -> None:
    for number, good in ((2, False), (1, True), (1, False), (3, False), (2, True)):
        if good:
            with store.transaction() as change:
                change.add_audit_seal(SealRow(number, b"{}", b"s"))
        else:
            with pytest.raises(StoreConflict), store.transaction() as change:
                change.add_audit_seal(SealRow(number, b"{}", b"s"))
    with store.snapshot() as view:
        assert [seal.number for seal in view.audit_seals()] == [1, 2]
        assert view.newest_seal() == view.audit_seal(2)
        assert view.audit_seal(3) is None


def test_entries_are_read_on_from_where_somebody_stopped(store: Store, address: str) -> None:
    with Store.open(address) as other:
        for one in (store, other, store, other):
            note(one)
    with store.snapshot() as view:
        places = [(one.chain, one.number) for one in view.audit_entries()]
        for count, place in enumerate(places, 1):
            assert [(one.chain, one.number) for one in view.audit_entries(after=place)] == places[count:]


def test_what_is_told_of_a_certificate_holds_no_number_of_its_holder() -> None:
    facts = told(certificates=[row(NAME.number, holder="R777777")])
    assert b"R777777" not in canonical(facts)
    other = told(certificates=[row(NAME.number, holder="R777778")])
    assert (
        cast("list[dict[str, str]]", facts["certificates"])[0]["place"]
        != (cast("list[dict[str, str]]", other["certificates"])[0]["place"])
    )

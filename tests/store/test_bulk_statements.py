"""Statements for many rows, and questions for many values."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from store_rows import CA, NOW, row

from jpki.store import Store
from jpki.store.bulk import BulkDelete, BulkInsert, Lookup
from jpki.store.schema import revocation, setting
from jpki.store.values import id_of
from jpki.terms import CertificateName, Role

ADD = BulkInsert(setting, ("value", "name"))
REMOVE = BulkDelete(setting.c.name)
FIND = Lookup(select(setting.c.name, setting.c.value).order_by(setting.c.name), setting.c.name)


def test_rows_are_added_found_and_removed_many_at_a_time(store: Store) -> None:
    with store._connected(writing=True) as connection:
        ADD.run(connection, [(f"value {number}", f"name {number:04}") for number in range(1200)])
        wanted = [f"name {number:04}" for number in (7, 1199, 5000)]
        assert list(map(tuple, FIND.run(connection, wanted))) == [("name 0007", "value 7"), ("name 1199", "value 1199")]
        REMOVE.run(connection, [f"name {number:04}" for number in range(1199)])
        assert [row.name for row in FIND.run(connection, wanted)] == ["name 1199"]


def test_every_octet_and_character_comes_back_as_it_went_in(store: Store) -> None:
    odd = bytes(range(256)) + b"\\{}\",NULL'"
    words = ["NULL", "", '{"a,b"}', "\\x41", "髙橋　花子", "a'b", "%s %(x)s"]
    rows = [row(0x0100_0002 + at, holder=f"R1 {word}", submission=odd, encoded=odd) for at, word in enumerate(words)]
    with store.transaction() as change:
        change.add_certificates(rows)
    with store.snapshot() as view:
        found = view.of_holders([one.holder for one in rows])
        assert set(found) == {one.holder for one in rows}
        assert {stored.submission for own in found.values() for stored in own} == {odd}
        assert set(view.encoded([one.name for one in rows]).values()) == {odd}


def test_whole_numbers_of_every_size_and_none_go_in_together(store: Store) -> None:
    add = BulkInsert(
        revocation,
        ("id", "issuer", "point", "reason", "revoked_at", "noted_at", "not_after", "line", "entry", "revision"),
    )
    numbers = [1, 40_000, 3_000_000_000, 2**62]
    with store._connected(writing=True) as connection:
        add.run(
            connection,
            [
                (number, id_of(CA), None if at % 2 else number, at, number, number, number, b"", None, 1)
                for at, number in enumerate(numbers)
            ],
        )
        found = Lookup(select(revocation.c.id, revocation.c.point), revocation.c.id)
        assert {tuple(one) for one in found.run(connection, numbers)} == {
            (1, 1),
            (40_000, None),
            (3_000_000_000, 3_000_000_000),
            (2**62, None),
        }
        remove = BulkDelete(revocation.c.id)
        remove.run(connection, numbers[:3])
        assert [one.id for one in found.run(connection, numbers)] == [2**62]


def test_nothing_is_sent_for_no_rows_and_no_values() -> None:
    nowhere: Any = None
    ADD.run(nowhere, [])
    REMOVE.run(nowhere, [])
    assert list(FIND.run(nowhere, [])) == []


def test_a_question_for_thousands_finds_them_all(store: Store) -> None:
    numbers = range(0x0100_0002, 0x0100_0002 + 1234)
    with store.transaction() as change:
        change.add_certificates([row(number) for number in numbers])
    names = [CertificateName(Role.SIGNATURE, number) for number in (*numbers, 5)]
    with store.snapshot() as view:
        assert set(view.encoded(names)) == set(names[:-1])
        holders = view.of_holders([f"R{number}" for number in numbers])
        assert len(holders) == len(view.with_keys([number.to_bytes(16, "big") for number in numbers])) == 1234
    assert {len(own) for own in holders.values()} == {1}
    assert next(iter(holders.values()))[0].not_before == NOW


def test_who_is_asked_for_twice_is_found_once_however_far_apart(store: Store) -> None:
    with store.transaction() as change:
        change.add_certificates([row(0x0100_0002, holder="R1")])
    many = ["R1", *(f"R{number}" for number in range(2, 700)), "R1"]
    with store.snapshot() as view:
        found = view.of_holders(many)
    assert {holder: len(stored) for holder, stored in found.items()} == {"R1": 1}

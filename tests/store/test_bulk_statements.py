"""Statements for many rows: what goes to the driver, for either kind of driver."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from store_rows import NOW, row

from jpki.store import Store
from jpki.store.bulk import Bulk, Lookup
from jpki.store.schema import encoded_certificate, setting
from jpki.terms import CertificateName, Role

ADD = Bulk(insert(setting), ("value", "name"))
REMOVE = Bulk(delete(setting).where(setting.c.name == bindparam("which")), ("which",))
FIND = Lookup(select(setting.c.value), setting.c.name)


class Driver:
    """Stands for a connection to a database that is not here: it keeps what it is told to send."""

    def __init__(self, dialect: Any) -> None:
        self.dialect = dialect
        self.sent: list[tuple[str, Any]] = []

    def exec_driver_sql(self, text: str, values: Any) -> list[Any]:
        self.sent.append((" ".join(text.split()), values))
        return []


@pytest.mark.parametrize(
    ("dialect", "insertion", "rows"),
    [
        (SQLiteDialect_pysqlite(), "VALUES (?, ?)", [("a", "1"), ("b", "2")]),
        (
            PGDialect_psycopg(),
            "VALUES (%(name)s::VARCHAR, %(value)s::VARCHAR)",
            [{"value": "1", "name": "a"}, {"value": "2", "name": "b"}],
        ),
    ],
    ids=["by place", "by name"],
)
def test_rows_go_out_as_the_driver_takes_them(dialect: Any, insertion: str, rows: list[Any]) -> None:
    driver = Driver(dialect)
    ADD.run(driver, [("1", "a"), ("2", "b")])  # type: ignore[arg-type]
    text, values = driver.sent[0]
    assert text.startswith("INSERT INTO setting (name, value)")
    assert insertion in text
    assert values == rows


@pytest.mark.parametrize(
    ("dialect", "values"),
    [(SQLiteDialect_pysqlite(), ("a", "b")), (PGDialect_psycopg(), {"value_0": "a", "value_1": "b"})],
    ids=["by place", "by name"],
)
def test_a_question_goes_out_as_the_driver_takes_it(dialect: Any, values: Any) -> None:
    driver = Driver(dialect)
    assert list(FIND.run(driver, ["a", "b"])) == []  # type: ignore[arg-type]
    assert driver.sent[0][1] == values


def test_nothing_is_sent_for_no_rows_and_no_values() -> None:
    driver = Driver(SQLiteDialect_pysqlite())
    REMOVE.run(driver, [])  # type: ignore[arg-type]
    assert list(FIND.run(driver, [])) == []  # type: ignore[arg-type]
    assert driver.sent == []


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


def test_the_same_question_is_written_once_for_each_number_of_values(store: Store) -> None:
    question = Lookup(select(encoded_certificate), encoded_certificate.c.id)
    with store._connected(writing=False) as connection:
        for values in ([1], [2], [1, 2], [3, 4]):
            list(question.run(connection, values))
    assert sorted(count for _, _, count in question._prepared) == [1, 2]


def test_who_is_asked_for_twice_is_found_once_however_far_apart(store: Store) -> None:
    with store.transaction() as change:
        change.add_certificates([row(0x0100_0002, holder="R1")])
    many = ["R1", *(f"R{number}" for number in range(2, 700)), "R1"]
    with store.snapshot() as view:
        found = view.of_holders(many)
    assert {holder: len(stored) for holder, stored in found.items()} == {"R1": 1}

"""The schema: the tables as drawn are those that the migrations make, on either database."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from issued import holder
from sqlalchemy import create_engine, inspect
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from jpki.formats import RevocationReason, encode_revoked
from jpki.store import NEWEST_SCHEMA, ForeignStore, Scope, Store, StoreError
from jpki.store import migrate as migration
from jpki.store.address import place_of
from jpki.store.engine import APPLICATION_ID, WRITING
from jpki.store.schema import PARTITIONED, metadata
from jpki.store.values import moment_of
from jpki.terms import CertificateName, Role

FIRST = 0x0100_0001
KEY = 1 << 32 | FIRST
PART = re.compile(r"_[0-9]{2}$")
ROOT = Path(__file__).parents[2]
SCRIPTS = ScriptDirectory(str(Path(migration.__file__).parent / "migrations"))
STEPS = [step.revision for step in reversed(list(SCRIPTS.walk_revisions()))]


def shape(file: Path) -> set[tuple[str, str]]:
    connection = sqlite3.connect(file)
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
    connection.close()
    return {(name, " ".join(sql.split())) for name, sql in rows}


def is_drawn(thing: Any, name: str | None, kind: str, reflected: bool, _: object) -> bool:
    """Returns whether something is not a part of a table, nor the foreign key to a part that PostgreSQL adds to one."""
    if kind == "foreign_key_constraint" and reflected:
        return not PART.search(thing.elements[0].target_fullname.partition(".")[0])
    return kind != "table" or not PART.search(name or "")


def test_the_migrations_make_the_tables_as_they_are_drawn(store: Store) -> None:
    with store._connected(writing=False) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": is_drawn})
        assert compare_metadata(context, metadata) == []


def test_a_database_keeps_the_large_tables_in_sixteen_parts_by_hash(store_on_server: Store) -> None:
    with store_on_server._connected(writing=False) as connection:
        rows = connection.exec_driver_sql(
            "SELECT p.partrelid::regclass::text, pg_get_partkeydef(p.partrelid), count(*)"
            " FROM pg_partitioned_table p JOIN pg_inherits i ON i.inhparent = p.partrelid GROUP BY 1, 2"
        )
        found = {name: (key, count) for name, key, count in rows}
    drawn = {
        name: (table.dialect_options["postgresql"]["partition_by"], 16)
        for name, table in metadata.tables.items()
        if table.dialect_options["postgresql"]["partition_by"]
    }
    assert found == drawn
    assert set(drawn) == set(PARTITIONED)


def test_constraints_have_the_names_that_are_drawn(store_in_file: Store, file: Path, tmp_path: Path) -> None:
    drawn = tmp_path / "drawn.sqlite3"
    engine = create_engine(f"sqlite:///{drawn}")
    metadata.create_all(engine)
    engine.dispose()
    made = {name: sql for name, sql in shape(file) if name != "alembic_version"}
    # The order in which SQLite writes the constraints down differs; the words do not.
    words = {name: sorted(sql.replace(",", " ").replace("(", " ").split()) for name, sql in shape(drawn)}
    assert {name: sorted(sql.replace(",", " ").replace("(", " ").split()) for name, sql in made.items()} == words


def test_the_newest_step_is_the_one_that_stores_are_brought_to() -> None:
    assert STEPS[-1] == NEWEST_SCHEMA
    assert sorted(STEPS) == STEPS


def test_no_step_leads_back() -> None:
    assert not [step.revision for step in SCRIPTS.walk_revisions() if hasattr(step.module, "downgrade")]


def nothing_more(_: object) -> None:
    pass


def make_of_step(address: str, step: str, fill: Callable[[Any], object] = nothing_more) -> None:
    at = place_of(address)
    engine = at.engine(1.0, make=True)
    with engine.connect().execution_options(**WRITING) as connection, connection.begin():
        migration.upgrade(connection, step)
        at.set_mark(connection, APPLICATION_ID)
        connection.exec_driver_sql("INSERT INTO setting VALUES ('kept', 'yes')")
        fill(connection)
    engine.dispose()


def drawn_in(address: str) -> object:
    """Returns the schema of a store, as its database tells it."""
    with Store.open(address) as store, store._connected(writing=False) as connection:
        seen = inspect(connection)
        return {
            table: (
                [(column["name"], str(column["type"]), column["nullable"]) for column in seen.get_columns(table)],
                seen.get_pk_constraint(table),
                sorted(map(str, seen.get_foreign_keys(table))),
                sorted(map(str, seen.get_unique_constraints(table))),
                sorted(map(str, seen.get_indexes(table))),
            )
            for table in seen.get_table_names()
        }


@pytest.mark.parametrize("step", STEPS)
def test_a_store_of_any_earlier_step_is_brought_up_to_date_when_it_is_opened(
    empty: str, step: str, request: pytest.FixtureRequest
) -> None:
    make_of_step(empty, step)
    with Store.open(empty) as store, store.snapshot() as view:
        assert view.settings() == {"kept": "yes"}
    if "://" in empty:
        assert drawn_in(empty) == drawn_in(request.getfixturevalue("made_database"))
    else:
        Store.create(f"{empty}.new").close()
        assert shape(Path(empty)) == shape(Path(f"{empty}.new"))


def fill_second_step(connection: Any, encoded: bytes) -> None:
    """Writes what a store of the second step holds: certificates and revocations, on a card, and a list."""

    def put(table: str, *values: object) -> None:
        mark = "%s" if connection.dialect.name == "postgresql" else "?"
        connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({', '.join([mark] * len(values))})", values)  # noqa: S608

    put("authority", 1, FIRST + 3, 4)
    put("authority_key", KEY, 1, 1, 1, 2, b"key")
    for key in (KEY + 2, KEY + 3):
        put("certificate", key, f"R{key}", 1, 1, KEY, "13101", 1, 2, bytes([key & 0xFF]) * 16, b"asked", None, 7)
        put("encoded_certificate", key, encoded)
    put("revocation", KEY + 2, KEY, 1, 1000, 1001, 2000, 3)
    put("revocation", KEY + 9, KEY, 1, 1000, 1001, 2000, None)  # of a number of which nothing else is known
    put("revocation_list", 1, 3, KEY, 1, 2, 1, bytes(32))
    put("card", b"card", "R2", "p", "2030-01-01", None)
    put("job", 1, b"card", "first", 1, None)
    put("job_certificate", KEY + 2, 1)


def test_what_a_store_of_the_second_step_holds_comes_along(empty: str) -> None:
    encoded = holder(Role.SIGNATURE).raw
    make_of_step(empty, "0002", lambda connection: fill_second_step(connection, encoded))
    names = [CertificateName(Role.SIGNATURE, FIRST + number) for number in (2, 3)]
    with Store.open(empty) as store:
        with store.snapshot() as view:
            assert view.encoded(names) == dict.fromkeys(names, encoded)
            (point,) = view.points(Role.SIGNATURE)
            found = [view.certificate(name) for name in names]
            assert [(one.holder, one.point, one.confirmed_at) for one in found if one] == [
                (f"R{KEY + 2}", point.id, moment_of(7)),
                (f"R{KEY + 3}", point.id, moment_of(7)),
            ]
            blocks = view.list_lines(Scope(CertificateName(Role.SIGNATURE, FIRST)), after=None)
            assert b"".join(block.octets for block in blocks) == encode_revoked(
                [(FIRST + number, moment_of(1000), RevocationReason.KEY_COMPROMISE) for number in (2, 9)]
            )
            assert view.revision(Role.SIGNATURE) == 1
            (job,) = view.open_jobs()
            assert job.certificates == (names[0],)
        with store.transaction() as change:
            assert change.take_point(Role.SIGNATURE, "01100", b"another") == point.id + 1
            assert change.take_numbers(Role.SIGNATURE, 1)[0] == FIRST + 3
        store.check()


def test_many_processes_that_open_an_old_store_at_once_bring_it_up_to_date_once(empty: str) -> None:
    make_of_step(empty, STEPS[0])
    program = "import sys; from jpki.store import Store; Store.open(sys.argv[1]).close()"
    running = [subprocess.Popen([sys.executable, "-c", program, empty], cwd=ROOT) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    with Store.open(empty) as store, store.snapshot() as view:
        assert view.settings() == {"kept": "yes"}


def test_an_old_store_that_is_opened_for_reading_only_is_left_as_it_is(empty: str) -> None:
    make_of_step(empty, STEPS[0])
    for _ in range(2):
        with pytest.raises(StoreError) as caught:
            Store.open(empty, read_only=True)
        assert caught.value.problem == "an older schema, opened for reading only"


def test_a_making_that_fails_half_way_leaves_nothing(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = migration.upgrade

    def broken(connection: object, schema: str, versions: str) -> None:
        real(connection, STEPS[0])  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(migration, "upgrade", broken)
    with pytest.raises(KeyboardInterrupt):
        Store.create(empty)
    monkeypatch.undo()
    with pytest.raises(ForeignStore):
        Store.open(empty)
    with Store.create(empty) as store, store.snapshot() as view:
        assert view.settings() == {}


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_every_table_can_be_made_on_postgresql(table: object) -> None:
    text = str(CreateTable(table).compile(dialect=postgresql.dialect()))  # type: ignore[arg-type]
    assert f"CREATE TABLE {table.name}" in text  # type: ignore[attr-defined]
    assert "BLOB" not in text

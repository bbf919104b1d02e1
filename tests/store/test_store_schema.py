"""The schema: the tables as drawn are those that the migrations make, on either database."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from jpki.store import NEWEST_SCHEMA, Store
from jpki.store import migrate as migration
from jpki.store.engine import sqlite_engine
from jpki.store.schema import metadata

SCRIPTS = ScriptDirectory(str(Path(migration.__file__).parent / "migrations"))
STEPS = [step.revision for step in reversed(list(SCRIPTS.walk_revisions()))]


def shape(file: Path) -> set[tuple[str, str]]:
    connection = sqlite3.connect(file)
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
    connection.close()
    return {(name, " ".join(sql.split())) for name, sql in rows}


def test_the_migrations_make_the_tables_as_they_are_drawn(store: Store, file: Path) -> None:
    engine = create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_constraints_have_the_names_that_are_drawn(store: Store, file: Path, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("step", STEPS)
def test_a_store_of_any_earlier_step_is_brought_up_to_date_when_it_is_opened(file: Path, step: str) -> None:
    engine = sqlite_engine(file, 1.0, make=True)
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("PRAGMA application_id = 1246776137")
        migration.upgrade(connection, step)
        connection.exec_driver_sql("INSERT INTO setting VALUES ('kept', 'yes')")
    engine.dispose()
    with Store.open(file) as store, store.snapshot() as view:
        assert view.settings() == {"kept": "yes"}
    with Store.create(file.with_name("new.sqlite3")):
        pass
    assert shape(file) == shape(file.with_name("new.sqlite3"))


def test_a_making_that_fails_half_way_leaves_nothing_in_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = migration.upgrade

    def broken(connection: object, schema: str, versions: str) -> None:
        real(connection, STEPS[0])  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(migration, "upgrade", broken)
    with pytest.raises(KeyboardInterrupt):
        Store.create(file)
    monkeypatch.undo()
    assert shape(file) == set()
    with Store.create(file) as store, store.snapshot() as view:
        assert view.settings() == {}


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_every_table_can_be_made_on_postgresql(table: object) -> None:
    text = str(CreateTable(table).compile(dialect=postgresql.dialect()))  # type: ignore[arg-type]
    assert f"CREATE TABLE {table.name}" in text  # type: ignore[attr-defined]
    assert "BLOB" not in text

"""A relying party's store is a file of its own, with a schema that its migrations make."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from jpki.store import ForeignStore, NoStore, RelyingStore, Store, StoreExists


def test_the_migrations_make_the_tables_that_the_statements_use(tmp_path: Path) -> None:
    from jpki.store.relying import metadata

    RelyingStore.create(tmp_path / "made.db").close()
    drawn = create_engine(f"sqlite:///{tmp_path / 'drawn.db'}")
    metadata.create_all(drawn)
    made = create_engine(f"sqlite:///{tmp_path / 'made.db'}")
    for table in metadata.tables:
        columns = [
            [(column["name"], str(column["type"]), column["nullable"]) for column in inspect(one).get_columns(table)]
            for one in (drawn, made)
        ]
        indexes = [[index["column_names"] for index in inspect(one).get_indexes(table)] for one in (drawn, made)]
        assert columns[0] == columns[1]
        assert indexes[0] == indexes[1]


def test_it_is_not_an_authoritys_store_nor_the_reverse(tmp_path: Path) -> None:
    RelyingStore.create(tmp_path / "site.db").close()
    Store.create(tmp_path / "authority.db").close()
    with pytest.raises(ForeignStore):
        Store.open(tmp_path / "site.db")
    with pytest.raises(ForeignStore):
        RelyingStore.open(tmp_path / "authority.db")


def test_it_is_made_once_and_opened_where_it_is(tmp_path: Path) -> None:
    with pytest.raises(NoStore):
        RelyingStore.open(tmp_path / "site.db")
    RelyingStore.create(tmp_path / "site.db").close()
    with pytest.raises(StoreExists):
        RelyingStore.create(tmp_path / "site.db")
    with RelyingStore.open(tmp_path / "site.db") as store:
        store.check()
    assert (tmp_path / "site.db").stat().st_mode & 0o777 == 0o600

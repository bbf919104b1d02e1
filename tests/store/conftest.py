"""A store with two authorities in it, once in a file and once in a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from database_server import database_server, empty_database, made_database
from store_rows import CA, NOW

from jpki.store import Store, StoredAuthorityKey
from jpki.terms import Role

__all__ = ["database_server", "empty_database", "made_database"]

BOTH = ("sqlite", "postgresql")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "authority.sqlite3"


@pytest.fixture(params=BOTH)
def address(request: pytest.FixtureRequest, file: Path) -> str:
    """Gives a place where a store can be made; in a database, it is made already."""
    return str(file) if request.param == "sqlite" else str(request.getfixturevalue("made_database"))


@pytest.fixture(params=BOTH)
def empty(request: pytest.FixtureRequest, file: Path) -> str:
    """Gives a place where there is nothing yet."""
    return str(file) if request.param == "sqlite" else str(request.getfixturevalue("empty_database"))


@pytest.fixture
def store(address: str) -> Iterator[Store]:
    with filled(address) as made:
        yield made


@pytest.fixture
def store_in_file(file: Path) -> Iterator[Store]:
    with filled(str(file)) as made:
        yield made


@pytest.fixture
def store_on_server(made_database: str) -> Iterator[Store]:
    with filled(made_database) as made:
        yield made


def filled(address: str) -> Store:
    made = Store.create(address, taken_up=True, busy_seconds=0.2)
    with made.transaction() as change:
        for role in Role:
            change.open_authority(role, 0x0100_0001)
        change.take_numbers(Role.SIGNATURE, 1)
        change.add_authority_key(StoredAuthorityKey(CA, 1, NOW, NOW + timedelta(days=3650), b"authority"))
        assert change.take_point(Role.SIGNATURE, "13101", b"the point of row()") == 1
    return made

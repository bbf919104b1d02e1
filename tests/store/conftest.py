"""A store with two authorities in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from store_rows import CA, NOW

from jpki.store import Store, StoredAuthorityKey
from jpki.terms import Role


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "authority.sqlite3"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    with Store.create(file, busy_seconds=0.2) as made:
        with made.transaction() as change:
            for role in Role:
                change.open_authority(role, 0x0100_0001)
            change.take_numbers(Role.SIGNATURE, 1)
            change.add_authority_key(StoredAuthorityKey(CA, 1, NOW, NOW + timedelta(days=3650), b"authority"))
        yield made

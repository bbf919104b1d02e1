"""An authority with keys from the pool, and people who apply to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from authorities import Applicants, PoolKeys, new_authority

from jpki.ca import Authority


@pytest.fixture
def keys() -> PoolKeys:
    return PoolKeys()


@pytest.fixture
def authority(tmp_path: Path, keys: PoolKeys) -> Iterator[Authority]:
    with new_authority(tmp_path, keys) as made:
        yield made


@pytest.fixture
def applicants() -> Applicants:
    return Applicants()

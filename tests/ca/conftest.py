"""An authority with keys from the pool, and people who apply to it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from authorities import ADULT, NOW, Applicants, PoolKeys, new_authority
from backed_up_sites import PASSPHRASE, Site
from database_server import database_server, empty_database, made_database
from prime_pool import PrimePool

from jpki.ca import Authority, AuthoritySettings
from jpki.terms import Role

__all__ = ["database_server", "empty_database", "made_database"]

ON_BOTH_DATABASES = {
    "test_generations",
    "test_holding",
    "test_confirming_on_hold",
    "test_issuing_after_events",
    "test_issuing_again",
    "test_list_rounds",
    "test_many_processes",
    "test_ocsp_ahead",
    "test_ocsp_states",
    "test_renewal",
    "test_responder_renewal",
    "test_revocation",
    "test_revocation_lists",
    "test_serial_chain",
    "test_two_at_once",
}
"""The modules whose tests with an authority are run on SQLite and on PostgreSQL."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "address" in metafunc.fixturenames:
        both = metafunc.module.__name__.rpartition(".")[2] in ON_BOTH_DATABASES
        metafunc.parametrize("address", ("sqlite", "postgresql") if both else ("sqlite",), indirect=True)


@pytest.fixture
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Gives the place of an authority's store."""
    if request.param == "sqlite":
        return str(tmp_path / "authority.sqlite3")
    return str(request.getfixturevalue("made_database"))


@pytest.fixture
def keys() -> PoolKeys:
    return PoolKeys()


@pytest.fixture
def authority(tmp_path: Path, address: str, keys: PoolKeys) -> Iterator[Authority]:
    with new_authority(tmp_path, keys, address=address) as made:
        yield made


@pytest.fixture
def applicants() -> Applicants:
    return Applicants()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Gives a site that is made once, because keys under a passphrase take their time: copy it."""
    site = Site(tmp_path_factory.mktemp("site"))
    pool, applicants = PrimePool(77), Applicants(78)
    people = (replace(ADULT, resident_id=f"R8{number:05}") for number in count())
    made = site.place.create(PASSPHRASE, AuthoritySettings(), NOW, make_key=lambda: pool.generate().private_key)
    with made as authority:
        for _ in range(5):
            authority.issue([applicants.asks(next(people)) for _ in range(20)], NOW)
        authority.certificate_list(Role.SIGNATURE, NOW)
    return site


@pytest.fixture
def site(original: Site, tmp_path: Path) -> Site:
    shutil.copytree(original.path / "ca", tmp_path / "ca")
    return Site(tmp_path)


@pytest.fixture(scope="module")
def backed_up(original: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = Site(tmp_path_factory.mktemp("backed-up"))
    shutil.copytree(original.path / "ca", site.path / "ca")
    site.back_up()
    return site


@pytest.fixture
def backup(backed_up: Site, tmp_path: Path) -> Site:
    """A site that lost everything but its backup."""
    shutil.copy(backed_up.file, tmp_path)
    return Site(tmp_path)

"""An authority's folder whose store lies elsewhere: in a PostgreSQL database, or in another file."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest
from authorities import NOW, Applicants, issue_one, name_in
from database_server import DatabaseServer
from prime_pool import PrimePool

from jpki.ca import Authority, AuthorityExists, AuthorityFolder, AuthorityFolderFailed, AuthoritySettings
from jpki.formats import RevocationReason
from jpki.store import BadStoreUrl, NoStore
from jpki.terms import Role, Secret

PASSPHRASE = Secret(b"correct horse")
KEYS = [pair.private_key for pair in itertools.islice(iter(PrimePool(77).generate, None), 3)]


def made(path: Path, store: str) -> Authority:
    keys = iter(KEYS)
    return AuthorityFolder(path).create(PASSPHRASE, AuthoritySettings(), NOW, store=store, make_key=lambda: next(keys))


def test_a_store_on_a_server_is_found_again_by_the_folder(
    tmp_path: Path, empty_database: str, applicants: Applicants
) -> None:
    folder = AuthorityFolder(tmp_path / "ca")
    with made(folder.path, empty_database) as authority:
        name = name_in(issue_one(authority, applicants.asks()), Role.SIGNATURE)
    assert not folder.store.exists()
    assert folder.store_address.read_text("ascii") == f"{empty_database}\n"
    assert folder.store_address.stat().st_mode & 0o777 == 0o600
    with folder.open() as again:
        assert again.revoke(name, RevocationReason.KEY_COMPROMISE, NOW).reason is RevocationReason.KEY_COMPROMISE
    assert folder.made
    with pytest.raises(AuthorityExists):
        made(folder.path, empty_database)


def test_a_file_elsewhere_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made(tmp_path / "ca", "sqlite:///other.sqlite3").close()
    os.chdir("/")
    AuthorityFolder(tmp_path / "ca").open().close()
    assert (tmp_path / "other.sqlite3").is_file()


def test_a_password_in_the_address_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(BadStoreUrl):
        made(tmp_path / "ca", "postgresql://a:b@c/d")
    assert not (tmp_path / "ca").exists()


def test_a_server_that_does_not_have_the_database_leaves_a_folder_in_which_it_can_be_tried_again(
    tmp_path: Path, database_server: DatabaseServer, empty_database: str
) -> None:
    with pytest.raises(NoStore):
        made(tmp_path / "ca", database_server.url("not_there"))
    made(tmp_path / "ca", empty_database).close()


def test_another_store_than_the_folders_own_is_refused(tmp_path: Path, empty_database: str) -> None:
    made(tmp_path / "ca", str(tmp_path / "one.sqlite3")).close()
    AuthorityFolder(tmp_path / "ca").certificate(Role.SIGNATURE).unlink()
    with pytest.raises(AuthorityFolderFailed):
        made(tmp_path / "ca", empty_database)
    made(tmp_path / "ca", str(tmp_path / "one.sqlite3")).close()

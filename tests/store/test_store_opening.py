"""Which files a store opens, which it refuses, and how."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest
from store_rows import row

from jpki.store import (
    NEWEST_SCHEMA,
    BadStoreUrl,
    ForeignStore,
    NoStore,
    Store,
    StoreDamaged,
    StoreError,
    StoreExists,
    StoreTooNew,
)
from jpki.terms import CertificateName, Role


def change_directly(file: Path, statement: str) -> None:
    connection = sqlite3.connect(file)
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_store_keeps_what_it_was_given_over_closing_and_opening(store: Store, address: str) -> None:
    with store.transaction() as change:
        change.add_certificates([row(0x0100_0002)])
    store.close()
    with Store.open(address) as again, again.snapshot() as view:
        name = CertificateName(Role.SIGNATURE, 0x0100_0002)
        assert view.encoded([name]) == {name: b"certificate 16777218"}


def test_a_store_is_named_by_path_or_by_address(store_in_file: Store, file: Path) -> None:
    store_in_file.close()
    for address in (file, str(file), f"sqlite:///{file}"):
        Store.open(address).close()


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://authority:s3cret@db/jpki",
        "postgresql://db/jpki?password=s3cret",
        "postgresql://db/jpki?sslpassword=s3cret",
        "postgresql://db",
        "postgresql://db/jpki?host=other",
        "postgresql://db/jpki?sslmode=require&sslmode=disable",
        "postgresql://db/jpki?options=-csynchronous_commit%3Doff",
        "postgresql://db:port/jpki",
        "postgresql+psycopg2://db/jpki",
        "mysql://db/jpki",
        "sqlite://",
        "sqlite:///:memory:",
        "://",
        "x://y",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_being_repeated(address: str) -> None:
    with pytest.raises(BadStoreUrl) as caught:
        Store.open(address)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["postgresql://authority:s3cret@db/jpki", "mysql://a:s3cret@db", "postgresql://db?password=s3cret&x=y"]
)
def test_a_password_in_an_address_is_what_is_complained_of_first(address: str) -> None:
    with pytest.raises(BadStoreUrl) as caught:
        Store.open(address)
    assert caught.value.problem == "a password in the address"


def test_opening_makes_no_file(file: Path) -> None:
    with pytest.raises(NoStore) as caught:
        Store.open(file)
    assert caught.value.store == str(file)
    assert not file.exists()


def test_a_store_is_not_made_over_another(store: Store, address: str) -> None:
    with pytest.raises(StoreExists):
        Store.create(address)


def test_a_making_that_was_interrupted_is_taken_up(file: Path) -> None:
    file.touch()
    with Store.create(file) as store, store.snapshot() as view:
        assert view.settings() == {}


def test_making_takes_up_a_store_that_is_there_if_told_so(store: Store, address: str) -> None:
    with Store.create(address, taken_up=True) as again, again.snapshot() as view:
        assert len(view.authority_keys(Role.SIGNATURE)) == 1


def test_a_store_in_a_folder_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        Store.create(tmp_path / "absent" / "authority.sqlite3")
    assert caught.value.store == str(tmp_path / "absent" / "authority.sqlite3")


def test_only_its_owner_reads_a_store(store_in_file: Store, file: Path) -> None:
    with store_in_file.transaction() as change:
        change.take_numbers(Role.SIGNATURE, 1)
    files = [file, *file.parent.glob(f"{file.name}-*")]
    assert len(files) == 3
    assert {stat.S_IMODE(one.stat().st_mode) for one in files} == {0o600}


@pytest.mark.parametrize("content", [b"", b"name,address\n", b"\x00" * 8192], ids=["empty", "text", "zeros"])
def test_a_file_of_another_kind_is_refused_and_left_alone(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(ForeignStore) as caught:
        Store.open(file)
    assert caught.value.store == str(file)
    assert file.read_bytes() == content


@pytest.mark.parametrize("how", [Store.open, Store.create])
def test_another_programs_database_is_refused(file: Path, how: object) -> None:
    change_directly(file, "CREATE TABLE certificate (id INTEGER)")
    with pytest.raises(ForeignStore):
        how(file)  # type: ignore[operator]


def test_a_store_of_a_later_version_is_refused_with_both_versions(store: Store, address: str) -> None:
    with store._connected(writing=True) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreTooNew) as caught:
        Store.open(address)
    assert (caught.value.store, caught.value.found, caught.value.known) == (store.place, "9999", NEWEST_SCHEMA)


def test_a_store_without_its_schema_number_is_an_error(store: Store, address: str) -> None:
    with store._connected(writing=True) as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
    with pytest.raises(StoreError) as caught:
        Store.open(address)
    assert caught.value.store == store.place


def filled(store: Store) -> None:
    with store.transaction() as change:
        change.add_certificates([row(number, encoded=b"x" * 1600) for number in range(0x0100_0002, 0x0100_0082)])


def test_a_store_that_was_cut_short_is_refused(store_in_file: Store, file: Path) -> None:
    filled(store_in_file)
    store_in_file.close()
    file.write_bytes(file.read_bytes()[:-8192])
    with pytest.raises(StoreDamaged) as caught, Store.open(file) as again:
        again.check()
    assert caught.value.store == str(file)


def test_a_store_that_was_overwritten_in_its_middle_is_found_out_by_a_check(store_in_file: Store, file: Path) -> None:
    filled(store_in_file)
    store_in_file.close()
    content = bytearray(file.read_bytes())
    for at in range(4096 * 8, len(content), 4096):
        content[at : at + 16] = b"\xff" * 16
    file.write_bytes(content)
    with pytest.raises(StoreDamaged) as caught, Store.open(file) as again:
        again.check()
    assert caught.value.store == str(file)


def test_a_row_without_its_parent_is_found_out_by_a_check(store_in_file: Store, file: Path) -> None:
    filled(store_in_file)
    change_directly(file, "DELETE FROM certificate WHERE id % 2 = 0")
    with pytest.raises(StoreDamaged):
        store_in_file.check()


def test_a_good_store_passes_the_check(store: Store) -> None:
    filled(store)
    store.check()


def test_a_copy_that_sqlite_made_for_a_backup_is_a_store_like_the_first(store_in_file: Store, file: Path) -> None:
    with store_in_file.transaction() as change:
        change.add_certificates([row(0x0100_0002)])
    copy = file.with_name("copy.sqlite3")
    change_directly(file, f"VACUUM INTO '{copy}'")
    with Store.open(copy) as again:
        with again.snapshot() as view:
            assert view.encoded([CertificateName(Role.SIGNATURE, 0x0100_0002)])
        with again._connected(writing=True) as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"

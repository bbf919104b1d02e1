"""Copies of a store: of a file and of a database, while others write, and back."""

from __future__ import annotations

from pathlib import Path

import pytest
from store_rows import CA, NOW, row

from jpki.store import Store, StoreConflict, StoredRevocation
from jpki.terms import CertificateName, Role

HELD = CertificateName(Role.SIGNATURE, 0x0100_0002)


@pytest.fixture
def full(store: Store) -> Store:
    """A store with something in most of its tables."""
    with store.transaction() as change:
        entry = change.note("test", NOW, {"one": "entry"})
        change.put_settings({"name": "value"})
        change.take_numbers(Role.SIGNATURE, 50)
        change.add_certificates([row(0x0100_0002 + number) for number in range(50)], entry)
        stored = change.named([HELD])[HELD]
        change.add_revocations([(stored, StoredRevocation(HELD, 6, NOW, NOW))], entry)
    return store


def test_a_copy_holds_what_the_store_held_and_stays_so(full: Store, tmp_path: Path) -> None:
    full.write_copy(tmp_path / "copy.sqlite3")
    with full.snapshot() as view:
        counts, sequences = view.row_counts(), view.sequences(Role.SIGNATURE)
    with full.transaction() as change:
        change.take_numbers(Role.SIGNATURE, 1)
    assert (tmp_path / "copy.sqlite3").stat().st_mode & 0o777 == 0o600
    with Store.open(tmp_path / "copy.sqlite3") as copy, copy.snapshot() as view:
        assert (view.row_counts(), view.sequences(Role.SIGNATURE)) == (counts, sequences)
        assert view.encoded([HELD])[HELD] == b"certificate %d" % HELD.number
        assert view.held(CA)[0].name == HELD
    with Store.open(tmp_path / "copy.sqlite3") as copy:
        copy.check()


def test_a_file_that_is_there_is_not_written_over(full: Store, tmp_path: Path) -> None:
    (tmp_path / "copy.sqlite3").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        full.write_copy(tmp_path / "copy.sqlite3")
    assert (tmp_path / "copy.sqlite3").read_bytes() == b"mine"


def test_what_was_copied_goes_back_into_an_empty_store_and_its_numbers_go_on(
    full: Store, empty: str, tmp_path: Path
) -> None:
    full.write_copy(tmp_path / "copy.sqlite3")
    with (
        Store.open(tmp_path / "copy.sqlite3") as copy,
        Store.create(f"{empty}-2" if "://" not in empty else empty) as new,
    ):
        new.take_rows_of(copy)
        with copy.snapshot() as one, new.snapshot() as other:
            assert one.row_counts() == other.row_counts()
            assert [entry.body for entry in one.audit_entries()] == [entry.body for entry in other.audit_entries()]
        with new.transaction() as change:
            change.note("test", NOW, {})
            assert change.take_point(Role.SIGNATURE, "01100", b"another") == 2
        new.check()
        with pytest.raises(StoreConflict):
            new.take_rows_of(copy)

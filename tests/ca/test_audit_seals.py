"""Seals over the audit trail: what is done to one is named; when and how they are made, and that they are files too."""

# ruff: noqa: S608 - every value in these statements stands in this file

from __future__ import annotations

import json
import subprocess
from datetime import timedelta
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from audited_life import HOUR, Meddler, copied, done_to, findings, lived, seals_in
from authorities import NOW, Applicants, PoolKeys, issue_one, seal_key
from openssl_program import openssl
from prime_pool import PrimePool

from jpki.ca import Authority, AuthoritySettings, LoadedKey, SealFailed, SealFolder
from jpki.store import SealRow, Store, canonical


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lived(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def file(whole: Path, tmp_path: Path) -> Path:
    return copied(whole, tmp_path / "copy")


# --- seals ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(1, 7))
def test_a_seal_that_was_removed_from_the_store_is_named(file: Path, number: int) -> None:
    assert done_to(file, f"DELETE FROM audit_seal WHERE number = {number}") == {f"seal-only-in-file seal {number}"}


@pytest.mark.parametrize("number", range(1, 7))
def test_a_seal_that_was_removed_from_store_and_folder_is_named(file: Path, number: int) -> None:
    seals_in(file.parent).file(number).unlink()
    found = done_to(file, f"DELETE FROM audit_seal WHERE number = {number}")
    # The last one was the last: only a copy of the folder elsewhere knows of it.
    assert found == ({f"seal-missing seal {number}"} if number < 6 else set())


def test_seals_that_were_cut_everywhere_show_in_the_mark_of_the_chain(file: Path) -> None:
    for number in (4, 5, 6):
        seals_in(file.parent).file(number).unlink()
    assert done_to(file, "DELETE FROM audit_seal WHERE number >= 4") == {"chain-mark 1/14"}


@pytest.mark.parametrize("number", range(1, 7))
def test_a_seal_that_was_changed_is_named(file: Path, number: int) -> None:
    change = f'UPDATE audit_seal SET body = replace(body, \'"at":"2026\', \'"at":"2025\') WHERE number = {number}'
    found = done_to(file, change, f"UPDATE audit_seal SET body = CAST(body AS BLOB) WHERE number = {number}")
    assert found == {f"seal-changed seal {number}", f"seal-unlike-file seal {number}"}


@pytest.mark.parametrize("body", ["x'00'", "x'7b7d'", "x'5b5d'"])
def test_a_seal_that_is_none_is_named(file: Path, body: str) -> None:
    found = done_to(file, f"UPDATE audit_seal SET body = {body} WHERE number = 2")
    assert found == {"seal-unreadable seal 2", "seal-unlike-file seal 2"}


def test_a_seal_by_another_key_is_named(file: Path) -> None:
    other = LoadedKey(PrimePool(77).generate().private_key)
    with Meddler(file) as meddler:
        ((body,),) = meddler.rows("SELECT body FROM audit_seal WHERE number = 3")
        assert isinstance(body, bytes)
        facts = json.loads(body) | {"key": sha256(other.public_key_info).hexdigest()}
        forged = SealRow(3, canonical(facts), other.sign(canonical(facts)))
        meddler.rows("UPDATE audit_seal SET body = ?, signature = ? WHERE number = 3", [forged.body, forged.signature])
    assert findings(file) == {"seal-by-another-key seal 3", "seal-unlike-file seal 3"}


def test_seals_that_were_exchanged_are_named(file: Path) -> None:
    move = "UPDATE audit_seal SET number = {} WHERE number = {}"
    found = done_to(file, move.format(0, 2), move.format(2, 3), move.format(3, 0))
    assert {f"seal-unreadable seal {number}" for number in (2, 3)} <= found
    assert {one for one in found if "unlike-file" not in one} == {f"seal-unreadable seal {number}" for number in (2, 3)}


def test_a_seal_signed_by_the_right_key_that_does_not_follow_is_named(file: Path) -> None:
    with Meddler(file) as meddler:
        ((body,),) = meddler.rows("SELECT body FROM audit_seal WHERE number = 4")
        assert isinstance(body, bytes)
        forged = canonical(json.loads(body) | {"previous": bytes(32).hex()})
        meddler.rows(
            "UPDATE audit_seal SET body = ?, signature = ? WHERE number = 4", [forged, seal_key().sign(forged)]
        )
    found = {one for one in findings(file) if "unlike-file" not in one}
    assert found == {"seal-out-of-order seal 4", "seal-out-of-order seal 5"}


def test_a_hole_in_the_files_is_named(file: Path) -> None:
    seals_in(file.parent).file(3).unlink()
    assert findings(file) == {"seal-without-file seal 3"}


# --- making seals -----------------------------------------------------------------------------------------------------


def test_a_seal_is_not_dated_before_the_last_one(tmp_path: Path) -> None:
    with Authority.create(Store.create(tmp_path / "a"), PoolKeys(), AuthoritySettings(), NOW) as authority:
        authority.seal(NOW + HOUR)
        with pytest.raises(SealFailed, match="before the last seal"):
            authority.seal(NOW)


def test_another_published_key_stops_the_sealing(tmp_path: Path) -> None:
    folder = SealFolder(tmp_path / "seals", tmp_path / "audit.pub")
    folder.publish(LoadedKey(PrimePool(78).generate().private_key).public_key_info)
    store = Store.create(tmp_path / "a")
    with Authority.create(store, PoolKeys(), AuthoritySettings(), NOW, seals=folder) as authority:
        with pytest.raises(SealFailed, match="another key"):
            authority.seal(NOW)
        issue_one(authority, Applicants().asks())  # which goes on without a seal


def test_files_of_seals_that_are_missing_are_written_with_the_next_seal(tmp_path: Path) -> None:
    folder = SealFolder(tmp_path / "seals", tmp_path / "audit.pub")
    with Authority.create(
        Store.create(tmp_path / "a"), PoolKeys(), AuthoritySettings(), NOW, seals=folder
    ) as authority:
        for hours in range(3):
            authority.seal(NOW + hours * HOUR)
        for file in folder.path.iterdir():
            file.unlink()
        authority.seal(NOW + 3 * HOUR)
        with authority.store.snapshot() as view:
            assert list(folder.read()) == list(view.audit_seals())


def test_processes_with_keys_seal_by_themselves_when_the_last_seal_is_old(tmp_path: Path) -> None:
    applicants = Applicants()
    with Authority.create(Store.create(tmp_path / "a"), PoolKeys(), AuthoritySettings(), NOW) as authority:
        moments = []
        for minutes in range(0, 31, 3):
            issue_one(authority, applicants.asks(), NOW + timedelta(minutes=minutes))
            with authority.store.snapshot() as view:
                row = view.newest_seal()
            assert row is not None
            moments.append(row.number)
    assert moments == [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3]


# --- as files ---------------------------------------------------------------------------------------------------------


def test_openssl_verifies_a_seal_with_the_published_key(whole: Path) -> None:
    folder = whole.parent
    for number in range(1, 7):
        seal = seals_in(folder).file(number)
        words = ("dgst", "-sha256", "-verify", folder / "audit.pub", "-signature", f"{seal}.sig")
        assert openssl(*words, seal).stdout.strip() == "Verified OK"
        assert openssl(*words, folder / "audit.pub").stdout.strip() == "Verification failure"


def test_each_seal_has_the_digest_of_the_one_before_it(whole: Path) -> None:
    seals = [row.body for row in seals_in(whole.parent).read()]
    for before, body in pairwise(seals):
        assert json.loads(body)["previous"] == sha256(before).hexdigest()


def test_a_page_of_shell_finds_the_digests_that_the_seals_have(whole: Path) -> None:
    """The lines that docs/audit.md prints, run as they stand there."""
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text("utf-8")
    script = page.split("```sh\n")[1].split("```")[0]
    done = subprocess.run(["bash", "-c", f"store={whole}\n{script}"], capture_output=True, text=True, check=True)
    found = dict(line.split() for line in done.stdout.splitlines())
    assert len(found) == 14
    for row in seals_in(whole.parent).read():
        for chain, number, digest in json.loads(row.body)["heads"]:
            assert found[f"{chain}/{number}"] == digest

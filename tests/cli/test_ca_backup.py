"""`jpki ca backup`, `jpki ca restore` and the catching up between them: an office that lost its authority."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command_line import Invoke
from offices import BY_VARIABLES, OTHER, PASSPHRASE, Office
from schemas import assert_follows_its_schema
from told import differences

from jpki.formats import RevocationReason

CA = ("--ca", "ca")
LAST = ("--last", "sign:01000003", "--last", "auth:01000003")
SIGN, AUTH = "sign:01000001", "auth:01000001"


@pytest.fixture
def lost(invoke: Invoke, issued_office: Office) -> Office:
    """An office whose authority is gone: a backup is left, and what was published since."""
    office = issued_office
    assert invoke("ca", "backup", "backup.age", *CA, **BY_VARIABLES).code == 0
    office.issue(OTHER, datetime.now(UTC).replace(microsecond=0), "other.jpki")
    office.revoke("sign:01000003", RevocationReason.KEY_COMPROMISE)
    with office.authority() as authority:
        authority.seal(datetime.now(UTC))
    shutil.copytree(office.ca / "seals", office.path / "seals")
    shutil.rmtree(office.ca)
    return office


def newest_seal(office: Office) -> Path:
    return max((office.path / "seals").glob("*.json"))


def test_a_backup_tells_what_it_holds_in_text_and_json(invoke: Invoke, issued_office: Office) -> None:
    done = invoke("ca", "backup", "one.age", *CA, "--json", **BY_VARIABLES)
    assert done.code == 0
    assert_follows_its_schema(done.json)
    assert done.json["certificate_count"] == 2
    assert done.json["last_numbers"] == ["sign:01000002", "auth:01000002"]
    assert done.json["size"] == (issued_office.path / "one.age").stat().st_size
    text = invoke("ca", "backup", "two.age", *CA, **BY_VARIABLES)
    assert "Keep the file away" in text.told
    assert PASSPHRASE not in text.out + text.told


@pytest.mark.usefixtures("issued_office")
def test_a_file_that_is_there_is_refused_before_the_passphrase(invoke: Invoke) -> None:
    done = invoke("ca", "backup", "residents.csv", *CA, "--json")
    assert (done.code, done.error["error"]) == (2, "FileInTheWay")


def test_lost_and_put_back_it_goes_on_when_it_was_shown_everything(invoke: Invoke, lost: Office) -> None:
    back = invoke("ca", "restore", "backup.age", "ca", "--json", **BY_VARIABLES)
    assert back.code == 0
    assert_follows_its_schema(back.json)
    assert (back.json["owed_lists"], back.json["owed_seal"]) == ([SIGN, AUTH], True)
    refused = invoke("ca", "crl", "--out", "new", *CA, "--json", **BY_VARIABLES)
    assert (refused.code, refused.error["error"]) == (8, "NotCaughtUp")
    part = invoke("ca", "catch-up", "--crl", "crl", *LAST, *CA, "--json")
    assert part.code == 8
    assert_follows_its_schema(part.json)
    assert (part.json["owed_lists"], part.json["owed_seal"]) == ([], True)
    whole = invoke("ca", "catch-up", "--crl", "crl", *LAST, "--seal", "seals", *CA, "--json")
    assert whole.json["seal"] == int(newest_seal(lost).stem)
    assert whole.code == 0
    assert_follows_its_schema(whole.json)
    assert whole.json["lists"][0]["taken_over"] == []
    made = invoke("ca", "crl", "--out", "new", *CA, "--json", **BY_VARIABLES).json["lists"]
    assert [(one["list_number"], one["entries"]) for one in made] == [(0x100002, 1), (0x100002, 0)]


@pytest.mark.usefixtures("lost")
def test_somebody_may_state_that_nothing_was_published(invoke: Invoke) -> None:
    invoke("ca", "restore", "backup.age", "ca", **BY_VARIABLES)
    stated = ("--no-list", SIGN, "--no-list", AUTH, "--no-seal")
    done = invoke("ca", "catch-up", *LAST, *stated, *CA, "--json")
    assert done.code == 0
    assert_follows_its_schema(done.json)
    assert done.json["none_published"] == [SIGN, AUTH, "seal"]
    assert invoke("ca", "crl", "--out", "new", *CA, **BY_VARIABLES).code == 0


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_is_owed_is_told_in_both_languages(invoke: Invoke, lost: Office, language: str) -> None:
    text = invoke("ca", "restore", "backup.age", "ca", "--lang", language, **BY_VARIABLES)
    assert "jpki ca catch-up --crl PATH" in text.told
    refused = invoke("ca", "crl", "--out", "new", *CA, "--lang", language, **BY_VARIABLES)
    assert SIGN in refused.told
    assert "jpki ca catch-up --help" in refused.told
    shutil.rmtree(lost.ca)
    report = invoke("ca", "restore", "backup.age", "ca", "--json", **BY_VARIABLES).json
    assert differences(text.out, report, japanese=language == "ja") == []


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("backup.age", "."), "FolderNotEmpty"),
        (("nowhere", "ca"), "BackupUnreadable"),
        (("residents.csv", "ca"), "BackupForeign"),
    ],
)
def test_what_cannot_be_put_back_is_named(invoke: Invoke, lost: Office, arguments: tuple[str, ...], error: str) -> None:
    done = invoke("ca", "restore", *arguments, "--json", **BY_VARIABLES)
    assert (done.code, done.error["error"]) == (2, error)
    assert not lost.ca.exists()


def test_another_passphrase_puts_nothing_back(invoke: Invoke, lost: Office) -> None:
    done = invoke("ca", "restore", "backup.age", "ca", "--json", JPKI_CA_PASSPHRASE="another one")
    assert (done.code, done.error["error"]) == (2, "BackupLocked")
    assert not lost.ca.exists()


def test_an_older_seal_is_refused(invoke: Invoke, lost: Office) -> None:
    invoke("ca", "restore", "backup.age", "ca", **BY_VARIABLES)
    done = invoke("ca", "catch-up", "--crl", "crl", *LAST, "--seal", newest_seal(lost), *CA)
    assert done.code == 0
    again = invoke("ca", "catch-up", "--crl", "crl", *LAST, "--seal", "seals/000001.json", *CA, "--json")
    assert (again.code, again.error["error"]) == (8, "SealRefused")

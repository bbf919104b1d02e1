"""`jpki ca audit`: seals, the check, and the list of entries."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from command_line import Invoke, Program
from offices import BY_VARIABLES, Office
from openssl_program import openssl
from schemas import assert_follows_its_schema
from told import differences

CA = ("--ca", "ca")
SIGN = "sign:01000002"
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])


def test_a_seal_is_made_and_is_a_file_that_openssl_verifies(jpki: Program, issued_office: Office) -> None:
    done = jpki("ca", "audit", "seal", *CA, "--json", env=BY_VARIABLES)
    assert (done.code, done.told) == (0, "")
    assert_follows_its_schema(done.json)
    words = ("-verify", done.json["public_key_file"], "-signature", done.json["signature_file"], done.json["file"])
    assert openssl("dgst", "-sha256", *words, folder=issued_office.ca.parent).stdout == "Verified OK\n"


@pytest.mark.usefixtures("issued_office")
def test_a_seal_says_where_copies_of_it_belong(invoke: Invoke) -> None:
    done = invoke("ca", "audit", "seal", *CA, **BY_VARIABLES)
    assert "ca/seals" in done.told


@LANGUAGES
@pytest.mark.usefixtures("issued_office")
def test_a_whole_trail_is_told_as_whole_without_a_passphrase(invoke: Invoke, language: str) -> None:
    done = invoke("ca", "audit", "verify", *CA, "--json")
    assert (done.code, done.json["trail"], done.json["findings"]) == (0, "whole", [])
    assert_follows_its_schema(done.json)
    text = invoke("ca", "audit", "verify", *CA, "--lang", language).out
    assert differences(text, done.json, japanese=language == "ja") == []


@LANGUAGES
def test_what_is_wrong_is_named_and_the_exit_code_says_so(invoke: Invoke, issued_office: Office, language: str) -> None:
    with sqlite3.connect(issued_office.ca / "authority.sqlite3") as database:
        database.execute("UPDATE certificate SET holder = 'R1' WHERE id = 4311744514")
    database.close()
    done = invoke("ca", "audit", "verify", *CA, "--json")
    assert (done.code, done.json["trail"]) == (9, "broken")
    assert_follows_its_schema(done.json)
    (finding,) = done.json["findings"]
    assert (finding["finding"], finding["row_kind"], finding["row"]) == ("row-changed", "certificate", SIGN)
    text = invoke("ca", "audit", "verify", *CA, "--lang", language).out
    assert differences(text, done.json, japanese=language == "ja") == []


def test_copies_of_the_seals_show_what_was_cut_off_beside_the_database(
    invoke: Invoke, issued_office: Office, tmp_path: Path
) -> None:
    assert invoke("ca", "audit", "seal", *CA, **BY_VARIABLES).code == 0
    shutil.copytree(issued_office.ca / "seals", tmp_path / "copy" / "seals")
    shutil.copy(issued_office.ca / "certificates" / "audit.pub", tmp_path / "copy")
    for file in (issued_office.ca / "seals").iterdir():
        file.unlink()
    with sqlite3.connect(issued_office.ca / "authority.sqlite3") as database:
        database.execute("DELETE FROM audit_seal")
        database.execute("UPDATE audit_chain SET sealed = 0")
    database.close()
    assert invoke("ca", "audit", "verify", *CA).code == 0
    copies = ("--seals", str(tmp_path / "copy" / "seals"), "--key", str(tmp_path / "copy" / "audit.pub"))
    done = invoke("ca", "audit", "verify", *CA, *copies, "--json")
    assert done.code == 9
    assert {finding["finding"] for finding in done.json["findings"]} == {"seal-only-in-file"}


@pytest.mark.usefixtures("issued_office")
def test_a_file_that_holds_no_public_key_is_refused(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "no.pub").write_text("no key")
    done = invoke("ca", "audit", "verify", *CA, "--key", str(tmp_path / "no.pub"))
    assert done.code == 2


@pytest.mark.usefixtures("issued_office")
def test_entries_about_one_certificate_are_listed(invoke: Invoke) -> None:
    assert invoke("ca", "revoke", SIGN, *CA, "--reason", "keyCompromise", "--yes").code == 0
    done = invoke("ca", "audit", "list", SIGN, *CA, "--json")
    assert_follows_its_schema(done.json)
    actions = [one["action"] for one in done.json["entries_listed"]]
    assert (actions[0], actions[-1]) == ("issue", "revoke")
    assert json.loads(done.json["entries_listed"][-1]["facts"])["revocation"]["reason"] == 1


@LANGUAGES
@pytest.mark.usefixtures("issued_office")
def test_entries_are_listed_page_by_page_and_say_the_same_as_text(invoke: Invoke, language: str) -> None:
    first = invoke("ca", "audit", "list", *CA, "--limit", "1", "--json").json
    assert first["next_page_after"] == "1/1"
    rest = invoke("ca", "audit", "list", *CA, "--after", "1/1", "--json").json
    assert "1/1" not in [one["entry"] for one in rest["entries_listed"]]
    assert rest["next_page_after"] is None
    text = invoke("ca", "audit", "list", *CA, "--limit", "1", "--lang", language).out
    assert differences(text, first, japanese=language == "ja") == []


@pytest.mark.usefixtures("issued_office")
def test_a_place_that_is_no_entry_is_refused(invoke: Invoke) -> None:
    assert invoke("ca", "audit", "list", *CA, "--after", "seven").code == 2

"""`jpki ca init`: a new authority."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from command_line import AtTerminal, Invoke, Program
from offices import PASSPHRASE, Office
from schemas import assert_follows_its_schema
from told import differences

from jpki.ca import AuthorityFolder
from jpki.formats import Certificate
from jpki.terms import Role, Secret

GIVEN = {"JPKI_CA_PASSPHRASE": PASSPHRASE}


def test_an_authority_is_made_and_its_report_follows_the_schema(jpki: Program, tmp_path: Path) -> None:
    done = jpki("ca", "init", "--ca", "mine", "--json", env=GIVEN)
    assert (done.code, done.told) == (0, "")
    assert_follows_its_schema(done.json)
    for row in done.json["authorities"]:
        certificate = Certificate.parse((tmp_path / row["certificate_file"]).read_bytes())
        assert certificate.fingerprint.hex().upper() == row["sha256"]
        assert certificate.subject.texts("O") == ("JPKI-TEST",)
    with AuthorityFolder(tmp_path / "mine").open(Secret(PASSPHRASE.encode())) as made:
        assert [str(made.certificates[role].name) for role in Role] == [one["name"] for one in done.json["authorities"]]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_text_and_json_say_the_same(invoke: Invoke, office: Office, language: str) -> None:
    lost = office.trust / "auth-1.cer"  # so that there is something left to do, and the same to tell each time
    reports = []
    for more in (("--json",), ("--lang", language)):
        lost.unlink()
        reports.append(invoke("ca", "init", "--ca", "ca", *more, **GIVEN))
    assert differences(reports[1].out, reports[0].json, japanese=language == "ja") == []


def test_the_settings_stand_in_what_is_issued(invoke: Invoke) -> None:
    hosts = ("--ocsp-sign-host", "ocsp.example", "--cps-host", "www.example:8080", "--counter", "00AB")
    told = invoke("ca", "init", "--ca", "mine", *hosts, "--json", **GIVEN).json["settings"]
    assert (told["ocsp_sign_host"], told["cps_host"], told["counter"]) == ("ocsp.example", "www.example:8080", "00AB")
    assert told["ocsp_auth_host"] == "ocspauth.jpki-test.example"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), {"signature": "no", "authentication": "yes"}),
        (("--sign-hold", "ends", "--auth-hold", "final"), {"signature": "yes", "authentication": "no"}),
        (("--sign-hold", "final", "--auth-hold", "ends"), {"signature": "no", "authentication": "yes"}),
    ],
)
def test_which_holds_can_end_is_a_setting(invoke: Invoke, options: tuple[str, ...], expected: dict[str, str]) -> None:
    told = invoke("ca", "init", "--ca", "mine", *options, "--json", **GIVEN).json["settings"]
    assert {role: told[f"{role}_hold_can_end"] for role in expected} == expected


@pytest.mark.parametrize(
    "setting", [("--ocsp-sign-host", "ocsp.jpki.go.jp"), ("--cps-host", "no host"), ("--counter", "short")]
)
def test_a_setting_that_cannot_be_is_refused_before_a_passphrase_is_asked_for(
    invoke: Invoke, tmp_path: Path, setting: tuple[str, str]
) -> None:
    done = invoke("ca", "init", "--ca", "mine", *setting)
    assert (done.code, done.out) == (2, "")
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize(
    ("options", "variable", "named"), [(("--ca", "my ca"), {}, True), ((), {"JPKI_CA": "my ca"}, False)]
)
def test_it_says_how_to_begin_again_and_how_to_go_on(
    invoke: Invoke, options: tuple[str, ...], variable: dict[str, str], named: bool
) -> None:
    told = invoke("ca", "init", *options, **GIVEN, **variable).told
    assert "move the folder away" in told
    assert "my ca/certificates" in told
    for command in ("jpki issue RESIDENTS.csv --id ID", "jpki ca crl --out FOLDER"):
        assert f"    {command}{' --ca ' if named else ''}{chr(39) + 'my ca' + chr(39) if named else ''}\n" in told
    assert "move this folder away" in invoke("ca", "init", *options, **GIVEN, **variable).told


def test_an_authority_that_is_there_stays_as_it_is(jpki: Program, office: Office) -> None:
    before = {path: path.read_bytes() for path in office.ca.rglob("*.key")}
    done = jpki("ca", "init", "--ca", "ca", "--json")
    assert (done.code, done.error["error"]) == (8, "AuthorityExists")
    assert {path: path.read_bytes() for path in office.ca.rglob("*.key")} == before


def test_an_interrupted_run_is_finished_by_the_same_command(invoke: Invoke, office: Office) -> None:
    certificate = office.trust / "auth-1.cer"
    before = certificate.read_bytes()
    certificate.unlink()
    assert invoke("ca", "init", "--ca", "ca", **GIVEN).code == 0
    assert certificate.read_bytes() == before


def test_keys_that_are_there_under_another_passphrase_stop_it(invoke: Invoke, office: Office) -> None:
    (office.ca / "authority.sqlite3").write_bytes(b"")  # as far as an interrupted run came
    for certificate in office.trust.iterdir():
        certificate.unlink()
    done = invoke("ca", "init", "--ca", "ca", "--json", JPKI_CA_PASSPHRASE="another")
    assert (done.code, done.error["error"]) == (8, "WrongPassphrase")


@pytest.mark.parametrize("command", ["init", "list"])
def test_a_lost_database_is_named_and_no_authority_made_in_its_place(
    invoke: Invoke, office: Office, command: str
) -> None:
    (office.ca / "authority.sqlite3").unlink()
    done = invoke("ca", command, "--ca", "ca", "--json", **GIVEN)
    assert (done.code, done.error["error"]) == (8, "NoStore")
    assert not (office.ca / "authority.sqlite3").exists()


def test_the_passphrase_is_typed_twice_and_not_shown(at_terminal: AtTerminal, tmp_path: Path) -> None:
    terminal = at_terminal("ca", "init", "--ca", "mine")
    terminal.until("passphrase of the authority: ")
    terminal.type("secret words")
    terminal.until("Once more: ")
    terminal.type("secret words")
    assert terminal.end() == 0
    assert "secret words" not in terminal.shown
    AuthorityFolder(tmp_path / "mine").open(Secret(b"secret words")).issuer_master_key()


def test_two_passphrases_that_differ_make_nothing(at_terminal: AtTerminal, tmp_path: Path) -> None:
    terminal = at_terminal("ca", "init", "--ca", "mine")
    terminal.until("passphrase of the authority: ")
    terminal.type("secret words")
    terminal.until("Once more: ")
    terminal.type("other words")
    assert terminal.end() == 2
    assert not (tmp_path / "mine").exists()


def test_the_passphrase_comes_from_a_descriptor(jpki: Program, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"from a pipe\n")
    os.close(writing)
    done = jpki("ca", "init", "--ca", "mine", "--passphrase-fd", reading, pass_fds=(reading,))
    os.close(reading)
    assert done.code == 0
    AuthorityFolder(tmp_path / "mine").open(Secret(b"from a pipe")).issuer_master_key()


def test_without_a_terminal_and_a_passphrase_it_says_which_variable(invoke: Invoke, tmp_path: Path) -> None:
    done = invoke("ca", "init", "--ca", "mine")
    assert done.code == 2
    assert "JPKI_CA_PASSPHRASE" in done.told
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize(
    ("passphrase", "code"), [("2 few", 2), ("1234567", 2), ("12345678", 0), ("合言葉は長いほど", 0)]
)
def test_a_new_passphrase_has_eight_characters(invoke: Invoke, tmp_path: Path, passphrase: str, code: int) -> None:
    done = invoke("ca", "init", "--ca", "mine", JPKI_CA_PASSPHRASE=passphrase)
    assert done.code == code
    assert (tmp_path / "mine").exists() is (code == 0)
    assert ("8 characters" in done.told) is (code != 0)
    assert passphrase not in done.told


def test_an_empty_passphrase_is_refused(jpki: Program, tmp_path: Path) -> None:
    assert jpki("ca", "init", "--ca", "mine", "--passphrase-fd", 0, stdin=b"\n").code == 2
    assert not (tmp_path / "mine").exists()


def test_a_folder_that_cannot_be_made_is_named(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = invoke("ca", "init", "--ca", "file/mine", "--json", **GIVEN)
    assert (done.code, done.error["error"]) == (8, "AuthorityFolderFailed")
    assert done.error["facts"]["folder"] == "file/mine"


def test_no_folder_is_guessed(invoke: Invoke) -> None:
    done = invoke("ca", "init", **GIVEN)
    assert done.code == 2
    assert all(place in done.told for place in ("--ca", "JPKI_CA", "settings"))

"""`jpki ca key`: keys listed, made, on tokens; ceremonies rehearsed and run."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from command_line import AtTerminal, Done, Invoke, Program
from offices import PASSPHRASE, Office
from schemas import assert_follows_its_schema
from soft_tokens import PIN, SoftToken, new_soft_token
from told import differences

GIVEN = {"JPKI_CA_PASSPHRASE": PASSPHRASE}
CEREMONY = """
title = "第2世代の鍵の生成"

[[key]]
role = "sign"
generation = 2
{place}

[[witness]]
name = "山田　太郎"
part = "鍵管理者"

[[witness]]
name = "Suzuki Hanako"

[[step]]
say = "Check the seal: number 4711."

[[step]]
make = "sign"
"""


@pytest.fixture
def token(tmp_path: Path) -> SoftToken:
    return new_soft_token(tmp_path / "hsm")


@pytest.fixture
def ceremony(tmp_path: Path) -> Path:
    file = tmp_path / "ceremony.toml"
    file.write_text(CEREMONY.format(place=""), "utf-8")
    return file


def on(token: SoftToken) -> dict[str, str]:
    return {"SOFTHSM2_CONF": str(token.configuration)}


def verified(advice: str, folder: Path) -> list[str]:
    """Runs the commands that were printed to be copied, and returns what they print."""
    commands = re.findall(r"^ +(openssl .*)$", advice, re.MULTILINE)
    return [subprocess.check_output(["bash", "-c", one], cwd=folder, text=True) for one in commands]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_keys_are_listed_and_text_and_json_say_the_same(invoke: Invoke, office: Office, language: str) -> None:
    done = invoke("ca", "key", "list", "--ca", "ca", "--json")
    assert_follows_its_schema(done.json)
    assert [(key["role"], key["generation"], key["issues"]) for key in done.json["keys"]] == [
        ("sign", 1, True),
        ("auth", 1, True),
    ]
    assert [Path(key["place"]).name for key in done.json["keys"]] == ["sign-1.key", "auth-1.key"]
    text = invoke("ca", "key", "list", "--ca", "ca", "--lang", language)
    assert differences(text.out, done.json, japanese=language == "ja") == []


def test_a_new_key_issues_from_then_on_and_its_certificate_is_handed_out(invoke: Invoke, office: Office) -> None:
    done = invoke("ca", "key", "new", "--role", "auth", "--yes", "--ca", "ca", "--json", **GIVEN)
    assert done.code == 0, done.told
    assert_follows_its_schema(done.json)
    assert (done.json["key"]["generation"], done.json["key"]["issues"]) == (2, True)
    assert (office.ca / "certificates" / "auth-2.cer").read_bytes() == Path(
        done.json["key"]["certificate_file"]
    ).read_bytes()
    listed = invoke("ca", "key", "list", "--ca", "ca", "--json").json["keys"]
    assert [(key["role"], key["generation"], key["issues"]) for key in listed] == [
        ("sign", 1, True),
        ("auth", 1, False),
        ("auth", 2, True),
    ]


def test_the_same_generation_is_made_once_however_often_the_command_is_run(invoke: Invoke, office: Office) -> None:
    command = ("ca", "key", "new", "--role", "auth", "--generation", "2", "--yes", "--ca", "ca", "--json")
    first, again = invoke(*command, **GIVEN), invoke(*command, **GIVEN)
    assert (first.code, again.code) == (0, 0), again.told
    assert again.json == first.json
    assert len(invoke("ca", "key", "list", "--ca", "ca", "--json").json["keys"]) == 3
    out_of_turn = invoke(*[*command[:6], "4", *command[7:]], **GIVEN)
    assert (out_of_turn.code, out_of_turn.error["error"]) == (2, "BadValue")


def test_a_new_key_is_asked_for_before_it_is_made(invoke: Invoke, office: Office, at_terminal: AtTerminal) -> None:
    done = invoke("ca", "key", "new", "--role", "sign", "--ca", "ca", "--json", **GIVEN)
    assert (done.code, done.error["error"]) == (2, "ConfirmationNeeded")
    terminal = at_terminal("ca", "key", "new", "--role", "sign", "--ca", "ca", "--lang", "en", columns=200, **GIVEN)
    terminal.until(r"(?s)generation 2 of the signature .*\[y/N\]")
    terminal.type("n")
    assert terminal.end() == 130
    assert "No key was made" in terminal.shown
    assert not (office.ca / "keys" / "sign-2.key").exists()


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ("pkcs11:object=k", "BadKeyUri"),
        ("pkcs11:token=T;object=k?module-path=/x.so&pin-value=1234", "PinInKeyUri"),
        ("https://example/k", "BadKeyUri"),
    ],
)
def test_a_place_that_cannot_be_is_refused(invoke: Invoke, office: Office, place: str, error: str) -> None:
    words = ("--role", "sign", "--place", place, "--yes", "--ca", "ca", "--json")
    done = invoke("ca", "key", "new", *words, **GIVEN)
    assert (done.code, done.error["error"]) == (2, error)
    assert "1234" not in done.told
    done = invoke("ca", "init", "--sign-key", place, "--ca", "new", "--json", **GIVEN)
    assert (done.code, done.error["error"]) == (2, error)
    assert not (office.path / "new").exists()


def made_on_token(jpki: Program, token: SoftToken) -> Done:
    keys = [f"--{name}-key={token.uri(f'{name}-1')}" for name in ("sign", "auth", "seal")]
    return jpki("ca", "init", "--ca", "mine", *keys, "--json", env=GIVEN | on(token))


def test_an_authority_on_a_token_signs_without_its_passphrase_being_asked_for_keys(
    jpki: Program, token: SoftToken, tmp_path: Path
) -> None:
    done = made_on_token(jpki, token)
    assert done.code == 0, done.told
    assert [file.name for file in (tmp_path / "mine" / "keys").iterdir()] == ["card-issuer.key"]  # and no other
    listed = jpki("ca", "key", "list", "--ca", "mine", "--json").json["keys"]  # the token need not be there
    assert [key["place"] for key in listed] == [f"pkcs11:token={token.label};object={r}-1" for r in ("sign", "auth")]
    assert PIN not in json.dumps(listed)
    words = ("--role", "sign", "--place", token.uri("sign-2"), "--yes", "--ca", "mine", "--json")
    done = jpki("ca", "key", "new", *words, env=on(token))
    assert done.code == 0, done.told
    assert done.json["key"]["place"] == f"pkcs11:token={token.label};object=sign-2"


def test_a_token_that_is_gone_is_told_and_the_same_command_works_when_it_is_back(
    jpki: Program, token: SoftToken
) -> None:
    assert made_on_token(jpki, token).code == 0
    token.unplug()
    lists = ("ca", "crl", "--out", "lists", "--ca", "mine", "--json")
    done = jpki(*lists, env=GIVEN | on(token))
    assert (done.code, done.out) == (8, "")
    assert done.error["error"] in {"TokenModuleFailed", "TokenMissing"}
    token.plug_in()
    assert jpki(*lists, env=GIVEN | on(token)).code == 0


def test_a_rehearsal_is_held_and_its_record_verifies_by_the_printed_commands(
    jpki: Program, ceremony: Path, token: SoftToken, tmp_path: Path
) -> None:
    words = ("ca", "key", "ceremony", "rehearse", ceremony, "--alone", "--out", "rehearsed", "--module", token.module)
    done = jpki(*words, "--lang", "en")
    assert done.code == 0, done.told
    assert verified(done.told, tmp_path) == ["", "Verified OK\n"]
    again = jpki(*words, "--json")
    assert (again.code, again.error["error"]) == (2, "FileInTheWay")


def test_a_rehearsals_report_follows_the_schema(jpki: Program, ceremony: Path, token: SoftToken) -> None:
    words = ("--alone", "--module", token.module, "--out", "rehearsed", "--json")
    done = jpki("ca", "key", "ceremony", "rehearse", ceremony, *words)
    assert done.code == 0, done.told
    assert_follows_its_schema(done.json)
    assert done.json["rehearsal"] is True
    assert done.json["keys"][0]["place"] == "pkcs11:token=rehearsal;object=sign-2"


def test_people_are_needed_where_nothing_stands_in_for_them(invoke: Invoke, office: Office, ceremony: Path) -> None:
    done = invoke("ca", "key", "ceremony", "rehearse", ceremony, "--json")
    assert (done.code, done.error["error"]) == (2, "ConfirmationNeeded")
    done = invoke("ca", "key", "ceremony", "run", ceremony, "--record", "r.json", "--ca", "ca", "--json", **GIVEN)
    assert (done.code, done.error["error"]) == (2, "TerminalNeeded")


def test_a_file_that_is_no_ceremony_is_refused_with_its_place(invoke: Invoke, office: Office, ceremony: Path) -> None:
    ceremony.write_text(CEREMONY.format(place="").replace("sign", "both"), "utf-8")
    done = invoke("ca", "key", "ceremony", "rehearse", ceremony, "--alone", "--json")
    assert (done.code, done.error["error"]) == (2, "BadCeremony")
    assert done.error["facts"]["where"] == "key.1.role"


def test_a_ceremony_is_run_once_and_goes_on_after_an_interruption(
    jpki: Program, office: Office, token: SoftToken, ceremony: Path, at_terminal: AtTerminal
) -> None:
    ceremony.write_text(CEREMONY.format(place=f'place = "{token.uri("sign-2")}"'), "utf-8")
    words = ("ca", "key", "ceremony", "run", ceremony, "--record", "record.json", "--ca", "ca", "--lang", "en")
    terminal = at_terminal(*words, columns=200, **on(token))
    terminal.until("number 4711.*\n.*Press Enter")
    terminal.type("")
    shown = terminal.until(r"type these words: .*\nWords: ")
    assert "Key made: signature, generation 2" in shown
    terminal.press(b"\x03")
    assert terminal.end() == 130
    assert "goes on where it stopped" in terminal.shown

    terminal = at_terminal(*words, columns=200, **on(token))
    for name in ("山田", "Suzuki"):
        shown = terminal.until(rf"{name}.*type these words: ([a-z ]+)\nWords: $")
        assert "Press Enter" not in shown
        terminal.type(re.findall(r"type these words: ([a-z ]+)\n", shown)[-1])
    assert terminal.end() == 0
    assert "Done until now: Check the seal: number 4711., sign-2." in terminal.shown
    assert verified(terminal.shown, office.path) == ["", "Verified OK\n"]
    record = json.loads((office.path / "record.json").read_bytes())
    assert [witness["name"] for witness in record["witnesses"]] == ["山田　太郎", "Suzuki Hanako"]
    assert record["keys"][0]["certificate"] == "sign:01000002"

    done = jpki(*words, "--json", env=on(token))
    assert (done.code, done.error["error"]) == (8, "CeremonyHeld")
    listed = jpki("ca", "key", "list", "--ca", "ca", "--json").json["keys"]
    assert [key["name"] for key in listed if key["role"] == "sign"] == ["sign:01000001", "sign:01000002"]

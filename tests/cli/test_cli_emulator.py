"""`jpki emulator`: card files."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from cards_in_files import card_of
from command_line import Invoke
from jsonschema import Draft202012Validator
from told import differences

from card_profiles import profile_names
from emulator import LifeCycle, open_card

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "schemas" / "emulator-card.json").read_text("utf-8"))


@pytest.mark.parametrize("profile", profile_names())
def test_a_blank_card_of_any_kind_is_made(invoke: Invoke, tmp_path: Path, profile: str) -> None:
    report = invoke("emulator", "create", "new.jpki", "--profile", profile, "--json").json
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(report)] == []
    assert (report["profile"], report["life_cycle"], report["files"]) == (profile, "blank", [])
    assert stat.S_IMODE((tmp_path / "new.jpki").stat().st_mode) == 0o600
    with open_card(tmp_path / "new.jpki") as card:
        assert card.state.life_cycle is LifeCycle.BLANK


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_blank_card_says_the_same_as_text(invoke: Invoke, language: str) -> None:
    text = invoke("emulator", "create", "new.jpki", "--lang", language).out
    report = invoke("emulator", "info", "new.jpki", "--json").json
    other = invoke("emulator", "create", "another.jpki", "--json").json
    assert other == report | {name: other[name] for name in ("file", "card_serial")}
    assert differences(text, report, japanese=language == "ja") == []


@pytest.mark.parametrize(("authority", "option"), [({}, " --ca FOLDER"), ({"JPKI_CA": "ca"}, "")])
def test_a_person_is_told_how_a_blank_card_is_issued(invoke: Invoke, authority: dict[str, str], option: str) -> None:
    told = invoke("emulator", "create", "new card.jpki", **authority).told
    assert f"    jpki issue RESIDENTS.csv --id ID{option} --emulator 'new card.jpki'\n" in told
    assert invoke("emulator", "create", "another.jpki", "--json").told == ""


def test_two_cards_have_two_serial_numbers(invoke: Invoke) -> None:
    numbers = [invoke("emulator", "create", name, "--json").json["card_serial"] for name in ("a", "b")]
    assert numbers[0] != numbers[1]


def test_a_card_is_not_overwritten(invoke: Invoke, card: Path) -> None:
    before = card.read_bytes()
    done = invoke("emulator", "create", card, "--json")
    assert (done.code, done.error["error"]) == (2, "CardFileExists")
    assert card.read_bytes() == before


def test_a_kind_nobody_knows_is_told_with_those_that_are(invoke: Invoke) -> None:
    done = invoke("emulator", "create", "new.jpki", "--profile", "nonsense", "--json")
    assert (done.code, done.error["error"]) == (2, "NoSuchProfile")
    assert "mynumber" in done.error["facts"]["known"]


def test_what_is_on_a_card_is_shown_without_its_secrets(invoke: Invoke, card: Path) -> None:
    done = invoke("emulator", "info", card, "--json")
    assert (done.json["life_cycle"], done.json["certificates"], done.json["keys"]) == (
        "sealed",
        ["sign", "auth"],
        ["sign", "auth"],
    )
    state = card_of()
    secrets = ["ABC123", "1234", state.issuer_keys.enc.reveal().hex(), f"{state.applications['jpki'].keys[0x1A].p:x}"]
    text = invoke("emulator", "info", card).out
    for secret in secrets:
        assert secret not in text
        assert f'"{secret}"' not in done.out


def test_a_card_that_another_process_holds_is_said_to_be_busy(invoke: Invoke, card: Path) -> None:
    with open_card(card):
        for arguments in (("emulator", "info", card), ("card", "info", "-e", card), ("emulator", "insert", card)):
            done = invoke(*arguments, "--json")
            assert (done.code, done.error["error"]) == (5, "CardFileBusy")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_file_of_another_kind_is_said_to_be_no_card(invoke: Invoke, tmp_path: Path, language: str) -> None:
    (tmp_path / "residents.csv").write_text("resident_id,name\n")
    (tmp_path / "empty").touch()
    for name in ("residents.csv", "empty", "."):
        for arguments in (("card", "info", "-e", name), ("emulator", "info", name)):
            done = invoke(*arguments, "--lang", language)
            assert done.code == 2
            assert "jpki emulator create FILE" in done.told
            assert "chmod" not in done.told


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_a_card_file_that_was_cut_short_is_an_error_with_words(invoke: Invoke, card: Path, cut: int) -> None:
    card.write_bytes(card.read_bytes()[:cut])
    for arguments in (("emulator", "info", card), ("card", "info", "-e", card)):
        done = invoke(*arguments, "--json")
        assert (done.code, done.error["error"]) == (2, "CardFileDamaged")


def test_a_folder_that_is_not_there_is_an_error_with_words(invoke: Invoke) -> None:
    done = invoke("emulator", "create", "no/such/folder/card.jpki", "--json")
    assert (done.code, done.error["error"]) == (4, "CardFileNotWritten")


def test_a_data_folder_that_cannot_be_made_is_an_error_with_words(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = invoke("emulator", "run", "--json", JPKI_DATA=str(tmp_path / "file"))
    assert (done.code, done.error["error"]) == (2, "FileUnwritable")

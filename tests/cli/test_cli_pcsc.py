"""The program through the real PC/SC daemon: readers, cards in them, cards put in and pulled."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cards_in_files import card_file_of, card_of, with_tries
from command_line import PATIENCE, AtTerminal, Program
from jsonschema import Draft202012Validator
from readers_with_cards import Slot
from told import differences
from virtual_reader import until

from card_profiles import load_profile
from emulator import EmulatedCard, VolatileMemory, open_card
from jpki.card import readers

pytestmark = [pytest.mark.pcsc, pytest.mark.usefixtures("pcscd")]

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
PINS = {"JPKI_SIGN_PIN": "ABC123", "JPKI_AUTH_PIN": "1234"}


@pytest.fixture
def slot() -> Iterator[Slot]:
    """A finished card in a free slot of the virtual reader."""
    with EmulatedCard(load_profile("mynumber"), VolatileMemory(card_of())) as card:
        made = Slot(card)
        yield made
        made.pull()


@contextmanager
def running(jpki: Program, *arguments: object, **env: str) -> Iterator[tuple[subprocess.Popen[bytes], Any]]:
    """Runs a command that goes on after it has told its facts, and gives those."""
    process = jpki.start(*arguments, "--json", **env)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate(timeout=PATIENCE)
        yield process, json.loads(line)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=PATIENCE)


def assert_follows_its_schema(report: dict[str, Any]) -> None:
    schema = json.loads((SCHEMAS / f"{report['kind']}.json").read_text("utf-8"))
    assert [error.message for error in Draft202012Validator(schema).iter_errors(report)] == []


def test_the_readers_are_listed_with_the_one_that_is_taken(jpki: Program, slot: Slot) -> None:
    report = jpki("readers", "--json").json
    assert_follows_its_schema(report)
    (mine,) = (reader for reader in report["readers"] if reader["reader"] == slot.name)
    assert (mine["card_state"], mine["atr"]) == ("present", "3BE000FF8131FE4514")
    named = jpki("readers", "--json", env={"JPKI_READER": slot.name}).json
    assert [reader["reader"] for reader in named["readers"] if reader["taken"]] == [slot.name]


@pytest.mark.parametrize("japanese", [False, True], ids=["English", "Japanese"])
def test_readers_are_the_same_in_text_and_json(jpki: Program, slot: Slot, japanese: bool) -> None:
    env = {"JPKI_LANG": "ja" if japanese else "en"}
    # The card of the test before may be on its way out; between the two commands nothing may change.
    assert until(lambda: [one.name for one in readers() if one.has_card and "Virtual" in one.name] == [slot.name])
    report = jpki("readers", "--json", env=env).json
    assert differences(jpki("readers", env=env).out, report, table="readers", japanese=japanese) == []


def test_a_reader_is_named_by_number_name_or_a_part_of_it(jpki: Program, slot: Slot) -> None:
    number = next(one["number"] for one in jpki("readers", "--json").json["readers"] if one["reader"] == slot.name)
    for selection in (number, slot.name, slot.name.lower()[3:]):
        assert jpki("card", "info", "-r", selection, "--json").json["card"] == slot.name


def test_a_name_that_fits_several_readers_lists_them(jpki: Program, slot: Slot) -> None:
    done = jpki("card", "info", "-r", "virtual pcd", "--json")
    assert (done.code, done.error["error"]) == (2, "AmbiguousReader")
    assert slot.name in done.error["facts"]["choices"]
    assert slot.name in jpki("card", "info", "-r", "virtual pcd").told


def test_a_name_that_fits_no_reader_lists_them(jpki: Program, slot: Slot) -> None:
    done = jpki("card", "info", "-r", "nonsense", "--json")
    assert (done.code, done.error["error"]) == (3, "NoSuchReader")
    assert slot.name in done.error["facts"]["choices"]


def test_an_empty_reader_is_said_to_be_empty(jpki: Program, slot: Slot) -> None:
    slot.pull_and_wait()
    done = jpki("card", "info", "-r", slot.name, "--json")
    assert (done.code, done.error["error"], done.error["facts"]) == (3, "NoCard", {"reader": slot.name})


def test_openssl_verifies_what_the_card_in_the_reader_signs(jpki: Program, slot: Slot) -> None:
    (jpki.home / "doc").write_text("text")
    assert jpki("card", "sign", "doc", "-r", slot.name, env=PINS).code == 0
    jpki.shell("openssl x509 -in doc.crt -noout -pubkey >doc.pub")
    assert jpki.shell("openssl dgst -sha256 -verify doc.pub -signature doc.sig doc").out == "Verified OK\n"


def test_the_card_is_logged_out_after_every_command(jpki: Program, slot: Slot) -> None:
    assert jpki("card", "cert", "sign", "-r", slot.name, "--json", env=PINS).code == 0
    done = jpki("card", "apdu", "-r", slot.name, "00A4040C0AD392F000260100000001", "00B0810000")
    assert done.out.splitlines()[1].startswith("6982")


def test_a_login_with_profile_and_certificate_known_takes_five_exchanges(
    jpki: Program, at_terminal: AtTerminal, slot: Slot, challenge: Path
) -> None:
    jpki("card", "cert", "auth", "-r", slot.name, "--out", "auth.crt")
    terminal = at_terminal(
        "card", "auth", "-r", slot.name, "--profile", "mynumber", "--challenge", challenge,
        "--known-certificate", "auth.crt", "--trace", "--out", "answer",
    )  # fmt: skip
    terminal.until("tries left: 3")
    terminal.type("1234")
    assert terminal.end() == 0
    sent = [line.split()[3][:4] for line in terminal.shown.splitlines() if " -> " in line]
    assert sent == ["00A4", "0020", "00A4", "0020", "802A"]


@pytest.fixture
def challenge(tmp_path: Path) -> Path:
    facts = {
        "kind": "login-challenge",
        "version": 1,
        "nonce": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "origin": "https://bank.example",
        "issued_at": "2026-11-22T00:00:00Z",
    }
    (tmp_path / "challenge").write_text(json.dumps(facts))
    return tmp_path / "challenge"


def test_nobody_else_is_kept_out_while_a_person_types(jpki: Program, at_terminal: AtTerminal, slot: Slot) -> None:
    terminal = at_terminal("card", "cert", "sign", "-r", slot.name)
    terminal.until("tries left: 5")
    assert jpki("card", "pin-status", "-r", slot.name).code == 0
    terminal.type("ABC123")
    assert terminal.end() == 0


@pytest.mark.parametrize("put_back", [False, True], ids=["pulled", "put back"])
def test_after_the_prompt_it_is_the_same_card_or_nothing(at_terminal: AtTerminal, slot: Slot, put_back: bool) -> None:
    terminal = at_terminal("card", "cert", "sign", "-r", slot.name)
    terminal.until("tries left: 5")
    slot.pull_and_wait()
    if put_back:
        slot.put_back()
    terminal.type("ABC123")
    assert terminal.end() == 4
    assert ("not the one that was there before" if put_back else "was taken out") in terminal.shown
    assert "Traceback" not in terminal.shown


def test_a_card_that_is_pulled_in_the_middle_is_an_error_with_words(jpki: Program, slot: Slot) -> None:
    pulled = EmulatedCard(load_profile("mynumber"), VolatileMemory(card_of()))
    slot.pull_and_wait()
    taken = Slot(_Pulling(pulled, at=4))
    taken.card.pull = taken.bridge.remove  # type: ignore[attr-defined]
    done = jpki("card", "cert", "auth", "-r", taken.name, "--json")
    taken.pull()
    assert (done.code, done.error["error"]) == (4, "CardRemoved")


class _Pulling:
    """A card that is pulled when its command number `at` comes."""

    def __init__(self, card: EmulatedCard, at: int) -> None:
        self._card = card
        self._left = at
        self.pull: Callable[[], None] = lambda: None
        self.power_on, self.power_off, self.reset = card.power_on, card.power_off, card.reset

    def transmit(self, command: bytes) -> bytes:
        self._left -= 1
        if self._left == 0:
            self.pull()
        return self._card.transmit(command)


# --- emulated cards in the reader -------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_card_is_put_in_and_taken_out_in_good_order(jpki: Program, card: Path, number: signal.Signals) -> None:
    with running(jpki, "emulator", "insert", card) as (process, report):
        assert_follows_its_schema(report)
        told = jpki("card", "info", "-r", report["reader"], "--json").json
        assert told["certificates"] == ["sign", "auth"]
        assert jpki("card", "cert", "sign", "-r", report["reader"], env={"JPKI_SIGN_PIN": "WRONG1"}).code == 6
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0
    with open_card(card) as kept:
        assert kept.state.applications["jpki"].pins["signature"].tries_left == 4
    assert until(lambda: jpki("card", "info", "-r", report["reader"]).code == 3)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_an_inserted_card_says_the_same_as_text(jpki: Program, card: Path, tmp_path: Path, language: str) -> None:
    data = {"JPKI_DATA": str(tmp_path / "data")}
    for command, kind in (("insert", "emulator-inserted"), ("run", "emulator-running")):
        words = ("emulator", command, *([card] if command == "insert" else []), "--until-eof")
        report = jpki(*words, "--json", env=data).json
        assert report["kind"] == kind
        assert_follows_its_schema(report)
        again = (*words, "--slot", report["slot"], "--lang", language)
        texts: list[str] = []

        def is_free(again: tuple[object, ...] = again, texts: list[str] = texts) -> bool:
            done = jpki(*again, env=data)
            texts.append(done.out)
            return done.code == 0

        assert until(is_free)
        assert differences(texts[-1], report, japanese=language == "ja") == []


@pytest.mark.parametrize("language", ["en", "ja"])
def test_without_pyscard_a_person_is_told_how_to_find_the_reader(
    at_terminal: AtTerminal, card: Path, tmp_path: Path, language: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['smartcard'] = None\n")
    path = f"{tmp_path}:{Path(__file__).parents[2]}"
    terminal = at_terminal("emulator", "insert", card, "--lang", language, columns=300, PYTHONPATH=path)
    terminal.until("Ctrl-C")
    terminal.press(b"\x03")
    assert terminal.end() == 0
    assert re.search(r"pyscard.*Virtual PCD.* 0[01]\W.*jpki doctor", terminal.shown)


def test_a_person_is_told_how_to_take_the_card_out(at_terminal: AtTerminal, card: Path) -> None:
    terminal = at_terminal("emulator", "insert", card)
    terminal.until("Ctrl-C")
    terminal.press(b"\x03")
    assert terminal.end() == 0
    assert "Virtual PCD" in terminal.shown
    assert "The card was taken out." in terminal.shown


def test_the_card_goes_when_the_program_that_started_it_does(jpki: Program, card: Path) -> None:
    with running(jpki, "emulator", "insert", card, "--until-eof") as (process, _):
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
        assert process.wait(PATIENCE) == 0


def test_a_slot_can_be_chosen_and_one_that_is_taken_is_said_to_be(jpki: Program, slot: Slot, card: Path) -> None:
    taken = slot.bridge.port - 35963
    done = jpki("emulator", "insert", card, "--slot", taken, "--json")
    assert (done.code, done.error["error"]) == (5, "ReaderSlotTaken")


def test_a_card_in_the_reader_is_held_so_its_file_is_busy(jpki: Program, card: Path) -> None:
    with running(jpki, "emulator", "insert", card):
        done = jpki("card", "info", "-e", card, "--json")
        assert (done.code, done.error["error"]) == (5, "CardFileBusy")


def test_one_command_makes_an_authority_and_a_finished_card_once(jpki: Program, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    serials = []
    for new in ((), (), ("--new",)):
        with running(jpki, "emulator", "run", *new, JPKI_DATA=str(folder)) as (process, report):
            assert_follows_its_schema(report)
            pins = {"JPKI_SIGN_PIN": report["sign_pin"], "JPKI_AUTH_PIN": report["auth_pin"]}
            told = jpki("card", "cert", "sign", "-r", report["reader"], "--json", env=pins).json
            assert told["attributes"]["holder_name"] == "試験　花子"
            assert "O=JPKI-TEST" in told["issuer"]
            process.terminate()
            assert process.wait(PATIENCE) == 0
        with open_card(folder / "card.jpki") as made:
            serials.append(made.state.serial)
    assert serials[0] == serials[1] != serials[2]
    assert len(list(folder.glob("card*.jpki"))) == 2
    assert (folder / "authority-passphrase").stat().st_mode & 0o777 == 0o600


def test_a_new_card_takes_the_place_of_a_damaged_one_which_is_kept(jpki: Program, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "card.jpki").write_bytes(b"half a card")
    (folder / "card.jpki").chmod(0o600)
    assert jpki("emulator", "run", env={"JPKI_DATA": str(folder)}).code == 2
    with running(jpki, "emulator", "run", "--new", JPKI_DATA=str(folder)) as (_, report):
        assert report["file"] == str(folder / "card.jpki")
    (kept,) = folder.glob("card-*.jpki")
    assert kept.read_bytes() == b"half a card"


def test_the_pins_that_are_told_are_those_the_card_has_now(jpki: Program, tmp_path: Path) -> None:
    data = {"JPKI_DATA": str(tmp_path / "data")}
    with running(jpki, "emulator", "run", **data) as (_, report):
        change = {"JPKI_AUTH_PIN": report["auth_pin"], "JPKI_NEW_AUTH_PIN": "9876"}
        assert jpki("card", "pin-change", "auth", "-r", report["reader"], env=change).code == 0
    with running(jpki, "emulator", "run", **data) as (_, report):
        assert report["auth_pin"] == "9876"


def test_the_doctor_finds_the_card_in_the_reader(jpki: Program, slot: Slot) -> None:
    done = jpki("doctor", "--json", env={"JPKI_READER": slot.name})
    assert done.code == 0
    assert_follows_its_schema(done.json)
    assert {"card", "card-in-reader", "virtual-reader"} <= {
        check["check"] for check in done.json["checks"] if check["outcome"] == "works"
    }


def test_the_doctor_does_not_take_a_card_for_that_of_another_reader(jpki: Program, slot: Slot) -> None:
    other = slot.name[:-1] + ("1" if slot.name.endswith("0") else "0")
    done = jpki("doctor", "--json", env={"JPKI_READER": other})
    assert done.code == 3
    assert next(check["found"] for check in done.json["checks"] if check["check"] == "card") == other


def test_a_blocked_card_in_the_reader_is_told(jpki: Program, slot: Slot, tmp_path: Path) -> None:
    slot.pull_and_wait()
    blocked = card_file_of(tmp_path / "blocked.jpki", with_tries(card_of(), "signature", 0))
    with running(jpki, "emulator", "insert", blocked) as (_, report):
        done = jpki("card", "cert", "sign", "-r", report["reader"], env=PINS)
        assert done.code == 7

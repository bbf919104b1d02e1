"""`jpki issue`: a blank card becomes a resident's, with one command that can be run again."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest
from command_line import AtTerminal, Invoke, Program
from issue_commands import AUTH, LANGUAGES, PASSPHRASE_ONLY, SIGN, cards_in_the_ledger, issue, issue_words, valid
from offices import ADULT, BY_VARIABLES, CHILD, SUBSTITUTES, Office
from schemas import assert_follows_its_schema
from told import differences

from emulator import LifeCycle, open_card


def test_a_blank_card_becomes_a_residents_and_signs(jpki: Program, office: Office) -> None:
    office.blank()
    done = jpki(*issue_words("--json"), env=BY_VARIABLES)
    assert done.code == 0, done.told
    assert_follows_its_schema(done.json)
    assert [one["name"] for one in done.json["certificates"]] == [SIGN, AUTH] == valid(office)
    assert (done.json["holder"], done.json["occasion"]) == (ADULT, "first")
    with open_card(office.card) as card:
        assert card.state.life_cycle is LifeCycle.SEALED
        assert card.state.serial.hex().upper() == done.json["card_serial"]
    (office.path / "contract").write_text("text")
    pins = {"JPKI_SIGN_PIN": BY_VARIABLES["JPKI_SIGN_PIN"]}
    assert jpki("card", "sign", "contract", "-e", "card.jpki", env=pins).code == 0
    public = subprocess.run(
        ["openssl", "x509", "-inform", "DER", "-in", "contract.crt", "-pubkey", "-noout", "-out", "key"],
        cwd=office.path,
        check=True,
    )
    assert public.returncode == 0
    checked = ["openssl", "dgst", "-sha256", "-verify", "key", "-signature", "contract.sig", "contract"]
    subprocess.run(checked, cwd=office.path, check=True, capture_output=True)


@LANGUAGES
def test_the_steps_are_told_while_they_are_done(invoke: Invoke, office: Office, language: str) -> None:
    office.blank()
    told = issue(invoke, "--lang", language).told.splitlines()
    assert all(line.startswith("  ✓ ") for line in told[:12])
    # Behind the steps stands what comes next, and nothing else.
    assert told[12].startswith("→ ")
    assert told[13:] == ["    jpki card sign FILE --emulator card.jpki"]


@LANGUAGES
def test_text_and_json_say_the_same(
    invoke: Invoke, office: Office, tmp_path_factory: pytest.TempPathFactory, language: str
) -> None:
    office.blank()
    before = office.copied_to(tmp_path_factory.mktemp("before"))
    report = issue(invoke, "--json", who=SUBSTITUTES).json
    before.copied_to(office.path)
    text = issue(invoke, "--lang", language, who=SUBSTITUTES).out
    assert differences(text, report, japanese=language == "ja") == []


def test_a_child_gets_one_certificate_and_the_reason_is_told(jpki: Program, office: Office) -> None:
    office.blank()
    pins = {name: value for name, value in BY_VARIABLES.items() if name != "JPKI_SIGN_PIN"}
    done = jpki(*issue_words("--json", who=CHILD), env=pins)
    assert done.code == 0, done.told
    assert_follows_its_schema(done.json)
    assert [one["name"] for one in done.json["certificates"]] == [AUTH]
    assert done.json["left_out"] == [{"role": "sign", "reasons": ["under 15"]}]


def test_only_the_certificate_asked_for_is_issued(invoke: Invoke, office: Office) -> None:
    office.blank()
    done = issue(invoke, "--role", "auth", "--json")
    assert [one["name"] for one in done.json["certificates"]] == [AUTH]
    assert done.json["left_out"] == []


def test_new_pins_are_typed_twice(at_terminal: AtTerminal, invoke: Invoke, office: Office) -> None:
    office.blank()
    terminal = at_terminal(*issue_words("--role", "auth"), **PASSPHRASE_ONLY)
    for _ in range(2):
        terminal.until("PIN .*: $" if _ == 0 else "Once more: $")
        terminal.type("2468")
    assert terminal.end() == 0
    assert "2468" not in terminal.shown
    done = invoke("card", "cert", "auth", "-e", "card.jpki", "--json", JPKI_AUTH_PIN="2468")
    assert done.json["name"] == AUTH


def test_nobody_is_kept_from_the_card_while_new_pins_are_typed(
    at_terminal: AtTerminal, invoke: Invoke, office: Office
) -> None:
    office.blank()
    terminal = at_terminal(*issue_words("--role", "auth"), **PASSPHRASE_ONLY)
    terminal.until("new authentication PIN .*: $")
    assert invoke("emulator", "info", "card.jpki").code == 0
    terminal.type("2468")
    terminal.until("Once more: $")
    terminal.type("2468")
    assert terminal.end() == 0


def test_a_new_pin_of_the_wrong_form_is_refused_at_once_and_nothing_is_begun(
    at_terminal: AtTerminal, office: Office
) -> None:
    before = office.blank().read_bytes()
    terminal = at_terminal(*issue_words("--role", "auth"), **PASSPHRASE_ONLY)
    terminal.until("new authentication PIN .*: $")
    terminal.type("12345")
    terminal.until("it is too long.*\n.*new authentication PIN .*: $")
    assert "Once more" not in terminal.shown
    assert (office.card.read_bytes(), cards_in_the_ledger(office)) == (before, 0)
    terminal.press(b"\x03")
    assert terminal.end() == 130
    assert "it goes on where it stopped" in terminal.shown


def test_pins_come_one_on_each_line_of_a_file(invoke: Invoke, office: Office) -> None:
    office.blank()
    (office.path / "pins").write_text("FILE1234\n9753\n")
    assert invoke(*issue_words("--pin-file", "pins"), **PASSPHRASE_ONLY).code == 0
    for role, variable, pin in (("sign", "JPKI_SIGN_PIN", "FILE1234"), ("auth", "JPKI_AUTH_PIN", "9753")):
        assert invoke("card", "cert", role, "-e", "card.jpki", "--json", **{variable: pin}).code == 0


def test_passphrase_and_pins_come_one_after_the_other_from_a_descriptor(jpki: Program, office: Office) -> None:
    office.blank()
    reading, writing = os.pipe()
    os.write(writing, f"{BY_VARIABLES['JPKI_CA_PASSPHRASE']}\nPIPE1234\n8642\n".encode())
    os.close(writing)
    done = jpki(*issue_words("--passphrase-fd", reading, "--pin-fd", reading), pass_fds=(reading,))
    os.close(reading)
    assert done.code == 0, done.told
    assert jpki("card", "cert", "auth", "-e", "card.jpki", "--json", env={"JPKI_AUTH_PIN": "8642"}).code == 0


@pytest.mark.parametrize(
    "pins", [{"JPKI_SIGN_PIN": "short"}, {"JPKI_AUTH_PIN": "12345"}, {"JPKI_SIGN_PIN": "lower123"}]
)
def test_a_pin_of_the_wrong_form_never_reaches_the_card(invoke: Invoke, office: Office, pins: dict[str, str]) -> None:
    before = office.blank().read_bytes()
    done = issue(invoke, "--json", **pins)
    assert (done.code, done.error["error"]) == (2, "BadPinForm")
    assert (office.card.read_bytes(), cards_in_the_ledger(office)) == (before, 0)


def test_without_a_terminal_a_missing_pin_is_named_before_the_card_is_touched(invoke: Invoke, office: Office) -> None:
    before = office.blank().read_bytes()
    done = invoke(*issue_words(), **PASSPHRASE_ONLY)
    assert done.code == 2
    assert "JPKI_SIGN_PIN" in done.told
    assert office.card.read_bytes() == before


@pytest.mark.usefixtures("office")
@pytest.mark.parametrize("key", [b"\x03", b"\x04"], ids=["Ctrl-C", "Ctrl-D"])
def test_before_a_card_was_looked_at_none_is_spoken_of(at_terminal: AtTerminal, key: bytes) -> None:
    terminal = at_terminal(*issue_words())
    terminal.until("passphrase of the authority: $")
    terminal.press(key)
    assert terminal.end() == 130
    assert "To go on, run the command again." in terminal.shown
    assert "card" not in terminal.shown


def test_no_secret_is_in_what_is_printed(invoke: Invoke, office: Office) -> None:
    office.blank()
    done = issue(invoke, "--trace")
    shown = done.out + done.told
    assert done.code == 0
    assert not any(secret in shown for secret in ("ABC123", BY_VARIABLES["JPKI_CA_PASSPHRASE"], "公的", "霞が関"))
    assert b"ABC123".hex().upper() not in shown


# --- interruptions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", [1, 3, 6, 9, 11])
def test_a_process_killed_in_the_middle_is_taken_up(jpki: Program, office: Office, line: int) -> None:
    office.blank()
    running = jpki.start(*issue_words(), **BY_VARIABLES)
    assert running.stderr is not None
    for _ in range(line):
        running.stderr.readline()
    running.send_signal(signal.SIGKILL)
    running.communicate()
    done = jpki(*issue_words("--json"), env=BY_VARIABLES)
    # Also where it was done already when the signal came.
    assert done.code == 0, done.told
    assert valid(office) == [SIGN, AUTH]
    assert jpki("card", "cert", "sign", "-e", "card.jpki", "--json", env=BY_VARIABLES).json["name"] == SIGN


def test_a_closed_standard_output_loses_no_card(jpki: Program, office: Office) -> None:
    office.blank()
    done = jpki.shell("jpki issue residents.csv --id R000001 --ca ca -e card.jpki >&-", **BY_VARIABLES)
    assert done.code == 2
    assert "Traceback" not in done.told
    assert valid(office) == [SIGN, AUTH]

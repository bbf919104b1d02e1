"""`jpki card pin-reset`: a new PIN, given by the authority that issued the card."""

from __future__ import annotations

import pytest
from command_line import AtTerminal, Done, Invoke
from issue_commands import LANGUAGES, PASSPHRASE_ONLY
from offices import ADULT, OTHER, Office
from schemas import assert_follows_its_schema
from told import differences

from emulator import open_card


def reset(invoke: Invoke, *more: object, **env: str) -> Done:
    return invoke("card", "pin-reset", "auth", "-e", "card.jpki", "--ca", "ca", *more, **PASSPHRASE_ONLY, **env)


@LANGUAGES
def test_a_blocked_pin_is_reset_and_text_and_json_say_the_same(
    invoke: Invoke, issued_office: Office, language: str
) -> None:
    for _ in range(3):
        invoke("card", "cert", "auth", "-e", "card.jpki", "--allow-last-try", JPKI_AUTH_PIN="0000")
        invoke("card", "pin-change", "auth", "-e", "card.jpki", "--allow-last-try", JPKI_AUTH_PIN="0000",
               JPKI_NEW_AUTH_PIN="1111")  # fmt: skip
    assert invoke("card", "pin-status", "-e", "card.jpki", "--json").json["pins"][1]["blocked"]
    report = reset(invoke, "--json", JPKI_NEW_AUTH_PIN="2468").json
    assert_follows_its_schema(report)
    assert (report["holder"], report["tries_left"]) == (ADULT, 3)
    text = reset(invoke, "--lang", language, JPKI_NEW_AUTH_PIN="2468").out
    assert differences(text, report, japanese=language == "ja") == []
    assert not invoke("card", "pin-status", "-e", "card.jpki", "--json").json["pins"][1]["blocked"]


def test_a_card_without_this_pin_is_told_before_one_is_typed(at_terminal: AtTerminal, office: Office) -> None:
    office.blank()
    terminal = at_terminal("card", "pin-reset", "auth", "-e", "card.jpki", "--ca", "ca", **PASSPHRASE_ONLY)
    assert terminal.end() == 4
    assert "jpki issue" in terminal.shown
    assert "new authentication PIN" not in terminal.shown


@pytest.mark.usefixtures("issued_office")
def test_only_the_named_holders_card_gets_a_new_pin(invoke: Invoke) -> None:
    done = reset(invoke, "--holder", OTHER, "--json", JPKI_NEW_AUTH_PIN="2468")
    assert (done.code, done.error["error"]) == (8, "CardOfAnother")


@pytest.mark.usefixtures("issued_office")
def test_a_new_pin_of_the_wrong_form_is_refused(invoke: Invoke) -> None:
    done = reset(invoke, "--json", JPKI_NEW_AUTH_PIN="12")
    assert (done.code, done.error["facts"]["problem"]) == (2, "too short")


@pytest.mark.usefixtures("issued_office")
def test_a_new_pin_of_the_wrong_form_is_asked_for_again(at_terminal: AtTerminal) -> None:
    terminal = at_terminal("card", "pin-reset", "auth", "-e", "card.jpki", "--ca", "ca", **PASSPHRASE_ONLY)
    terminal.until("new authentication PIN .*: $")
    terminal.type("12")
    terminal.until("it is too short.*\n.*new authentication PIN .*: $")
    terminal.type("2468")
    terminal.until("Once more: $")
    terminal.type("2468")
    assert terminal.end() == 0


def test_the_card_of_another_authority_gets_no_new_pin_and_counts_no_failure(
    invoke: Invoke, issued_office: Office, office_originals: dict[str, Office]
) -> None:
    (issued_office.path / "card.jpki").unlink()
    card = office_originals["old"].card.read_bytes()
    issued_office.card.write_bytes(card)
    issued_office.card.chmod(0o600)
    for _ in range(6):
        done = reset(invoke, "--json", JPKI_NEW_AUTH_PIN="2468")
    assert (done.code, done.error["error"], done.error["facts"]["counted"]) == (4, "WrongCardKeys", False)
    with open_card(issued_office.card) as opened:
        assert opened.state.failed_authentications == 0

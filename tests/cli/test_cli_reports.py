"""Every report: its JSON follows its schema, and its text says the same, field by field, in both languages."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cards_in_files import card_file_of, card_of, with_tries
from certified_cards import BOTH, certified_state
from command_line import Invoke
from jsonschema import Draft202012Validator
from schemas import SCHEMAS, assert_follows_its_schema
from told import differences

from cli.language import Language
from cli.problems import phrase
from jpki.formats import StatusWord
from jpki.terms import Role
from jpki.verify import Challenge

PINS = {
    "JPKI_SIGN_PIN": "ABC123",
    "JPKI_AUTH_PIN": "1234",
    "JPKI_NEW_SIGN_PIN": "ABC123",
    "JPKI_NEW_AUTH_PIN": "1234",
}
CHALLENGE = Challenge(bytes(range(32)), "https://bank.example", datetime(2026, 11, 22, tzinfo=UTC))
# What a command is run with, the kind of its report, and which fact of it is a table.
REPORTS: dict[str, tuple[tuple[str, ...], str, str | None]] = {
    "info": (("card", "info"), "card-info", None),
    "pin-status": (("card", "pin-status"), "card-pin-status", "pins"),
    "cert sign": (("card", "cert", "sign"), "card-certificate", None),
    "cert auth": (("card", "cert", "auth"), "card-certificate", None),
    "cert ca-auth": (("card", "cert", "ca-auth"), "card-certificate", None),
    "cert out": (("card", "cert", "auth", "--out", "cert.der", "--force"), "card-certificate-file", None),
    "sign": (("card", "sign", "document", "--force"), "card-signature", None),
    "auth": (("card", "auth", "--challenge", "challenge", "--out", "answer", "--force"), "card-login", None),
    "pin-change": (("card", "pin-change", "auth"), "card-pin-change", None),
    "emulator info": (("emulator", "info", "card.jpki"), "emulator-card", None),
}
# The commands that need more than a card, each with the test that holds its text against its JSON.
COMPARED_ELSEWHERE = {
    "demo": "test_demo.test_text_and_json_say_the_same",
    "doctor": "test_cli_doctor.test_the_doctor_says_the_same_in_text_and_json",
    "readers": "test_cli_pcsc.test_readers_are_the_same_in_text_and_json",
    "card pin-reset": "test_pin_reset.test_a_blocked_pin_is_reset_and_text_and_json_say_the_same",
    "emulator create": "test_cli_emulator.test_a_blank_card_says_the_same_as_text",
    "emulator insert": "test_cli_pcsc.test_an_inserted_card_says_the_same_as_text",
    "emulator run": "test_cli_pcsc.test_an_inserted_card_says_the_same_as_text",
    "issue": "test_issue.test_text_and_json_say_the_same",
    "ca init": "test_ca_init.test_text_and_json_say_the_same",
    "ca issue": "test_ca_issue.test_text_and_json_say_the_same",
    "ca renew": "test_ca_issue.test_a_renewal_says_the_same_as_text",
    "ca revoke": "test_ca_records.test_a_revocation_says_the_same_as_text_and_again",
    "ca hold": "test_ca_hold.test_a_hold_says_the_same_as_text",
    "ca release": "test_ca_hold.test_a_release_says_the_same_as_text",
    "ca events": "test_ca_events.test_events_say_the_same_as_text",
    "ca crl": "test_ca_records.test_the_report_of_lists_says_the_same_as_text",
    "ca status": "test_ca_reports.test_the_status_says_the_same_as_text",
    "ca backup": "test_ca_reports.test_a_backup_says_the_same_as_text",
    "ca restore": "test_ca_backup.test_what_is_owed_is_told_in_both_languages",
    "ca key list": "test_ca_key.test_keys_are_listed_and_text_and_json_say_the_same",
    "ca key new": "test_ca_reports.test_a_new_key_says_the_same_as_text",
    "ca key ceremony rehearse": "test_ca_reports.test_a_ceremony_says_the_same_as_text",
    "ca key ceremony run": "test_ca_reports.test_a_ceremony_says_the_same_as_text",
    "ca audit seal": "test_ca_reports.test_a_seal_says_the_same_as_text",
    "ca audit verify": "test_ca_audit.test_what_is_wrong_is_named_and_the_exit_code_says_so",
    "ca audit list": "test_ca_audit.test_entries_are_listed_page_by_page_and_say_the_same_as_text",
    "serve": "test_ca_reports.test_a_service_says_the_same_as_text",
    "ca catch-up": "test_ca_catch_up.test_text_and_json_say_the_same_and_again_there_is_nothing_left",
    "ca chain": "test_ca_records.test_a_chain_says_the_same_as_text",
    "ca list": "test_ca_records.test_a_list_says_the_same_as_text",
    "verify document": "test_verify.test_text_and_json_say_the_same",
    "verify challenge": "test_verify_login.test_a_challenge_that_was_made_says_the_same_as_text",
    "verify login": "test_verify_login.test_a_login_says_the_same_as_text",
    "verify cert": "test_verify.test_a_certificate_says_the_same_as_text",
}
CARDS: dict[str, Callable[[], Any]] = {
    "both certificates": card_of,
    "blocked": lambda: with_tries(card_of(), "authentication", 1),
    "a phone": lambda: card_of(profile_name="android"),
}


def assert_valid_schema(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.fixture
def files(tmp_path: Path) -> None:
    (tmp_path / "document").write_text("text")
    (tmp_path / "challenge").write_text(json.dumps(CHALLENGE.as_facts()))


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_one(name: str) -> None:
    assert_valid_schema(name)
    assert SCHEMAS[name]["properties"]["kind"]["const"] == name


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("japanese", [False, True], ids=["English", "Japanese"])
@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("which", REPORTS)
def test_text_and_json_of_a_report_say_the_same(
    invoke: Invoke, tmp_path: Path, which: str, card: str, japanese: bool
) -> None:
    path = card_file_of(tmp_path / "card.jpki", CARDS[card]())
    arguments, kind, table = REPORTS[which]
    where = () if arguments[0] == "emulator" else ("-e", path, "--allow-last-try")
    if arguments[:2] in (("card", "info"), ("card", "pin-status")):
        where = ("-e", path)
    env = {**PINS, "JPKI_LANG": "ja" if japanese else "en"}
    report = invoke(*arguments, *where, "--json", **env).json
    assert report["kind"] == kind
    assert_follows_its_schema(report)
    shown = _shown(invoke, arguments, where, env)
    assert differences(shown, report, table=table, japanese=japanese) == []


def _shown(invoke: Invoke, arguments: tuple[str, ...], where: tuple[Any, ...], env: dict[str, str]) -> str:
    """Returns the text a person sees: where no terminal looks on, a certificate would go out as data."""
    return invoke(*arguments, *where, at_terminal=True, **env).out


@pytest.mark.parametrize("role", BOTH)
def test_a_card_with_one_certificate_follows_the_same_schema(invoke: Invoke, tmp_path: Path, role: Role) -> None:
    path = card_file_of(tmp_path / "one.jpki", certified_state(roles=(role,)))
    for arguments in (("card", "info", "-e", path), ("card", "pin-status", "-e", path), ("emulator", "info", path)):
        assert_follows_its_schema(invoke(*arguments, "--json").json)


@pytest.mark.usefixtures("files")
def test_challenge_and_response_follow_their_schemas(invoke: Invoke, card: Path, tmp_path: Path) -> None:
    assert_follows_its_schema(json.loads((tmp_path / "challenge").read_bytes()))
    response = invoke("card", "auth", "-e", card, "--challenge", "challenge", **PINS).json
    assert_follows_its_schema(response)


@pytest.mark.parametrize("japanese", [False, True], ids=["English", "Japanese"])
def test_responses_to_commands_are_the_same_in_text_and_json(invoke: Invoke, card: Path, japanese: bool) -> None:
    commands = ("00A4040C0AD392F000260100000001", "00B0880003", "00B0880903", "0020009B", "00B08500")
    lang = "ja" if japanese else "en"
    report = invoke("card", "apdu", "-e", card, "--json", *commands).json
    assert_follows_its_schema(report)
    lines = invoke("card", "apdu", "-e", card, "--lang", lang, *commands).out.splitlines()
    assert len(lines) == len(report["responses"]) == len(commands)
    for line, response in zip(lines, report["responses"], strict=True):
        meaning = phrase(StatusWord(int(response["status"], 16)).meaning, Language(lang))
        assert line == f"{response['data']} {response['status']} ({meaning})".strip()


def test_errors_follow_their_schema(invoke: Invoke, card: Path) -> None:
    for arguments, env in (
        (("card", "cert", "sign", "-e", card), {"JPKI_SIGN_PIN": "WRONG1"}),
        (("card", "cert", "sign", "-e", card), {}),
        (("card", "info", "-e", "missing"), {}),
        (("nonsense",), {}),
    ):
        assert_follows_its_schema(invoke(*arguments, "--json", **env).error)


def test_the_comparison_sees_what_is_missing_wrong_or_too_much() -> None:
    report = {"kind": "x", "version": 1, "card": "c", "role": "sign", "pins": [{"role": "auth", "tries_left": 3}]}
    text = "Card: c\nFor: signature\nPINs:\n  - For: authentication\n    Tries left: 3\n"
    assert differences(text, report) == []
    assert differences(text + "More: 1\n", report)
    assert differences(text.replace("3", "2"), report)
    assert differences(text.replace("    Tries left: 3\n", ""), report)
    assert differences(text.replace("For: signature", "For: authentication"), report)
    table = "Card: c\nFor: signature\nFor              Tries left\nauthentication   3\n"
    assert differences(table, report, table="pins") == []
    assert differences(table.replace("   3", "   2"), report, table="pins")
    assert differences(table.replace("authentication   3\n", ""), report, table="pins")
    assert differences(table + "signature        5\n", report, table="pins")
    assert differences(table.replace("Tries left", "Tries"), report, table="pins")
    nothing = report | {"pins": []}
    assert differences("Card: c\nFor: signature\nPINs: none\n", nothing, table="pins") == []
    assert differences("Card: c\nFor: signature\nPINs: authentication\n", nothing, table="pins")
    assert differences("Card: c\nFor: signature\n", nothing, table="pins")


def commands_compared_elsewhere() -> dict[str, ast.FunctionDef | None]:
    """Returns the test of each command in COMPARED_ELSEWHERE."""
    found: dict[str, ast.FunctionDef | None] = {}
    for command, test in COMPARED_ELSEWHERE.items():
        file, _, name = test.partition(".")
        tree = ast.parse((Path(__file__).parent / f"{file}.py").read_text("utf-8"))
        named = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
        found[command] = named[0] if named else None
    return found


def test_text_and_json_of_every_command_are_compared() -> None:
    here = {" ".join(arguments[:2]) for arguments, _, _ in REPORTS.values()}
    page = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text("utf-8")
    every = set(re.findall(r"^\| `jpki (.*?)` \|", page, re.MULTILINE))
    # The responses to commands stand in lines of their own form, compared above; a script has no facts.
    assert here | set(COMPARED_ELSEWHERE) == every - {"card apdu", "completion"}
    for command, test in commands_compared_elsewhere().items():
        assert test is not None, command
        assert re.search(r"\b(differences|others)\(", ast.unparse(test)), command

"""`jpki issue` with a card that is not blank: done before, somebody else's, renewed, replaced."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from command_line import AtTerminal, Invoke, Program
from issue_commands import AUTH, PASSPHRASE_ONLY, SIGN, cards_in_the_ledger, issue, issue_words, on_card, valid
from offices import ADULT, BY_VARIABLES, DUE, OTHER, Office
from schemas import assert_follows_its_schema

from jpki.formats import RevocationReason


@pytest.mark.usefixtures("issued_office")
@pytest.mark.parametrize(
    ("more", "who", "error"),
    [
        (("--role", "sign", "--replace"), OTHER, "CardOfAnother"),
        ((), OTHER, "CardOfAnother"),
        (("--renew",), OTHER, "NothingToRenew"),
        (("--replace",), OTHER, "CardOfAnother"),
        (("--renew",), ADULT, "RenewalTooEarly"),
    ],
)
def test_a_finished_card_is_refused_unless_it_is_meant(
    invoke: Invoke, tmp_path: Path, more: tuple[str, ...], who: str, error: str
) -> None:
    done = issue(invoke, *more, "--json", who=who)
    assert (done.code, done.error["error"]) == (8, error)
    tries = invoke("card", "pin-status", "-e", "card.jpki", "--json").json["pins"]
    assert [pin["tries_left"] for pin in tries] == [5, 3]


def test_the_same_once_more_is_done_already_and_changes_nothing(jpki: Program, office: Office) -> None:
    office.blank()
    first = jpki(*issue_words("--json"), env=BY_VARIABLES)
    before = office.card.read_bytes()
    again = jpki(*issue_words("--json"), env=BY_VARIABLES | {"JPKI_SIGN_PIN": "OTHER123"})
    assert (first.code, again.code, again.told) == (0, 0, "")
    assert again.json == first.json | {"repeated": True}
    assert_follows_its_schema(again.json)
    assert office.card.read_bytes() == before
    told = jpki(*issue_words(), env=BY_VARIABLES).told
    assert ADULT in told
    assert "--replace" not in told


def test_once_more_needs_no_pin(invoke: Invoke, issued_office: Office) -> None:
    assert invoke(*issue_words(), **PASSPHRASE_ONLY).code == 0
    assert valid(issued_office) == [SIGN, AUTH]


def test_there_is_nothing_to_renew_on_a_blank_card(invoke: Invoke, old_office: Office) -> None:
    old_office.card.unlink()
    before = old_office.blank().read_bytes()
    done = issue(invoke, "--renew", "--json", who=DUE)
    assert (done.code, done.error["error"]) == (4, "NoCertificate")
    assert old_office.card.read_bytes() == before


def test_a_resident_with_a_card_gets_no_second_one(invoke: Invoke, issued_office: Office) -> None:
    issued_office.card.rename(issued_office.path / "first.jpki")
    before = issued_office.blank().read_bytes()
    done = issue(invoke, "--json")
    assert (done.code, done.error["error"]) == (8, "AlreadyCertified")
    assert issued_office.card.read_bytes() == before


def test_whether_a_card_can_be_replaced_is_found_out_without_changing_a_blank_one(
    at_terminal: AtTerminal, issued_office: Office
) -> None:
    issued_office.card.unlink()
    before = issued_office.blank().read_bytes()
    terminal = at_terminal(*issue_words("--replace"), **PASSPHRASE_ONLY)
    terminal.until("new signature password")
    terminal.press(b"\x03")
    assert terminal.end() == 130
    assert issued_office.card.read_bytes() == before


@pytest.mark.usefixtures("office")
@pytest.mark.parametrize("content", [b"", b"nonsense", b'{"format": 1}'])
def test_a_card_file_that_is_none_is_an_error(invoke: Invoke, office: Office, content: bytes) -> None:
    office.card.write_bytes(content)
    office.card.chmod(0o600)
    done = issue(invoke)
    assert done.code in (2, 4)
    assert "Traceback" not in done.told
    assert cards_in_the_ledger(office) == 0


def test_both_renewal_and_replacement_are_too_much(invoke: Invoke, office: Office) -> None:
    assert issue(invoke, "--renew", "--replace").code == 2


# --- renewal and replacement ------------------------------------------------------------------------------------------


def test_a_card_is_renewed_and_recognised_by_the_chain(jpki: Program, old_office: Office) -> None:
    done = jpki(*issue_words("--renew", "--json", who=DUE), env=BY_VARIABLES)
    assert done.code == 0, done.told
    assert_follows_its_schema(done.json)
    assert [one["predecessor"] for one in done.json["certificates"]] == [SIGN, AUTH]
    assert valid(old_office, DUE) == ["sign:01000003", "auth:01000003"]
    assert jpki("ca", "chain", AUTH, "--ca", "ca", "--json").json["newest"] == "auth:01000003"
    shown = jpki("card", "cert", "sign", "-e", "card.jpki", "--json", env=BY_VARIABLES).json
    assert shown["name"] == "sign:01000003"


def test_a_wrong_pin_in_a_renewal_costs_one_try_and_changes_nothing(invoke: Invoke, old_office: Office) -> None:
    done = issue(invoke, "--renew", "--json", who=DUE, JPKI_AUTH_PIN="0000")
    assert (done.code, done.error["facts"]) == (6, {"role": "auth", "tries_left": 2})
    assert valid(old_office, DUE) == [SIGN, AUTH]
    told = invoke("card", "pin-status", "-e", "card.jpki", "--json").json["pins"]
    assert [pin["tries_left"] for pin in told] == [5, 2]
    assert issue(invoke, "--renew", who=DUE).code == 0


@pytest.mark.usefixtures("old_office")
def test_the_last_try_has_to_be_allowed(invoke: Invoke) -> None:
    codes = [issue(invoke, "--renew", who=DUE, JPKI_AUTH_PIN="0000").code for _ in range(3)]
    assert codes == [6, 6, 6]
    last = issue(invoke, "--renew", "--json", who=DUE)
    assert last.error["error"] == "LastTry"
    assert issue(invoke, "--renew", "--allow-last-try", who=DUE).code == 0


def test_the_tries_left_stand_in_the_prompt_of_a_renewal(at_terminal: AtTerminal, old_office: Office) -> None:
    terminal = at_terminal(*issue_words("--renew", "--role", "auth", who=DUE), **PASSPHRASE_ONLY)
    terminal.until("tries left: 3")
    terminal.type(BY_VARIABLES["JPKI_AUTH_PIN"])
    assert terminal.end() == 0
    assert valid(old_office, DUE) == [SIGN, "auth:01000003"]


def test_a_lost_card_is_replaced_by_a_new_one(invoke: Invoke, issued_office: Office) -> None:
    issued_office.card.unlink()
    issued_office.blank()
    done = issue(invoke, "--replace", "--json")
    assert [one["predecessor"] for one in done.json["certificates"]] == [SIGN, AUTH]
    assert valid(issued_office) == ["sign:01000003", "auth:01000003"] == on_card(invoke)


def test_a_revoked_certificate_is_replaced_on_the_same_card(invoke: Invoke, issued_office: Office) -> None:
    with issued_office.authority() as authority:
        authority.revoke(authority.find(SIGN), RevocationReason.AFFILIATION_CHANGED, datetime.now(UTC))
    assert issue(invoke, "--replace", "--role", "sign").code == 0
    assert valid(issued_office) == ["sign:01000003", AUTH] == on_card(invoke)

"""`jpki issue` and `jpki card pin-reset`: one resident and one card, at the issuance desk."""

from __future__ import annotations

import os
import signal
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command_line import AtTerminal, Done, Invoke, Program
from offices import ADULT, BY_VARIABLES, CHILD, DUE, NO_BIRTH_DATE, OTHER, SUBSTITUTES, Office
from schemas import assert_follows_its_schema
from told import differences

from emulator import LifeCycle, open_card
from jpki.formats import RevocationReason
from jpki.store import CertificateState

SIGN, AUTH = "sign:01000002", "auth:01000002"
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])
PASSPHRASE_ONLY = {"JPKI_CA_PASSPHRASE": BY_VARIABLES["JPKI_CA_PASSPHRASE"]}


def words(*more: object, who: str = ADULT) -> tuple[object, ...]:
    return ("issue", "residents.csv", "--id", who, "--ca", "ca", "--emulator", "card.jpki", *more)


def issue(invoke: Invoke, *more: object, who: str = ADULT, **env: str) -> Done:
    given = BY_VARIABLES | env
    return invoke(*words(*more, who=who), **given)


def valid(office: Office, who: str = ADULT) -> list[str]:
    now = datetime.now(UTC)
    with office.authority() as authority:
        found = authority.list_certificates(now, holder=who, state=CertificateState.VALID)
    return [str(one.name) for one in found]


def cards_in_the_ledger(office: Office) -> int:
    with office.authority() as authority, authority.store.snapshot() as view:
        return sum(len(view.cards_of(who)) for who in (ADULT, OTHER, CHILD))


def on_card(invoke: Invoke, *roles: str) -> list[str]:
    """Returns the names of the certificates on the card, each read behind its PIN."""
    pins = {name: BY_VARIABLES[name] for name in ("JPKI_SIGN_PIN", "JPKI_AUTH_PIN")}
    told = [invoke("card", "cert", role, "-e", "card.jpki", "--json", **pins) for role in roles or ("sign", "auth")]
    return [one.json["name"] for one in told]


# --- a blank card -----------------------------------------------------------------------------------------------------


def test_a_blank_card_becomes_a_residents_and_signs(jpki: Program, office: Office) -> None:
    office.blank()
    done = jpki(*words("--json"), env=BY_VARIABLES)
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
    assert len(told) == 12
    assert all(line.startswith("  ✓ ") for line in told)


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
    done = jpki(*words("--json", who=CHILD), env=pins)
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
    terminal = at_terminal(*words("--role", "auth"), **PASSPHRASE_ONLY)
    for _ in range(2):
        terminal.until("PIN .*: $" if _ == 0 else "Once more: $")
        terminal.type("2468")
    assert terminal.end() == 0
    assert "2468" not in terminal.shown
    done = invoke("card", "cert", "auth", "-e", "card.jpki", "--json", JPKI_AUTH_PIN="2468")
    assert done.json["name"] == AUTH


def test_pins_come_one_on_each_line_of_a_file(invoke: Invoke, office: Office) -> None:
    office.blank()
    (office.path / "pins").write_text("FILE1234\n9753\n")
    assert invoke(*words("--pin-file", "pins"), **PASSPHRASE_ONLY).code == 0
    for role, variable, pin in (("sign", "JPKI_SIGN_PIN", "FILE1234"), ("auth", "JPKI_AUTH_PIN", "9753")):
        assert invoke("card", "cert", role, "-e", "card.jpki", "--json", **{variable: pin}).code == 0


def test_passphrase_and_pins_come_one_after_the_other_from_a_descriptor(jpki: Program, office: Office) -> None:
    office.blank()
    reading, writing = os.pipe()
    os.write(writing, f"{BY_VARIABLES['JPKI_CA_PASSPHRASE']}\nPIPE1234\n8642\n".encode())
    os.close(writing)
    done = jpki(*words("--passphrase-fd", reading, "--pin-fd", reading), pass_fds=(reading,))
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
    done = invoke(*words(), **PASSPHRASE_ONLY)
    assert done.code == 2
    assert "JPKI_SIGN_PIN" in done.told
    assert office.card.read_bytes() == before


def test_no_secret_is_in_what_is_printed(invoke: Invoke, office: Office) -> None:
    office.blank()
    done = issue(invoke, "--trace")
    shown = done.out + done.told
    assert done.code == 0
    assert not any(secret in shown for secret in ("ABC123", BY_VARIABLES["JPKI_CA_PASSPHRASE"], "公的", "霞が関"))
    assert b"ABC123".hex().upper() not in shown


# --- what will be, without doing it -----------------------------------------------------------------------------------


@pytest.mark.parametrize("who", [ADULT, CHILD, NO_BIRTH_DATE, SUBSTITUTES])
def test_a_dry_run_touches_nothing(jpki: Program, office: Office, who: str) -> None:
    before = office.blank().read_bytes()
    done = jpki(*words("--dry-run", "--json", who=who))
    assert done.code == 0, done.told
    assert_follows_its_schema(done.json)
    assert (office.card.read_bytes(), cards_in_the_ledger(office), valid(office, who)) == (before, 0, [])


def test_a_dry_run_says_what_would_be_written_and_refused(invoke: Invoke, office: Office) -> None:
    adult, child = (invoke(*words("--dry-run", "--json", who=who)).json for who in (SUBSTITUTES, CHILD))
    assert adult["certificates"][0]["attributes"]["holder_name"] == "高橋　花子"
    assert adult["certificates"][0]["attributes"]["holder_name_flags"] == "10000"
    assert adult["notices"] == [{"notice": "substitute not needed", "position": 2}]
    assert [(one["granted"], one["refusal"]) for one in child["certificates"]] == [(False, "NotEntitled"), (True, None)]


@LANGUAGES
def test_a_dry_run_says_the_same_as_text(invoke: Invoke, office: Office, language: str) -> None:
    report = invoke(*words("--dry-run", "--json", who=SUBSTITUTES)).json
    text = invoke(*words("--dry-run", "--lang", language, who=SUBSTITUTES)).out
    assert differences(text, report, japanese=language == "ja") == []


def test_a_dry_run_of_a_renewal_knows_the_card(invoke: Invoke, old_office: Office) -> None:
    told = invoke(*words("--renew", "--dry-run", "--json", who=DUE)).json
    with old_office.authority() as authority, authority.store.snapshot() as view:
        (card,) = view.cards_of(DUE)
    assert told["card_expiry"] == card.expires_on.isoformat()
    assert [one["granted"] for one in told["certificates"]] == [True, True]


# --- interruptions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", [1, 3, 6, 9, 11])
def test_a_process_killed_in_the_middle_is_taken_up(jpki: Program, office: Office, line: int) -> None:
    office.blank()
    running = jpki.start(*words(), **BY_VARIABLES)
    assert running.stderr is not None
    for _ in range(line):
        running.stderr.readline()
    running.send_signal(signal.SIGKILL)
    running.communicate()
    done = jpki(*words("--json"), env=BY_VARIABLES)
    # It may have been done already when the signal came.
    assert done.code == 0 or done.error["error"] in ("CardFinished", "AlreadyCertified"), done.told
    assert valid(office) == [SIGN, AUTH]
    assert jpki("card", "cert", "sign", "-e", "card.jpki", "--json", env=BY_VARIABLES).json["name"] == SIGN


def test_a_closed_standard_output_loses_no_card(jpki: Program, office: Office) -> None:
    office.blank()
    done = jpki.shell("jpki issue residents.csv --id R000001 --ca ca -e card.jpki >&-", **BY_VARIABLES)
    assert done.code == 2
    assert "Traceback" not in done.told
    assert valid(office) == [SIGN, AUTH]


# --- cards that are not meant -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("issued_office")
@pytest.mark.parametrize(
    ("more", "who", "error"),
    [
        ((), ADULT, "AlreadyCertified"),
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
    done = jpki(*words("--renew", "--json", who=DUE), env=BY_VARIABLES)
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
    terminal = at_terminal(*words("--renew", "--role", "auth", who=DUE), **PASSPHRASE_ONLY)
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


# --- new PINs ---------------------------------------------------------------------------------------------------------


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


@pytest.mark.usefixtures("issued_office")
def test_only_the_named_holders_card_gets_a_new_pin(invoke: Invoke) -> None:
    done = reset(invoke, "--holder", OTHER, "--json", JPKI_NEW_AUTH_PIN="2468")
    assert (done.code, done.error["error"]) == (8, "CardOfAnother")


@pytest.mark.usefixtures("issued_office")
def test_a_new_pin_of_the_wrong_form_is_refused(invoke: Invoke) -> None:
    assert reset(invoke, JPKI_NEW_AUTH_PIN="12").code == 2


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

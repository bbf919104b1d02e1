"""`jpki ca hold` and `jpki ca release`: many certificates at once on hold, and the end of a hold."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta

import pytest
from command_line import AtTerminal, Invoke, Program
from many_certificates import fill
from offices import ADULT, Office
from schemas import assert_follows_its_schema
from told import differences

from jpki.formats import CertificateList, RevocationReason
from jpki.store import CertificateState, Intent
from jpki.terms import CertificateName, Role

CA = ("--ca", "ca")
SIGN, AUTH = "sign:01000002", "auth:01000002"
LATER = ("--issued-before", "2099-01-01")
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])


def states(office: Office) -> list[str]:
    with office.authority() as authority:
        found = [authority.chain(CertificateName.parse(name), datetime.now(UTC)).certificate for name in (SIGN, AUTH)]
    return [one.state.value for one in found]


def count(office: Office, role: Role, state: CertificateState) -> int:
    with office.authority() as authority, authority.store.snapshot() as view:
        return view.count(role, state, datetime.now(UTC))


def test_all_that_were_issued_before_a_moment_are_on_hold(jpki: Program, issued_office: Office) -> None:
    fill(issued_office.ca, 300)
    done = jpki("ca", "hold", *LATER, *CA, "--yes", "--json")
    assert (done.code, done.told) == (0, "")
    assert_follows_its_schema(done.json)
    assert done.json["to_hold"] == [{"role": "sign", "count": 301}, {"role": "auth", "count": 1}]
    assert done.json["newly_held"] == 302
    assert count(issued_office, Role.SIGNATURE, CertificateState.HELD) == 301
    with issued_office.authority() as authority:
        found = CertificateList.parse(authority.certificate_list(Role.SIGNATURE, datetime.now(UTC)).encoded)
    assert len(found) == 301
    assert {entry.reason for entry in found} == {RevocationReason.CERTIFICATE_HOLD}


def test_again_nothing_is_left_to_do(invoke: Invoke, issued_office: Office) -> None:
    invoke("ca", "hold", *LATER, *CA, "--yes")
    with issued_office.authority() as authority:
        before = authority.chain(CertificateName.parse(SIGN), datetime.now(UTC)).certificate.revocation
    done = invoke("ca", "hold", *LATER, *CA, "--yes", "--json")
    assert (done.code, done.json["newly_held"]) == (0, 0)
    with issued_office.authority() as authority:
        assert authority.chain(CertificateName.parse(SIGN), datetime.now(UTC)).certificate.revocation == before


@pytest.mark.parametrize("arguments", [("--role", "auth", *LATER), ("--role", "auth", "--from-file", "names.txt")])
def test_one_authority_alone(invoke: Invoke, issued_office: Office, arguments: tuple[str, ...]) -> None:
    (issued_office.path / "names.txt").write_text(f"{SIGN}\n{AUTH}\n")
    assert invoke("ca", "hold", *arguments, *CA, "--yes").code == 0
    assert states(issued_office) == ["valid", "held"]


def test_what_was_issued_afterwards_is_left_alone(invoke: Invoke, issued_office: Office) -> None:
    before = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    done = invoke("ca", "hold", "--issued-before", before, *CA, "--yes", "--json")
    assert (done.code, done.json["newly_held"]) == (0, 0)
    assert states(issued_office) == ["valid", "valid"]


def test_those_named_in_a_file_are_on_hold_and_the_others_are_counted(invoke: Invoke, issued_office: Office) -> None:
    invoke("ca", "revoke", AUTH, *CA, "--reason", "keyCompromise", "--yes")
    (issued_office.path / "names.txt").write_text(f"# a weak kind of key\n\n{SIGN}\n{SIGN}\n {AUTH} \nsign:01FFFFFF\n")
    done = invoke("ca", "hold", "--from-file", "names.txt", *CA, "--yes", "--json")
    assert_follows_its_schema(done.json)
    assert (done.code, done.json["newly_held"], done.json["revoked_before"]) == (8, 1, 1)
    assert done.json["unknown_names"] == ["sign:01FFFFFF"]
    assert states(issued_office) == ["held", "revoked"]


def test_numbers_without_a_certificate_are_named_and_it_is_said_that_not_all_may_be_held(
    invoke: Invoke, issued_office: Office
) -> None:
    lost = CertificateName(Role.SIGNATURE, 0x01FF_0000)
    with issued_office.authority() as authority, authority.store.transaction() as change:
        change.note_intents([Intent(lost, "R1", "job", b"", datetime.now(UTC) - timedelta(days=2))])
    done = invoke("ca", "hold", *LATER, *CA, "--yes", "--json")
    assert_follows_its_schema(done.json)
    assert (done.code, done.json["newly_held"], done.json["unfinished_names"]) == (8, 2, [str(lost)])
    before = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    assert invoke("ca", "hold", "--issued-before", before, *CA, "--yes").code == 0
    assert "run the same command again" in invoke("ca", "hold", *LATER, *CA, "--yes", "--lang", "en").told


def test_a_line_that_is_no_name_holds_nothing(invoke: Invoke, issued_office: Office) -> None:
    (issued_office.path / "names.txt").write_text(f"{SIGN}\n01000002\n")
    done = invoke("ca", "hold", "--from-file", "names.txt", *CA, "--yes")
    assert done.code == 2
    assert "line 2" in done.told
    assert states(issued_office) == ["valid", "valid"]


@pytest.mark.usefixtures("issued_office")
@pytest.mark.parametrize("arguments", [(), (*LATER, "--from-file", "names.txt")])
def test_one_of_the_two_has_to_be_said(invoke: Invoke, arguments: tuple[str, ...]) -> None:
    done = invoke("ca", "hold", *arguments, *CA, "--yes")
    assert done.code == 2
    assert "--from-file" in done.told


def test_a_dry_run_counts_and_changes_nothing(invoke: Invoke, issued_office: Office) -> None:
    done = invoke("ca", "hold", *LATER, *CA, "--dry-run", "--json")
    assert (done.code, done.json["dry_run"], done.json["newly_held"]) == (0, True, 0)
    assert done.json["to_hold"] == [{"role": "sign", "count": 1}, {"role": "auth", "count": 1}]
    assert states(issued_office) == ["valid", "valid"]


@LANGUAGES
@pytest.mark.usefixtures("issued_office")
def test_a_hold_says_the_same_as_text(invoke: Invoke, language: str) -> None:
    arguments = ("ca", "hold", *LATER, *CA, "--dry-run")
    text = invoke(*arguments, "--lang", language).out
    report = invoke(*arguments, "--json").json
    since = report["held_since"]
    found = differences(text, report, japanese=language == "ja")
    assert [one for one in found if since not in one] == []


def test_without_a_terminal_it_has_to_be_said_that_it_is_meant(invoke: Invoke, issued_office: Office) -> None:
    done = invoke("ca", "hold", *LATER, *CA)
    assert done.code == 2
    assert "--yes" in done.told
    assert states(issued_office) == ["valid", "valid"]


@pytest.mark.parametrize(("answer", "code", "state"), [("2", 0, "held"), ("y", 130, "valid"), ("", 130, "valid")])
def test_at_a_terminal_a_person_types_how_many_there_are(
    at_terminal: AtTerminal, issued_office: Office, answer: str, code: int, state: str
) -> None:
    terminal = at_terminal("ca", "hold", *LATER, *CA)
    terminal.until(r"\(2\): ")
    terminal.type(answer)
    assert terminal.end() == code
    assert ("Nothing was put on hold." in terminal.shown) is (code != 0)
    assert states(issued_office) == [state, state]


def test_killed_in_the_middle_and_run_again_all_are_on_hold(jpki: Program, issued_office: Office) -> None:
    total = fill(issued_office.ca, 30_000) + 2
    running = jpki.start("ca", "hold", *LATER, *CA, "--yes")
    while count(issued_office, Role.SIGNATURE, CertificateState.HELD) == 0:
        assert running.poll() is None
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    held = count(issued_office, Role.SIGNATURE, CertificateState.HELD)
    assert held % 5_000 == 0  # what a transaction holds, it holds whole
    again = jpki("ca", "hold", *LATER, *CA, "--yes", "--json")
    assert (again.code, again.json["newly_held"]) == (0, total - held)
    assert count(issued_office, Role.SIGNATURE, CertificateState.VALID) == 0


# --- release ----------------------------------------------------------------------------------------------------------


def held(invoke: Invoke, *names: str) -> None:
    assert invoke("ca", "revoke", *names, *CA, "--reason", "certificateHold", "--yes").code == 0


def test_a_hold_ends_and_the_next_list_no_longer_says_it(invoke: Invoke, issued_office: Office) -> None:
    held(invoke, AUTH)
    done = invoke("ca", "release", AUTH, *CA, "--yes", "--json")
    assert done.code == 0
    assert_follows_its_schema(done.json)
    assert [(one["name"], one["holder"]) for one in done.json["certificates"]] == [(AUTH, ADULT)]
    assert states(issued_office) == ["valid", "valid"]
    with issued_office.authority() as authority:
        assert (
            len(CertificateList.parse(authority.certificate_list(Role.AUTHENTICATION, datetime.now(UTC)).encoded)) == 0
        )


@LANGUAGES
@pytest.mark.usefixtures("issued_office")
def test_a_release_says_the_same_as_text(invoke: Invoke, language: str) -> None:
    def once(*more: str) -> str:
        held(invoke, AUTH)
        return invoke("ca", "release", AUTH, *CA, "--yes", *more).out

    text = once("--lang", language)
    held(invoke, AUTH)
    report = invoke("ca", "release", AUTH, *CA, "--yes", "--json").json
    found = differences(text, report, japanese=language == "ja")
    moments = {report["certificates"][0][name] for name in ("held_since", "released_at")}
    assert [one for one in found if not any(moment in one for moment in moments)] == []


def test_the_hold_of_a_signature_certificate_is_final(invoke: Invoke, issued_office: Office) -> None:
    held(invoke, SIGN)
    done = invoke("ca", "release", SIGN, *CA, "--yes", "--json")
    assert (done.code, done.error["error"]) == (8, "HoldIsFinal")
    assert states(issued_office) == ["held", "valid"]


def test_what_is_not_on_hold_is_not_released(invoke: Invoke, issued_office: Office) -> None:
    assert invoke("ca", "release", AUTH, *CA, "--yes", "--json").error["error"] == "NotOnHold"
    invoke("ca", "revoke", AUTH, *CA, "--reason", "keyCompromise", "--yes")
    assert invoke("ca", "release", AUTH, *CA, "--yes", "--json").error["error"] == "AlreadyRevoked"
    assert states(issued_office) == ["valid", "revoked"]


@pytest.mark.parametrize(("answer", "state"), [("y", "valid"), ("n", "held"), ("", "held")])
def test_the_end_of_a_hold_is_asked_for(
    invoke: Invoke, at_terminal: AtTerminal, issued_office: Office, answer: str, state: str
) -> None:
    held(invoke, AUTH)
    assert "--yes" in invoke("ca", "release", AUTH, *CA).told
    terminal = at_terminal("ca", "release", AUTH, *CA)
    assert ADULT in terminal.until(r"\[y/N\]")
    terminal.type(answer)
    assert terminal.end() == (0 if state == "valid" else 130)
    assert states(issued_office) == ["valid", state]

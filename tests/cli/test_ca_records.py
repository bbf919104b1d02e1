"""`jpki ca revoke`, `crl`, `chain` and `list`: what the authority knows, and what it publishes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command_line import AtTerminal, Invoke, Program
from offices import ADULT, BY_VARIABLES, DUE, Office
from schemas import assert_follows_its_schema
from told import differences

from cli.foreign import cells
from jpki.formats import CertificateList, RevocationReason
from jpki.terms import CertificateName, Role

CA = ("--ca", "ca")
SIGN, AUTH = "sign:01000002", "auth:01000002"
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])


def revoked(office: Office) -> list[str]:
    now = datetime.now(UTC)
    with office.authority() as authority:
        return [str(one.name) for one in authority.list_certificates(now) if one.revocation is not None]


# --- revoke -----------------------------------------------------------------------------------------------------------


def test_certificates_are_revoked_for_a_reason(jpki: Program, issued_office: Office) -> None:
    done = jpki("ca", "revoke", SIGN, AUTH, *CA, "--reason", "keyCompromise", "--yes", "--json")
    assert (done.code, done.told) == (0, "")
    assert_follows_its_schema(done.json)
    assert [(one["name"], one["holder"], one["reason"]) for one in done.json["certificates"]] == [
        (SIGN, ADULT, "keyCompromise"),
        (AUTH, ADULT, "keyCompromise"),
    ]
    assert revoked(issued_office) == [SIGN, AUTH]


@LANGUAGES
def test_a_revocation_says_the_same_as_text_and_again(invoke: Invoke, issued_office: Office, language: str) -> None:
    arguments = ("ca", "revoke", SIGN, *CA, "--reason", "affiliationChanged", "--yes")
    report = invoke(*arguments, "--json").json
    text = invoke(*arguments, "--lang", language).out
    assert differences(text, report, japanese=language == "ja") == []
    assert revoked(issued_office) == [SIGN]


@pytest.mark.usefixtures("issued_office")
def test_a_revocation_says_how_relying_parties_learn_of_it(invoke: Invoke) -> None:
    done = invoke("ca", "revoke", SIGN, *CA, "--reason", "keyCompromise", "--yes")
    assert "jpki ca crl --out FOLDER --ca ca" in done.told


def test_no_passphrase_is_needed_to_revoke(invoke: Invoke, issued_office: Office) -> None:
    for key in (issued_office.ca / "keys").iterdir():
        key.unlink()
    assert invoke("ca", "revoke", SIGN, *CA, "--reason", "unspecified", "-y").code == 0


def test_without_a_terminal_it_has_to_be_said_that_it_is_meant(invoke: Invoke, issued_office: Office) -> None:
    done = invoke("ca", "revoke", SIGN, *CA, "--reason", "keyCompromise")
    assert done.code == 2
    assert "--yes" in done.told
    assert revoked(issued_office) == []


@pytest.mark.parametrize(("answer", "code", "names"), [("y", 0, [SIGN]), ("n", 130, []), ("", 130, [])])
def test_at_a_terminal_it_is_asked(
    at_terminal: AtTerminal, issued_office: Office, answer: str, code: int, names: list[str]
) -> None:
    terminal = at_terminal("ca", "revoke", SIGN, *CA, "--reason", "keyCompromise")
    assert ADULT in terminal.until(r"\[y/N\]")
    terminal.type(answer)
    assert terminal.end() == code
    assert (re.search(r"Not done, as you answered\..*\nNothing was revoked", terminal.shown) is not None) is (code != 0)
    assert "Interrupted" not in terminal.shown
    assert revoked(issued_office) == names


def test_another_reason_afterwards_is_refused_but_for_a_hold(invoke: Invoke, issued_office: Office) -> None:
    arguments = ("ca", "revoke", SIGN, *CA, "--yes", "--json", "--reason")
    assert invoke(*arguments, "certificateHold").code == 0
    assert invoke(*arguments, "keycompromise").code == 0
    done = invoke(*arguments, "superseded")
    assert (done.code, done.error["error"], done.error["facts"]["reason"]) == (8, "AlreadyRevoked", "keyCompromise")


@pytest.mark.usefixtures("issued_office")
@pytest.mark.parametrize("columns", [50, 66, 80])
@LANGUAGES
def test_what_is_told_on_standard_error_fits_the_terminal_and_no_moment_is_cut(
    invoke: Invoke, at_terminal: AtTerminal, columns: int, language: str
) -> None:
    arguments = ("ca", "revoke", SIGN, *CA, "--yes", "--lang", language, "--reason")
    assert invoke(*arguments, "keyCompromise").code == 0
    for reason, code in (("keyCompromise", 0), ("superseded", 8)):
        terminal = at_terminal(*arguments, reason, columns=columns, NO_COLOR="1")
        assert terminal.end() == code
        assert max(map(cells, terminal.shown.splitlines())) <= columns
        assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d JST", terminal.shown)


def test_an_unknown_name_revokes_none_of_the_others(invoke: Invoke, issued_office: Office) -> None:
    done = invoke("ca", "revoke", SIGN, "auth:0FFFFFFF", *CA, "--reason", "keyCompromise", "--yes", "--json")
    assert (done.code, done.error["error"]) == (8, "NoSuchCertificate")
    assert revoked(issued_office) == []


@pytest.mark.parametrize("reason", ["removeFromCRL", "cACompromise", "lost"])
def test_a_reason_that_is_none_is_refused(invoke: Invoke, issued_office: Office, reason: str) -> None:
    done = invoke("ca", "revoke", SIGN, *CA, "--reason", reason, "--yes")
    assert done.code == 2
    assert "keyCompromise" in done.told
    assert revoked(issued_office) == []


# --- which certificate ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["chain", "revoke"])
@LANGUAGES
def test_a_number_that_fits_both_authorities_shows_both(
    invoke: Invoke, issued_office: Office, command: str, language: str
) -> None:
    more = ("--reason", "keyCompromise", "--yes") if command == "revoke" else ()
    done = invoke("ca", command, "01000002", *CA, *more, "--lang", language)
    assert done.code == 8
    assert SIGN in done.told
    assert AUTH in done.told
    assert revoked(issued_office) == []


@pytest.mark.usefixtures("issued_office")
@pytest.mark.parametrize(
    ("name", "code"), [("sign:0FFFFFFF", 8), ("0FFFFFFF", 8), ("nobody", 2), ("sign:", 2), ("sign:" + "F" * 60, 2)]
)
def test_a_name_that_is_none_is_an_error(invoke: Invoke, name: str, code: int) -> None:
    done = invoke("ca", "chain", name, *CA)
    assert done.code == code
    assert "Traceback" not in done.told


# --- chain ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def renewed_office(old_office: Office) -> Office:
    """An office with a certificate that was renewed, and renewed again."""
    now = datetime.now(UTC)
    old_office.request("auth.p10")
    from authorities import issued

    from jpki.ca import IssueRequest, Occasion, read_residents

    (due,) = [one for one in read_residents(old_office.residents) if one.resident_id == DUE]
    with old_office.authority() as authority:
        request = IssueRequest(
            due, {Role.AUTHENTICATION: (old_office.path / "auth.p10").read_bytes()}, "job", occasion=Occasion.RENEWAL
        )
        (one,) = issued(authority.issue([request], now)[0]).certificates
        authority.confirm(one.name, now)
    return old_office


@pytest.mark.usefixtures("renewed_office")
def test_a_chain_is_answered_both_ways(jpki: Program) -> None:
    old, new = (jpki("ca", "chain", name, *CA, "--json").json for name in (AUTH, "auth:01000003"))
    assert_follows_its_schema(old)
    assert_follows_its_schema(new)
    assert (old["predecessor"], old["successor"], old["newest"]) == (None, "auth:01000003", "auth:01000003")
    assert (new["predecessor"], new["successor"], new["newest"]) == (AUTH, None, "auth:01000003")
    assert [one["name"] for one in old["chain"]] == [AUTH, "auth:01000003"]
    assert old["chain"] == new["chain"]
    assert (old["state"], old["revocation"]["reason"], new["state"]) == ("revoked", "superseded", "valid")


@pytest.mark.usefixtures("renewed_office")
@LANGUAGES
def test_a_chain_says_the_same_as_text(invoke: Invoke, language: str) -> None:
    report = invoke("ca", "chain", AUTH, *CA, "--json").json
    text = invoke("ca", "chain", AUTH, *CA, "--lang", language).out
    assert differences(text, report, table="chain", japanese=language == "ja") == []


@pytest.mark.usefixtures("renewed_office")
def test_a_number_that_one_authority_gave_is_enough(invoke: Invoke) -> None:
    assert invoke("ca", "chain", "01000003", *CA, "--json").json["name"] == "auth:01000003"


@pytest.mark.usefixtures("issued_office")
@pytest.mark.parametrize(("moment", "state"), [("2200-01-01", "expired"), ("2200-01-01T00:00:00Z", "expired")])
def test_states_are_told_for_a_moment(invoke: Invoke, moment: str, state: str) -> None:
    assert invoke("ca", "chain", SIGN, *CA, "--at", moment, "--json").json["state"] == state
    assert invoke("ca", "chain", SIGN, *CA, "--json").json["state"] == "valid"


@pytest.mark.usefixtures("issued_office")
@pytest.mark.parametrize("question", [("chain", SIGN), ("list",)])
def test_states_of_a_moment_that_is_over_are_not_made_up(invoke: Invoke, question: tuple[str, ...]) -> None:
    done = invoke("ca", *question, *CA, "--at", "2020-01-01")
    assert done.code == 2
    assert "not a moment to come" in done.told


@pytest.mark.parametrize("moment", ["yesterday", "2026-13-01", "99999-01-01", ""])
def test_a_moment_that_is_none_is_refused(invoke: Invoke, moment: str) -> None:
    assert invoke("ca", "chain", SIGN, *CA, "--at", moment).code == 2


# --- list -------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("renewed_office")
def test_pages_follow_one_another_without_gap_or_repetition(jpki: Program) -> None:
    seen: list[str] = []
    after: tuple[str, ...] = ()
    for _ in range(10):
        page = jpki("ca", "list", *CA, "--limit", 1, *after, "--json").json
        assert_follows_its_schema(page)
        seen += [one["name"] for one in page["certificates"]]
        if page["next_page_after"] is None:
            break
        after = ("--after", page["next_page_after"])
    assert seen == [SIGN, AUTH, "auth:01000003"]


@pytest.mark.usefixtures("renewed_office")
@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (("--role", "auth"), [AUTH, "auth:01000003"]),
        (("--state", "revoked"), [AUTH]),
        (("--state", "valid", "--holder", DUE), [SIGN, "auth:01000003"]),
        (("--holder", "R999999"), []),
        (("--after", AUTH), ["auth:01000003"]),
    ],
)
def test_filters_leave_what_fits(invoke: Invoke, filters: tuple[str, ...], names: list[str]) -> None:
    assert [one["name"] for one in invoke("ca", "list", *CA, *filters, "--json").json["certificates"]] == names


@pytest.mark.usefixtures("renewed_office")
@pytest.mark.parametrize("more", [(), ("--limit", "1"), ("--holder", "R999999")])
@LANGUAGES
def test_a_list_says_the_same_as_text(invoke: Invoke, language: str, more: tuple[str, ...]) -> None:
    report = invoke("ca", "list", *CA, *more, "--json").json
    text = invoke("ca", "list", *CA, *more, "--lang", language).out
    assert differences(text, report, table="certificates", japanese=language == "ja") == []


@pytest.mark.usefixtures("renewed_office")
def test_a_list_too_wide_for_the_terminal_is_shown_as_blocks_with_nothing_broken(
    invoke: Invoke, at_terminal: AtTerminal
) -> None:
    report = invoke("ca", "list", *CA, "--json").json
    terminal = at_terminal("ca", "list", *CA, columns=80, NO_COLOR="1", JPKI_LANG="en")
    assert terminal.end() == 0
    assert max(map(len, terminal.shown.splitlines())) <= 80
    assert differences(terminal.shown, report) == []


def test_a_list_needs_no_passphrase_and_no_key(invoke: Invoke, issued_office: Office) -> None:
    for key in (issued_office.ca / "keys").iterdir():
        key.unlink()
    assert len(invoke("ca", "list", *CA, "--json").json["certificates"]) == 2


@pytest.mark.parametrize(("damage", "error"), [(b"nonsense" * 100, "ForeignStore"), (b"", "ForeignStore")])
def test_a_damaged_database_is_an_error(invoke: Invoke, office: Office, damage: bytes, error: str) -> None:
    (office.ca / "authority.sqlite3").write_bytes(damage)
    done = invoke("ca", "list", *CA, "--json")
    assert (done.code, done.error["error"]) == (8, error)


def test_a_folder_without_an_authority_is_named(invoke: Invoke, tmp_path: Path) -> None:
    done = invoke("ca", "list", "--ca", "nowhere", "--json")
    assert (done.code, done.error["error"]) == (8, "NoAuthority")
    assert not (tmp_path / "nowhere").exists()


# --- lists to be published --------------------------------------------------------------------------------------------


def test_both_lists_are_made_and_take_the_places_of_the_old_ones(jpki: Program, issued_office: Office) -> None:
    first = jpki("ca", "crl", *CA, "--out", "public/crl", "--json", env=BY_VARIABLES)
    assert first.code == 0, first.told
    assert_follows_its_schema(first.json)
    with issued_office.authority() as authority:
        name = CertificateName(Role.AUTHENTICATION, 0x0100_0002)
        authority.revoke(name, RevocationReason.KEY_COMPROMISE, datetime.now(UTC))
    second = jpki("ca", "crl", *CA, "--out", "public/crl", "--json", env=BY_VARIABLES).json["lists"]
    assert [(one["list_number"], one["entries"]) for one in second] == [(2, 0), (2, 1)]
    folder = issued_office.path / "public" / "crl"
    assert sorted(path.name for path in folder.iterdir()) == ["auth.crl", "sign.crl"]
    found = CertificateList.parse((folder / "auth.crl").read_bytes())
    assert (found.number, len(found), found.find(0x0100_0002) is not None) == (2, 1, True)


def test_one_list_alone_is_made(invoke: Invoke, office: Office) -> None:
    told = invoke("ca", "crl", *CA, "--role", "auth", "--out", "crl", "--json", **BY_VARIABLES).json
    assert [one["role"] for one in told["lists"]] == ["auth"]
    assert [path.name for path in (office.path / "crl").iterdir()] == ["auth.crl"]


@pytest.mark.usefixtures("office")
@LANGUAGES
def test_a_wrong_passphrase_is_that_of_the_authority(invoke: Invoke, language: str) -> None:
    done = invoke("ca", "crl", *CA, "--out", "crl", "--lang", language, JPKI_CA_PASSPHRASE="wrong")
    assert done.code == 8
    assert "ca/keys" in done.told
    assert "card-issuer" not in done.told
    assert "JPKI_CA_PASSPHRASE" in done.told


@pytest.mark.usefixtures("office")
@LANGUAGES
def test_the_report_of_lists_says_the_same_as_text(invoke: Invoke, language: str) -> None:
    report = invoke("ca", "crl", *CA, "--role", "sign", "--out", "crl", "--json", **BY_VARIABLES).json
    text = invoke("ca", "crl", *CA, "--role", "sign", "--out", "crl", "--lang", language, **BY_VARIABLES).out
    for row in report["lists"]:  # another list by now
        row["list_number"] += 1
        row["this_update"] = row["next_update"] = None
    found = [
        line for line in differences(text, report, table="lists", japanese=language == "ja") if "_update" not in line
    ]
    assert found == []


def test_a_file_in_the_place_of_the_folder_stays_as_it_is(invoke: Invoke, office: Office) -> None:
    (office.path / "crl").write_text("a file")
    done = invoke("ca", "crl", *CA, "--out", "crl", "--json", **BY_VARIABLES)
    assert (done.code, done.error["facts"]) == (2, {"parameter": "--out", "problem": "a file, not a folder"})
    assert (office.path / "crl").read_text() == "a file"

"""`jpki verify`: what it says of documents, logins and certificates, and what it ends with."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from command_line import Done, Invoke, Program
from offices import BY_VARIABLES, Office, years_ago
from schemas import assert_follows_its_schema
from told import differences

from jpki.formats import RevocationReason, to_pem

ORIGIN = "https://bank.example"
TRUST = ("--trust", "ca/certificates")
LISTS = ("--crl", "crl")
GATHERED = ("problem", "given", "source", "time")
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])
SIGN, AUTH = "sign:01000002", "auth:01000002"


@pytest.fixture
def signed(office_originals: dict[str, Office], tmp_path: Path) -> Office:
    """An office with a signed contract and lists of just now."""
    return office_originals["signed"].copied_to(tmp_path)


def revoke(office: Office, name: str, reason: RevocationReason = RevocationReason.KEY_COMPROMISE) -> None:
    with office.authority() as authority:
        authority.revoke(authority.find(name), reason, datetime.now(UTC))
    office.publish()


def failed(report: Any) -> list[str]:
    return [check["check"] for check in report["checks"] if check["outcome"] == "failed"]


# --- documents --------------------------------------------------------------------------------------------------------


def test_a_good_signature_is_valid_and_says_who_signed(jpki: Program, signed: Office) -> None:
    done = jpki("verify", "document", "contract", *TRUST, *LISTS, "--json")
    assert (done.code, done.told) == (0, "")
    assert_follows_its_schema(done.json)
    assert (done.json["result"], done.json["name"]) == ("valid", SIGN)
    assert done.json["holder_attributes"]["holder_name"] == "公的　花子"
    assert {check["outcome"] for check in done.json["checks"]} == {"passed"}
    assert signed.path.exists()


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize("more", [LISTS, ()], ids=["valid", "without lists"])
@LANGUAGES
def test_text_and_json_say_the_same(invoke: Invoke, more: tuple[str, ...], language: str) -> None:
    at = ("--at", datetime.now(UTC).isoformat())
    report = invoke("verify", "document", "contract", *TRUST, *more, *at, "--json").json
    text = invoke("verify", "document", "contract", *TRUST, *more, *at, "--lang", language).out
    assert differences(text, report, table="checks", gathered=GATHERED, japanese=language == "ja") == []


@LANGUAGES
def test_a_revoked_certificate_says_the_same_as_text(invoke: Invoke, signed: Office, language: str) -> None:
    revoke(signed, SIGN)
    at = ("--at", (datetime.now(UTC) + timedelta(minutes=1)).isoformat())
    report = invoke("verify", "document", "contract", *TRUST, *LISTS, *at, "--json").json
    text = invoke("verify", "document", "contract", *TRUST, *LISTS, *at, "--lang", language).out
    assert failed(report) == ["revocation"]
    assert [(one["check"], one["problem"]) for one in report["checks_failed"]] == [("revocation", "revoked")]
    assert differences(text, report, table="checks", gathered=GATHERED, japanese=language == "ja") == []


@pytest.mark.parametrize(
    ("reason", "code", "result"),
    [(RevocationReason.KEY_COMPROMISE, 10, "invalid"), (RevocationReason.CERTIFICATE_HOLD, 9, "invalid")],
)
def test_a_revocation_has_an_exit_code_of_its_own_and_names_nobody(
    invoke: Invoke, signed: Office, reason: RevocationReason, code: int, result: str
) -> None:
    revoke(signed, SIGN, reason)
    done = invoke("verify", "document", "contract", *TRUST, *LISTS, "--json")
    assert (done.code, done.json["result"], done.json["holder_attributes"]) == (code, result, None)


def test_an_altered_document_is_not_valid_and_names_nobody(invoke: Invoke, signed: Office) -> None:
    (signed.path / "contract").write_text("what was never agreed")
    done = invoke("verify", "document", "contract", *TRUST, *LISTS, "--json")
    assert (done.code, failed(done.json), done.json["holder_attributes"]) == (9, ["signature"], None)


@pytest.mark.usefixtures("signed")
def test_without_a_list_there_is_no_answer(invoke: Invoke) -> None:
    done = invoke("verify", "document", "contract", *TRUST, "--json")
    assert (done.code, done.json["result"]) == (11, "indeterminate")
    assert done.json["lists_needed"] == ["sign:01000001"]
    assert done.json["holder_attributes"] is None
    assert {check["outcome"] for check in done.json["checks"]} == {"passed", "not-made"}


@pytest.mark.usefixtures("signed")
def test_a_stale_list_is_no_answer_for_later(invoke: Invoke) -> None:
    later = (datetime.now(UTC) + timedelta(hours=49)).isoformat()
    done = invoke("verify", "document", "contract", *TRUST, *LISTS, "--at", later, "--json")
    assert (done.code, failed(done.json)) == (11, ["list-fresh"])


def test_the_past_is_judged_by_the_lists_of_its_time(invoke: Invoke, old_office: Office) -> None:
    moment = years_ago() + timedelta(hours=1)
    old_office.publish(moment)
    old = old_office.path / "then"
    (old_office.path / "crl").rename(old)
    old_office.sign("contract", b"what was agreed")
    revoke(old_office, SIGN)
    at = ("--at", moment.isoformat())
    assert invoke("verify", "document", "contract", *TRUST, "--crl", "then", *at).code == 0
    assert invoke("verify", "document", "contract", *TRUST, "--crl", "crl").code == 10


def test_signature_and_certificate_may_have_other_names(invoke: Invoke, signed: Office) -> None:
    for name in ("sig", "crt"):
        (signed.path / f"contract.{name}").rename(signed.path / name)
    assert invoke("verify", "document", "contract", *TRUST, *LISTS).code == 2
    assert invoke("verify", "document", "contract", "-s", "sig", "-c", "crt", *TRUST, *LISTS).code == 0


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("contract", b""),
        ("contract.crt", b""),
        ("contract.crt", b"nonsense"),
        ("contract.crt", b"-----BEGIN CERTIFICATE-----\n"),
        ("contract.crt", b"\x30\x80\x00\x00"),
        ("crl/sign.crl", b"nonsense"),
        ("ca/certificates/sign-1.cer", b"nonsense"),
    ],
)
def test_a_file_that_is_nonsense_is_an_error(invoke: Invoke, tmp_path: Path, file: str, content: bytes) -> None:
    (tmp_path / file).write_bytes(content)
    done = invoke("verify", "document", "contract", *TRUST, *LISTS)
    assert (done.code, done.out) == (2, "")
    assert "Traceback" not in done.told


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize("content", [b"", b"x", bytes(256), bytes(10_000)])
def test_a_signature_that_is_none_is_not_valid(invoke: Invoke, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "contract.sig").write_bytes(content)
    assert invoke("verify", "document", "contract", *TRUST, *LISTS).code == 9


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize("missing", ["contract", "contract.sig", "contract.crt", "crl"])
def test_a_file_that_is_missing_is_named(invoke: Invoke, tmp_path: Path, missing: str) -> None:
    (tmp_path / missing).rename(tmp_path / "elsewhere")
    done = invoke("verify", "document", "contract", *TRUST, *LISTS, "--json")
    assert (done.code, done.error["facts"]["path"]) == (2, missing)


# --- whom it believes -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("signed")
def test_there_is_no_trust_by_default(invoke: Invoke) -> None:
    done = invoke("verify", "document", "contract", *LISTS, "--json")
    assert (done.code, done.error["error"]) == (2, "TrustNeeded")


@pytest.mark.usefixtures("signed")
def test_japan_and_tests_are_never_believed_together(invoke: Invoke) -> None:
    done = invoke("verify", "document", "contract", *TRUST, "--japan", "--json")
    assert (done.code, done.error["error"]) == (2, "TwoTrusts")


@pytest.mark.usefixtures("signed")
def test_japans_trust_refuses_a_test_certificate(invoke: Invoke) -> None:
    done = invoke("verify", "document", "contract", "--japan", *LISTS, "--json")
    assert done.code == 9
    assert "root" in failed(done.json)
    assert done.json["name"] is None


@pytest.mark.usefixtures("signed")
def test_the_trust_of_the_settings_gives_way_to_japans(invoke: Invoke) -> None:
    variable = {"JPKI_TRUST": "ca/certificates"}
    assert invoke("verify", "document", "contract", *LISTS, **variable).code == 0
    assert invoke("verify", "document", "contract", *LISTS, "--japan", **variable).code == 9


def test_a_root_may_be_one_file_in_pem_or_added_by_its_fingerprint(invoke: Invoke, signed: Office) -> None:
    from jpki.formats import Certificate

    root = (signed.trust / "sign-1.cer").read_bytes()
    (signed.path / "root.pem").write_text(to_pem("CERTIFICATE", root))
    assert invoke("verify", "document", "contract", "--trust", "root.pem", *LISTS).code == 0
    other = ("--trust", "ca/certificates/auth-1.cer", "--root", "root.pem")
    fingerprint = Certificate.parse(root).fingerprint.hex()
    assert invoke("verify", "document", "contract", *other, fingerprint, *LISTS).code == 0
    done = invoke("verify", "document", "contract", *other, fingerprint[::-1], *LISTS, "--json")
    assert (done.code, done.error["error"]) == (2, "FingerprintMismatch")


@pytest.mark.usefixtures("signed")
def test_a_folder_without_a_root_is_named(invoke: Invoke) -> None:
    done = invoke("verify", "document", "contract", "--trust", "crl", *LISTS, "--json")
    assert (done.code, done.error["facts"]["path"]) == (2, "crl")


# --- certificates -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("signed")
def test_a_certificate_alone_is_judged_for_its_purpose(invoke: Invoke) -> None:
    arguments = ("verify", "cert", "contract.crt", *TRUST, *LISTS, "--json")
    done = invoke(*arguments)
    assert_follows_its_schema(done.json)
    assert done.code == 0
    assert invoke(*arguments, "--role", "sign").code == 0
    wrong = invoke(*arguments, "--role", "auth")
    assert (wrong.code, failed(wrong.json)) == (9, ["purpose"])


# --- logins -----------------------------------------------------------------------------------------------------------


def challenge(invoke: Invoke, *more: object) -> Done:
    return invoke("verify", "challenge", "--origin", ORIGIN, "--store", "site.db", "--out", "ask.json", *more)


def answer(invoke: Invoke, name: str = "answer.json") -> Done:
    pin = {"JPKI_AUTH_PIN": BY_VARIABLES["JPKI_AUTH_PIN"]}
    return invoke("card", "auth", "--challenge", "ask.json", "-e", "card.jpki", "--out", name, "--force", **pin)


def login(invoke: Invoke, *more: object, name: str = "answer.json") -> Done:
    return invoke("verify", "login", name, "--store", "site.db", *TRUST, *LISTS, "--json", *more)


@pytest.mark.usefixtures("signed")
def test_a_login_is_valid_once_across_processes(jpki: Program) -> None:
    made = challenge(jpki, "--json")
    assert_follows_its_schema(made.json)
    assert_follows_its_schema(json.loads((jpki.home / "ask.json").read_text()))
    pin = {"JPKI_AUTH_PIN": BY_VARIABLES["JPKI_AUTH_PIN"]}
    arguments = ("card", "auth", "--challenge", "ask.json", "-e", "card.jpki", "--out", "answer.json")
    assert jpki(*arguments, env=pin).code == 0
    first, second = login(jpki), login(jpki)
    assert first.code == 0, first.told
    assert_follows_its_schema(first.json)
    assert (first.json["name"], first.json["holder_attributes"]) == (AUTH, None)
    assert (second.code, second.error["error"]) == (9, "NoSuchChallenge")


@pytest.mark.usefixtures("signed")
@LANGUAGES
def test_a_login_says_the_same_as_text(invoke: Invoke, language: str) -> None:
    challenge(invoke)
    answer(invoke)
    arguments = ("verify", "login", "answer.json", "--store", "site.db", *TRUST, *LISTS)
    text = invoke(*arguments, "--lang", language).out
    labels = {
        "en": ("Result: VALID", "Site: https://bank.example"),
        "ja": ("結果: 有効", "サイト: https://bank.example"),
    }
    assert all(line in text for line in labels[language])


@pytest.mark.usefixtures("signed")
def test_a_challenge_goes_to_standard_output_without_a_file(invoke: Invoke) -> None:
    made = invoke("verify", "challenge", "--origin", ORIGIN, "--store", "site.db")
    assert_follows_its_schema(made.json)
    assert made.json["origin"] == ORIGIN


@LANGUAGES
def test_a_challenge_that_was_made_says_the_same_as_text(invoke: Invoke, language: str) -> None:
    report = challenge(invoke, "--json").json
    text = challenge(invoke, "--force", "--lang", language).out
    found = differences(text, report, japanese=language == "ja")
    assert [line for line in found if "expires_at" not in line] == []


def test_a_challenge_of_another_site_is_refused(invoke: Invoke, signed: Office) -> None:
    challenge(invoke)
    answer(invoke)
    told = json.loads((signed.path / "answer.json").read_text())
    (signed.path / "answer.json").write_text(json.dumps(told | {"origin": "https://other.example"}))
    done = login(invoke)
    assert done.code == 9
    assert {"origin", "signature"} <= set(failed(done.json))


def test_a_lost_card_logs_in_no_more(invoke: Invoke, signed: Office) -> None:
    revoke(signed, AUTH)
    challenge(invoke)
    answer(invoke)
    assert login(invoke).code == 10


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize(
    "origin", ["bank.example", "https://bank.example/path", "HTTPS://BANK", "", "https://" + "a" * 400]
)
def test_an_origin_that_is_none_is_refused(invoke: Invoke, origin: str) -> None:
    assert invoke("verify", "challenge", "--origin", origin, "--store", "site.db").code == 2


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"kind": "login-response", "version": 1}', "nonsense", "[" * 20_000]
)
def test_an_answer_that_is_none_is_an_error(invoke: Invoke, tmp_path: Path, content: str) -> None:
    (tmp_path / "answer.json").write_text(content)
    done = login(invoke)
    assert done.code == 2
    assert "Traceback" not in done.told


def test_a_database_of_something_else_is_refused(invoke: Invoke, office: Office) -> None:
    arguments = ("verify", "challenge", "--origin", ORIGIN, "--store", "ca/authority.sqlite3", "--json")
    assert invoke(*arguments).error["error"] == "ForeignStore"
    assert office.ca.exists()

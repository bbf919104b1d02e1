"""`jpki verify document` and `cert`: what they say, what they end with, and what they say to do."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from command_line import Invoke, Program
from offices import Office, years_ago
from schemas import assert_follows_its_schema
from told import differences

from cli.language import Language
from cli.problems import phrase
from jpki.ca import AuthorityFolder, AuthoritySettings
from jpki.formats import RevocationReason, to_pem
from jpki.terms import Role, Secret

TRUST = ("--trust", "ca/certificates")
LISTS = ("--crl", "crl")
GATHERED = ("problem", "given", "source", "time")
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])
SIGN = "sign:01000002"


def failed(report: Any) -> list[str]:
    return [check["check"] for check in report["checks"] if check["outcome"] == "failed"]


def not_made(report: Any) -> list[str]:
    return [check["check"] for check in report["checks"] if check["outcome"] == "not-made"]


@pytest.fixture(scope="module")
def other_original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another authority of the same name, made once: its roots in `other`, its lists in `other-crl`."""
    path, now = tmp_path_factory.mktemp("other"), datetime.now(UTC).replace(microsecond=0)
    folder = AuthorityFolder(path / "ca")
    with folder.create(Secret(b"a passphrase for tests"), AuthoritySettings(), now) as authority:
        (path / "other-crl").mkdir()
        for role in Role:
            (path / "other-crl" / f"{role.short}.crl").write_bytes(authority.certificate_list(role, now).encoded)
    (path / "ca" / "certificates").rename(path / "other")
    return path


@pytest.fixture
def other_authority(other_original: Path, tmp_path: Path) -> None:
    for name in ("other", "other-crl"):
        shutil.copytree(other_original / name, tmp_path / name)


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
    signed.revoke(SIGN)
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
    signed.revoke(SIGN, reason)
    done = invoke("verify", "document", "contract", *TRUST, *LISTS, "--json")
    assert (done.code, done.json["result"], done.json["holder_attributes"]) == (code, result, None)


def test_an_altered_document_is_not_valid_and_names_nobody(invoke: Invoke, signed: Office) -> None:
    (signed.path / "contract").write_text("what was never agreed")
    done = invoke("verify", "document", "contract", *TRUST, *LISTS, "--json")
    assert (done.code, failed(done.json), done.json["holder_attributes"]) == (9, ["signature"], None)
    assert not_made(done.json) == []
    assert done.json["lists_needed"] == []


def test_of_an_altered_document_the_lists_are_looked_at_too(invoke: Invoke, signed: Office) -> None:
    (signed.path / "contract").write_text("what was never agreed")
    signed.revoke(SIGN)
    done = invoke("verify", "document", "contract", *TRUST, *LISTS, "--json")
    assert (done.code, failed(done.json)) == (9, ["signature", "revocation"])


def test_a_newer_list_is_needed_whatever_else_is_wrong(invoke: Invoke, signed: Office) -> None:
    (signed.path / "contract").write_text("what was never agreed")
    later = (datetime.now(UTC) + timedelta(hours=49)).isoformat()
    done = invoke("verify", "document", "contract", *TRUST, *LISTS, "--at", later, "--json")
    assert (done.code, failed(done.json)) == (9, ["signature", "list-fresh"])
    assert done.json["lists_needed"] == ["sign:01000001"]


@pytest.mark.usefixtures("signed")
def test_without_a_list_there_is_no_answer(invoke: Invoke) -> None:
    done = invoke("verify", "document", "contract", *TRUST, "--json")
    assert (done.code, done.json["result"]) == (11, "indeterminate")
    assert done.json["lists_needed"] == ["sign:01000001"]
    assert done.json["holder_attributes"] is None
    assert {check["outcome"] for check in done.json["checks"]} == {"passed", "not-made"}
    assert done.told == ""


@pytest.mark.usefixtures("signed", "other_authority")
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ((*TRUST,), ["with --crl", "jpki ca crl --out"]),
        ((*TRUST, "--crl", "crl/auth.crl"), ["None of the lists", "jpki ca crl --out"]),
        ((*TRUST, "--crl", "other-crl"), ["another authority of the same name", "jpki ca crl --out"]),
        ((*TRUST, *LISTS, "--at", "2100-01-01"), ["another moment with --at"]),
        (("--trust", "other", *LISTS), ["--trust", "folder certificates"]),
        (("--japan", *LISTS), ["--trust", "--japan"]),
        ((*TRUST, *LISTS, "-s", "contract"), ["256 bytes"]),
    ],
    ids=["no list", "the other role's", "another authority's", "long after", "other roots", "japan", "no signature"],
)
def test_a_verdict_that_is_no_yes_says_what_to_do(invoke: Invoke, given: tuple[str, ...], told: list[str]) -> None:
    done = invoke("verify", "document", "contract", *given)
    assert done.code in (9, 11)
    assert [words for words in told if words not in done.told] == []
    assert "Result: NOT" in done.out
    assert len(invoke("verify", "document", "contract", *given, "--lang", "ja").told) > 20


@pytest.mark.usefixtures("signed")
def test_a_good_verdict_says_no_more(invoke: Invoke) -> None:
    assert invoke("verify", "document", "contract", *TRUST, *LISTS).told == ""


@pytest.mark.usefixtures("signed", "other_authority")
def test_where_the_root_is_not_known_neither_is_the_list(invoke: Invoke) -> None:
    done = invoke("verify", "document", "contract", "--trust", "other", *LISTS, "--json")
    assert (done.code, failed(done.json), done.json["lists_needed"]) == (11, ["root"], None)
    assert_follows_its_schema(done.json)


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
    old_office.revoke(SIGN)
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
@pytest.mark.parametrize(
    ("arguments", "error", "path"),
    [
        (("contract", *TRUST, "--crl", "empty"), "NothingInFolder", "empty"),
        (("contract", *TRUST, "--crl", "contract"), "EvidenceUnreadable", "contract"),
        (("contract", "--trust", "empty", *LISTS), "NothingInFolder", "empty"),
        (("contract", "--trust", "ca", *LISTS), "NothingInFolder", "ca"),
        (("contract", "--trust", "contract", *LISTS), "WrongFile", "contract"),
        (("contract", "--trust", "contract.crt", *LISTS), "WrongFile", "contract.crt"),
        (("contract", "--trust", "crl/sign.crl", *LISTS), "WrongFile", "crl/sign.crl"),
        (("contract", *TRUST, "--root", "contract", "0" * 64), "WrongFile", "contract"),
        (("contract", *TRUST, *LISTS, "-c", "crl/sign.crl"), "WrongFile", "crl/sign.crl"),
        (("contract", *TRUST, *LISTS, "-c", "contract"), "WrongFile", "contract"),
        (("contract", *TRUST, *LISTS, "-c", "nothing"), "WrongFile", "nothing"),
        (("contract", *TRUST, *LISTS, "-c", "no.pem"), "WrongFile", "no.pem"),
        (("nothing", *TRUST, *LISTS), "WrongFile", "nothing"),
        (("residents.csv", *TRUST, *LISTS), "NotSigned", "residents.csv.sig"),
        ((".", *TRUST, *LISTS), "FileUnreadable", "."),
        (("/", *TRUST, *LISTS), "FileUnreadable", "/"),
    ],
)
def test_a_file_of_the_wrong_kind_is_named(
    invoke: Invoke, tmp_path: Path, arguments: tuple[str, ...], error: str, path: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "nothing").touch()
    (tmp_path / "no.pem").write_text("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n")
    for language in ("en", "ja"):
        done = invoke("verify", "document", *arguments, "--json", "--lang", language)
        assert (done.code, done.error["error"]) == (2, error)
        assert path in done.error["message"]
        assert path in (done.error["facts"].get("path"), done.error["facts"].get("file"))


@pytest.mark.usefixtures("signed")
def test_a_fingerprint_that_is_none_is_not_the_fault_of_the_file(invoke: Invoke) -> None:
    done = invoke("verify", "document", "contract", *TRUST, "--root", "ca/certificates/sign-1.cer", "AB", "--json")
    assert (done.code, done.error["error"], done.error["facts"]["parameter"]) == (2, "BadValue", "--root")


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


@LANGUAGES
def test_what_cannot_be_read_in_a_certificate_is_said_in_the_language(
    invoke: Invoke, signed: Office, language: str
) -> None:
    path = signed.path / "contract.crt"
    usage = bytes.fromhex("0603551D0F0101FF0404030206")
    encoded = path.read_bytes()
    at = encoded.index(usage) + len(usage)
    path.write_bytes(encoded[:at] + b"\xff" + encoded[at + 1 :])  # bits that are said to be unused are set
    report = invoke("verify", "cert", "contract.crt", *TRUST, *LISTS, "--json").json
    (given,) = [check["given"] for check in report["checks"] if check["check"] == "key-usage"]
    text = invoke("verify", "cert", "contract.crt", *TRUST, *LISTS, "--lang", language).out
    assert phrase(given["problem"], Language(language)) in text
    assert phrase(given["what"], Language(language)) in text
    assert (given["problem"] in text) is (language == "en")


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize("role", ["sign", "auth"], ids=["valid", "of another purpose"])
@LANGUAGES
def test_a_certificate_says_the_same_as_text(invoke: Invoke, role: str, language: str) -> None:
    at = ("--at", datetime.now(UTC).isoformat())
    arguments = ("verify", "cert", "contract.crt", "--role", role, *TRUST, *LISTS, *at)
    report = invoke(*arguments, "--json").json
    assert report["judged"]["what"] == "certificate"
    text = invoke(*arguments, "--lang", language).out
    assert differences(text, report, table="checks", gathered=GATHERED, japanese=language == "ja") == []

"""`jpki ca issue` and `renew`: certificates for requests that were made elsewhere."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from command_line import Done, Invoke, Program
from offices import ADULT, BY_VARIABLES, CHILD, DUE, NO_BIRTH_DATE, OTHER, SUBSTITUTES, Office
from schemas import assert_follows_its_schema
from told import differences

from jpki.ca import Authority
from jpki.formats import Certificate
from jpki.store import CertificateState
from jpki.terms import Role, day_in_japan

OPTIONS = ("--ca", "ca", "--out", "out")
BOTH = ("--sign-request", "sign.p10", "--auth-request", "auth.p10")


@pytest.fixture(autouse=True)
def requests(tmp_path: Path, office: Office) -> None:
    office.request("sign.p10")
    office.request("auth.p10", pem=True)


def issue(invoke: Invoke, *more: object, who: str = ADULT, command: str = "issue", **env: str) -> Done:
    given = BY_VARIABLES | env
    return invoke("ca", command, "residents.csv", "--id", who, *OPTIONS, *more, **given)


def names(authority: Authority, who: str = ADULT) -> list[str]:
    from datetime import UTC, datetime

    return [str(one.name) for one in authority.list_certificates(datetime.now(UTC), holder=who)]


def test_both_certificates_are_issued_as_one_act(jpki: Program, office: Office) -> None:
    done = jpki("ca", "issue", "residents.csv", "--id", ADULT, *OPTIONS, *BOTH, "--json", env=BY_VARIABLES)
    assert (done.code, done.told) == (0, "")
    assert_follows_its_schema(done.json)
    assert [one["name"] for one in done.json["certificates"]] == ["sign:01000002", "auth:01000002"]
    assert [one["counterpart"] for one in done.json["certificates"]] == ["auth:01000002", "sign:01000002"]
    with office.authority() as authority:
        for one in done.json["certificates"]:
            written = (office.path / one["file"]).read_bytes()
            assert written == authority.encoded(authority.find(one["name"]))


@pytest.mark.parametrize("language", ["en", "ja"])
def test_text_and_json_say_the_same(invoke: Invoke, language: str) -> None:
    issue(invoke, *BOTH, who=SUBSTITUTES)
    report = issue(invoke, *BOTH, "--json", who=SUBSTITUTES).json
    assert report["repeated"] is True
    assert report["notices"] == [{"notice": "substitute not needed", "position": 2}]
    text = issue(invoke, *BOTH, "--lang", language, who=SUBSTITUTES).out
    assert differences(text, report, japanese=language == "ja") == []


def test_the_same_requests_again_get_the_same_certificates(invoke: Invoke, office: Office) -> None:
    first, again = (issue(invoke, *BOTH, "--json").json for _ in range(2))
    assert [one["name"] for one in again["certificates"]] == [one["name"] for one in first["certificates"]]
    assert (first["repeated"], again["repeated"]) == (False, True)
    with office.authority() as authority:
        assert len(names(authority)) == 2


def test_openssl_accepts_them_until_they_are_revoked_and_published(jpki: Program, office: Office) -> None:
    assert jpki("ca", "issue", "residents.csv", "--id", ADULT, *OPTIONS, *BOTH, env=BY_VARIABLES).code == 0
    assert jpki("ca", "crl", "--ca", "ca", "--out", "crl", env=BY_VARIABLES).code == 0
    assert [openssl_accepts(office, role) for role in Role] == [True, True]
    named = ("sign:01000002", "auth:01000002")
    assert jpki("ca", "revoke", *named, "--ca", "ca", "--reason", "keyCompromise", "--yes").code == 0
    assert [openssl_accepts(office, role) for role in Role] == [True, True]  # nobody has been told yet
    assert jpki("ca", "crl", "--ca", "ca", "--out", "crl", env=BY_VARIABLES).code == 0
    assert [openssl_accepts(office, role) for role in Role] == [False, False]


def openssl_accepts(office: Office, role: Role) -> bool:
    root = office.path / f"{role.short}.pem"
    subprocess.run(
        ["openssl", "x509", "-inform", "DER", "-in", office.trust / f"{role.short}-1.cer", "-out", root], check=True
    )
    lists = ("-CRLfile", office.path / "crl" / f"{role.short}.crl")
    certificate = office.path / "out" / f"{role.short}-01000002.cer"
    done = subprocess.run(
        ["openssl", "verify", "-crl_check", "-CAfile", root, *lists, certificate],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 or "certificate revoked" in done.stderr
    return done.returncode == 0


def test_one_certificate_alone_is_issued(invoke: Invoke) -> None:
    told = issue(invoke, "--auth-request", "auth.p10", "--json", who=CHILD).json
    assert [one["name"] for one in told["certificates"]] == ["auth:01000002"]


def test_what_the_rules_do_not_give_is_refused_with_the_reason(invoke: Invoke, office: Office) -> None:
    done = issue(invoke, *BOTH, "--json", who=CHILD)
    assert (done.code, done.error["error"]) == (8, "NotEntitled")
    assert done.error["facts"]["reasons"] == ["under 15"]
    with office.authority() as authority:
        assert names(authority, CHILD) == []


def test_a_holder_has_one_valid_certificate_unless_it_is_replaced(invoke: Invoke, office: Office) -> None:
    assert issue(invoke, "--sign-request", "sign.p10").code == 0
    office.request("other.p10")
    refused = issue(invoke, "--sign-request", "other.p10", "--json")
    assert (refused.code, refused.error["error"]) == (8, "AlreadyCertified")
    assert refused.error["facts"]["name"] == "sign:01000002"
    replaced = issue(invoke, "--sign-request", "other.p10", "--replace", "--json").json
    assert replaced["certificates"][0]["predecessor"] == "sign:01000002"


def test_the_key_of_another_certificate_is_refused(invoke: Invoke) -> None:
    assert issue(invoke, "--sign-request", "sign.p10").code == 0
    done = issue(invoke, "--sign-request", "sign.p10", "--json", who=OTHER)
    assert (done.code, done.error["error"]) == (8, "KeyInUse")


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x30\x03\x02\x01\x00", b"-----BEGIN CERTIFICATE-----\n"])
def test_a_request_that_is_none_is_named(invoke: Invoke, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.p10").write_bytes(content)
    done = issue(invoke, "--sign-request", "bad.p10", "--json")
    assert (done.code, done.error["error"], done.error["facts"]["path"]) == (2, "WrongFile", "bad.p10")


def test_a_request_that_its_key_did_not_sign_is_refused(invoke: Invoke, tmp_path: Path) -> None:
    request = bytearray((tmp_path / "sign.p10").read_bytes())
    request[-1] ^= 1
    (tmp_path / "bad.p10").write_bytes(request)
    done = issue(invoke, "--sign-request", "bad.p10", "--json")
    assert (done.code, done.error["error"]) == (8, "BadRequest")


def test_a_missing_request_is_told_before_the_passphrase_is_asked_for(invoke: Invoke) -> None:
    arguments = ("ca", "issue", "residents.csv", "--id", ADULT, *OPTIONS)
    assert invoke(*arguments, "--sign-request", "nowhere.p10").code == 2
    done = invoke(*arguments)
    assert done.code == 2
    assert "--sign-request" in done.told


def test_with_the_wrong_passphrase_nothing_is_issued(invoke: Invoke, office: Office) -> None:
    done = issue(invoke, *BOTH, "--json", JPKI_CA_PASSPHRASE="wrong")
    assert (done.code, done.error["error"]) == (8, "WrongPassphrase")
    with office.authority() as authority:
        assert names(authority) == []


def test_a_folder_that_cannot_be_written_stops_it_before_anything_is_issued(invoke: Invoke, office: Office) -> None:
    (office.path / "out").write_text("a file")
    assert issue(invoke, *BOTH).code == 2
    with office.authority() as authority:
        assert names(authority) == []


# --- the file of residents --------------------------------------------------------------------------------------------


def damaged(office: Office, change: Any) -> None:
    office.residents.write_bytes(change(office.residents.read_bytes()))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda text: b"\xff\xfe" + text, "ResidentsUnreadable"),
        (lambda text: text.replace(b"furigana", b"kana", 1), "ResidentsUnreadable"),
        (lambda text: b"", "ResidentsUnreadable"),
        (lambda text: text.replace(b"1980-02-03", b"1980-02-31", 1), "BadResident"),
        (lambda text: text + text.splitlines()[1] + b"\n", "BadResident"),
        (lambda text: text.replace(ADULT.encode(), b"R9"), "NoSuchResident"),
    ],
    ids=["no UTF-8", "another column", "empty", "no such day", "twice", "not there"],
)
def test_a_bad_file_of_residents_is_told_and_no_field_shown(
    invoke: Invoke, office: Office, change: Any, error: str
) -> None:
    damaged(office, change)
    done = issue(invoke, *BOTH, "--json")
    assert (done.code, done.error["error"]) == (2, error)
    assert "Traceback" not in done.told
    assert not {"公的", "花子", "霞が関", "1980"} & set(done.told.split())


@pytest.mark.parametrize(
    ("change", "problem", "todo"),
    [
        (lambda text: text.decode().encode("cp932", "replace"), "Shift_JIS", "iconv -f CP932"),
        (lambda text: text.decode().encode("utf-16"), "UTF-16", "iconv -f UTF-16"),
        (lambda text: text.decode().encode("utf-16-le"), "UTF-16", "iconv -f UTF-16"),
        (lambda text: b"\x89PNG\r\n\x1a\n\0\0", "not UTF-8", "UTF-8"),
        (lambda text: text.replace(b",", b";"), "semicolons", "commas"),
        (lambda text: text.replace(b",", b"\t"), "tabs", "commas"),
        (lambda text: b"", "empty", "docs/rules.md"),
        (lambda text: b"\xef\xbb\xbf\n", "empty", "docs/rules.md"),
        (lambda text: text.split(b"\n", 1)[1], "no columns", "resident_id,my_number,name"),
        (lambda text: b"a text\n", "no columns", "resident_id,my_number,name"),
        (lambda text: text.replace("公的　花子".encode(), '"公的'.encode(), 1), "not CSV", "docs/rules.md"),
        (lambda text: text + b"R" * 70_000, "a line that is too long", "docs/rules.md"),
    ],
)
def test_a_file_of_another_form_is_named_with_a_way_to_mend_it(
    invoke: Invoke, office: Office, change: Any, problem: str, todo: str
) -> None:
    damaged(office, change)
    for language in ("en", "ja"):
        done = issue(invoke, *BOTH, "--json", "--lang", language)
        assert (done.code, done.error["error"], done.error["facts"]["problem"]) == (2, "ResidentsUnreadable", problem)
        assert "residents.csv" in done.error["message"]
        assert len(done.error["message"]) < 120
        assert not {"公的", "花子", "霞が関"} & set(done.error["message"])
    assert todo in issue(invoke, *BOTH, "--lang", "en").told


def test_a_column_that_is_missing_unknown_or_there_twice_is_named(invoke: Invoke, office: Office) -> None:
    damaged(office, lambda text: text.replace(b"furigana", b"kana", 1).replace(b",note", b",name", 1))
    facts = issue(invoke, *BOTH, "--json").error["facts"]
    assert (facts["problem"], facts["missing"], facts["unknown"]) == ("columns", ["furigana", "note"], ["name", "kana"])


def test_after_an_issue_it_is_said_what_relying_parties_need(invoke: Invoke, office: Office) -> None:
    first = issue(invoke, "--auth-request", "auth.p10")
    assert "jpki ca crl --out FOLDER --ca ca" in first.told
    office.request("other.p10")
    replaced = issue(invoke, "--auth-request", "other.p10", "--replace")
    assert "are revoked" in replaced.told
    assert "jpki ca crl --out FOLDER --ca ca" in replaced.told


def test_a_bad_row_of_somebody_else_stops_nobody(invoke: Invoke, office: Office) -> None:
    damaged(office, lambda text: text.replace("公的　太郎".encode(), b""))
    assert issue(invoke, *BOTH).code == 0


def test_a_record_that_goes_back_to_a_person_says_why(invoke: Invoke) -> None:
    done = issue(invoke, *BOTH, "--json", who=NO_BIRTH_DATE)
    assert (done.code, done.error["facts"]["reasons"]) == (8, ["birth date unknown"])


# --- renewal ----------------------------------------------------------------------------------------------------------


def test_certificates_are_renewed_in_their_last_months(jpki: Program, old_office: Office) -> None:
    with old_office.authority() as authority, authority.store.snapshot() as view:
        (card,) = view.cards_of(DUE)
    done = jpki("ca", "renew", "residents.csv", "--id", DUE, *OPTIONS, *BOTH, "--json", env=BY_VARIABLES)
    assert done.code == 0, done.told
    assert_follows_its_schema(done.json)
    assert [one["predecessor"] for one in done.json["certificates"]] == ["sign:01000002", "auth:01000002"]
    for one in done.json["certificates"]:
        end = Certificate.parse((old_office.path / one["file"]).read_bytes()).not_after
        assert day_in_japan(end) <= card.expires_on
    with old_office.authority() as authority:
        chain = authority.chain(authority.find("sign:01000002"), end)
        assert chain.certificate.state is CertificateState.REVOKED
        assert str(chain.newest.name) == "sign:01000003"


@pytest.mark.usefixtures("old_office")
@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_renewal_says_the_same_as_text(invoke: Invoke, language: str) -> None:
    issue(invoke, *BOTH, who=DUE, command="renew")
    report = issue(invoke, *BOTH, "--json", who=DUE, command="renew").json
    assert (report["kind"], report["repeated"], len(report["certificates"])) == ("authority-issue", True, 2)
    text = issue(invoke, *BOTH, "--lang", language, who=DUE, command="renew").out
    assert differences(text, report, japanese=language == "ja") == []


def test_a_renewal_before_its_time_says_from_when(invoke: Invoke, office: Office) -> None:
    assert issue(invoke, "--auth-request", "auth.p10").code == 0
    office.request("new.p10")
    day = ("--card-expiry", "2036-01-01")
    done = issue(invoke, "--auth-request", "new.p10", *day, "--json", command="renew")
    assert (done.code, done.error["error"]) == (8, "RenewalTooEarly")


def test_where_no_card_is_known_its_last_day_is_asked_for(invoke: Invoke) -> None:
    done = issue(invoke, "--auth-request", "auth.p10", command="renew")
    assert done.code == 2
    assert "--card-expiry" in done.told


@pytest.mark.parametrize("day", ["tomorrow", "2036-02-30", ""])
def test_a_day_that_is_none_is_refused(invoke: Invoke, day: str) -> None:
    assert issue(invoke, *BOTH, "--card-expiry", day).code == 2

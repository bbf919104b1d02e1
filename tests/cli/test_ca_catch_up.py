"""`jpki ca catch-up`: a copy of the authority that was put back, and what was published since."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

import pytest
from command_line import Done, Invoke
from offices import ADULT, BY_VARIABLES, OTHER, Office
from schemas import assert_follows_its_schema
from told import differences

from jpki.formats import RevocationReason

CA = ("--ca", "ca")
OLD, NEW = "sign:01000002", "sign:01000003"
LAST = ("--last", "sign:01100000", "--last", "auth:01100000")


@pytest.fixture
def put_back(issued_office: Office) -> Office:
    """An office whose authority is an old copy: since it was made a card was issued, and two certificates revoked."""
    office = issued_office
    shutil.copytree(office.ca, office.path / "copy")
    office.issue(OTHER, datetime.now(UTC).replace(microsecond=0), "other.jpki")
    with office.authority() as authority:
        for name in (OLD, NEW):
            authority.revoke(authority.find(name), RevocationReason.KEY_COMPROMISE, datetime.now(UTC))
    office.publish()
    office.ca.rename(office.path / "lost")
    (office.path / "copy").rename(office.ca)
    return office


def catch_up(invoke: Invoke, *more: object) -> Done:
    return invoke("ca", "catch-up", *CA, *more)


def test_revocations_and_numbers_come_back_without_a_passphrase(invoke: Invoke, put_back: Office) -> None:
    done = catch_up(invoke, "--crl", "crl", *LAST, "--json")
    assert (done.code, done.told) == (0, "")
    assert_follows_its_schema(done.json)
    sign, auth = done.json["lists"]
    assert (sign["taken_over"], sign["not_known"], sign["list_number"]) == ([OLD, NEW], [NEW], 1)
    assert (auth["role"], auth["taken_over"]) == ("auth", [])
    lists = invoke("ca", "crl", *CA, "--out", "crl", "--json", **BY_VARIABLES).json["lists"]
    assert [(one["list_number"], one["entries"]) for one in lists] == [(0x100002, 2), (0x100002, 0)]
    put_back.issue(OTHER, datetime.now(UTC).replace(microsecond=0), "new.jpki")
    with put_back.authority() as authority:
        names = {str(one.name) for one in authority.list_certificates(datetime.now(UTC), holder=OTHER)}
    # Behind the highest number that is known, a good million is left out.
    assert names == {"sign:01200001", "auth:01200001"}


@pytest.mark.usefixtures("put_back")
@pytest.mark.parametrize("language", ["en", "ja"])
def test_text_and_json_say_the_same_and_again_there_is_nothing_left(invoke: Invoke, language: str) -> None:
    text = catch_up(invoke, "--crl", "crl", *LAST, "--lang", language)
    assert OLD in text.out
    assert "jpki ca crl --out FOLDER --ca ca" in text.told
    report = catch_up(invoke, "--crl", "crl", *LAST, "--json").json
    again = catch_up(invoke, "--crl", "crl", *LAST, "--lang", language).out
    assert [one["taken_over"] for one in report["lists"]] == [[], []]
    assert differences(again, report, japanese=language == "ja") == []


@pytest.mark.usefixtures("put_back")
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--crl", "crl"), "MissingParameter"),
        (("--crl", "crl", "--last", "sign:01100000"), "MissingParameter"),
        (LAST, "MissingParameter"),
        (("--crl", "crl", "--last", "sign:01100000", "--last", "auth:0100000000"), "BadValue"),
        (("--crl", "crl", "--last", "01100000", "--last", "auth:01100000"), "BadCertificateName"),
        (("--crl", "crl/sign.crl", *LAST), "BadValue"),
        (("--crl", "crl", *LAST, "--no-list", "sign:01000002"), "BadValue"),
        (("--crl", "crl", *LAST, "--no-list", "sign"), "BadCertificateName"),
        (("--crl", "crl", *LAST, "--no-seal", "--seal", "ca/seals/000001.json"), "BadValue"),
        (("--crl", "crl", *LAST, "--seal", "nowhere"), "FileUnreadable"),
        (("--crl", "crl", *LAST, "--seal", "crl/sign.crl"), "FileUnreadable"),
        (("--crl", "ca", *LAST), "NothingInFolder"),
        (("--crl", "nowhere", *LAST), "FileUnreadable"),
        (("--crl", "ca/certificates/sign-1.cer", *LAST), "WrongFile"),
    ],
)
def test_what_is_missing_or_wrong_is_named_and_nothing_done(
    invoke: Invoke, put_back: Office, arguments: tuple[str, ...], error: str
) -> None:
    done = catch_up(invoke, *arguments, "--json")
    assert (done.code, done.error["error"]) == (2, error)
    with put_back.authority() as authority:
        assert authority.chain(authority.find(OLD), datetime.now(UTC)).certificate.revocation is None


def test_a_list_that_another_key_signed_is_named(invoke: Invoke, put_back: Office) -> None:
    path = put_back.path / "crl" / "sign.crl"
    altered = bytearray(path.read_bytes())
    altered[-1] ^= 1
    path.write_bytes(altered)
    done = catch_up(invoke, "--crl", "crl", *LAST, "--json")
    assert (done.code, done.error["error"], done.error["facts"]["path"]) == (2, "WrongFile", "crl/sign.crl")


def test_a_damaged_copy_is_found_out_first(invoke: Invoke, put_back: Office) -> None:
    store = put_back.ca / "authority.sqlite3"
    content = bytearray(store.read_bytes())
    middle = len(content) // 2 & ~0xFFF
    content[middle : middle + 0x1000] = b"\xff" * 0x1000
    store.write_bytes(content)
    done = catch_up(invoke, "--crl", "crl", *LAST, "--json")
    assert (done.code, done.error["error"]) == (8, "StoreDamaged")
    assert ADULT not in done.told

"""`jpki ca crl`: which lists are made, and how they get to the outlets."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from command_line import Invoke
from directory_server import DirectoryServer, directory, make_directory
from offices import BY_VARIABLES, Office
from schemas import assert_follows_its_schema
from told import differences

from jpki.ca import ListOrder, make_lists
from jpki.formats import CertificateList, RevocationReason
from jpki.terms import CertificateName, Role

__all__ = ["directory", "make_directory"]

CA = ("--ca", "ca")
NAME = CertificateName(Role.AUTHENTICATION, 0x0100_0002)
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])


def crl(invoke: Invoke, *words: object, code: int = 0, **env: str) -> dict[str, Any]:
    done = invoke("ca", "crl", *CA, *words, "--json", **(env or BY_VARIABLES))
    assert done.code == code, done.told
    assert_follows_its_schema(done.json)
    found: dict[str, Any] = done.json
    return found


def revoke(office: Office, reason: RevocationReason = RevocationReason.KEY_COMPROMISE) -> None:
    with office.authority() as authority:
        authority.revoke(NAME, reason, datetime.now(UTC))


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.crl"))


def read(path: Path) -> CertificateList:
    return CertificateList.parse(path.read_bytes())


@pytest.fixture
def outlet(tmp_path: Path) -> Path:
    (tmp_path / "outlet").mkdir()
    return tmp_path / "outlet"


def test_full_and_municipal_lists_come_into_a_folder(invoke: Invoke, issued_office: Office, outlet: Path) -> None:
    revoke(issued_office)
    told = crl(invoke, "--full", "--municipal", "--outlet", "outlet")
    assert [(one["role"], one["generation"], one["entries"], one["file"]) for one in told["lists"]] == [
        ("sign", 1, 0, None),
        ("auth", 1, 1, None),
    ]
    assert [(one["role"], one["municipalities"], one["entries"]) for one in told["municipal"]] == [
        ("sign", 1, 0),
        ("auth", 1, 1),
    ]
    assert [(one["put"], one["not_put"], one["outlet_errors"]) for one in told["outlets"]] == [(4, 0, [])]
    found = files(outlet)
    assert len(found) == 4
    assert {path for path in found if path.count("-") == 1} == {"crl/sign-1.crl", "crl/auth-1.crl"}
    assert all(NAME.number in {entry.serial for entry in read(outlet / one)} for one in found if "auth" in one)


def test_municipal_lists_alone_are_made(invoke: Invoke, issued_office: Office, outlet: Path) -> None:
    told = crl(invoke, "--municipal", "--role", "sign", "--outlet", "outlet")
    assert (told["lists"], len(told["municipal"]), len(files(outlet))) == ([], 1, 1)


def test_deltas_come_into_a_folder_of_their_own(invoke: Invoke, issued_office: Office, outlet: Path) -> None:
    crl(invoke, "--full", "--municipal", "--outlet", "outlet")
    before = {one: (outlet / one).read_bytes() for one in files(outlet)}
    revoke(issued_office, RevocationReason.CERTIFICATE_HOLD)
    told = crl(invoke, "--full", "--municipal", "--delta", "--urgent", "--outlet", "outlet")
    assert (told["delta"], told["urgent"]) == (True, True)
    assert [(one["put"], one["there_already"]) for one in told["outlets"]] == [(4, 4)]
    assert {one: (outlet / one).read_bytes() for one in before} == before
    assert sorted(f"delta/{one.removeprefix('crl/')}" for one in before) == sorted(set(files(outlet)) - set(before))
    delta = read(outlet / "delta" / "auth-1.crl")
    assert (delta.is_delta, [entry.serial for entry in delta]) == (True, [NAME.number])


def test_what_was_made_and_not_copied_is_copied_by_the_next_run(
    invoke: Invoke, issued_office: Office, outlet: Path
) -> None:
    with issued_office.authority() as authority:  # as a run that was killed between the two leaves it
        made = make_lists(authority, ListOrder(municipal=True), datetime.now(UTC))
    told = crl(invoke, "--push-only", "--outlet", "outlet", JPKI_LANG="en")  # without a passphrase
    assert (told["lists"], told["outlets"][0]["put"]) == ([], len(made))
    assert {read(outlet / one).number for one in files(outlet)} == {1}
    again = crl(invoke, "--push-only", "--outlet", "outlet", JPKI_LANG="en")
    assert (again["outlets"][0]["put"], again["outlets"][0]["there_already"]) == (0, len(made))
    (outlet / "crl" / "sign-1.crl").write_bytes(b"damaged")
    (outlet / "crl" / "auth-1.crl").unlink()
    assert crl(invoke, "--push-only", "--outlet", "outlet", JPKI_LANG="en")["outlets"][0]["put"] == 2


def test_lists_of_older_keys_come_along(invoke: Invoke, issued_office: Office, outlet: Path) -> None:
    with issued_office.authority() as authority:
        authority.new_generation(Role.SIGNATURE, datetime.now(UTC))
    told = crl(invoke, "--outlet", "outlet", "--out", "flat")
    assert [(one["role"], one["generation"]) for one in told["lists"]] == [("sign", 1), ("sign", 2), ("auth", 1)]
    assert files(outlet) == ["crl/auth-1.crl", "crl/sign-1.crl", "crl/sign-2.crl"]
    flat = issued_office.path / "flat"
    assert files(flat) == ["auth.crl", "sign-1.crl", "sign.crl"]
    assert (flat / "sign.crl").read_bytes() == (outlet / "crl" / "sign-2.crl").read_bytes()
    assert (flat / "sign-1.crl").read_bytes() == (outlet / "crl" / "sign-1.crl").read_bytes()


def test_outlets_stand_in_a_file_of_the_authority(
    invoke: Invoke, issued_office: Office, outlet: Path, directory: DirectoryServer
) -> None:
    (issued_office.ca / "outlets.toml").write_text(
        f"""
        [[outlet]]
        folder = "{outlet}"

        [[outlet]]
        address = "{directory.secure}"
        user = "{directory.user}"
        password_file = "{directory.password_file}"
        authorities = "{directory.certificate}"
        entry_limit = 1000000
        """
    )
    told = crl(invoke, "--full", "--municipal")
    assert [(one["outlet"], one["put"]) for one in told["outlets"]] == [(str(outlet), 4), (directory.secure, 4)]
    entry = directory.search(
        "ou=Japan Agency for Local Authority Information Systems,ou=JPKI for digital signature,o=JPKI-TEST,c=JP",
        "certificateRevocationList;binary",
    )
    assert entry is not None
    assert entry["certificateRevocationList;binary"] == [(outlet / "crl" / "sign-1.crl").read_bytes()]
    one = crl(invoke, "--push-only", "--outlet", directory.secure, JPKI_LANG="en")
    assert [(each["outlet"], each["there_already"]) for each in one["outlets"]] == [(directory.secure, 4)]


def test_an_outlet_that_fails_holds_up_no_other_and_is_told(
    invoke: Invoke, issued_office: Office, outlet: Path
) -> None:
    told = crl(invoke, "--outlet", "gone", "--outlet", "outlet", code=8)
    assert [(one["put"], one["not_put"], one["outlet_errors"]) for one in told["outlets"]] == [
        (0, 2, ["OutletFolderMissing"]),
        (2, 0, []),
    ]
    assert len(told["lists"]) == 2
    done = invoke("ca", "crl", *CA, "--push-only", "--outlet", "gone", JPKI_LANG="en")
    assert done.code == 8
    assert "gone" in done.told
    assert "jpki ca crl --push-only --ca ca" in done.told


def test_folders_in_the_file_are_below_the_authoritys(invoke: Invoke, issued_office: Office) -> None:
    (issued_office.ca / "outlets.toml").write_text("[[outlet]]\nfolder = 'public'\n")
    (issued_office.ca / "public").mkdir()
    crl(invoke)
    assert files(issued_office.ca / "public") == ["crl/auth-1.crl", "crl/sign-1.crl"]


def test_what_an_outlet_was_given_is_recorded(invoke: Invoke, issued_office: Office, outlet: Path) -> None:
    crl(invoke, "--outlet", "outlet")
    with issued_office.authority() as authority, authority.store.snapshot() as view:
        assert {(one.outlet, one.number) for one in view.copies()} == {(str(outlet), 1)}


def test_without_an_outlet_it_is_said_that_nobody_sees_the_lists(invoke: Invoke, issued_office: Office) -> None:
    done = invoke("ca", "crl", *CA, **BY_VARIABLES, JPKI_LANG="en")
    assert (done.code, "jpki ca crl --push-only --outlet FOLDER --ca ca" in done.told) == (0, True)


@LANGUAGES
def test_a_round_with_outlets_says_the_same_as_text(
    invoke: Invoke, issued_office: Office, outlet: Path, language: str
) -> None:
    words = ("--full", "--municipal", "--urgent", "--outlet", "outlet", "--outlet", "gone")
    report = crl(invoke, *words, code=8)
    text = invoke("ca", "crl", *CA, *words, "--lang", language, **BY_VARIABLES).out
    for row in (*report["lists"], *report["municipal"]):  # another round by now
        row["list_number"] += 1
    found = differences(text, report, table="lists", japanese=language == "ja")
    assert [line for line in found if "_update" not in line] == []


@pytest.mark.parametrize(
    ("words", "facts"),
    [
        (("--delta", "--out", "crl"), {"parameter": "--out", "problem": "deltas never stand beside complete lists"}),
        (("--push-only", "--full"), {"parameter": "--push-only", "problem": "nothing is made with it"}),
        (
            ("--outlet", "ldaps://directory.example"),
            {"parameter": "--outlet", "problem": "a directory that outlets.toml does not have"},
        ),
    ],
)
def test_what_contradicts_itself_is_refused(
    invoke: Invoke, issued_office: Office, words: tuple[str, ...], facts: dict[str, str]
) -> None:
    done = invoke("ca", "crl", *CA, *words, "--json", **BY_VARIABLES)
    assert (done.code, done.error["facts"]) == (2, facts)


@pytest.mark.parametrize(
    ("text", "where", "problem"),
    [
        ("[[outlet]", "", "not TOML"),
        ("folder = 'x'", "folder", "not [[outlet]], one for each"),
        ("outlet = 3", "outlet", "not [[outlet]], one for each"),
        ("[[outlet]]", "outlet 1", "neither a folder, nor address, user and password_file"),
        ("[[outlet]]\nfolder = 'x'\nuser = 'y'", "outlet 1", "neither a folder, nor address, user and password_file"),
        ("[[outlet]]\naddress = 'x'", "outlet 1", "neither a folder, nor address, user and password_file"),
        ("[[outlet]]\naddress = 'x'\nuser = 'y'\npassword = 'z'", "outlet 1",
         "neither a folder, nor address, user and password_file"),
        ("[[outlet]]\nfolder = 3", "outlet 1", "not a text"),
        ("[[outlet]]\nfolder = 'x'\n[[outlet]]\nfolder = 'x'", "outlet 2", "one outlet twice"),
        ("[[outlet]]\naddress = 'x'\nuser = 'y'\npassword_file = 'z'\nentry_limit = true", "outlet 1",
         "an entry_limit that is no number of octets"),
    ],
)  # fmt: skip
def test_a_file_of_outlets_that_is_wrong_is_refused_before_anything_is_made(
    invoke: Invoke, issued_office: Office, text: str, where: str, problem: str
) -> None:
    file = issued_office.ca / "outlets.toml"
    file.write_text(text)
    done = invoke("ca", "crl", *CA, "--json", **BY_VARIABLES)
    assert (done.code, done.error["facts"]) == (2, {"path": "ca/outlets.toml", "where": where, "problem": problem})
    with issued_office.authority() as authority, authority.store.snapshot() as view:
        assert view.newest_lists(authority.certificates[Role.SIGNATURE].name) == ()

"""`jpki card sign` and `jpki card auth`: signatures that other programs accept."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command_line import AtTerminal, Invoke, Program
from issued import AUTHORITY_KEY, key

from cli.files import write_file
from jpki.verify import Challenge, LoginResponse

PINS = {"JPKI_SIGN_PIN": "ABC123", "JPKI_AUTH_PIN": "1234"}
CHALLENGE = Challenge(bytes(range(32)), "https://bank.example", datetime(2026, 11, 22, tzinfo=UTC))


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "契約書.txt"
    path.write_text("第1条", "utf-8")
    return path


@pytest.fixture
def challenge(tmp_path: Path) -> Path:
    path = tmp_path / "challenge.json"
    path.write_text(json.dumps(CHALLENGE.as_facts()), "utf-8")
    return path


def exchanges(told: str) -> list[str]:
    return [line for line in told.splitlines() if " -> " in line]


def test_openssl_verifies_the_signature_as_the_help_says(jpki: Program, invoke: Invoke, card: Path) -> None:
    (jpki.home / "FILE").write_text("text")
    assert jpki("card", "sign", "FILE", "-e", card, env=PINS).code == 0
    page = invoke("card", "sign", "--help").out
    lines = [line.strip() for line in page.splitlines() if line.strip().startswith("openssl ")]
    assert len(lines) == 2
    done = jpki.shell(" && ".join(lines))
    assert done.out == "Verified OK\n", done.told


def test_signature_and_certificate_stand_beside_the_file(invoke: Invoke, card: Path, document: Path) -> None:
    told = invoke("card", "sign", document, "-e", card, "--json", **PINS).json
    assert told["signature_file"] == f"{document}.sig"
    assert len(Path(told["signature_file"]).read_bytes()) == 256
    assert Path(f"{document}.crt").read_bytes()[0] == 0x30
    assert told["name"] == "sign:06D18006"


def test_other_names_can_be_given(invoke: Invoke, card: Path, document: Path, tmp_path: Path) -> None:
    names = ("--out", "a.sig", "--certificate", "a.crt")
    assert invoke("card", "sign", document, "-e", card, *names, **PINS).code == 0
    assert (tmp_path / "a.sig").exists()
    assert (tmp_path / "a.crt").exists()
    assert not Path(f"{document}.sig").exists()


@pytest.mark.parametrize("suffix", ["sig", "crt"])
def test_files_that_are_there_are_seen_before_the_pin_is_used(
    invoke: Invoke, card: Path, document: Path, suffix: str
) -> None:
    in_the_way = Path(f"{document}.{suffix}")
    in_the_way.write_text("mine")
    done = invoke("card", "sign", document, "-e", card, "--json", "--trace", **PINS)
    assert (done.code, done.error["facts"]["path"]) == (2, str(in_the_way))
    assert exchanges(done.told) == []


def test_a_known_certificate_is_not_read_again(invoke: Invoke, card: Path, document: Path, tmp_path: Path) -> None:
    invoke("card", "sign", document, "-e", card, "--certificate", "known.crt", **PINS)
    again = ("card", "sign", document, "-e", card, "--force", "--allow-last-try", "--trace")
    done = invoke(*again, "--known-certificate", tmp_path / "known.crt", **PINS)
    assert done.code == 0
    assert [line.split()[3][:4] for line in exchanges(done.told)] == ["00A4", "0020", "802A"]


def test_a_known_certificate_of_another_key_is_found_out(
    invoke: Invoke, card: Path, document: Path, tmp_path: Path
) -> None:
    invoke("card", "cert", "auth", "-e", card, "--out", "other.crt")
    done = invoke("card", "sign", document, "-e", card, "--json", "--known-certificate", "other.crt", **PINS)
    assert (done.code, done.error["error"]) == (4, "KeyMismatch")
    assert not Path(f"{document}.sig").exists()


def test_a_login_with_a_known_certificate_takes_five_exchanges(
    at_terminal: AtTerminal, invoke: Invoke, card: Path, challenge: Path
) -> None:
    invoke("card", "cert", "auth", "-e", card, "--out", "auth.crt")
    terminal = at_terminal(
        "card", "auth", "-e", card, "--challenge", challenge, "--known-certificate", "auth.crt", "--trace"
    )
    terminal.until("tries left: 3")
    terminal.type("1234")
    assert terminal.end() == 0
    assert [line.split()[3][:4] for line in exchanges(terminal.shown)] == ["00A4", "0020", "00A4", "0020", "802A"]


def test_the_response_is_what_a_site_verifies(invoke: Invoke, card: Path, challenge: Path, tmp_path: Path) -> None:
    done = invoke("card", "auth", "-e", card, "--challenge", challenge, **PINS)
    response = LoginResponse.from_facts(done.json)
    assert (response.origin, response.nonce) == (CHALLENGE.origin, CHALLENGE.nonce)
    (tmp_path / "c.crt").write_bytes(response.certificate)
    (tmp_path / "c.sig").write_bytes(response.signature)
    (tmp_path / "c.msg").write_bytes(CHALLENGE.message)
    public = subprocess.run(
        ["openssl", "x509", "-in", "c.crt", "-noout", "-pubkey"], cwd=tmp_path, capture_output=True, check=True
    ).stdout
    (tmp_path / "c.pub").write_bytes(public)
    subprocess.run(
        ["openssl", "dgst", "-sha256", "-verify", "c.pub", "-signature", "c.sig", "c.msg"], cwd=tmp_path, check=True
    )


def test_the_response_goes_to_a_file(invoke: Invoke, card: Path, challenge: Path, tmp_path: Path) -> None:
    done = invoke("card", "auth", "-e", card, "--challenge", challenge, "--out", "response.json", "--json", **PINS)
    assert done.json["kind"] == "card-login"
    assert LoginResponse.from_facts(json.loads((tmp_path / "response.json").read_bytes())).nonce == CHALLENGE.nonce


def test_a_person_sees_the_site_before_the_pin_is_asked_for(
    at_terminal: AtTerminal, card: Path, challenge: Path
) -> None:
    terminal = at_terminal("card", "auth", "-e", card, "--challenge", challenge)
    shown = terminal.until("tries left")
    assert shown.index("https://bank.example") < shown.index("Enter")


@pytest.mark.parametrize(
    "content",
    [b"", b"nonsense", b"[" * 100_000, b"\xff", b"[]", b'{"kind": "login-challenge"}', b'{"nonce": 1}', None],
    ids=["empty", "text", "deep", "binary", "list", "no fields", "no kind", "missing"],
)
def test_a_challenge_that_is_none_is_refused_before_the_card(
    invoke: Invoke, card: Path, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "bad.json"
    if content is not None:
        path.write_bytes(content)
    done = invoke("card", "auth", "-e", card, "--challenge", path, "--json", "--trace", **PINS)
    assert done.code == 2
    assert done.error["error"] in ("WrongFile", "FileUnreadable")
    assert done.error["facts"]["path"] == str(path)
    assert exchanges(done.told) == []


@pytest.mark.parametrize("path", ["missing", "."])
def test_a_document_that_cannot_be_read_is_named(invoke: Invoke, card: Path, path: str) -> None:
    for names in ((), ("--out", "x", "--certificate", "y")):
        done = invoke("card", "sign", path, "-e", card, "--json", *names, **PINS)
        assert (done.code, done.error["error"], done.error["facts"]["path"]) == (2, "FileUnreadable", path)


@pytest.mark.parametrize("path", [".", ".."])
def test_a_folder_is_no_file_to_write_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    from cli.errors import FileUnwritable

    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path / "folder")
    with pytest.raises(FileUnwritable) as caught:
        write_file(Path(path), b"data")
    assert caught.value.path == path
    assert [found.name for found in tmp_path.rglob("*")] == ["folder"]


def test_a_folder_that_is_not_there_is_named_as_such(invoke: Invoke, card: Path, document: Path) -> None:
    done = invoke("card", "sign", document, "-e", card, "--json", "--out", "no/such/folder", **PINS)
    assert (done.code, done.error["error"]) == (2, "FileUnwritable")


def test_a_file_that_came_there_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    from cli.errors import FileInTheWay

    (tmp_path / "file").write_text("mine")
    with pytest.raises(FileInTheWay):
        write_file(tmp_path / "file", b"other", replace=False)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_certificate_that_is_none_is_refused(invoke: Invoke, card: Path, document: Path, tmp_path: Path) -> None:
    (tmp_path / "not.crt").write_bytes(key(AUTHORITY_KEY).public_key_info)
    done = invoke("card", "sign", document, "-e", card, "--json", "--known-certificate", "not.crt", **PINS)
    assert (done.code, done.error["error"], done.error["facts"]["path"]) == (2, "WrongFile", "not.crt")

"""The programs of docs/relying-party.md, run as printed: a new user copies them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from small_pki import ATTRIBUTES, AUTH_CA, HOLDER, SIGN_CA, Authority

from jpki.verify import LoginResponse, SignatureWrong

PAGE = (Path(__file__).parents[2] / "docs" / "relying-party.md").read_text("utf-8")
DOCUMENT, LOGIN = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[:2]
ANSWER = "# The answer comes back,"
CONTENT = b"a contract"


def living(authority: Authority) -> Authority:
    """Returns the authority with a period around the real present, as the programs ask the clock."""
    now = datetime.now(UTC).replace(microsecond=0)
    return replace(authority, not_before=now - timedelta(days=9), not_after=now + timedelta(days=9))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lists").mkdir()
    (tmp_path / "my-ca" / "certificates").mkdir(parents=True)
    for authority, word in ((living(SIGN_CA), "sign"), (living(AUTH_CA), "auth")):
        now = authority.not_before + timedelta(days=9)
        period = {"not_before": authority.not_before, "not_after": authority.not_after}
        (tmp_path / "my-ca" / "certificates" / f"{word}-1.cer").write_bytes(authority.root())
        (tmp_path / f"{word}.crt").write_bytes(authority.issue(HOLDER, **period))
        listed = authority.revocation_list(this_update=now - timedelta(hours=1), next_update=now + timedelta(days=2))
        (tmp_path / "lists" / f"{word}.crl").write_bytes(listed)
    (tmp_path / "contract.pdf").write_bytes(CONTENT)
    (tmp_path / "contract.pdf.sig").write_bytes(HOLDER.sign(CONTENT))
    (tmp_path / "contract.pdf.crt").write_bytes((tmp_path / "sign.crt").read_bytes())
    return tmp_path


def run(program: str, names: dict[str, object]) -> dict[str, object]:
    exec(compile(program, "docs/relying-party.md", "exec"), names)  # noqa: S102
    return names


def test_the_program_for_a_document_tells_who_signed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(DOCUMENT, {})
    assert capsys.readouterr().out == f"sign:0A0B0C0D {ATTRIBUTES[1]}\n"


def test_the_program_for_a_document_stops_at_an_altered_one(folder: Path) -> None:
    (folder / "contract.pdf").write_bytes(CONTENT + b"\n")
    with pytest.raises(SignatureWrong):
        run(DOCUMENT, {})


def test_the_program_for_a_login_tells_the_certificate(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = run(DOCUMENT.split("document =")[0], {})
    asking, answering = LOGIN.split(ANSWER)
    challenge = run(asking, names)["challenge"]
    signature = HOLDER.sign(challenge.message)  # type: ignore[attr-defined]
    certificate = (folder / "auth.crt").read_bytes()
    response = LoginResponse("https://bank.example", challenge.nonce, signature, certificate)  # type: ignore[attr-defined]
    (folder / "response.json").write_text(json.dumps(response.as_facts()))
    run(answering.partition("\n")[2], names)
    assert capsys.readouterr().out == "auth:0A0B0C0D\n"

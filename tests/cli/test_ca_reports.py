"""What commands of the authority report once: the text of a second run says what the JSON of another one says."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from command_line import PATIENCE, Invoke, Program
from offices import BY_VARIABLES, Office
from soft_tokens import new_soft_token
from told import differences

CA = ("--ca", "ca")
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])
CEREMONY = """
title = "Generation 2"

[[key]]
role = "sign"
generation = 2

[[witness]]
name = "Suzuki Hanako"

[[step]]
make = "sign"
"""


def others(text: str, report: dict[str, Any], language: str, *moving: str) -> list[str]:
    """Returns in what text and report differ, but for the fields that differ from run to run."""
    found = differences(text, report, japanese=language == "ja")
    return [line for line in found if not line.split(" = ")[0].strip().startswith(moving or "\0")]


@pytest.mark.usefixtures("issued_office")
@LANGUAGES
def test_a_seal_says_the_same_as_text(invoke: Invoke, language: str) -> None:
    report = invoke("ca", "audit", "seal", *CA, "--json", **BY_VARIABLES).json
    text = invoke("ca", "audit", "seal", *CA, "--lang", language, **BY_VARIABLES).out
    report["seal_number"] += 1
    moving = ("sealed_at", "grown_chains", "file", "signature_file", "sha256")
    assert others(text, report, language, *moving) == []


@pytest.mark.usefixtures("issued_office")
@LANGUAGES
def test_a_backup_says_the_same_as_text(invoke: Invoke, language: str) -> None:
    report = invoke("ca", "backup", "one.age", *CA, "--json", **BY_VARIABLES).json
    (Path("one.age")).unlink()
    text = invoke("ca", "backup", "one.age", *CA, "--lang", language, **BY_VARIABLES).out
    assert others(text, report, language, "at", "made_at", "size", "sha256") == []


@pytest.mark.usefixtures("issued_office")
@LANGUAGES
def test_the_status_says_the_same_as_text(invoke: Invoke, language: str) -> None:
    report = invoke("ca", "status", *CA, "--json").json
    text = invoke("ca", "status", *CA, "--lang", language).out
    assert others(text, report, language, "at") == []


@LANGUAGES
def test_a_new_key_says_the_same_as_text(invoke: Invoke, office: Office, tmp_path: Path, language: str) -> None:
    office.copied_to(tmp_path / "again")
    report = invoke("ca", "key", "new", "--role", "auth", "--yes", *CA, "--json", **BY_VARIABLES).json
    os.chdir(tmp_path / "again")
    text = invoke("ca", "key", "new", "--role", "auth", "--yes", *CA, "--lang", language, **BY_VARIABLES).out
    assert others(text, report, language, "not_before", "not_after", "sha256") == []


@LANGUAGES
def test_a_ceremony_says_the_same_as_text(jpki: Program, tmp_path: Path, language: str) -> None:
    """Rehearsed or run, its report is made in one place."""
    (tmp_path / "ceremony.toml").write_text(CEREMONY, "utf-8")
    module = new_soft_token(tmp_path / "hsm").module
    words = ("ca", "key", "ceremony", "rehearse", "ceremony.toml", "--alone", "--module", module, "--out")
    report = jpki(*words, "rehearsed", "--json").json
    (tmp_path / "rehearsed").rename(tmp_path / "before")
    text = jpki(*words, "rehearsed", "--lang", language).out
    assert others(text, report, language, "not_before", "not_after", "sha256") == []


@LANGUAGES
def test_a_service_says_the_same_as_text(jpki: Program, issued_office: Office, language: str) -> None:
    def told(*words: str) -> str:
        process = jpki.start("serve", *CA, "--port", 0, *words, **BY_VARIABLES)
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        if "--json" not in words:
            lines.append(process.stdout.readline())
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
        return b"".join(lines).decode()

    report = json.loads(told("--json"))
    assert others(told("--lang", language), report, language, "service") == []

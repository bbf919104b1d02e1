"""The locked files: everything with hashes, nothing of the machine they were made on, and what the project asks for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCKED = sorted((ROOT / "requirements").glob("*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PINNED = re.compile(r"^([a-z0-9][a-z0-9-]*)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE)


def pinned(path: Path) -> dict[str, str]:
    return {match[1]: match[2] for match in PINNED.finditer(path.read_text("utf-8"))}


def asked_for(*extras: str) -> set[str]:
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in PROJECT["optional-dependencies"][extra])]
    return {re.split(r"[<>=!~\[ ]", line)[0].lower() for line in lines}


@pytest.mark.parametrize("path", LOCKED, ids=lambda path: path.stem)
def test_a_locked_file_holds_pins_with_hashes_and_comments_and_nothing_else(path: Path) -> None:
    rest = PINNED.sub("", path.read_text("utf-8"))
    assert pinned(path)
    assert [line for line in rest.splitlines() if line.strip() and not line.lstrip().startswith("#")] == []


@pytest.mark.parametrize("path", LOCKED, ids=lambda path: path.stem)
def test_a_locked_file_names_no_index_and_no_host(path: Path) -> None:
    assert not re.search(r"://|--(index|extra|find|trusted)|@", path.read_text("utf-8"))


def test_one_version_of_a_package_serves_every_purpose() -> None:
    versions: dict[str, set[str]] = {}
    for path in LOCKED:
        for name, version in pinned(path).items():
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_the_demonstration_has_what_it_needs_and_no_pyscard() -> None:
    names = pinned(ROOT / "requirements" / "demo.txt").keys()
    assert asked_for("authority", "cli") | {"setuptools"} <= names
    assert "pyscard" not in names


def test_the_tests_have_what_every_extra_needs() -> None:
    assert asked_for("authority", "cli", "card") | {"setuptools"} <= pinned(ROOT / "requirements" / "tests.txt").keys()

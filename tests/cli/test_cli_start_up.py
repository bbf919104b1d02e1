"""What a command loads: what it does not need would make each of them slow to start."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import surroundings

SLOW = {
    "alembic",
    "asn1crypto",
    "cryptography",
    "emulator",
    "jpki.ca",
    "jpki.formats",
    "rich",
    "smartcard",
    "sqlalchemy",
}


def loaded_by(folder: Path, *arguments: str) -> set[str]:
    """Returns the modules that are loaded when a command has ended."""
    program = (
        "import atexit, json, os, sys\n"
        "atexit.register(lambda: os.write(3, json.dumps(sorted(sys.modules)).encode()))\n"
        f"sys.argv = ['jpki', *{list(arguments)!r}]\n"
        "from cli import main\nmain()\n"
    )
    done = subprocess.run(
        ["bash", "-c", 'exec 3>modules; exec "$@"', "bash", sys.executable, "-c", program],
        cwd=folder,
        env=surroundings(folder),
        capture_output=True,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    return set(json.loads((folder / "modules").read_bytes()))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--version",),
        ("card", "--help"),
        ("card", "sign", "--help"),
        ("emulator", "run", "--help"),
        ("completion", "bash"),
        ("nonsense",),
        ("card", "sign"),
        ("card", "sign", "missing"),
        ("card", "info", "--nonsense"),
    ],
    ids=" ".join,
)
def test_help_and_mistakes_load_nothing_that_takes_long(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert loaded_by(tmp_path, *arguments) & SLOW == set()


def test_a_command_loads_what_it_needs_and_no_more(tmp_path: Path, card: Path) -> None:
    loaded = loaded_by(tmp_path, "card", "info", "-e", str(card))
    assert {"jpki.card", "emulator"} <= loaded
    assert loaded & {"jpki.ca", "jpki.verify", "rich", "smartcard", "sqlalchemy"} == set()


@pytest.mark.parametrize(
    ("left_out", "arguments", "needed"),
    [
        ("click", ("--help",), "click rich"),
        ("rich", ("doctor",), "click rich"),
        ("sqlalchemy", ("emulator", "create", "card.jpki"), "sqlalchemy alembic"),
        ("alembic", ("demo",), "sqlalchemy alembic"),
    ],
)
@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_was_left_out_at_installation_is_named_with_the_command_that_installs_it(
    tmp_path: Path, left_out: str, arguments: tuple[str, ...], needed: str, language: str
) -> None:
    program = (
        f"import sys\nsys.modules[{left_out!r}] = None\nsys.argv = ['jpki', '--lang', {language!r}, *{arguments!r}]\n"
        "from cli import main\nmain()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=surroundings(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    what, todo = done.stderr.splitlines()
    assert done.returncode == 1
    assert f" {left_out}" in what
    assert what.isascii() == (language == "en")
    assert todo.endswith(f"pip install {needed}")

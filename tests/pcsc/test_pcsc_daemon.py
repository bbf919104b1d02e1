"""The PC/SC daemon stops, hangs, or may not be used."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from corner import new_namespaces

from jpki.card import NoDaemon, NoPermission, readers

pytestmark = [pytest.mark.pcsc, pytest.mark.usefixtures("pcscd")]

HERE = Path(__file__).parents[1]
NOBODY = 65_534


def tell(kind: str, tmp_path: Path) -> list[dict[str, str]]:
    """Runs the program that uses a card while its daemon stops, and returns what it was told."""
    corner = new_namespaces() if kind == "killed" else []
    if corner is None:  # then a daemon cannot be had for oneself: break the connections to the machine's instead
        kind, corner = "cut", []
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join((str(HERE), str(HERE.parent))),
        "PCSCLITE_CSOCK_NAME": "/run/pcscd/pcscd.comm" if kind == "killed" else str(tmp_path / "pcscd.comm"),
    }
    program = [*corner, sys.executable, str(HERE / "daemon_of_its_own.py"), kind]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told: list[dict[str, str]] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("kind", ["killed", "cut"])
def test_a_daemon_that_stops_at_any_exchange_is_an_error_and_can_be_started_again(kind: str, tmp_path: Path) -> None:
    gone = "NoDaemon"
    expected = {"login": gone, "again": gone, "readers": gone, "open": gone, "after a new start": "done"}
    assert tell(kind, tmp_path) == [expected] * 4


def test_a_daemon_that_hangs_is_not_waited_for_without_end(tmp_path: Path) -> None:
    assert tell("hung", tmp_path) == [
        {"login": "CardMute", "again": "CardMute", "readers": "NoDaemon", "open": "NoDaemon"}
    ]


@pytest.fixture
def folder_for_all() -> Iterator[Path]:
    """Returns a folder that every user may enter; pytest's own, and those above it, are this user's alone."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_daemon_that_is_not_there_and_one_that_may_not_be_used_are_told_apart(folder_for_all: Path) -> None:
    path = folder_for_all / "pcscd.comm"
    program = f"""
import os
import smartcard.scard  # as long as this user may read where it is installed
from jpki.card import readers
from jpki.errors import CardError
if os.geteuid() == 0:
    os.setegid({NOBODY}); os.seteuid({NOBODY})
try:
    readers()
except CardError as error:
    print(type(error).__name__)
"""

    def told() -> str:
        environment = os.environ | {"PYTHONPATH": str(HERE.parent), "PCSCLITE_CSOCK_NAME": str(path)}
        run = [sys.executable, "-c", program]
        return subprocess.run(run, env=environment, capture_output=True, text=True, check=True).stdout.strip()

    assert told() == NoDaemon.__name__
    with socket.socket(socket.AF_UNIX) as closed:
        closed.bind(str(path))
        closed.listen()
        path.chmod(0o000)
        assert told() == NoPermission.__name__


def test_the_daemon_that_is_there_is_used() -> None:
    assert any("Virtual PCD" in reader.name for reader in readers())

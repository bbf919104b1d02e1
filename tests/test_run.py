"""`./run` on machines that lack something: what it asks for, and what it says where it cannot help."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).parent.parent / "run"
JAPANESE = re.compile(r"[ぁ-んァ-ヶ一-龠]")


class Machine:
    """A path of programs of our own making, with just enough to run the script, and no Python that serves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder.parent / "log"
        for name in ("cat", "dirname", "env", "sed", "sh"):
            (folder / name).symlink_to(shutil.which(name) or name)

    def program(self, name: str, body: str) -> None:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def recorded(self, name: str, code: int = 0) -> None:
        self.program(name, f'echo "{name} $*" >>"{self.log}"\nexit {code}')

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        surroundings = {
            "PATH": str(self.folder),
            "PYTHON": "no-such-python",
            "LC_ALL": os.environ.get("LC_ALL", "C.UTF-8"),
        }
        return subprocess.run(
            [RUN, *arguments], env=surroundings, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    folder = tmp_path / "bin"
    folder.mkdir()
    made = Machine(folder)
    made.program("id", "echo 1000")
    return made


def says_in_both_languages(done: subprocess.CompletedProcess[str], packages: str) -> bool:
    japanese, english = done.stderr.splitlines()[-2:]
    assert done.returncode != 0
    assert done.stdout == ""
    assert JAPANESE.search(japanese)
    assert not JAPANESE.search(english)
    return japanese.endswith(f"apt-get install {packages}") and english.endswith(f"apt-get install {packages}")


@pytest.mark.parametrize("arguments", [(), ("tset",), ("test-all",)])
def test_a_word_that_is_none_is_answered_with_those_that_are(machine: Machine, arguments: tuple[str, ...]) -> None:
    done = machine.run(*arguments)
    assert done.returncode == 2
    assert re.findall(r"^\./run (\w+)", done.stderr, re.MULTILINE) == ["demo", "test", "bench", "lint", "soak"]


def test_asked_for_help_it_lists_its_words(machine: Machine) -> None:
    done = machine.run("--help")
    assert done.returncode == 0
    assert "./run demo" in done.stdout


def test_without_apt_it_says_which_packages_are_needed(machine: Machine) -> None:
    assert says_in_both_languages(machine.run("demo"), "python3 python3-venv")


def test_without_root_and_sudo_it_says_which_packages_are_needed(machine: Machine) -> None:
    machine.recorded("apt-get")
    assert says_in_both_languages(machine.run("demo"), "python3 python3-venv")
    assert not machine.log.exists()


def test_with_a_sudo_that_refuses_it_says_which_packages_are_needed(machine: Machine) -> None:
    machine.recorded("apt-get")
    machine.recorded("sudo", code=1)
    assert says_in_both_languages(machine.run("demo"), "python3 python3-venv")
    assert machine.log.read_text().splitlines() == ["sudo -n true"]


def test_when_apt_fails_it_says_which_packages_are_needed(machine: Machine) -> None:
    machine.program("id", "echo 0")
    machine.recorded("apt-get", code=100)
    assert says_in_both_languages(machine.run("demo"), "python3 python3-venv")


def test_as_root_it_updates_once_and_installs_what_is_missing(machine: Machine) -> None:
    machine.program("id", "echo 0")
    machine.recorded("apt-get")
    machine.run("demo")
    update, install = machine.log.read_text().splitlines()
    assert update.startswith("apt-get update")
    assert install.endswith("python3 python3-venv")


def test_what_is_there_is_not_asked_for(machine: Machine) -> None:
    machine.program("id", "echo 0")
    machine.recorded("apt-get")
    for name in ("openssl", "pkcs11-tool", "pkcs15-tool"):
        machine.recorded(name)
    machine.run("test")
    asked = machine.log.read_text().splitlines()[-1].split()
    assert {"gcc", "python3-dev", "python3-venv"} <= set(asked)
    assert not {"openssl", "opensc"} & set(asked)

"""`./run` on machines that lack something: what it asks for, and what it says where it cannot help."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RUN = ROOT / "run"
JAPANESE = re.compile(r"[ぁ-んァ-ヶ一-龠]")


# A Python that says what it is asked for: it serves, and an environment of it holds a `jpki` that does so too.
PYTHON = """
echo "${0##*/} $*" >>"$LOG"
if [ "$1 $2" = "-m venv" ]; then
    mkdir -p "$4/bin"
    cp "$0" "$4/bin/python"
    cp "$0" "$4/bin/jpki"
fi
"""


class Machine:
    """A path of programs of our own making, with just enough to run the script, and no Python."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder.parent / "log"
        for name in ("cat", "cp", "dirname", "env", "flock", "mkdir", "sed", "sh", "sha256sum", "tr"):
            (folder / name).symlink_to(shutil.which(name) or name)

    def program(self, name: str, body: str) -> None:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def recorded(self, name: str, code: int = 0) -> None:
        self.program(name, f'echo "{name} $*" >>"{self.log}"\nexit {code}')

    def run(self, *arguments: str, script: Path = RUN, **more: str) -> subprocess.CompletedProcess[str]:
        surroundings = {
            "PATH": str(self.folder),
            "LC_ALL": os.environ.get("LC_ALL", "C.UTF-8"),
            "LOG": str(self.log),
        }
        return subprocess.run(
            [script, *arguments],
            env=surroundings | more,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def new_lines(self) -> list[str]:
        """Returns what was logged since the last time."""
        lines = self.log.read_text().splitlines()
        self.log.write_text("")
        return lines


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


@pytest.fixture
def clone(machine: Machine, tmp_path: Path) -> Path:
    """Returns the script in a clone of its own, on a machine whose Python serves."""
    machine.program("python3", PYTHON)
    clone = tmp_path / "clone of mine"
    shutil.copytree(ROOT / "requirements", clone / "requirements")
    shutil.copy(ROOT / "pyproject.toml", clone)
    return Path(shutil.copy(RUN, clone))


@pytest.mark.parametrize("arguments", [(), ("",), ("tset",), ("test-all",)])
def test_a_word_that_is_none_is_answered_with_those_that_are(machine: Machine, arguments: tuple[str, ...]) -> None:
    done = machine.run(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    japanese, english = done.stderr.splitlines()[:2]
    assert JAPANESE.search(japanese)
    assert not JAPANESE.search(english)
    for asked in filter(None, arguments):
        assert f"「{asked}」" in japanese
        assert f'"{asked}"' in english
    assert re.findall(r"^\./run (\w+)", done.stderr, re.MULTILINE) == ["demo", "test", "bench", "lint", "soak"]


def test_asked_for_help_it_lists_its_words(machine: Machine) -> None:
    done = machine.run("--help")
    assert done.returncode == 0
    assert "./run demo" in done.stdout
    assert done.stderr == ""


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


def test_a_python_asked_for_that_does_not_serve_is_named_and_nothing_is_installed(machine: Machine) -> None:
    machine.program("id", "echo 0")
    machine.recorded("apt-get")
    machine.recorded("python3.9", code=1)
    done = machine.run("demo", PYTHON="python3.9")
    assert done.returncode == 1
    assert [line.partition(" ")[0] for line in done.stderr.splitlines()] == ["PYTHON=python3.9"] * 2
    assert [line.partition(" ")[0] for line in machine.new_lines()] == ["python3.9"]


def test_a_python_that_does_not_serve_hides_none_that_does(machine: Machine, clone: Path, tmp_path: Path) -> None:
    first = tmp_path / "first"
    first.mkdir()
    (first / "python3").write_text("#!/bin/sh\nexit 1\n")
    (first / "python3").chmod(0o755)
    assert machine.run("demo", script=clone, PATH=f"{first}:{machine.folder}").returncode == 0


def test_locked_packages_go_in_with_their_hashes_and_then_the_project_alone(machine: Machine, clone: Path) -> None:
    assert machine.run("demo", script=clone).returncode == 0
    locked, project = [line for line in machine.new_lines() if " -m pip " in line]
    assert "--require-hashes --no-build-isolation -r" in locked
    assert locked.endswith("/requirements/demo.txt")
    assert "--no-deps --no-build-isolation --editable" in project
    assert project.endswith("/clone of mine")


def test_nothing_that_is_there_is_installed_again(machine: Machine, clone: Path) -> None:
    machine.run("demo", script=clone)
    machine.new_lines()
    machine.run("demo", script=clone)
    assert [line for line in machine.new_lines() if "pip" in line or "venv" in line] == []


def test_a_change_of_the_project_installs_the_project_alone_anew(machine: Machine, clone: Path) -> None:
    machine.run("demo", script=clone)
    machine.new_lines()
    with (clone.parent / "pyproject.toml").open("a") as project:
        project.write("# changed\n")
    machine.run("demo", script=clone)
    (installed,) = [line for line in machine.new_lines() if "pip" in line or "venv" in line]
    assert "--no-deps" in installed


def test_after_the_demonstration_it_says_how_to_call_the_command_by_its_name(machine: Machine, clone: Path) -> None:
    folder = clone.parent / ".venv" / "demo" / "bin"
    japanese, english = machine.run("demo", script=clone).stderr.splitlines()[-2:]
    assert japanese.endswith(f'PATH="{folder}:$PATH"')
    assert english.endswith(f'PATH="{folder}:$PATH"')
    assert "PATH=" not in machine.run("demo", script=clone, PATH=f"{folder}:{machine.folder}").stderr


def test_a_demonstration_that_fails_ends_it_as_it_ended(machine: Machine, clone: Path) -> None:
    machine.run("demo", script=clone)
    (clone.parent / ".venv" / "demo" / "bin" / "jpki").write_text("#!/bin/sh\nexit 7\n")
    for arguments in [("demo",), ("demo", "--json")]:
        done = machine.run(*arguments, script=clone)
        assert (done.returncode, done.stderr) == (7, "")


def test_where_it_cannot_write_it_says_so(machine: Machine, clone: Path) -> None:
    (clone.parent / ".venv").write_text("")
    done = machine.run("demo", script=clone)
    assert done.returncode == 1
    assert [str(clone.parent / ".venv") in line for line in done.stderr.splitlines()] == [True, True]

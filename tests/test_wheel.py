"""The wheel: what it holds, and that it works where no checkout, compiler or pyscard is; and what the source holds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Callable
from email import message_from_string
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("card_profiles", "cli", "emulator", "jpki")
BESIDE = (".ci", "benchmarks", "docs", "requirements", "tests")
BY_THEMSELVES = ("LICENSE", "README.ja.md", "README.md", "CONTRIBUTING.md", "SECURITY.md", "pyproject.toml", "run")
DATA = {".toml", ".txt"}
OUR_SCRATCH = (".git", ".venv", "build", "dist", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis", "jpki-demo")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

# One process builds and installs once for all of these tests.
pytestmark = pytest.mark.xdist_group("wheel")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a copy of the checkout, so that building leaves nothing in it; a demonstration has left its folder."""
    copy = shutil.copytree(
        ROOT, tmp_path_factory.mktemp("wheel") / "checkout", ignore=shutil.ignore_patterns(*OUR_SCRATCH)
    )
    left = copy / "jpki-demo" / "contract.txt"
    left.parent.mkdir()
    left.touch()
    return copy


@pytest.fixture(scope="module")
def wheel(checkout: Path) -> Path:
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "--wheel-dir",
            "out",
            ".",
        ],
        cwd=checkout,
        check=True,
    )
    (built,) = (checkout / "out").iterdir()
    return built


Run = Callable[..., str]


@pytest.fixture(scope="module")
def run(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Returns a way to run a program where the wheel is installed; its path holds that environment and nothing else."""
    home = tmp_path_factory.mktemp("elsewhere")
    venv.create(home / "venv", with_pip=True)
    programs = home / "venv" / "bin"
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "JPKI_"))}
    surroundings |= {"PATH": str(programs), "HOME": str(home), "CC": "no-compiler-here", "LC_ALL": "C.UTF-8"}

    def run_in(program: str, *arguments: str) -> str:
        done = subprocess.run(
            [programs / program, *arguments], cwd=home, env=surroundings, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def pip_install(*arguments: str) -> None:
        run_in("python", "-m", "pip", "install", "--quiet", *arguments)

    pip_install("--require-hashes", "--only-binary", ":all:", "-r", str(ROOT / "requirements" / "demo.txt"))
    pip_install("--no-deps", "--no-index", str(wheel))
    return run_in


def test_the_wheel_holds_the_four_packages_with_their_data_and_nothing_else(checkout: Path, wheel: Path) -> None:
    files = {
        path.relative_to(checkout).as_posix()
        for package in PACKAGES
        for path in (checkout / package).rglob("*")
        if path.is_file()
    }
    assert {name for name in files if Path(name).suffix not in {".py", *DATA}} == {
        f"{package}/py.typed" for package in PACKAGES
    }
    names = zipfile.ZipFile(wheel).namelist()
    described = {name for name in names if ".dist-info/" in name}
    assert set(names) - described == files
    assert {name.partition(".dist-info/")[2] for name in described} == {
        "METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE", "top_level.txt",
    }  # fmt: skip


def test_the_wheel_is_one_for_every_machine(wheel: Path) -> None:
    assert wheel.name == f"jpki_toolkit-{PROJECT['version']}-py3-none-any.whl"


def test_a_relying_party_is_asked_for_two_libraries_only(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith("METADATA"))
    metadata = message_from_string(archive.read(name).decode("utf-8"))
    required = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert sorted(line.partition(">")[0] for line in required) == ["cryptography"]


def test_there_is_no_compiler_and_no_pyscard_where_the_wheel_is_tried(run: Run) -> None:
    program = """
import importlib.util, json, shutil
print(json.dumps([shutil.which(name) for name in ("cc", "gcc", "clang")] + [importlib.util.find_spec("smartcard")]))
"""
    assert json.loads(run("python", "-c", program)) == [None, None, None, None]


def test_the_installed_verifier_loads_only_what_a_relying_party_has(run: Run) -> None:
    program = """
import json, sys
from importlib.metadata import packages_distributions
before = set(sys.modules)
from jpki.verify import verify
loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
owners = packages_distributions()
found = {owner for name in loaded for owner in owners.get(name, [])}
print(json.dumps({"callable": callable(verify), "from": sorted(found)}))
"""
    found = json.loads(run("python", "-c", program))
    assert found["callable"]
    assert "jpki-toolkit" in found["from"]
    assert set(found["from"]) <= {"jpki-toolkit", "cryptography", "cffi"}


def test_every_installed_card_profile_loads(run: Run) -> None:
    program = (
        "import card_profiles; print(*[card_profiles.load_profile(n).name for n in card_profiles.profile_names()])"
    )
    assert run("python", "-c", program).split() == sorted(path.stem for path in (ROOT / "card_profiles").glob("*.toml"))


def test_the_installed_command_tells_its_version(run: Run) -> None:
    assert PROJECT["version"] in run("jpki", "--version")


def test_the_installed_command_tells_the_whole_life_of_a_card(run: Run) -> None:
    assert run("jpki", "demo").strip()


def test_the_source_distribution_holds_the_tests_and_what_runs_them(checkout: Path) -> None:
    program = "from setuptools import build_meta; build_meta.build_sdist('source')"
    subprocess.run([sys.executable, "-c", program], cwd=checkout, capture_output=True, check=True)
    (archive,) = (checkout / "source").iterdir()
    with tarfile.open(archive) as source:
        held = {member.name.partition("/")[2]: member.mode for member in source if member.isfile()}
    files = {
        path.relative_to(checkout).as_posix()
        for folder in (*PACKAGES, *BESIDE)
        for path in (checkout / folder).rglob("*")
        if path.is_file()
    }
    assert {*files, *BY_THEMSELVES} - held.keys() == set()
    assert [name for name in ("run", ".ci/run") if not held[name] & 0o100] == []

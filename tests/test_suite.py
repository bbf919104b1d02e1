"""The rules of this suite, tried on a small one: who runs beside whom, and what a skip counts in CI."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

SHARES_THE_DAEMON = """
import pytest

@pytest.mark.pcsc
@pytest.mark.parametrize("number", range(8))
def test_daemon(number):
    pass
"""

SKIPS = {
    "inside": "import pytest\ndef test_it(): pytest.skip('no reader')",
    "by mark": "import pytest\n@pytest.mark.skip(reason='no reader')\ndef test_it(): pass",
    "by condition": "import pytest\n@pytest.mark.skipif(True, reason='no reader')\ndef test_it(): pass",
    "in a fixture": "import pytest\n@pytest.fixture\ndef reader(): pytest.skip('no reader')\ndef test_it(reader): pass",
    "a whole module": "import pytest\npytest.importorskip('no_reader')\ndef test_it(): pass",
}


@pytest.fixture
def small_suite(tmp_path: Path) -> Path:
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text("utf-8"), "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  pcsc: shares the daemon\n", "utf-8")
    return tmp_path


def run_pytest(folder: Path, *arguments: str, ci: bool = False) -> subprocess.CompletedProcess[str]:
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith(("CI", "PYTEST_"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:jpki", *arguments],
        cwd=folder,
        env=surroundings | ({"CI": "true"} if ci else {}),
        capture_output=True,
        text=True,
        check=False,
    )


def test_tests_that_share_the_daemon_run_in_one_process(small_suite: Path) -> None:
    (small_suite / "test_daemon.py").write_text(SHARES_THE_DAEMON, "utf-8")
    done = run_pytest(small_suite, "-v", "-n", "2", "--dist", "loadgroup")
    processes = re.findall(r"^\[(gw\d)\].* PASSED ", done.stdout, re.MULTILINE)
    assert len(processes) == 8, done.stdout
    assert len(set(processes)) == 1


@pytest.mark.parametrize("source", SKIPS.values(), ids=SKIPS.keys())
def test_a_skip_is_a_failure_in_ci_and_a_skip_elsewhere(small_suite: Path, source: str) -> None:
    (small_suite / "test_skip.py").write_text(source, "utf-8")
    here, in_ci = run_pytest(small_suite), run_pytest(small_suite, ci=True)
    assert "1 skipped" in here.stdout
    assert in_ci.returncode == (2 if "importorskip" in source else 1)
    assert "CI skips nothing" in in_ci.stdout


def test_an_expected_failure_stays_one_in_ci(small_suite: Path) -> None:
    (small_suite / "test_xfail.py").write_text(
        "import pytest\n@pytest.mark.xfail\ndef test_it(): assert False", "utf-8"
    )
    assert "1 xfailed" in run_pytest(small_suite, ci=True).stdout

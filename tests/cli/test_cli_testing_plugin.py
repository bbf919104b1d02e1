"""The pytest plugin, in test runs of other people: the examples of docs/testing.md, and runs that do not use it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from command_line import PATIENCE, Program, surroundings
from corner import a_corner

PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text("utf-8")
EXAMPLES = dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE, re.DOTALL))
# Where the project is installed, pytest finds the plugin by itself.
LOAD = [] if entry_points(group="pytest11", name="jpki") else ["-p", "cli.testing.plugin"]


def run_tests(folder: Path, content: str, *arguments: str, by: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Runs a test module as the user of the plugin does, with nothing of this suite about."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_it.py").write_text(content, "utf-8")
    return subprocess.run(
        [*by, sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-v", *LOAD, *arguments],
        cwd=folder,
        env=surroundings(folder),
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )


def page_commands() -> list[list[tuple[str, str]]]:
    """Returns, for each role, the commands on the page in hexadecimal, and how the answer begins."""
    rows = re.findall(r"^\| ([^|]*`\S+`) \| `((?:00|80)[^`]+)` \| ([^|]+) \|$", PAGE, re.MULTILINE)
    roles: list[list[tuple[str, str]]] = [[], []]
    for told, first, other in rows:
        second = other.strip("` ") if other.startswith("`") else first
        answer = "signature" if "256 bytes" in told else "63c" if "63C" in told else "9000"
        for role, command in zip(roles, (first, second), strict=True):
            role.append((command, answer))
    assert [len(role) for role in roles] == [4, 4]
    return roles


def assert_all_passed(done: subprocess.CompletedProcess[str], count: int) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{count} passed" in done.stdout
    assert "skipped" not in done.stdout
    assert "warning" not in done.stdout


def test_the_example_in_one_process_works(tmp_path: Path) -> None:
    assert_all_passed(run_tests(tmp_path, EXAMPLES["test_signing.py"]), 2)


@pytest.mark.pcsc
@pytest.mark.usefixtures("pcscd")
def test_the_example_through_a_reader_works(tmp_path: Path) -> None:
    assert_all_passed(run_tests(tmp_path, EXAMPLES["test_reader.py"]), 2)


@pytest.mark.pcsc
@pytest.mark.usefixtures("pcscd")
def test_a_daemon_is_started_where_none_runs_and_leaves_no_warning(tmp_path: Path) -> None:
    assert_all_passed(run_tests(tmp_path, EXAMPLES["test_reader.py"], "-W", "error", by=a_corner()), 2)


@pytest.mark.pcsc
@pytest.mark.usefixtures("pcscd")
def test_tests_with_readers_run_in_several_processes(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(EXAMPLES["conftest.py"], "utf-8")
    content = """
import subprocess
import pytest

@pytest.mark.parametrize("time", range(6))
def test_it(jpki_reader, time):
    assert jpki_reader.card.profile.name == "android"
    jpki_reader.pull()
    jpki_reader.put_back()
    shown = subprocess.run(["opensc-tool", "--reader", jpki_reader.name, "--atr"], capture_output=True, text=True)
    assert shown.returncode == 0, shown
"""
    assert_all_passed(run_tests(tmp_path, content, "-n", "3"), 6)


def test_the_commands_on_the_page_are_a_login_and_a_signature(tmp_path: Path) -> None:
    content = """
import hashlib
from jpki.formats import digest_info

def test_it(jpki_card, jpki_pins):
    words = {"<PIN>": jpki_pins.auth.encode(), "<password>": jpki_pins.sign.encode(),
             "<DigestInfo>": digest_info("sha256", hashlib.sha256(b"text").digest())}
    for role in COMMANDS:
        for command, answer in role:
            for word, value in words.items():
                command = command.replace(word, value.hex())
            found = jpki_card.transmit(bytes.fromhex(command)).hex()
            assert len(found) == 516 if answer == "signature" else found.startswith(answer), command
"""
    commands = page_commands()
    assert_all_passed(run_tests(tmp_path, f"COMMANDS = {commands!r}\n{content}"), 1)


def test_every_test_has_a_card_of_its_own(tmp_path: Path) -> None:
    content = """
import pytest

@pytest.mark.parametrize("time", range(2))
def test_a_pin_can_be_blocked(jpki_card, jpki_card_file, time):
    pins = jpki_card.state.applications["jpki"].pins
    assert {name: pin.tries_left for name, pin in pins.items()} == {"signature": 5, "authentication": 3}
    jpki_card.transmit(bytes.fromhex("00A4040C0AD392F000260100000001"))
    for _ in range(3):
        jpki_card.transmit(bytes.fromhex("002000980439393939"))
    assert jpki_card.state.applications["jpki"].pins["authentication"].tries_left == 0
    assert jpki_card_file.stat().st_mode & 0o777 == 0o600
"""
    assert_all_passed(run_tests(tmp_path, content), 2)


def test_other_kinds_of_cards_and_blank_ones_are_made(tmp_path: Path) -> None:
    content = """
import pytest
from emulator import LifeCycle, open_card

@pytest.fixture
def jpki_profile():
    return "android"

def test_a_phone(jpki_card, jpki_blank_card, jpki_blank_card_file):
    assert jpki_card.profile.name == jpki_blank_card.profile.name == "android"
    assert jpki_card.state.life_cycle is LifeCycle.SEALED
    assert jpki_blank_card.state.life_cycle is LifeCycle.BLANK
    with open_card(jpki_blank_card_file) as card:
        assert card.state.serial != jpki_blank_card.state.serial
"""
    assert_all_passed(run_tests(tmp_path, content), 1)


def test_a_revoked_card_is_refused(tmp_path: Path) -> None:
    content = """
from datetime import UTC, datetime
import pytest
from jpki.card import Encoded, LocalConnection, Resolving, find_application
from jpki.formats import RevocationReason
from jpki.terms import Role
from jpki.verify import CertificateAlone, CertificateRevoked, verify

def test_it(jpki_card, jpki_authority):
    with LocalConnection(jpki_card) as connection, find_application(Resolving(Encoded(connection))) as jpki:
        certificate = jpki.read_certificate(Role.AUTHENTICATION)
    subject = CertificateAlone(certificate.raw)
    now = datetime.now(UTC)
    verify(subject, jpki_authority.trust, jpki_authority.evidence(now), now).require()
    jpki_authority.authority.revoke(certificate.name(Role.AUTHENTICATION), RevocationReason.KEY_COMPROMISE, now)
    with pytest.raises(CertificateRevoked):
        verify(subject, jpki_authority.trust, jpki_authority.evidence(now), now).require()
"""
    assert_all_passed(run_tests(tmp_path, content), 1)


def test_a_run_that_uses_nothing_of_it_loads_nothing_of_it(tmp_path: Path) -> None:
    content = """
import sys

def test_nothing():
    rooms = {"click", "rich", "cryptography", "emulator", "card_profiles", "sqlalchemy", "smartcard"}
    assert rooms & {name.partition(".")[0] for name in sys.modules} == set()
    assert [name for name in sys.modules if name.startswith("jpki")] == []
"""
    assert_all_passed(run_tests(tmp_path, content), 1)


def test_the_fixtures_tell_what_they_are(tmp_path: Path) -> None:
    shown = run_tests(tmp_path, "", "--fixtures").stdout
    for name in re.findall(r"`(jpki_\w+)`", PAGE):
        assert re.search(rf"^{name}\b", shown, re.MULTILINE), name


def test_a_test_of_a_reader_is_skipped_with_the_reason_where_there_is_none(tmp_path: Path) -> None:
    content = """
import os
import shutil

os.environ["PCSCLITE_CSOCK_NAME"] = "/no/such/socket"
shutil.which = lambda *_, **__: None

def test_it(jpki_reader):
    pass
"""
    shown = run_tests(tmp_path, content, "-rs").stdout
    assert "1 skipped" in shown
    assert "apt-get install pcscd vsmartcard-vpcd" in shown


@pytest.mark.pcsc
@pytest.mark.usefixtures("pcscd")
def test_the_example_in_a_shell_works_as_printed(jpki: Program) -> None:
    example, *_ = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    done = jpki.shell(f"set -e\n{example}")
    assert done.code == 0, done.told
    assert done.out.strip().replace(":", "").upper() == "3BE000FF8131FE4514"

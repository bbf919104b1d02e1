"""`jpki issue` itself, through the real daemon, ended in the middle: run again, it finishes the card."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import Popen

import pytest
from authorities import RESIDENTS
from command_line import Program
from desk_bench import Bench, Moment
from logins import is_logged_out
from prime_pool import PrimePool

from cli.exits import ExitCode
from emulator import open_card
from jpki.card import open_reader
from jpki.terms import CertificateName, Role

pytestmark = pytest.mark.pcsc

SECRETS = {"JPKI_CA_PASSPHRASE": "a passphrase for tests", "JPKI_SIGN_PIN": "ABC123", "JPKI_AUTH_PIN": "1234"}
MIDDLE = 40
NAMES = [str(CertificateName(role, 0x0100_0002)) for role in Role]

Interrupt = Callable[[Bench, "Popen[bytes]"], Callable[[], None]]


@pytest.fixture
def program(tmp_path: Path, bench: Bench) -> Iterator[Program]:
    """Runs the program in a folder with an authority; a blank card of its own is in the reader."""
    program = Program(tmp_path)
    for words in (["ca", "init", "--ca", "ca"], ["emulator", "create", "card.jpki"]):
        made = program(*words, env=SECRETS)
        assert made.code == 0, made.told
    with open_card(tmp_path / "card.jpki", keys=PrimePool(3)) as card:
        bench.card.put(card)
        bench.card.arm(0, Moment.BEFORE, lambda: None)
        yield program


def issue(bench: Bench) -> list[object]:
    """Returns the words of the command."""
    return ["issue", RESIDENTS, "--id", "R000056", "--reader", bench.slot.name, "--ca", "ca", "--json"]


@pytest.mark.parametrize(
    ("interrupt", "code"),
    [
        (lambda bench, process: process.kill, -signal.SIGKILL),
        (lambda bench, process: lambda: process.send_signal(signal.SIGINT), ExitCode.INTERRUPTED),
        (lambda bench, process: bench.slot.pull, ExitCode.CARD),
    ],
    ids=["killed", "Ctrl-C", "pulled"],
)
def test_an_issue_that_was_interrupted_is_finished_by_the_same_command(
    bench: Bench, program: Program, interrupt: Interrupt, code: int
) -> None:
    process = program.start(*issue(bench), **SECRETS)
    bench.card.arm(MIDDLE, Moment.AFTER, interrupt(bench, process))
    said, told = process.communicate(timeout=60)
    assert process.returncode == code, told
    assert said == b""
    assert b"Traceback" not in told
    assert bench.card.lost_power.wait(10)
    if not bench.slot.bridge.inserted:
        bench.slot.put_back()
    bench.card.arm(0, Moment.BEFORE, lambda: None)
    with open_reader(bench.slot.name) as connection:
        assert is_logged_out(connection)
    again = program(*issue(bench), env=SECRETS)
    assert again.code == 0, again.told
    assert [one["name"] for one in again.json["certificates"]] == NAMES
    listed = program("ca", "list", "--ca", "ca", "--json").json["certificates"]
    assert {one["name"]: one["state"] for one in listed} == dict.fromkeys(NAMES, "valid")
    pins = program("card", "pin-status", "--reader", bench.slot.name, "--json").json["pins"]
    assert [one["tries_left"] for one in pins] == [5, 3]

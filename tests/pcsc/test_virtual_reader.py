"""Cards of users' tests and of the command line in the virtual reader, beside other tests and other programs."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from corner import a_corner
from daemon_of_its_own import Between
from made_cards import SERIAL
from readers_with_cards import Slot
from virtual_reader import until

from card_profiles import load_profile
from cli.testing.reader import CardInReader, CardNotMoved
from cli.virtual_reader import inserted, reader_of, virtual_slots
from emulator import SLOT_PORTS, EmulatedCard, create_blank
from jpki.card import readers

pytestmark = [pytest.mark.pcsc, pytest.mark.usefixtures("pcscd")]

ROOT = Path(__file__).parents[2]

PROGRAMS = 12
STARTS = """
import sys
from cli.testing.daemon import have_daemon
from cli.virtual_reader import virtual_slots
print("ready", flush=True)
sys.stdin.readline()
have_daemon()
print(len(virtual_slots()))
"""
AT_ONCE = f"""
import subprocess, sys
start = [sys.executable, "-c", {STARTS!r}]
pipes = {{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}}
programs = [subprocess.Popen(start, **pipes) for _ in range({PROGRAMS})]
for program in programs:
    program.stdout.readline()
for program in programs:
    program.stdin.write("go\\n")
    program.stdin.flush()
print(*(program.communicate()[0].strip() for program in programs))
"""
INSERTS = """
import sys
from card_profiles import load_profile
from cli.virtual_reader import inserted
from emulator import create_blank
with inserted(create_blank(load_profile("mynumber"), bytes(10)), *map(int, sys.argv[2:]), ask_every=float(sys.argv[1])):
    print("inserted", flush=True)
    sys.stdin.read()
"""


def a_card() -> EmulatedCard:
    return create_blank(load_profile("mynumber"), SERIAL)


@pytest.fixture
def no_other_cards() -> None:
    """Skips the test where somebody's card stays in the reader: it needs both slots."""
    if not until(lambda: not any(slot.has_card for slot in virtual_slots() or ()), 5):
        pytest.skip("somebody's card is in the virtual reader")


def test_test_processes_that_need_a_daemon_at_once_start_one(tmp_path: Path) -> None:
    run = [*a_corner(), sys.executable, "-c", AT_ONCE]
    env = {"PATH": "/usr/bin:/usr/sbin:/bin:/sbin", "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    done = subprocess.run(run, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.split() == ["2"] * PROGRAMS, done.stderr


def test_a_card_that_is_out_has_its_slot_kept_from_other_tests(no_other_cards: None) -> None:
    order: list[str] = []

    def enter() -> None:
        with CardInReader(a_card()):
            order.append("another test goes in")

    other = threading.Thread(target=enter)
    with CardInReader(a_card()) as first, CardInReader(a_card()) as second:
        assert first.name != second.name
        first.pull()
        other.start()
        second.pull()
        second.put_back()
        first.put_back()
        assert {reader.name for reader in readers() if reader.has_card} >= {first.name, second.name}
        order.append("these leave")
    other.join(60)
    assert order == ["these leave", "another test goes in"]


def test_a_card_is_gone_when_its_test_is_over(no_other_cards: None) -> None:
    for _ in range(3):
        with CardInReader(a_card()) as card:
            assert [reader.name for reader in readers() if reader.has_card] == [card.name]


def test_to_pull_and_to_put_back_twice_is_as_good_as_once() -> None:
    with CardInReader(a_card()) as card:
        card.put_back()
        card.pull()
        card.pull()
        assert not any(reader.has_card for reader in readers() if reader.name == card.name)
        card.put_back()
        assert any(reader.has_card for reader in readers() if reader.name == card.name)


def test_cards_of_other_programs_are_told_where_they_stay(
    no_other_cards: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.testing.reader._OTHER_PROGRAMS_MAY_KEEP_SLOTS", 0.0)
    with ExitStack() as pulled:
        for _ in SLOT_PORTS:
            pulled.callback(Slot(a_card()).pull_and_wait)
        with pytest.raises(CardNotMoved, match="other programs"), CardInReader(a_card()):
            pass


def test_the_reader_of_a_card_is_found_whichever_slot_it_is_in(no_other_cards: None) -> None:
    for slot in range(len(SLOT_PORTS)):
        with inserted(a_card(), slot) as bridge:
            name = reader_of(bridge)
            assert [reader.name for reader in readers() if reader.has_card] == [name]
        assert until(lambda name=name: not any(one.has_card for one in readers() if one.name == name))


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Between]:
    """A door between PC/SC programs and the machine's daemon, which knows how often it was used."""
    monkeypatch.setenv("PCSCLITE_CSOCK_NAME", str(tmp_path / "door"))
    door = Between(silent=False)
    door.start()
    yield door
    door.stop()


def used(door: Between, times: int, *arguments: object) -> bool:
    """Returns whether a program that has a card in the reader uses the door so often while it does nothing else."""
    run = [sys.executable, "-c", INSERTS, *map(str, arguments)]
    env = {"PYTHONPATH": str(ROOT), "PCSCLITE_CSOCK_NAME": os.environ["PCSCLITE_CSOCK_NAME"]}
    with subprocess.Popen(run, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "inserted\n"
        found = until(lambda: door.uses >= times)
        program.communicate()
        assert program.returncode == 0
        return found


def test_a_card_in_the_reader_keeps_the_daemon_from_ending_by_itself(door: Between) -> None:
    assert used(door, 5, 0.05)


@pytest.mark.parametrize("slot", [(), (0,), (1,)], ids=["any slot", "slot 0", "slot 1"])
def test_a_daemon_that_sleeps_is_woken_before_a_card_is_put_in(
    no_other_cards: None, door: Between, slot: tuple[int, ...]
) -> None:
    assert used(door, 1, 3600, *slot)

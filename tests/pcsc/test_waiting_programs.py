"""A program that waits for a card, or is killed while it uses one."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from readers_with_cards import Slot
from watched_cards import IMPATIENT, WatchedCard, came_back_logged_out, log_in, read_certificate

from jpki.card import CardMute, Encoded, open_reader

pytestmark = pytest.mark.pcsc

_LOGGED_IN = """
import sys
from certified_cards import SIGN_PASSWORD
from card_profiles import load_profile
from jpki.card import Encoded, JpkiApplication, open_reader
from jpki.terms import Role
connection = open_reader(sys.argv[1])
with JpkiApplication.select(Encoded(connection), load_profile("mynumber")) as jpki:
    jpki.verify_pin(Role.SIGNATURE, SIGN_PASSWORD)
    print("logged in", flush=True)
    sys.stdin.readline()
    jpki.sign(Role.SIGNATURE, bytes(20))
"""


def program(source: str, *arguments: str) -> subprocess.Popen[str]:
    """Starts a program that finds this toolkit and the modules of its tests."""
    here = Path(__file__).parents[1]
    run = f"import sys; sys.path[:0] = [{str(here)!r}, {str(here.parent)!r}]\n{source}"
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", run, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def test_a_program_that_is_killed_while_logged_in_leaves_a_card_that_is_not(slot: Slot, device: WatchedCard) -> None:
    with program(_LOGGED_IN, slot.name) as logged_in:
        assert logged_in.stdout is not None
        assert logged_in.stdout.readline() == "logged in\n"
        device.lost_power.clear()
        logged_in.send_signal(signal.SIGKILL)
    assert device.lost_power.wait(10)
    assert came_back_logged_out(slot)
    with open_reader(slot.name) as connection:
        log_in(Encoded(connection))


def test_a_card_that_does_not_answer_is_not_waited_for_without_end(slot: Slot, device: WatchedCard) -> None:
    with open_reader(slot.name, IMPATIENT) as connection:
        read_certificate(Encoded(connection))
        device.answers.clear()
        for _ in range(2):
            with pytest.raises(CardMute) as caught:
                log_in(Encoded(connection))
            assert caught.value.reader == slot.name
    device.answers.set()
    with open_reader(slot.name) as connection:
        log_in(Encoded(connection))


def test_a_program_that_waits_for_a_card_can_be_interrupted(slot: Slot, device: WatchedCard) -> None:
    with program(_LOGGED_IN, slot.name) as waiting:
        assert waiting.stdin is not None
        assert waiting.stdout is not None
        assert waiting.stderr is not None
        assert waiting.stdout.readline() == "logged in\n"
        device.answers.clear()
        device.asked.clear()
        waiting.stdin.write("go on\n")
        waiting.stdin.flush()
        assert device.asked.wait(10)
        waiting.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in waiting.stderr.read()
    device.answers.set()

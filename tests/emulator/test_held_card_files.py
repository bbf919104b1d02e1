"""Who holds a card file, and what becomes of whoever else wants it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_cards import select_jpki

from emulator import CardFileBusy, CardFileDamaged, open_card

ROOT = Path(__file__).parent.parent.parent
SELECT_JPKI = "00A4040C0AD392F000260100000001"
AUTH_TRIES, AUTH_RIGHT, AUTH_WRONG = "00200098", "002000980431323334", "002000980439393939"


def test_one_process_does_not_hold_a_card_twice(path: Path) -> None:
    with open_card(path), pytest.raises(CardFileBusy):
        open_card(path)
    open_card(path).close()


def test_a_card_is_not_held_twice_under_two_names(path: Path) -> None:
    (path.parent / "other.card").symlink_to(path)
    with open_card(path), pytest.raises(CardFileBusy):
        open_card(path.parent / "other.card")


def test_a_link_to_a_card_stays_a_link(path: Path) -> None:
    link = path.parent / "other.card"
    link.symlink_to(path)
    with open_card(link) as card:
        assert select_jpki(card)(AUTH_WRONG) == "63C2"
    assert link.is_symlink()
    with open_card(path) as card:
        assert select_jpki(card)(AUTH_TRIES) == "63C2"


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Holds the card in another process."""
    program = (
        "import sys; from pathlib import Path; from emulator import open_card\n"
        "card = open_card(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_another_process_does_not_get_a_held_card_and_gets_a_killed_ones(
    path: Path, holder: subprocess.Popen[str]
) -> None:
    with pytest.raises(CardFileBusy):
        open_card(path)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    open_card(path).close()


def test_who_holds_a_lock_file_that_was_deleted_counts_no_try_and_accepts_no_pin(path: Path) -> None:
    with open_card(path, strict=True) as first:
        send = select_jpki(first)
        path.with_name("alice.card.lock").unlink()
        with open_card(path, strict=True) as second:
            assert select_jpki(second)(AUTH_WRONG) == "63C2"
            assert [send(AUTH_WRONG), send(AUTH_RIGHT)] == ["6581", "6581"]
            assert select_jpki(second)(AUTH_TRIES) == "63C2"


FORKED = """
import os, sys
from pathlib import Path
from emulator import open_card
card = open_card(Path(sys.argv[1]), strict=True)
card.transmit(bytes.fromhex(sys.argv[2]))
child = os.fork()
print(*(card.transmit(bytes.fromhex(command)).hex().upper() for command in sys.argv[3:]), flush=True)
os.waitpid(child, 0) if child else os._exit(0)
"""


def test_a_forked_process_counts_no_try_and_accepts_no_pin(path: Path) -> None:
    command = [sys.executable, "-c", FORKED, path, SELECT_JPKI, AUTH_WRONG, AUTH_RIGHT]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert sorted(said.splitlines()) == ["63C2 9000", "6581 6581"]


def test_a_refused_card_file_is_let_go_of(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    with pytest.raises(CardFileDamaged):
        open_card(path)
    path.write_bytes(whole)
    open_card(path).close()

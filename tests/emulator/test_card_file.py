"""A card as one file: what it looks like, and what happens where it cannot be written."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from made_cards import SERIAL, select_jpki

from card_profiles import CardProfile
from emulator import CardFile, CardFileExists, CardFileNotWritten, CardState, create_blank, open_card

ROOT = Path(__file__).parent.parent.parent
SELECT_JPKI = "00A4040C0AD392F000260100000001"
AUTH_TRIES, AUTH_RIGHT, AUTH_WRONG = "00200098", "002000980431323334", "002000980439393939"


def test_a_card_file_is_its_owners_alone_and_says_what_it_is(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    title, checksum, body = path.read_bytes().split(b"\n", 2)
    assert title == b"JPKI-TEST emulated card, format 1"
    assert checksum == b"sha256 " + hashlib.sha256(body).hexdigest().encode()
    values = json.loads(body)
    assert list(values)[:3] == ["profile", "serial", "life_cycle"]
    assert (values["profile"], values["serial"]) == ("mynumber", SERIAL.hex())


def test_a_card_is_the_same_after_it_was_put_away(path: Path, state: CardState) -> None:
    with CardFile.open(path) as file:
        assert file.state == state


def test_a_counter_is_in_the_file_when_the_answer_comes(path: Path) -> None:
    with open_card(path, strict=True) as card:
        send = select_jpki(card)
        assert send(AUTH_WRONG) == "63C2"
        body = path.read_bytes().split(b"\n", 2)[2]
        assert json.loads(body)["applications"]["jpki"]["pins"]["authentication"]["tries_left"] == 2
        assert send(AUTH_WRONG) == "63C1"
    with open_card(path, strict=True) as card:
        assert select_jpki(card)(AUTH_TRIES) == "63C1"


def test_a_file_stays_its_owners_alone_after_a_write_under_any_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        with open_card(path) as card:
            assert select_jpki(card)(AUTH_WRONG) == "63C2"
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.with_name("alice.card.lock").stat().st_mode) == 0o600
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["alice.card", "alice.card.lock"]


def test_what_a_killed_process_left_half_written_is_no_obstacle(path: Path) -> None:
    path.with_name(".alice.card.new").write_bytes(b"JPKI-TEST emul")
    with open_card(path, strict=True) as card:
        assert select_jpki(card)(AUTH_WRONG) == "63C2"
    with open_card(path, strict=True) as card:
        assert select_jpki(card)(AUTH_TRIES) == "63C2"
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["alice.card", "alice.card.lock"]


def test_a_blank_card_is_made_once(tmp_path: Path, profile: CardProfile) -> None:
    create_blank(profile, SERIAL, tmp_path / "blank.card").close()
    with pytest.raises(CardFileExists):
        create_blank(profile, bytes(10), tmp_path / "blank.card")
    with open_card(tmp_path / "blank.card") as card:
        assert card.state.serial == SERIAL


def test_a_profile_of_ones_own_stands_in_for_the_shipped_one(path: Path, profile: CardProfile) -> None:
    own = replace(profile, atr=b"\x3b\x00")
    with open_card(path, own) as card:
        assert card.power_on() == b"\x3b\x00"


def test_a_card_is_not_made_where_it_cannot_be_written(tmp_path: Path, state: CardState) -> None:
    with pytest.raises(CardFileNotWritten):
        CardFile.create(tmp_path / "missing" / "alice.card", state)


def test_a_card_whose_folder_went_away_counts_no_try_and_accepts_no_pin(path: Path) -> None:
    with open_card(path, strict=True) as card:
        send = select_jpki(card)
        shutil.rmtree(path.parent)
        assert send(AUTH_WRONG) == "6581"
        assert send(AUTH_RIGHT) == "6581"
        assert send(AUTH_TRIES) == "63C3"
        assert send("802A00970101") == "6982"


def test_a_closed_card_file_is_not_written(path: Path, state: CardState) -> None:
    file = CardFile.open(path)
    file.close()
    with pytest.raises(CardFileNotWritten):
        file.write(state)


def test_a_full_disk_loses_nothing(path: Path) -> None:
    program = f"""
import resource, sys
from pathlib import Path
from emulator import open_card
card = open_card(Path(sys.argv[1]), strict=True)
send = lambda command: print(card.transmit(bytes.fromhex(command)).hex().upper())
send("{SELECT_JPKI}")
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))  # less than the card needs
send("{AUTH_WRONG}")
send("{AUTH_RIGHT}")
send("{AUTH_TRIES}")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
send("{AUTH_WRONG}")
"""
    before = path.read_bytes()
    command = [sys.executable, "-c", program, str(path)]
    answers = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert answers == ["9000", "6581", "6581", "63C3", "63C2"]
    assert len(path.read_bytes()) == len(before)
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["alice.card", "alice.card.lock"]

"""A card as one file: what it looks like, who holds it, what happens to it when things break."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_cards import SERIAL, Send, sender

from card_profiles import CardProfile, NoSuchProfile
from emulator import (
    CardFile,
    CardFileBusy,
    CardFileDamaged,
    CardFileExists,
    CardFileExposed,
    CardFileNotWritten,
    CardState,
    EmulatedCard,
    NoCardFile,
    create_blank,
    open_card,
)

ROOT = Path(__file__).parent.parent.parent
SELECT_JPKI = "00A4040C0AD392F000260100000001"
AUTH_TRIES, AUTH_RIGHT, AUTH_WRONG = "00200098", "002000980431323334", "002000980439393939"


@pytest.fixture
def path(tmp_path: Path, state: CardState) -> Path:
    """Returns a card file that nobody holds."""
    CardFile.create(tmp_path / "alice.card", state).close()
    return tmp_path / "alice.card"


def selected(card: EmulatedCard) -> Send:
    send = sender(card)
    assert send(SELECT_JPKI) == "9000"
    return send


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
        send = selected(card)
        assert send(AUTH_WRONG) == "63C2"
        body = path.read_bytes().split(b"\n", 2)[2]
        assert json.loads(body)["applications"]["jpki"]["pins"]["authentication"]["tries_left"] == 2
        assert send(AUTH_WRONG) == "63C1"
    with open_card(path, strict=True) as card:
        assert selected(card)(AUTH_TRIES) == "63C1"


def test_a_file_stays_its_owners_alone_after_a_write_under_any_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        with open_card(path) as card:
            assert selected(card)(AUTH_WRONG) == "63C2"
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.with_name("alice.card.lock").stat().st_mode) == 0o600
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["alice.card", "alice.card.lock"]


def test_what_a_killed_process_left_half_written_is_no_obstacle(path: Path) -> None:
    path.with_name(".alice.card.new").write_bytes(b"JPKI-TEST emul")
    with open_card(path, strict=True) as card:
        assert selected(card)(AUTH_WRONG) == "63C2"
    with open_card(path, strict=True) as card:
        assert selected(card)(AUTH_TRIES) == "63C2"
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


# Who holds it


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
        assert selected(card)(AUTH_WRONG) == "63C2"
    assert link.is_symlink()
    with open_card(path) as card:
        assert selected(card)(AUTH_TRIES) == "63C2"


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
        send = selected(first)
        path.with_name("alice.card.lock").unlink()
        with open_card(path, strict=True) as second:
            assert selected(second)(AUTH_WRONG) == "63C2"
            assert [send(AUTH_WRONG), send(AUTH_RIGHT)] == ["6581", "6581"]
            assert selected(second)(AUTH_TRIES) == "63C2"


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


# What is no card


def test_a_missing_card_is_missing(tmp_path: Path) -> None:
    with pytest.raises(NoCardFile):
        open_card(tmp_path / "nobody.card")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_card_that_others_may_read_or_write_is_refused(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(CardFileExposed) as caught:
        open_card(path)
    assert caught.value.mode == f"{mode:03o}"


@pytest.mark.parametrize("content", [b"", b"\n", b"\x00" * 4096, b"-----BEGIN CERTIFICATE-----\n", b"\xff\xfe\n{}"])
def test_another_file_is_no_card(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(CardFileDamaged) as caught:
        open_card(path)
    assert caught.value.problem == "not a card file"


def test_a_folder_is_no_card(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(CardFileDamaged):
        open_card(tmp_path / "folder")


def test_a_pipe_is_no_card_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(CardFileDamaged) as caught:
        CardFile.open(tmp_path / "pipe")
    assert caught.value.problem == "not a card file"


def test_nothing_is_left_beside_what_is_no_card(tmp_path: Path) -> None:
    (tmp_path / "letter").write_bytes(b"Dear Bob")
    (tmp_path / "letter").chmod(0o600)
    for wrong in ("letter", "letter/card", "nobody"):
        with pytest.raises((CardFileDamaged, NoCardFile)):
            open_card(tmp_path / wrong)
    assert [entry.name for entry in tmp_path.iterdir()] == ["letter"]


def test_a_link_in_a_circle_is_no_card(tmp_path: Path) -> None:
    (tmp_path / "here").symlink_to(tmp_path / "there")
    (tmp_path / "there").symlink_to(tmp_path / "here")
    with pytest.raises((CardFileDamaged, NoCardFile)):
        open_card(tmp_path / "here")


def test_a_card_of_a_later_format_is_not_guessed_at(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"format 1", b"format 2", 1))
    with pytest.raises(CardFileDamaged) as caught:
        open_card(path)
    assert caught.value.problem == "a format that is not known here"


def test_a_file_cut_short_anywhere_is_refused(path: Path) -> None:
    whole = path.read_bytes()
    for length in [*range(200), *range(200, len(whole), 97), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(CardFileDamaged):
            open_card(path)


def test_one_changed_bit_anywhere_is_refused(path: Path) -> None:
    whole = path.read_bytes()
    for at in [*range(200), *range(200, len(whole), 97)]:
        path.write_bytes(whole[:at] + bytes((whole[at] ^ 1 << at % 8,)) + whole[at + 1 :])
        with pytest.raises(CardFileDamaged):
            open_card(path)


def sealed_again(values: object) -> bytes:
    """Returns a card file of these values, its checksum right."""
    body = json.dumps(values).encode()
    return b"JPKI-TEST emulated card, format 1\nsha256 " + hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def put(*path_and_value: Any) -> Callable[[Any], object]:
    *steps, last, value = path_and_value

    def edit(values: Any) -> None:
        for step in steps:
            values = values[step]
        values[last] = value

    return edit


JPKI = ("applications", "jpki")
EDITS = {
    "no object": lambda values: [values],
    "a name too many": put("comment", "mine"),
    "a name missing": lambda values: values.pop("serial") and None,
    "a profile that is a number": put("profile", 1),
    "a short serial": put("serial", "00"),
    "a serial of no digits": put("serial", "zz" * 10),
    "an unknown life cycle": put("life_cycle", 3),
    "a life cycle that is a text": put("life_cycle", "0F"),
    "failures below zero": put("failed_authentications", -1),
    "more failures than lock": put("failed_authentications", 6),
    "a failure that is true": put("failed_authentications", True),
    "a key of 15 bytes": put("issuer_keys", "enc", "00" * 15),
    "keys of two lengths": put("issuer_keys", "enc", "00" * 32),
    "a key too many": put("issuer_keys", "kek", "00" * 16),
    "no applications": put("applications", {}),
    "an application too many": put("applications", "visual", {"pins": {}, "keys": {}, "files": {}}),
    "pins in a list": put(*JPKI, "pins", []),
    "an unknown pin": put(*JPKI, "pins", "puk", {"pin": "31", "tries_left": 1}),
    "more tries than the policy": put(*JPKI, "pins", "signature", "tries_left", 6),
    "half a try": put(*JPKI, "pins", "signature", "tries_left", 0.5),
    "an empty pin": put(*JPKI, "pins", "signature", "pin", ""),
    "a long pin": put(*JPKI, "pins", "signature", "pin", "31" * 17),
    "a key in no key file": put(*JPKI, "keys", "0001", {"p": "3", "q": "5"}),
    "a small key": put(*JPKI, "keys", "0017", {"p": "3", "q": "5"}),
    "a key without a prime": put(*JPKI, "keys", "0017", {"p": "3"}),
    "an even key": put(*JPKI, "keys", "0017", {"p": "c" * 256, "q": "e" * 256}),
    "equal primes": put(*JPKI, "keys", "0017", {"p": "f" * 256, "q": "f" * 256}),
    "a negative prime": put(*JPKI, "keys", "0017", {"p": "-" + "f" * 256, "q": "-" + "d" * 256}),
    "an undeclared file": put(*JPKI, "files", "7777", {"size": 1, "content": ""}),
    "a key as a file": put(*JPKI, "files", "0017", {"size": 1, "content": ""}),
    "a file without a name": put(*JPKI, "files", "", {"size": 1, "content": ""}),
    "a file larger than declared": put(*JPKI, "files", "0008", {"size": 4, "content": ""}),
    "more content than size": put(*JPKI, "files", "0008", {"size": 2, "content": "000000"}),
    "a file of no bytes": put(*JPKI, "files", "0008", {"size": 0, "content": ""}),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_content_that_does_not_fit_is_refused_even_under_a_right_checksum(
    path: Path, edit: Callable[[Any], object]
) -> None:
    values = json.loads(path.read_bytes().split(b"\n", 2)[2])
    path.write_bytes(sealed_again(values))
    open_card(path).close()
    path.write_bytes(sealed_again(edit(values) or values))
    with pytest.raises(CardFileDamaged) as caught:
        open_card(path)
    assert caught.value.problem == "the content does not follow its format"


def test_a_card_of_an_unknown_profile_says_which(path: Path) -> None:
    values = json.loads(path.read_bytes().split(b"\n", 2)[2])
    path.write_bytes(sealed_again({**values, "profile": "credit-card"}))
    with pytest.raises(NoSuchProfile) as caught:
        open_card(path)
    assert caught.value.name == "credit-card"


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b"null", b"1e999", b'"\\ud800"', b"\xff"])
def test_content_that_is_no_json_object_is_refused(path: Path, body: bytes) -> None:
    head = b"JPKI-TEST emulated card, format 1\nsha256 " + hashlib.sha256(body).hexdigest().encode()
    path.write_bytes(head + b"\n" + body)
    with pytest.raises(CardFileDamaged):
        open_card(path)


# What cannot be written


def test_a_card_is_not_made_where_it_cannot_be_written(tmp_path: Path, state: CardState) -> None:
    with pytest.raises(CardFileNotWritten):
        CardFile.create(tmp_path / "missing" / "alice.card", state)


def test_a_card_whose_folder_went_away_counts_no_try_and_accepts_no_pin(path: Path) -> None:
    with open_card(path, strict=True) as card:
        send = selected(card)
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

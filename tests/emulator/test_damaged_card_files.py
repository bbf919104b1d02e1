"""What is no card file, or no longer the one it was."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from card_profiles import NoSuchProfile
from emulator import CardFile, CardFileDamaged, CardFileExposed, NoCardFile, open_card


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


def test_of_another_file_it_is_not_said_that_others_may_read_it(path: Path) -> None:
    path.write_bytes(b"resident_id,name\n")
    path.chmod(0o644)
    with pytest.raises(CardFileDamaged) as caught:
        open_card(path)
    assert caught.value.problem == "not a card file"


def test_a_folder_is_no_card(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(CardFileDamaged) as caught:
        open_card(tmp_path / "folder")
    assert caught.value.problem == "a folder"


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
    "an application with something else in it": put(*JPKI, "counters", {}),
    "a pin with something else in it": put(*JPKI, "pins", "signature", "hint", "the cat"),
    "a key with something else in it": put(*JPKI, "keys", "0017", "d", "3"),
    "a file with something else in it": put(*JPKI, "files", "0008", "owner", "me"),
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

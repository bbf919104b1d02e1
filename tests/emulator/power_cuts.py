"""Cuts the power at every step of one command: a child process carries it out and is killed before its n-th line.

Run as a program: `power_cuts.py CARD COMMAND`, the command in hexadecimal, for a copy of a card file that is put back
before each cut. Prints a JSON list: for every cut the line of the emulator before which it came, and the tries left on
the authentication PIN of the card as it was found afterwards; last, the same without a cut.
"""

from __future__ import annotations

import json
import linecache
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Self

import emulator
from emulator import open_card

EMULATOR = Path(emulator.__file__).parent
SELECT = bytes.fromhex("00A4040C0AD392F000260100000001")


class Cut:
    """Kills this process before the n-th line of the emulator that it comes to."""

    def __init__(self, at: int, report: int) -> None:
        self.left = at
        self.report = report

    def __call__(self, frame: FrameType, event: str, argument: object) -> Self | None:
        if Path(frame.f_code.co_filename).parent != EMULATOR:
            return None
        self.left -= event == "line"
        if self.left == 0:
            sys.settrace(None)
            os.write(self.report, linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip().encode())
            os.kill(os.getpid(), signal.SIGKILL)
        return self


def carry_out(path: Path, command: bytes, at: int, report: int) -> None:
    card = open_card(path, strict=True)
    card.transmit(SELECT)
    sys.settrace(Cut(at, report))
    card.transmit(command)
    sys.settrace(None)
    os.write(report, b"answered")


def cut_at(path: Path, command: bytes, at: int) -> str:
    """Returns the line before which the power was cut, or "answered"."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            carry_out(path, command, at, writing)
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as pipe:
        return pipe.read().decode()


def tries_left(path: Path) -> int:
    with open_card(path, strict=True) as card:
        return card.state.applications["jpki"].pins["authentication"].tries_left


def main(path: Path, command: bytes) -> list[tuple[str, int]]:
    """Returns line and tries left for every cut, in order, and for the undisturbed run."""
    content = path.read_bytes()
    found: list[tuple[str, int]] = []
    while not found or found[-1][0] != "answered":
        path.write_bytes(content)
        line = cut_at(path, command, len(found) + 1)
        found.append((line, tries_left(path)))
    return found


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), bytes.fromhex(sys.argv[2]))))  # noqa: T201

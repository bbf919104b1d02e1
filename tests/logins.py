"""What a card tells of a login to the program that comes next."""

from __future__ import annotations

from typing import Protocol

SELECT_JPKI = bytes.fromhex("00A4040C0AD392F000260100000001")
SIGN = bytes.fromhex("802A009A0401020304")
_LOG_IN = bytes.fromhex("802A00970401020304")


class Line(Protocol):
    """Anything that takes a command: a connection to a card, or the emulated card itself."""

    def transmit(self, command: bytes) -> bytes: ...


def is_logged_out(line: Line) -> bool:
    """Returns whether neither key signs, as the next program finds the card, whatever power it has."""
    assert line.transmit(SELECT_JPKI) == b"\x90\x00"
    return all(line.transmit(command) == b"\x69\x82" for command in (SIGN, _LOG_IN))

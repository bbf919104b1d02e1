"""The three standard streams, made such that nothing that is wrong with them ends in a traceback."""

from __future__ import annotations

import contextlib
import os
import sys
from io import TextIOWrapper
from typing import TextIO, cast

__all__ = ["abandon_standard_output", "hold_standard_streams"]


def hold_standard_streams() -> None:
    """Makes sure that all three streams are there, and that a character one cannot write is written as its number.

    A closed stream's number would otherwise go to the next file that is opened: to the card file, say. A closed
    standard output stays one that cannot be written, so that a command whose result is lost fails.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # takes the lowest number that is free, which is this one
    sys.stdin = sys.stdin or _opened(0, "r")
    sys.stdout = sys.stdout or _opened(1, "w")
    sys.stderr = sys.stderr or _opened(2, "w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def abandon_standard_output() -> None:
    """Throws away what was not written, so that Python does not try, and complain, once more when it ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _opened(number: int, mode: str) -> TextIO:
    return cast(TextIO, os.fdopen(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False))

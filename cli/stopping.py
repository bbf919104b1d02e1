"""Signals that ask the process to end, as an exception: what is open is closed, and the card logged out, on the way.

And what a person is told of it, which depends on what was interrupted.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

__all__ = ["Declined", "Interrupted", "Stopped", "interruption_told_as", "stop_on_signals"]


class Stopped(BaseException):
    """Says that the process was asked to end."""


class Interrupted(BaseException):
    """Says that a person, a signal or the end of input stopped the work; `told_as` is its key among the words."""

    def __init__(self, told_as: str) -> None:
        super().__init__()
        self.told_as = told_as


class Declined(Interrupted):
    """Says that a person was asked whether something is meant, and that it is not; `told_as` as above."""


@contextmanager
def interruption_told_as(key: str) -> Iterator[None]:
    """Has an interruption of a block told in the words `Interrupted.<key>.do`; what is inside may know better."""
    try:
        yield
    except (KeyboardInterrupt, EOFError, Stopped) as stopped:
        raise Interrupted(key) from stopped


def stop_on_signals() -> None:
    """Turns SIGTERM and SIGHUP into Stopped, unless whoever started the process had them ignored."""
    if threading.current_thread() is not threading.main_thread():
        return
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _stop)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise Stopped

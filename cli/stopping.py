"""Signals that ask the process to end, as an exception: what is open is closed, and the card logged out, on the way."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import NoReturn

__all__ = ["Stopped", "stop_on_signals"]


class Stopped(BaseException):
    """Says that the process was asked to end."""


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

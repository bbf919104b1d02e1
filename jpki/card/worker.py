"""A thread in which calls are made that may never return, so that their caller can stop waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias, TypeVar, cast

__all__ = ["TimeLimit", "Worker"]

T = TypeVar("T")
_SLICE = 0.5
_Answer: TypeAlias = SimpleQueue[tuple[Any, BaseException | None]]


class TimeLimit(Exception):
    """Says that a call did not return in time. It goes on: the worker takes no other call until it has returned."""


class Worker:
    """One thread that makes one call after the other.

    A function of the PC/SC library cannot be interrupted, and some of them wait without limit, for a card or for
    another program. The thread is a daemon: the end of the process does not wait for it.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[tuple[_Answer, Callable[[], object]] | None] = SimpleQueue()
        self._overdue = False
        threading.Thread(target=self._work, name="jpki-card", daemon=True).start()

    @property
    def overdue(self) -> bool:
        """Returns whether a call was not back in time, once: whatever comes after it has to wait for it."""
        return self._overdue

    def call(self, within: float, function: Callable[[], T]) -> T:
        """Returns what the function returns, if that takes at most `within` seconds; raises TimeLimit."""
        answer: _Answer = SimpleQueue()
        self._jobs.put((answer, function))
        value, error = self._wait(answer, within)
        if error is not None:
            raise error
        return cast(T, value)

    def _wait(self, answer: _Answer, within: float) -> tuple[Any, BaseException | None]:
        while within > 0:
            # In slices: a Ctrl-C that arrives just before a wait is seen only after it.
            with suppress(Empty):
                return answer.get(timeout=min(within, _SLICE))
            within -= _SLICE
        self._overdue = True
        raise TimeLimit

    def leave(self, function: Callable[[], object]) -> None:
        """Has a call made, after those that are on their way, without waiting for it."""
        self._jobs.put((SimpleQueue(), function))

    def stop(self) -> None:
        """Lets the thread end once it has made its calls."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            answer, function = job
            try:
                answer.put((function(), None))
            except BaseException as error:
                answer.put((None, error))
            # Not to be kept until the next call: the function may hold a PIN.
            del job, answer, function

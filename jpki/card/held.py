"""What a connection to a reader and one to a card in this process have in common: who holds it, and how it is left."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from .errors import CardBusy, ConnectionClosed
from .login_watch import may_log_in

__all__ = ["HeldConnection"]


class HeldConnection(ABC):
    """A connection that one thread holds at a time, waiting at most `wait` seconds, and that logs the card out."""

    def __init__(self, name: str, wait: float) -> None:
        self._name = name
        self._wait = wait
        self._lock = threading.RLock()
        self._nesting = 0
        self._logged_in = False
        self._closed = False

    @property
    def name(self) -> str:
        """Returns the name of the reader."""
        return self._name

    def transmit(self, command: bytes) -> bytes:
        """Brings the card's response, as bytes; raises ConnectionClosed after the end."""
        self._hold()
        try:
            # Before the exchange: one that is interrupted may have logged in.
            self._logged_in = self._logged_in or may_log_in(command)
            return self._exchange(command)
        finally:
            self._lock.release()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keeps all others off the card while it lasts; power-cycles it at the end if something may have logged in.

        It may be nested. Raises CardBusy and ConnectionClosed, and where the card is not what it was CardRemoved or
        CardChanged.
        """
        self._hold()
        try:
            if self._nesting == 0:
                self._begin()
            self._nesting += 1
            try:
                yield
            finally:
                self._nesting -= 1
                if self._nesting == 0 and self._end(log_out=self._logged_in):
                    self._logged_in = False
        finally:
            self._lock.release()

    def close(self) -> None:
        """Ends the connection, the card logged out; raises nothing, and may be called again."""
        held = self._lock.acquire(timeout=self._wait)
        try:
            if not self._closed:
                self._closed = True
                self._finish(log_out=self._logged_in)
        finally:
            if held:
                self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()

    def _hold(self) -> None:
        if not self._lock.acquire(timeout=self._wait):
            raise CardBusy(reader=self._name)
        if self._closed:
            self._lock.release()
            raise ConnectionClosed(reader=self._name)

    @abstractmethod
    def _exchange(self, command: bytes) -> bytes:
        """Carries one command to the card; raises CardError."""

    @abstractmethod
    def _begin(self) -> None:
        """Takes the card for this connection alone; raises CardError."""

    @abstractmethod
    def _end(self, *, log_out: bool) -> bool:
        """Lets others at the card, which is logged out first if asked; returns whether it is, and raises nothing."""

    @abstractmethod
    def _finish(self, *, log_out: bool) -> None:
        """Gives the card back for good, logged out if asked; raises nothing."""

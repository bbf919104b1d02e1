"""How far a long command has come: one line on the terminal, on standard error, taken away at the end."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from .catalogue import words

__all__ = ["Progress"]

_SECONDS_BETWEEN = 0.2


class Progress:
    """Shows words of the catalogue (`prompts`) with a count in them; nothing where standard error is no terminal."""

    def __init__(self, key: str, total: int | None = None) -> None:
        self._key = key
        self._total = total
        self._shown = sys.stderr.isatty()
        self._next = 0.0
        self.done = 0

    def add(self, count: int = 1) -> None:
        """Counts some more, and shows it now and then."""
        self.done += count
        if self._shown and (now := time.monotonic()) >= self._next:
            self._next = now + _SECONDS_BETWEEN
            self._write("\r" + words("prompts", self._key, done=self.done, total=self._total))

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown and self._next:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            self._shown = False  # nobody looks any more

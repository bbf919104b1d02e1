"""What the service tells its operator: one JSON object a line, about the service and never about who asked for what."""

from __future__ import annotations

import json
import threading
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

__all__ = ["Journal"]

_QUIET_SECONDS = 60
_MOST_KINDS = 256


class Journal:
    """Writes lines of JSON: when, which worker, what happened, and facts. A fault that repeats is told once a minute.

    No address of a client, no serial number, nothing of a request is ever among the facts; of an exception its kind and
    place are told, and not its words, which may hold anything.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], datetime], worker: int = 0) -> None:
        self._stream = stream
        self._clock = clock
        self._worker = worker
        self._lock = threading.Lock()
        self._told: dict[str, tuple[datetime, int]] = {}

    def for_worker(self, worker: int) -> Journal:
        """Returns a journal on the same stream that names another worker, counted from 0."""
        return Journal(self._stream, self._clock, worker)

    def note(self, event: str, **facts: object) -> None:
        """Writes one line."""
        at = self._clock().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = json.dumps({"time": at, "worker": self._worker, "event": event, **facts}, default=str)
        with self._lock:
            try:
                self._stream.write(f"{line}\n")
                self._stream.flush()
            except (OSError, ValueError):  # nobody reads it any more: no reason to stop answering
                pass

    def fault(self, event: str, error: BaseException) -> None:
        """Writes what failed, unless the same was told within the last minute; then it is counted."""
        place = _place(error)
        key = f"{event} {type(error).__name__} {place}"
        at = self._clock()
        with self._lock:
            last, times = self._told.get(key, (None, 0))
            if last is not None and 0 <= (at - last).total_seconds() < _QUIET_SECONDS:
                self._told[key] = (last, times + 1)
                return
            if len(self._told) >= _MOST_KINDS:
                self._told.clear()
            self._told[key] = (at, 0)
        self.note(event, error=type(error).__name__, place=place, repeated=times)


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].name}, line {frames[-1].lineno}" if frames else ""

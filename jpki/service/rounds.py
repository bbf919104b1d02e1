"""Making answers ahead in a thread of its own, whenever there are some to make; and telling that the service runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from .answering import Responder
from .journal import Journal
from .mark import ServiceMark

__all__ = ["Rounds"]

_IDLE = 1.0  # seconds until it is looked again whether there is something to make
_MARK_EVERY = timedelta(seconds=5)


class Rounds:
    """Has a responder make answers ahead, a tenth of a second at a time and half of the time at most."""

    def __init__(
        self, responder: Responder, journal: Journal, clock: Callable[[], datetime], mark: ServiceMark | None
    ) -> None:
        self._responder = responder
        self._journal = journal
        self._clock = clock
        self._mark = mark
        self._marked_at: datetime | None = None
        self._done_at: datetime | None = None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts the thread."""
        self._thread = threading.Thread(target=self._work, name="making ahead", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Has the thread end with what it is at."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if self._mark is not None:
            self._mark.remove()

    def _work(self) -> None:
        pause = 0.0
        while not self._ended.wait(pause):
            more = False
            at = self._clock()
            try:
                more = self._responder.make_ahead(at)
                if not more:
                    self._done_at = at
            except Exception as error:
                self._journal.fault("not-made-ahead", error)
            self._tell(at)
            pause = 0.1 if more else _IDLE

    def _tell(self, at: datetime) -> None:
        if self._mark is None or (self._marked_at is not None and timedelta(0) <= at - self._marked_at < _MARK_EVERY):
            return
        self._marked_at = at
        try:
            self._mark.write(at, self._done_at)
        except OSError as error:
            self._journal.fault("mark-not-written", error)

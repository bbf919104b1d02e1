"""How a worker learns what changed in the store: it looks again and again, and says when it could not."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from datetime import datetime

from jpki.store import Store, StoreError
from jpki.terms import Role

from .answering import Responder
from .journal import Journal
from .tally import Gauge, WorkerTally

__all__ = ["LOOK_EVERY", "STALE_AFTER", "Freshness"]

LOOK_EVERY = 0.5
"""Seconds between two looks at the store."""
STALE_AFTER = 2.5
"""Seconds since the last good look began after which answers that were made ahead are not given any more."""

_GAUGES = {Role.SIGNATURE: Gauge.SIGN_REVISION, Role.AUTHENTICATION: Gauge.AUTH_REVISION}


class Freshness:
    """Asks the store for the revisions of both authorities, and has the responder forget what has changed.

    It has a thread of its own: a database that hangs holds up nobody, and shows by `fresh` being False.
    """

    def __init__(
        self,
        store: Store,
        responder: Responder,
        journal: Journal,
        tally: WorkerTally,
        clock: Callable[[], datetime],
        *,
        look_every: float = LOOK_EVERY,
        stale_after: float = STALE_AFTER,
    ) -> None:
        self._store = store
        self._responder = responder
        self._journal = journal
        self._tally = tally
        self._clock = clock
        self._look_every = look_every
        self._stale_after = stale_after
        self._known: dict[Role, int] = {}
        self._good_until = 0.0
        self._looked_at: datetime | None = None
        self._failing = False
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def fresh(self) -> bool:
        """Returns whether the store was looked at recently enough for answers to be relied on."""
        return time.monotonic() < self._good_until

    @property
    def looked_at(self) -> datetime | None:
        """Returns when the store was last seen, by the clock."""
        return self._looked_at

    def start(self) -> None:
        """Looks for the first time, and goes on in a thread. Raises StoreError."""
        self._look()
        self._thread = threading.Thread(target=self._go_on, name="freshness", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Ends the thread. One that hangs in the database is left behind: it ends with the process."""
        self._ended.set()
        thread = self._thread
        if thread is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.to_thread(thread.join, self._stale_after), self._stale_after + 1)

    def _go_on(self) -> None:
        while not self._ended.wait(self._look_every):
            try:
                self._look()
            except Exception as error:
                self._journal.fault("store-not-asked", error)
                self._failing = True
            else:
                if self._failing:
                    self._failing = False
                    self._journal.note("store-asked-again")

    def _look(self) -> None:
        begun = time.monotonic()
        for role in Role:
            with self._store.snapshot() as view:
                revision = view.revision(role)
                known = self._known.get(role)
                if known is None:
                    pass  # nothing was made ahead yet
                elif revision > known:
                    self._responder.forget(role, view.changed_since(role, known), revision)
                elif revision < known:
                    raise StoreError(store=self._store.place, problem="its revisions went back")
            self._known[role] = revision
            self._tally.set(_GAUGES[role], revision)
        # From when it began: what was committed in the meantime may not have been seen.
        self._good_until = begun + self._stale_after
        self._looked_at = self._clock()
        self._tally.set(Gauge.LOOKED_AT, self._looked_at.timestamp())

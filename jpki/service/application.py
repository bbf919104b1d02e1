"""The service as an ASGI application: which address is answered by whom."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from jpki.ca import StatusFacts, status_facts
from jpki.errors import AuthorityError
from jpki.store import Store

from .answering import Responder
from .freshness import Freshness
from .http_parts import Receive, Scope, Send, respond
from .journal import Journal
from .list_addresses import ListAddress
from .list_desk import ListDesk
from .list_shelf import ListShelf
from .mark import ServiceMark
from .metrics_page import CONTENT_TYPE, metrics_page
from .ocsp_desk import OcspDesk
from .rounds import Rounds
from .signing import SigningThreads
from .tally import Tally

__all__ = ["Application"]

_TEXT = (b"content-type", b"text/plain; charset=utf-8")
_JSON = (b"content-type", b"application/json")
_NO_STORE = (b"cache-control", b"no-store")
_OCSP = ("/", "/ocsp", "/ocsp/")
_FACTS_FOR = 15.0  # seconds for which what the store says of itself is taken to be true
# A request in base64 begins with it: the first octet is SEQUENCE.
_REQUEST = b"M"


class Application:
    """Answers HTTP for one worker: OCSP, lists, `/health`, `/metrics`."""

    def __init__(
        self,
        store: Store,
        responder: Responder,
        journal: Journal,
        tally: Tally,
        clock: Callable[[], datetime],
        *,
        worker: int = 0,
        threads: int = 2,
        mark: Path | None = None,
        freshness: Freshness | None = None,
    ) -> None:
        self._store = store
        self._journal = journal
        self._tally = tally
        self._clock = clock
        own = tally.of(worker)
        self.freshness = freshness or Freshness(store, responder, journal, own, clock)
        self._signing = SigningThreads(lambda requests: responder.answers(requests, clock()), threads)
        told = None if mark is None else ServiceMark(mark, lambda: self.freshness.looked_at)
        self._rounds = Rounds(responder, journal, clock, told)
        self._ocsp = OcspDesk(responder, self._signing, self.freshness, journal=journal, tally=own, clock=clock)
        self._lists = ListDesk(ListShelf(store), journal, own, clock)
        self._facts: tuple[float, StatusFacts | None] = (-_FACTS_FOR, None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or runs from start to end of the worker."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._route(scope, receive, send)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        if method == "POST" and path in _OCSP:
            await self._ocsp.post(scope, receive, send)
            return
        encoded = _request_in(scope["raw_path"])
        if encoded is not None or path in _OCSP:
            if method != "GET" or encoded is None:
                await self._ocsp.refuse_method(send)
            else:
                await self._ocsp.get(scope, send, encoded)
        elif method not in ("GET", "HEAD"):
            headers = [_TEXT, (b"allow", b"GET, HEAD"), (b"connection", b"close")]
            await respond(send, 405, headers, b"GET is what is answered here\n")
        elif (address := ListAddress.parse(path)) is not None:
            await self._lists.get(scope, receive, send, address)
        elif path == "/health":
            await self._health(send)
        elif path == "/metrics":
            await self._metrics(send)
        else:
            await respond(send, 404, [_TEXT], b"nothing is here\n")

    async def _health(self, send: Send) -> None:
        fresh = self.freshness.fresh
        body = json.dumps({"status": "ok" if fresh else "store-not-asked"}).encode() + b"\n"
        await respond(send, 200 if fresh else 503, [_JSON, _NO_STORE], body)

    async def _metrics(self, send: Send) -> None:
        facts = await self._known_facts()
        await respond(send, 200, [(b"content-type", CONTENT_TYPE), _NO_STORE], self._page(facts))

    def _page(self, facts: StatusFacts | None) -> bytes:
        return metrics_page(self._tally, facts, self._clock())

    async def _known_facts(self) -> StatusFacts | None:
        if not self.freshness.fresh:
            return None
        read_at, known = self._facts
        if time.monotonic() - read_at >= _FACTS_FOR:
            try:
                known = await asyncio.to_thread(self._read_facts)
            except AuthorityError as error:
                self._journal.fault("store-not-asked", error)
                known = None
            self._facts = (time.monotonic(), known)
        return known

    def _read_facts(self) -> StatusFacts:
        with self._store.snapshot() as view:
            return status_facts(view)

    async def _live(self, receive: Receive, send: Send) -> None:
        """Starts what runs beside the requests, and ends it when the worker ends.

        `freshness` is started before: what it raises is for the operator to see.
        """
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._signing.start()
                self._rounds.start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.freshness.stop()
                await asyncio.to_thread(self._rounds.stop)
                await asyncio.to_thread(self._signing.stop)
                await send({"type": "lifespan.shutdown.complete"})
                return


def _request_in(raw_path: bytes) -> bytes | None:
    """Returns what stands in an address in the place of an OCSP request; None where the address is another's."""
    found = raw_path.removeprefix(b"/ocsp").lstrip(b"/")
    return found if found.startswith(_REQUEST) else None

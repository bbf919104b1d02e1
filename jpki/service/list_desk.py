"""Revocation lists over HTTP, as the store has them. Source: RFC 2585 (media type); RFC 9110 (tags, moments)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime

from jpki.errors import AuthorityError

from .http_parts import Headers, Receive, Scope, Send, cached_until, is_known_tag, respond
from .journal import Journal
from .list_addresses import ListAddress
from .list_shelf import HeldList, ListGone, ListShelf
from .tally import Count, WorkerTally

__all__ = ["LIST_MAX_AGE", "ListDesk"]

LIST_MAX_AGE = 60
"""Seconds for which caches may keep a list without asking: an urgent one may come out of turn."""

_TYPE = (b"content-type", b"application/pkix-crl")
_TEXT = (b"content-type", b"text/plain; charset=utf-8")


class ListDesk:
    """Hands out lists, whole or as 304 where the client has them."""

    def __init__(self, shelf: ListShelf, journal: Journal, tally: WorkerTally, clock: Callable[[], datetime]) -> None:
        self._shelf = shelf
        self._journal = journal
        self._tally = tally
        self._clock = clock

    async def get(self, scope: Scope, receive: Receive, send: Send, address: ListAddress) -> None:
        """Answers GET and HEAD of a list: 404 where there is none, 503 where the store cannot give it for now."""
        try:
            held = await asyncio.to_thread(self._shelf.find, address)
        except (AuthorityError, ListGone, OSError) as error:
            self._journal.fault("list-not-given", error)
            self._tally.add(Count.LIST_UNAVAILABLE)
            await respond(send, 503, [_TEXT, (b"retry-after", b"5")], b"not to be had for now\n")
            return
        if held is None:
            self._tally.add(Count.LIST_UNKNOWN)
            await respond(send, 404, [_TEXT], b"there is no such list, or none was made yet\n")
            return
        published = held.published
        tag = b'"%s"' % published.digest.hex().encode()
        until = published.next_update
        headers: Headers = [_TYPE, *cached_until(tag, published.this_update, until, self._clock(), LIST_MAX_AGE)]
        if is_known_tag(scope, tag):
            self._tally.add(Count.LIST_NOT_MODIFIED)
            await respond(send, 304, headers)
            return
        headers.append((b"content-length", b"%d" % published.size))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body"})
        else:
            await self._stream(held, receive, send)

    async def _stream(self, held: HeldList, receive: Receive, send: Send) -> None:
        """Sends a list in pieces, as fast as the client takes them; one that goes away ends it."""
        await receive()  # the request's end; what comes next is that the client went away
        gone = asyncio.ensure_future(receive())
        left = held.published.size
        pieces = held.pieces()
        try:
            while left and not gone.done():
                piece = await self._next(held, pieces)
                left -= len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
        except (ListGone, OSError) as error:
            self._journal.fault("list-not-given", error)
        finally:
            gone.cancel()
        self._tally.add(Count.LIST_BROKEN_OFF if left else Count.LIST_SENT)

    async def _next(self, held: HeldList, pieces: Iterator[bytes]) -> bytes:
        if held.in_memory:
            return next(pieces)
        piece = await asyncio.to_thread(next, pieces, None)
        if piece is None:
            raise ListGone
        return piece

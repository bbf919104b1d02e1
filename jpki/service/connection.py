"""Connections with limits, which uvicorn has not: a client that is slow, or sends no end of headers, is sent away."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .tally import Count, WorkerTally

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    _Protocol = HttpToolsProtocol
else:
    _Protocol = object  # uvicorn is loaded late, and becomes the other base then

__all__ = ["Limits", "limited_connections"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may take of a worker."""

    request_seconds: float = 10.0
    """To send a whole request, from the opening of the connection or from its first octet."""
    reading_seconds: float = 30.0
    """To take what waits to be sent to it (some 64 KiB)."""
    keep_alive_seconds: int = 30
    """Between two requests."""
    header_octets: int = 32_768
    connections: int = 2000
    """Of all clients together; who comes above gets 503."""
    grace_seconds: int = 20
    """For what is under way when the worker is asked to end."""


_TOO_MUCH = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class _Limited(_Protocol):
    """One client's connection. A timer runs whenever a request is not there whole, and while nobody reads."""

    limits: Limits
    tally: WorkerTally

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as uvicorn calls it
        super().__init__(*args, **kwargs)
        self._partial = False
        self._header_octets = 0
        self._begun = 0
        self._in_headers = True
        self._request_timer: asyncio.TimerHandle | None = None
        self._reading_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._request_timer = self.loop.call_later(self.limits.request_seconds, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for timer in (self._request_timer, self._reading_timer):
            if timer is not None:
                timer.cancel()

    def data_received(self, data: bytes) -> None:
        begun = self._begun
        super().data_received(data)
        if self._in_headers and self._begun == begun:
            # All of it belongs to these headers; what stood before them may have been whole requests.
            self._header_octets += len(data)
            if self._header_octets > self.limits.header_octets:
                self._end(Count.OVERLONG_HEADERS, _TOO_MUCH)
                return
        answering = not self._partial and self.cycle is not None and not self.cycle.response_complete
        if answering:
            if self._request_timer is not None:
                self._request_timer.cancel()
                self._request_timer = None
        elif self._request_timer is None:
            self._request_timer = self.loop.call_later(self.limits.request_seconds, self._too_slow)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._partial = self._in_headers = True
        self._header_octets = 0
        self._begun += 1

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._in_headers = False
        self._header_octets = 0

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._partial = False

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reading_timer = self.loop.call_later(self.limits.reading_seconds, self._not_read)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._reading_timer is not None:
            self._reading_timer.cancel()
            self._reading_timer = None

    def _too_slow(self) -> None:
        answering = self.cycle is not None and not self.cycle.response_complete
        if self.pipeline or (answering and self._in_headers):
            # It is not read from while requests before this one are answered: that is not the client's fault.
            self._request_timer = self.loop.call_later(self.limits.request_seconds, self._too_slow)
            return
        self._end(Count.TIMED_OUT, _TOO_SLOW if self._partial else b"")

    def _not_read(self) -> None:
        if not self.transport.is_closing():
            self.tally.add(Count.TIMED_OUT)
        self.transport.abort()

    def _end(self, why: Count, said: bytes) -> None:
        if self.transport.is_closing():
            return
        self.tally.add(why)
        if said and (self.cycle is None or self.cycle.response_complete or not self.cycle.response_started):
            self.transport.write(said)
        self.transport.close()


def limited_connections(tally: WorkerTally, limits: Limits) -> type[HttpToolsProtocol]:
    """Returns uvicorn's protocol of a connection, with limits."""
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    return type("LimitedConnection", (_Limited, HttpToolsProtocol), {"limits": limits, "tally": tally})

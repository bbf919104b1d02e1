"""OCSP over HTTP: requests by POST and by GET. Source: RFC 6960, appendix A; RFC 5019."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from datetime import datetime

from jpki.errors import AuthorityError
from jpki.formats import (
    MAX_OCSP_REQUEST_OCTETS,
    OCSP_INTERNAL_ERROR,
    OCSP_MALFORMED_REQUEST,
    OCSP_TRY_LATER,
    OCSP_UNAUTHORIZED,
)

from .answering import Answer, Responder
from .freshness import Freshness
from .http_parts import (
    MOST_ADDRESS_OCTETS,
    Headers,
    Receive,
    Scope,
    Send,
    cached_until,
    header,
    is_known_tag,
    request_in_address,
    respond,
)
from .journal import Journal
from .signing import Overloaded, SigningThreads
from .tally import Count, WorkerTally

__all__ = ["MAX_AGE", "OcspDesk"]

MAX_AGE = 2
"""Seconds for which caches may keep an answer: with them between, a revocation is still told within five seconds.

Also when the store hangs: an answer is given until STALE_AFTER, and kept for so long after that.
"""

_REQUEST = b"application/ocsp-request"
_TYPE = (b"content-type", b"application/ocsp-response")
_NO_STORE = (b"cache-control", b"no-store")
_TEXT = (b"content-type", b"text/plain; charset=utf-8")
_CLOSE = (b"connection", b"close")
_TRY_LATER = Answer(OCSP_TRY_LATER)
_INTERNAL_ERROR = Answer(OCSP_INTERNAL_ERROR)
_MALFORMED = Answer(OCSP_MALFORMED_REQUEST)
_ERRORS = {
    OCSP_MALFORMED_REQUEST: Count.MALFORMED,
    OCSP_INTERNAL_ERROR: Count.INTERNAL_ERROR,
    OCSP_TRY_LATER: Count.TRY_LATER,
    OCSP_UNAUTHORIZED: Count.UNAUTHORIZED,
}


class OcspDesk:
    """Takes OCSP requests: those answered ahead are answered at once, the others by threads that sign."""

    def __init__(
        self,
        responder: Responder,
        signing: SigningThreads,
        freshness: Freshness,
        *,
        journal: Journal,
        tally: WorkerTally,
        clock: Callable[[], datetime],
    ) -> None:
        self._responder = responder
        self._signing = signing
        self._freshness = freshness
        self._journal = journal
        self._tally = tally
        self._clock = clock

    async def post(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request by POST."""
        begun = time.perf_counter()
        self._tally.add(Count.POST)
        given = header(scope, b"content-type")
        if given is None or given.partition(b";")[0].strip().lower() != _REQUEST:
            self._tally.add(Count.WRONG_TYPE)
            await respond(send, 415, [_TEXT, _CLOSE], b"application/ocsp-request is what is answered here\n")
            return
        body = await self._body(scope, receive, send)
        if body is None:
            return
        answer = await self._answer(body)
        await respond(send, 200, [_TYPE], answer.encoded)
        self._tally.took(time.perf_counter() - begun)

    async def get(self, scope: Scope, send: Send, encoded: bytes) -> None:
        """Answers a request by GET, which stands in the address."""
        begun = time.perf_counter()
        self._tally.add(Count.GET)
        if len(encoded) > MOST_ADDRESS_OCTETS:
            self._tally.add(Count.TOO_LARGE)
            await respond(send, 414, [_TEXT], b"too long; send it by POST\n")
            return
        request = request_in_address(encoded)
        if request is None:
            self._tally.add(Count.MALFORMED)
            answer = _MALFORMED
        else:
            answer = await self._answer(request)
        if answer.this_update is None or answer.next_update is None:
            await respond(send, 200, [_TYPE, _NO_STORE], answer.encoded)
        else:
            await self._send_cached(scope, send, answer, answer.this_update, answer.next_update)
        self._tally.took(time.perf_counter() - begun)

    async def refuse_method(self, send: Send) -> None:
        """Refuses a method that nothing here answers."""
        self._tally.add(Count.WRONG_METHOD)
        await respond(send, 405, [_TEXT, (b"allow", b"GET, POST"), _CLOSE], b"GET and POST are what is answered here\n")

    async def _send_cached(self, scope: Scope, send: Send, answer: Answer, since: datetime, until: datetime) -> None:
        tag = b'"%s"' % hashlib.sha256(answer.encoded).hexdigest()[:40].encode()
        headers: Headers = [_TYPE, *cached_until(tag, since, until, self._clock(), MAX_AGE)]
        if is_known_tag(scope, tag):
            self._tally.add(Count.NOT_MODIFIED)
            await respond(send, 304, headers)
        else:
            await respond(send, 200, headers, answer.encoded)

    async def _body(self, scope: Scope, receive: Receive, send: Send) -> bytes | None:
        """Returns the body of a request; None where it was refused as too large, or the client went away."""
        length = header(scope, b"content-length")
        body = b""
        more = length is None or int(length) <= MAX_OCSP_REQUEST_OCTETS  # the parser has let digits through only
        too_large = not more
        while more:
            message = await receive()
            if message["type"] != "http.request":
                self._tally.add(Count.GONE_AWAY)
                return None
            body += message.get("body", b"")
            too_large = len(body) > MAX_OCSP_REQUEST_OCTETS
            more = message.get("more_body", False) and not too_large
        if not too_large:
            return body
        self._tally.add(Count.TOO_LARGE)
        await respond(send, 413, [_TEXT, _CLOSE], b"too large\n")
        return None

    async def _answer(self, request: bytes) -> Answer:
        """Returns the answer to a request, whatever happens: the client gets one of OCSP's errors at worst."""
        if not self._freshness.fresh:
            self._tally.add(Count.TRY_LATER)
            return _TRY_LATER
        try:
            answer = self._responder.made_ahead(request, self._clock())
            if answer is not None:
                self._tally.add(_ERRORS.get(answer.encoded, Count.MADE_AHEAD))
                return answer
            answer = await self._signing.answer(request)
        except Overloaded:
            answer = _TRY_LATER
        except AuthorityError as error:  # store or key: another moment may be better
            self._journal.fault("not-answered", error)
            answer = _TRY_LATER
        except Exception as error:
            self._journal.fault("not-answered", error)
            answer = _INTERNAL_ERROR
        self._tally.add(_ERRORS.get(answer.encoded, Count.SIGNED))
        return answer

"""Parts of HTTP that the service writes and reads itself: moments, tags, the OCSP request in an address."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

__all__ = [
    "MOST_ADDRESS_OCTETS",
    "Headers",
    "Receive",
    "Scope",
    "Send",
    "Tag",
    "cached_until",
    "header",
    "http_moment",
    "is_known_tag",
    "request_in_address",
    "respond",
]

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
Tag = bytes

MOST_ADDRESS_OCTETS = 4096
"""The longest address that is looked at: room for an OCSP request of ten certificates, where RFC 5019 means one."""


@lru_cache(maxsize=256)
def http_moment(moment: datetime) -> bytes:
    """Returns a moment as HTTP writes it. Source: RFC 9110, 5.6.7."""
    return format_datetime(moment.astimezone(UTC), usegmt=True).encode()


def header(scope: Scope, name: bytes) -> bytes | None:
    """Returns the value of a request's header, by its name in small letters; None where it has none."""
    for known, value in scope["headers"]:
        if known == name:
            found: bytes = value
            return found
    return None


def is_known_tag(scope: Scope, tag: Tag) -> bool:
    """Returns whether the client has what bears this tag already (If-None-Match). Source: RFC 9110, 13.1.2."""
    given = header(scope, b"if-none-match")
    if given is None:
        return False
    return any(one.strip().removeprefix(b"W/") in (tag, b"*") for one in given.split(b","))


def cached_until(tag: Tag, since: datetime, until: datetime, at: datetime, max_age: int) -> Headers:
    """Returns what tells caches how long they may keep what holds from `since` until `until`.

    Caches that know `max-age` keep it for so many seconds at most. Source: RFC 5019, 5 and 6.2.
    """
    seconds = max(0, min(max_age, int((until - at).total_seconds())))
    return [
        (b"etag", tag),
        (b"last-modified", http_moment(since)),
        (b"expires", http_moment(until)),
        (b"cache-control", b"max-age=%d, public, no-transform, must-revalidate" % seconds),
    ]


def request_in_address(raw_path: bytes) -> bytes | None:
    """Returns the OCSP request in an address: base64, with `/`, `+` and `=` as they are or by percent, padded or not.

    None for what is no base64. Source: RFC 6960, A.1; RFC 5019, 5.
    """
    text = unquote_to_bytes(raw_path).rstrip(b"=")
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


async def respond(send: Send, status: int, headers: Headers, body: bytes = b"") -> None:
    """Sends a whole response."""
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [*headers, (b"content-length", b"%d" % len(body))] if status != 304 else headers,
        }
    )
    await send({"type": "http.response.body", "body": body})

"""Clients that are slow, or send what nobody asked for: they are sent away, and hold up nobody."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from authorities import new_authority
from service_in_a_thread import ServiceInAThread, post_of, receive_until, service_in_a_thread, whole

from jpki.service import Count, Limits
from jpki.store import Store

SOON = Limits(request_seconds=0.4, reading_seconds=0.4, keep_alive_seconds=1, header_octets=4096, connections=5)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with new_authority(tmp_path) as authority:
        yield authority.store


@pytest.fixture
def service(store: Store) -> Iterator[ServiceInAThread]:
    with service_in_a_thread(store, limits=SOON) as running:
        yield running


@pytest.mark.parametrize(
    "sent",
    [
        b"POST / HT",
        b"POST / HTTP/1.1\r\nHost: x\r\nX-Slow: 1\r\n",
        post_of(b"question")[:-3],
        b"\r\n",
    ],
    ids=["half a line", "no end of headers", "half a body", "an empty line"],
)
def test_a_request_that_does_not_get_finished_ends_the_connection(service: ServiceInAThread, sent: bytes) -> None:
    with service.connected() as connection:
        connection.sendall(sent)
        received = whole(connection)
    assert received == b"" or received.startswith(b"HTTP/1.1 408 ")
    assert service.tally.total(Count.TIMED_OUT) == 1
    assert service.post(b"question") == (200, b"about question")


def test_a_connection_on_which_nothing_comes_is_ended(service: ServiceInAThread) -> None:
    with service.connected() as connection:
        assert whole(connection) == b""
    assert service.tally.total(Count.TIMED_OUT) == 1


def test_the_second_request_of_a_connection_has_its_own_time(service: ServiceInAThread) -> None:
    with service.connected() as connection:
        connection.sendall(post_of(b"first"))
        receive_until(connection, b"about first")
        connection.sendall(post_of(b"second")[:-1])
        assert whole(connection).startswith(b"HTTP/1.1 408 ")


def test_a_connection_between_two_requests_is_kept_as_long_as_it_is_said(service: ServiceInAThread) -> None:
    with service.connected() as connection:
        connection.sendall(post_of(b"first"))
        receive_until(connection, b"about first")
        assert whole(connection) == b""
    assert service.tally.total(Count.TIMED_OUT) == 0  # its time was up, and it was not slow


def test_no_end_of_headers_is_refused(service: ServiceInAThread) -> None:
    with service.connected() as connection:
        with contextlib.suppress(OSError):
            connection.sendall(b"GET / HTTP/1.1\r\n" + b"X-More: something\r\n" * 200_000)
        received = whole(connection)
    assert received == b"" or received.startswith(b"HTTP/1.1 431 ")  # the reset may come before the words
    assert service.tally.total(Count.OVERLONG_HEADERS) == 1


def test_who_does_not_read_is_sent_away(service: ServiceInAThread) -> None:
    with service.connected() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.setblocking(False)
        # Answers that nobody takes fill all that lies between, and then it is over.
        some = left = memoryview(post_of(b"q" * 8000) * 10)
        until = time.monotonic() + 60
        while service.tally.total(Count.TIMED_OUT) == 0 and time.monotonic() < until:
            try:
                left = (left or some)[connection.send(left or some) :]
            except BlockingIOError:
                select.select([], [connection], [], 0.05)
            except (ConnectionResetError, BrokenPipeError):
                break
    assert service.tally.total(Count.TIMED_OUT) == 1
    assert service.post(b"question") == (200, b"about question")


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\n",
    ],
    ids=["TLS", "no address", "a proxy's", "HTTP/2"],
)
def test_what_is_no_request_gets_an_error(service: ServiceInAThread, nonsense: bytes) -> None:
    with service.connected() as connection:
        connection.sendall(nonsense)
        assert whole(connection).startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 405 ", b"HTTP/1.1 408 "))
    assert service.told.getvalue() == ""


def test_an_upgrade_is_not_made(service: ServiceInAThread) -> None:
    upgrade = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    with service.connected() as connection:
        connection.sendall(upgrade)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_who_comes_at_the_limit_of_connections_is_told_so(service: ServiceInAThread) -> None:
    some = []
    try:
        for _ in range(SOON.connections - 1):
            one = socket.create_connection(("127.0.0.1", service.port), timeout=60)
            one.sendall(post_of(b"question"))
            receive_until(one, b"about question")
            some.append(one)
        assert service.post(b"question")[0] == 503
    finally:
        for one in some:
            one.close()

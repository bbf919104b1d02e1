"""The service in a thread of the test's own process, with a responder of the test and limits that are soon reached."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from virtual_reader import until

from jpki.service import Answer, Application, Freshness, Journal, Limits, Tally, listening_sockets, run_worker
from jpki.store import Store
from jpki.terms import CertificateName, Role

Forgotten = tuple[Role, tuple[CertificateName, ...], int]


@dataclass
class PlainResponder:
    """Says of each request how often it was asked about; what it said, it keeps until it is told to forget."""

    said: dict[bytes, Answer] = field(default_factory=dict)
    forgotten: list[Forgotten] = field(default_factory=list)
    failure: Exception | None = None
    hold: threading.Event | None = None
    signed: int = 0

    def made_ahead(self, request: bytes, at: datetime) -> Answer | None:
        return self.said.get(request)

    def answers(self, requests: Sequence[bytes], at: datetime) -> Sequence[Answer]:
        if self.hold is not None:
            self.hold.wait(60)
        if self.failure is not None and b"bad" in requests:
            raise self.failure
        self.signed += len(requests)
        return [self.said.setdefault(one, Answer(b"about " + one, at, at + timedelta(hours=1))) for one in requests]

    def forget(self, role: Role, changed: Iterable[CertificateName], revision: int) -> None:
        self.forgotten.append((role, tuple(changed), revision))
        self.said.clear()

    def make_ahead(self, at: datetime) -> bool:
        return False


@dataclass
class ServiceInAThread:
    """What a test has to do with: the responder, the application, and what was told."""

    responder: PlainResponder
    application: Application
    port: int
    told: io.StringIO
    tally: Tally

    @contextmanager
    def connected(self) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            yield connection

    def post(self, request: bytes) -> tuple[int, bytes]:
        with self.connected() as connection:
            connection.sendall(post_of(request, "Connection: close\r\n"))
            received = whole(connection)
        head, _, body = received.partition(b"\r\n\r\n")
        return int(head.split()[1]), body


def post_of(request: bytes, more: str = "") -> bytes:
    """Returns a request by POST as it goes over the wire."""
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/ocsp-request\r\n{more}Content-Length: "
    return head.encode() + b"%d\r\n\r\n" % len(request) + request


def receive_until(connection: socket.socket, end: bytes) -> None:
    """Receives until what came ends so."""
    received = b""
    while not received.endswith(end):
        piece = connection.recv(65536)
        assert piece, received
        received += piece


def whole(connection: socket.socket) -> bytes:
    """Returns what comes until the other side ends the connection."""
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return received


@contextmanager
def service_in_a_thread(
    store: Store, *, limits: Limits | None = None, look_every: float = 0.05, stale_after: float = 4.0
) -> Iterator[ServiceInAThread]:
    """Runs the service until the block ends."""
    responder, told, tally = PlainResponder(), io.StringIO(), Tally()

    def clock() -> datetime:
        return datetime.now(UTC)

    journal = Journal(told, clock)
    own = tally.of(0)
    fresh = Freshness(store, responder, journal, own, clock, look_every=look_every, stale_after=stale_after)
    application = Application(store, responder, journal, tally, clock, freshness=fresh)
    (listening,) = listening_sockets("127.0.0.1", 0, 1)
    port = listening.getsockname()[1]
    servers: list[object] = []
    with pytest.MonkeyPatch.context() as patch:
        import uvicorn

        made = uvicorn.Server.__init__

        def remember(self: object, *args: object, **kwargs: object) -> None:
            made(self, *args, **kwargs)  # type: ignore[arg-type, misc]
            servers.append(self)

        patch.setattr(uvicorn.Server, "__init__", remember)
        thread = threading.Thread(target=run_worker, args=(application, listening, own, limits))
        thread.start()
        try:
            assert until(lambda: bool(servers) and servers[0].started)  # type: ignore[attr-defined]
            yield ServiceInAThread(responder, application, port, told, tally)
        finally:
            if responder.hold is not None:
                responder.hold.set()
            servers[0].should_exit = True  # type: ignore[attr-defined]
            thread.join(60)
            assert not thread.is_alive()

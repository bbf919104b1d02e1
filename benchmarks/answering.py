"""OCSP over HTTP beside the same server's bare answers: made ahead, signed afresh, and how long a client waits."""

from __future__ import annotations

import base64
import hashlib
import multiprocessing
import os
import select
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import quote

from authorities import PoolKeys, new_authority
from prime_pool import PrimePool

from jpki.ca import Authority, LoadedKey, OcspPolicy, OcspResponders
from jpki.formats import CertId, Certificate, cert_id_issuer, ocsp_request
from jpki.service import Application, Journal, Tally, listening_sockets, run_worker
from jpki.store import NewCertificate
from jpki.terms import CertificateName, Role

from .measure import Goal, Result

_CERTIFICATES = 20_000  # that are asked about; the store's size is another benchmark's
_AT_ONCE = 16  # connections of the client …
_PIPELINED = 4  # … with so many requests on each before the first answer
_SECONDS = 2.0
_ROUNDS = 5
_BARE = b"x" * 500


def made_ahead() -> Result:
    """It compares answers made ahead, by POST and GET in turns, with bare answers of 500 octets by the same server."""
    with _served() as (port, requests), _bare() as bare_port:
        half = len(requests) // 2
        ours = [_post(one) for one in requests[:half]] + [_get(one) for one in requests[half:]]
        bare = [_post(one) for one in requests]
        _ask(port, ours, len(ours))  # every one of them is signed now, and kept
        subject, reference = _best_rates(port, ours, bare_port, bare)
        waits = _waits(port, ours, 0.8 * subject)
    p99 = quantiles(waits, n=100)[98]
    return Result(
        "answers-made-ahead",
        subject / reference,
        "of the rate",
        0.3,
        Goal.AT_LEAST,
        "bare answers of 500 octets by the same server",
        f"{subject:,.0f} answers a second beside {reference:,.0f}, POST and GET, all about different certificates; "
        f"at 80 % of that the median is {median(waits) * 1e3:.2f} ms and p99 {p99 * 1e3:.2f} ms",
    )


def waiting() -> Result:
    """It compares what the slowest of a hundred clients wait with the median, at 80 % of the peak."""
    with _served() as (port, requests):
        ours = [_post(one) for one in requests]
        _ask(port, ours, len(ours))
        peak = max(_rate(port, ours) for _ in range(_ROUNDS))
        rounds = [_waits(port, ours, 0.8 * peak) for _ in range(_ROUNDS)]
    quietest = min(rounds, key=median)  # where others take the processor, everybody waits
    return Result(
        "waiting-for-answers",
        quantiles(quietest, n=100)[98] / median(quietest),
        "times the median",
        10,
        Goal.AT_MOST,
        "the median wait at 80 % of the peak",
        f"peak {peak:,.0f} a second; median {median(quietest) * 1e3:.2f} ms",
    )


def signed_afresh() -> Result:
    """It compares answers that are signed when they are asked for with bare RSA-2048 signatures, one process each."""
    key = LoadedKey(PrimePool(4).generate().private_key)

    def sign() -> float:
        begun = time.perf_counter()
        count = 0
        while time.perf_counter() - begun < _SECONDS:
            key.sign(bytes(200))
            count += 1
        return count / (time.perf_counter() - begun)

    with _served() as (port, requests):
        # A nonce each: none of them can have been made ahead.
        ours = [_post(one) for one in _requests(nonces=True)]
        del requests
        _rate(port, ours), sign()
        pairs = [(_rate(port, ours), sign()) for _ in range(_ROUNDS)]
    subject, reference = max(pair[0] for pair in pairs), max(pair[1] for pair in pairs)
    return Result(
        "answers-signed-afresh",
        subject / reference,
        "of the rate",
        0.8,
        Goal.AT_LEAST,
        "bare RSA-2048 signatures by the same library",
        f"{subject:,.0f} answers a second beside {reference:,.0f} signatures",
    )


# --- servers ------------------------------------------------------------------------------------------------------


def _now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def _served() -> Iterator[tuple[int, Sequence[bytes]]]:
    """Runs the service in a process of its own over an authority with many certificates; yields its port."""
    with tempfile.TemporaryDirectory() as folder:
        with new_authority(Path(folder)) as authority:
            _fill(authority)
            _ROOT.update({role: authority.certificates[role].encoded for role in Role})
        with _in_a_process(lambda listening: _serve(Path(folder), listening)) as port:
            yield port, _requests()


_ROOT: dict[Role, bytes] = {}


def _requests(*, nonces: bool = False) -> list[bytes]:
    issuer = cert_id_issuer(Certificate.parse(_ROOT[Role.SIGNATURE]))
    first = 0x0200_0000
    return [
        ocsp_request([CertId.of(issuer, first + number)], os.urandom(32) if nonces else None)
        for number in range(_CERTIFICATES)
    ]


def _fill(authority: Authority) -> None:
    own = authority.certificates[Role.SIGNATURE]
    at = _now().replace(microsecond=0)
    with authority.store.transaction() as change:
        point = change.take_point(Role.SIGNATURE, "13101", b"0\x00")
        change.skip_numbers(Role.SIGNATURE, next_number=0x0200_0000 + _CERTIFICATES, next_list=1)
        change.add_certificates([_row(number, own.name, point, at) for number in range(_CERTIFICATES)])


def _row(number: int, issuer: CertificateName, point: int, at: datetime) -> NewCertificate:
    digest = hashlib.sha256(b"%d" % number).digest()
    return NewCertificate(
        name=CertificateName(Role.SIGNATURE, 0x0200_0000 + number),
        holder=f"R{number}",
        ordinal=1,
        issuer=issuer,
        municipality="13101",
        point=point,
        not_before=at,
        not_after=at + timedelta(days=1800),
        key_hash=digest,
        submission=digest,
        counterpart=None,
        encoded=b"",
    )


class _ResponderKeys(PoolKeys):
    """Keys of responders, of the pool."""

    def signing_key(self, role: Role, generation: int, uri: str | None = None, *, make: bool = False) -> LoadedKey:
        return _KEYS.setdefault((role, generation), LoadedKey(_POOL.generate().private_key))


_POOL = PrimePool(77)
_KEYS: dict[tuple[Role, int], LoadedKey] = {}


def _serve(folder: Path, listening: socket.socket) -> None:
    from jpki.store import Store

    with Store.open(folder / "authority.sqlite3") as store, Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        keys = PoolKeys()
        for role in Role:
            keys.signing_key(role, 1, make=True)
        responders = OcspResponders(Authority(store, keys), _ResponderKeys(), _now(), policy=OcspPolicy())
        tally = Tally()
        run_worker(Application(store, responders, Journal(nowhere, _now), tally, _now), listening, tally.of(0))


@contextmanager
def _bare() -> Iterator[int]:
    """Runs the same server with an application that says the same 500 octets to everybody."""

    class Bare(Application):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - as ASGI has it
            if scope["type"] == "lifespan":
                await super().__call__(scope, receive, send)
                return
            await receive()
            head = [(b"content-type", b"application/ocsp-response"), (b"content-length", b"500")]
            await send({"type": "http.response.start", "status": 200, "headers": head})
            await send({"type": "http.response.body", "body": _BARE})

    def serve(listening: socket.socket) -> None:
        with tempfile.TemporaryDirectory() as folder, new_authority(Path(folder)) as authority:
            tally = Tally()
            with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
                application = Bare(authority.store, _Nobody(), Journal(nowhere, _now), tally, _now)
                run_worker(application, listening, tally.of(0))

    with _in_a_process(serve) as port:
        yield port


class _Nobody:
    def made_ahead(self, request: bytes, at: datetime) -> None:
        return None

    def answers(self, requests: Sequence[bytes], at: datetime) -> list[Any]:
        return []

    def forget(self, role: Role, changed: object, revision: int) -> None:
        return None

    def make_ahead(self, at: datetime) -> bool:
        return False


@contextmanager
def _in_a_process(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    (listening,) = listening_sockets("127.0.0.1", 0, 1)
    port = int(listening.getsockname()[1])
    process = multiprocessing.get_context("fork").Process(target=serve, args=(listening,))
    process.start()
    listening.close()
    try:
        _rate(port, [_post(b"")], seconds=0.2)  # it is there
        yield port
    finally:
        os.kill(process.pid or 0, signal.SIGTERM)
        process.join()


# --- clients ------------------------------------------------------------------------------------------------------


def _post(request: bytes) -> bytes:
    head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/ocsp-request\r\nContent-Length: "
    return head.encode() + b"%d\r\n\r\n" % len(request) + request


def _get(request: bytes) -> bytes:
    return f"GET /{quote(base64.b64encode(request).decode(), safe='')} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


@dataclass
class _Connection:
    """One keep-alive connection: what waits for an answer on it, since when."""

    socket: socket.socket
    since: list[float]
    received: bytes = b""

    def send(self, requests: Sequence[bytes]) -> None:
        self.socket.sendall(b"".join(requests))
        self.since += [time.perf_counter()] * len(requests)

    def answered(self) -> list[float]:
        """Takes what came, and returns how long each answer that is whole was waited for."""
        self.received += self.socket.recv(1 << 18)
        now = time.perf_counter()
        found = []
        while self.since:
            head = self.received.find(b"\r\n\r\n")
            if head < 0:
                break
            assert self.received.startswith(b"HTTP/1.1 200"), self.received[:100]
            mark = self.received.find(b"content-length: ", 0, head) + 16
            end = head + 4 + int(self.received[mark : self.received.find(b"\r\n", mark)])
            if len(self.received) < end:
                break
            self.received = self.received[end:]
            found.append(now - self.since.pop(0))
        return found


@contextmanager
def _connections(port: int) -> Iterator[dict[int, _Connection]]:
    some = [_Connection(socket.create_connection(("127.0.0.1", port)), []) for _ in range(_AT_ONCE)]
    for one in some:
        one.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        yield {one.socket.fileno(): one for one in some}
    finally:
        for one in some:
            one.socket.close()


def _ask(port: int, requests: Sequence[bytes], count: int, seconds: float = 600.0) -> float:
    """Asks as fast as answers come, and returns the answers a second."""
    with _connections(port) as connections:
        watch = select.epoll()
        sent = done = 0
        begun = time.perf_counter()
        for number, one in connections.items():
            watch.register(number, select.EPOLLIN)
            one.send([requests[(sent + more) % len(requests)] for more in range(_PIPELINED)])
            sent += _PIPELINED
        while done < count and time.perf_counter() - begun < seconds:
            for number, _ in watch.poll(60):
                answers = len(connections[number].answered())
                done += answers
                if answers:
                    connections[number].send([requests[(sent + more) % len(requests)] for more in range(answers)])
                    sent += answers
        return done / (time.perf_counter() - begun)


def _rate(port: int, requests: Sequence[bytes], seconds: float = _SECONDS) -> float:
    return _ask(port, requests, 1 << 30, seconds)


def _best_rates(port: int, ours: Sequence[bytes], bare_port: int, bare: Sequence[bytes]) -> tuple[float, float]:
    """Returns the best rate of each over the rounds, taken in turns."""
    pairs = [(_rate(port, ours), _rate(bare_port, bare)) for _ in range(_ROUNDS + 1)][1:]
    return max(pair[0] for pair in pairs), max(pair[1] for pair in pairs)


def _waits(port: int, requests: Sequence[bytes], rate: float) -> list[float]:
    """Asks at a steady rate, each when it is due whatever else waits, and returns how long each answer took."""
    waits: list[float] = []
    with _connections(port) as connections:
        watch = select.epoll()
        for number in connections:
            watch.register(number, select.EPOLLIN)
        every = list(connections.values())
        begun, sent = time.perf_counter(), 0
        while (now := time.perf_counter()) - begun < _SECONDS:
            due = int((now - begun) * rate)
            while sent < due:
                every[sent % _AT_ONCE].send([requests[sent % len(requests)]])
                # From when it was due: a client that was held up must not hide that others would have waited.
                every[sent % _AT_ONCE].since[-1] = begun + sent / rate
                sent += 1
            for number, _ in watch.poll(0.0005):
                waits += connections[number].answered()
    return waits

"""`jpki serve` in a process of its own, and clients for it."""

from __future__ import annotations

import http.client
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from command_line import PATIENCE, command, surroundings
from offices import BY_VARIABLES, Office

from jpki.formats import CertId, Certificate, CertState, OcspResponse, cert_id_issuer, ocsp_request
from jpki.terms import CertificateName, Role

OCSP_REQUEST = {"Content-Type": "application/ocsp-request"}


@dataclass
class RunningService:
    """The service of one authority's folder, on a free port of 127.0.0.1."""

    ca: Path
    workers: int = 1
    more: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    host: str = "127.0.0.1"
    process: subprocess.Popen[bytes] = field(init=False, repr=False)

    def __enter__(self) -> Self:
        words = ("serve", "--ca", self.ca, "--port", self.port, "--workers", self.workers, "--json", *self.more)
        self.log = self.ca.parent / "service.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command(*words),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self.ca.parent,
                env=surroundings(self.ca.parent, **BY_VARIABLES, **self.env),
                start_new_session=True,
            )
        self.told = json.loads(self._first_line())
        self.port = int(self.told["service"].rpartition(":")[2])
        self.wait_until(lambda: self.get("/health").status == 200)
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.stop()

    def stop(self) -> int:
        """Ends the service as a supervisor does, and returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What it told its operator so far."""
        return [json.loads(line) for line in self.log.read_text("utf-8").splitlines()]

    def get(self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Response:
        return self.ask(method, path, b"", headers or {})

    def post(self, request: bytes, path: str = "/", headers: Mapping[str, str] = OCSP_REQUEST) -> Response:
        return self.ask("POST", path, request, headers)

    def ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Response:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body or None, dict(headers))
            answer = connection.getresponse()
            return Response(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    @contextmanager
    def connected(self) -> Iterator[socket.socket]:
        with socket.create_connection((self.host, self.port), timeout=PATIENCE) as connection:
            yield connection

    def metric(self, name: str) -> float:
        """Returns the value of one line of /metrics, by all that stands before the blank."""
        text = self.get("/metrics").body.decode()
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        assert found is not None, f"{name} is not in\n{text}"
        return float(found[1])

    def wait_until(self, condition: Any) -> None:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                if condition():
                    return
            except OSError:
                pass
            assert self.process.poll() is None, self.log.read_text("utf-8")
            assert time.monotonic() < until
            select.select([], [], [], 0.05)

    def wait_until_refused(self) -> None:
        """Waits until nobody listens any more."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection((self.host, self.port), timeout=PATIENCE).close()
            except ConnectionRefusedError:
                return
            assert time.monotonic() < until
            select.select([], [], [], 0.02)

    def _first_line(self) -> bytes:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            sys.stderr.write(self.log.read_text("utf-8"))
        return line


@dataclass(frozen=True)
class Response:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def children_of(process: int) -> list[int]:
    """Returns the processes that a process started."""
    return [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def root(office: Office, role: Role) -> Path:
    return office.trust / f"{role.short}-1.cer"


def cert_id(office: Office, name: str) -> CertId:
    found = CertificateName.parse(name)
    issuer = Certificate.parse(root(office, found.authority).read_bytes())
    return CertId.of(cert_id_issuer(issuer), found.number)


def request_for(office: Office, name: str, nonce: bytes | None = None) -> bytes:
    return ocsp_request([cert_id(office, name)], nonce)


def state_in(body: bytes) -> CertState:
    basic = OcspResponse.parse(body).basic
    assert basic is not None
    return basic.responses[0].status.state

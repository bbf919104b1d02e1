"""Several worker processes: one address, one set of figures, and an end in good order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest
from command_line import Program
from offices import BY_VARIABLES, Office
from running_service import RunningService, children_of, is_there, request_for, state_in
from service_in_a_thread import post_of

from jpki.formats import CertState
from jpki.terms import Role

WITHIN = 5.0


@pytest.fixture
def two_workers(own_office: Office) -> Iterator[RunningService]:
    with RunningService(own_office.ca, workers=2) as running:
        yield running


def test_every_worker_hears_of_a_revocation_and_all_are_counted_together(
    own_office: Office, two_workers: RunningService, names: dict[Role, str]
) -> None:
    request = request_for(own_office, names[Role.SIGNATURE])
    for _ in range(20):
        assert state_in(two_workers.post(request).body) is CertState.GOOD
    assert two_workers.metric('jpki_ocsp_requests_total{method="post"}') == 20
    assert two_workers.metric("jpki_service_workers") == 2
    own_office.revoke(names[Role.SIGNATURE])
    confirmed = time.monotonic()
    two_workers.wait_until(
        lambda: all(state_in(two_workers.post(request).body) is CertState.REVOKED for _ in range(12))
    )
    assert time.monotonic() - confirmed < WITHIN
    assert two_workers.metric('jpki_revisions_behind{authority="sign"}') == 0


def test_a_worker_that_is_lost_is_started_again(two_workers: RunningService) -> None:
    before = children_of(two_workers.process.pid)
    assert len(before) == 2
    os.kill(before[0], signal.SIGKILL)
    two_workers.wait_until(lambda: len(set(children_of(two_workers.process.pid)) - set(before)) == 1)
    for _ in range(10):
        assert two_workers.get("/health").status == 200
    assert [line["status"] for line in two_workers.lines if line["event"] == "worker-lost"] == [-signal.SIGKILL]


def test_sigterm_ends_all_of_them_in_good_order(two_workers: RunningService) -> None:
    workers = children_of(two_workers.process.pid)
    assert two_workers.stop() == 0
    assert not any(is_there(one) for one in workers)
    assert two_workers.lines[-1]["event"] == "ended"


def test_workers_do_not_outlive_their_parent(two_workers: RunningService) -> None:
    workers = children_of(two_workers.process.pid)
    two_workers.process.kill()
    two_workers.process.wait()
    deadline = time.monotonic() + 60
    while any(is_there(one) and not _is_over(one) for one in workers):
        assert time.monotonic() < deadline


def _is_over(process: int) -> bool:
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)
    return done.stdout.strip() in ("", "Z", "Zs", "Zl")


def test_what_is_under_way_is_finished(own_office: Office, own_service: RunningService, names: dict[Role, str]) -> None:
    request = request_for(own_office, names[Role.SIGNATURE], b"n" * 32)
    with own_service.connected() as connection:
        connection.sendall(post_of(request)[:-1])
        own_service.wait_until(lambda: own_service.metric('jpki_ocsp_requests_total{method="post"}') == 1)
        own_service.process.send_signal(signal.SIGTERM)
        own_service.wait_until_refused()
        connection.sendall(request[-1:])
        received = b""
        while piece := connection.recv(65536):
            received += piece
    assert received.startswith(b"HTTP/1.1 200 OK")
    assert own_service.process.wait(60) == 0


def test_a_port_that_is_taken_is_told(office: Office, service: RunningService) -> None:
    for workers in (1, 2):
        words = ("serve", "--ca", office.ca, "--port", service.port, "--workers", workers, "--json")
        done = Program(office.path)(*words, env=BY_VARIABLES)
        assert (done.code, done.error["error"]) == (8, "AddressTaken")
        assert done.error["facts"] == {"host": "127.0.0.1", "port": service.port}


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "a b"])
def test_an_address_that_is_not_of_this_machine_is_told(office: Office, host: str) -> None:
    words = ("serve", "--ca", office.ca, "--port", 0, "--host", host, "--json")
    done = Program(office.path)(*words, env=BY_VARIABLES)
    assert (done.code, done.error["error"]) == (8, "AddressRefused")


def test_a_wrong_passphrase_is_told_before_anything_listens(office: Office) -> None:
    done = Program(office.path)("serve", "--ca", office.ca, "--json", env={"JPKI_CA_PASSPHRASE": "another one"})
    assert done.error["error"] == "WrongPassphrase"
    assert done.data == b""


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_an_address_of_ipv6_is_written_so_that_it_can_be_used(own_office: Office) -> None:
    with RunningService(own_office.ca, more=("--host", "::1"), host="::1") as running:
        assert running.told["service"] == f"http://[::1]:{running.port}"

"""What a worker knows of the store: changes within seconds, and nothing old where it cannot ask."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from authorities import NOW, Applicants, issue_one, name_in, new_authority
from command_line import ROOT
from service_in_a_thread import ServiceInAThread, service_in_a_thread
from virtual_reader import until

from jpki.ca import Authority, KeyMissing
from jpki.formats import OCSP_INTERNAL_ERROR, OCSP_TRY_LATER, RevocationReason
from jpki.service import LOOK_EVERY, MAX_AGE, STALE_AFTER, Count
from jpki.store import Store, StoreError, StoreReading
from jpki.terms import Role


class Unsteady(Store):
    """A store that can be made to hang or to fail."""

    __slots__ = ("failure", "hang")

    hang: threading.Event | None
    failure: StoreError | None

    @contextmanager
    def snapshot(self) -> Iterator[StoreReading]:
        if self.hang is not None:
            self.hang.wait(60)
        if self.failure is not None:
            raise self.failure
        with super().snapshot() as view:
            yield view


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    with new_authority(tmp_path) as made:
        yield made


@pytest.fixture
def store(authority: Authority, tmp_path: Path) -> Iterator[Unsteady]:
    with Unsteady.open(tmp_path / "authority.sqlite3") as opened:
        opened.hang = opened.failure = None
        yield opened


@pytest.fixture
def service(store: Unsteady) -> Iterator[ServiceInAThread]:
    with service_in_a_thread(store, stale_after=0.5) as running:
        yield running


def test_what_changed_is_forgotten_by_name(authority: Authority, service: ServiceInAThread) -> None:
    name = name_in(issue_one(authority, Applicants().asks()), Role.SIGNATURE)
    assert service.post(b"question") == (200, b"about question")
    authority.revoke(name, RevocationReason.KEY_COMPROMISE, NOW)
    assert until(lambda: service.responder.forgotten)
    with authority.store.snapshot() as view:
        assert service.responder.forgotten == [(Role.SIGNATURE, (name,), view.revision(Role.SIGNATURE))]


def test_a_store_that_hangs_lets_no_old_answer_out(store: Unsteady, service: ServiceInAThread) -> None:
    assert service.post(b"question") == (200, b"about question")
    store.hang = threading.Event()
    try:
        assert until(lambda: service.post(b"question") == (200, OCSP_TRY_LATER))
        with service.connected() as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(1000).startswith(b"HTTP/1.1 503 ")
    finally:
        store.hang.set()
        store.hang = None
    assert until(lambda: service.post(b"question") == (200, b"about question"))


def test_a_store_that_fails_is_told_once_and_so_is_its_return(store: Unsteady, service: ServiceInAThread) -> None:
    store.failure = StoreError(store="it", problem="gone")
    assert until(lambda: service.post(b"question") == (200, OCSP_TRY_LATER))
    store.failure = None
    assert until(lambda: service.post(b"question") == (200, b"about question"))
    told = [json.loads(line) for line in service.told.getvalue().splitlines()]
    assert [line["event"] for line in told] == ["store-not-asked", "store-asked-again"]
    assert told[0]["error"] == "StoreError"
    assert "gone" not in service.told.getvalue()


def test_a_key_that_is_gone_means_later(service: ServiceInAThread) -> None:
    service.responder.failure = KeyMissing(file="secret place")
    assert service.post(b"bad") == (200, OCSP_TRY_LATER)
    assert service.post(b"good") == (200, b"about good")
    assert "secret place" not in service.told.getvalue()
    assert service.tally.total(Count.TRY_LATER) == 1


def test_a_fault_of_the_program_is_told_without_its_words(service: ServiceInAThread) -> None:
    service.responder.failure = ValueError("sign:01000002")
    for _ in range(3):
        assert service.post(b"bad") == (200, OCSP_INTERNAL_ERROR)
    (line,) = [json.loads(line) for line in service.told.getvalue().splitlines()]
    assert (line["event"], line["error"]) == ("not-answered", "ValueError")
    assert "01000002" not in service.told.getvalue()


def test_a_request_that_fails_spoils_none_that_waits_with_it(service: ServiceInAThread) -> None:
    service.responder.failure = ValueError()
    service.responder.hold = threading.Event()
    questions = [b"bad" if number == 5 else b"good %d" % number for number in range(20)]
    outcomes: dict[bytes, tuple[int, bytes]] = {}
    threads = [threading.Thread(target=lambda one=one: outcomes.update({one: service.post(one)})) for one in questions]
    for thread in threads:
        thread.start()
    service.responder.hold.set()
    for thread in threads:
        thread.join(60)
    assert outcomes.pop(b"bad") == (200, OCSP_INTERNAL_ERROR)
    assert outcomes == {one: (200, b"about " + one) for one in questions if one != b"bad"}


def test_a_revocation_is_known_within_five_seconds_also_behind_a_cache_and_when_the_store_hangs() -> None:
    assert LOOK_EVERY + STALE_AFTER + MAX_AGE <= 5
    assert LOOK_EVERY < STALE_AFTER / 2  # one look that fails is not the end of all answers
    pages = [(ROOT / "docs" / page).read_text(encoding="utf-8") for page in ("service.md", "ocsp.md")]
    assert f"began more than {STALE_AFTER:g} s ago" in pages[0]
    assert f"`Cache-Control: max-age={MAX_AGE}`" in pages[0]
    assert f"has not been seen for {STALE_AFTER:g} seconds" in pages[1]

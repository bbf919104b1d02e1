"""Several processes on one store: nothing is given twice, nothing is lost, also when they are killed."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from authorities import NOW, PoolKeys, new_authority
from issue_in_a_process import BATCH

from jpki.ca import Authority
from jpki.formats import Certificate
from jpki.store import Store
from jpki.terms import CertificateName, Role

ROOT = Path(__file__).parents[2]
CHOICE = random.Random(20261122)  # noqa: S311 - when a process is killed is no secret


class Workers:
    """Processes that issue on one store, and what each was given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: list[subprocess.Popen[bytes]] = []
        self.journals: list[Path] = []

    def start(self, first: int, count: int) -> None:
        journal = self.folder / f"journal-{len(self.journals)}"
        arguments = [ROOT / "tests" / "issue_in_a_process.py", self.folder, first, count, journal]
        environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
        self.running.append(subprocess.Popen([sys.executable, *map(str, arguments)], env=environment))
        self.journals.append(journal)

    def go(self) -> None:
        """Lets all of them begin in the same moment."""
        end = time.monotonic() + 120
        while not all(journal.exists() and "ready" in journal.read_text("ascii") for journal in self.journals):
            assert all(process.poll() is None for process in self.running)
            assert time.monotonic() < end
            time.sleep(0.01)
        (self.folder / "go").touch()

    def confirmed(self) -> list[str]:
        """Returns the names that stand in the journals."""
        lines = [line for journal in self.journals for line in journal.read_text("ascii").splitlines(keepends=True)]
        return [line.strip() for line in lines if line.endswith("\n") and line != "ready\n"]

    def stop(self) -> None:
        for process in self.running:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    new_authority(tmp_path).close()
    made = Workers(tmp_path)
    yield made
    made.stop()


def everything(store: Store) -> dict[CertificateName, bytes]:
    """Returns all certificates in the store, each of which must have its encoded form, and that must be its own."""
    with store.snapshot() as view:
        names = [stored.name for stored in view.certificates(at=NOW, limit=1_000_000)]
        found = view.encoded(names)
    assert set(found) == set(names)
    for name, encoded in found.items():
        assert Certificate.parse(encoded).serial == name.number
    return found


def next_number(store: Store) -> int:
    with store.transaction() as change:
        return change.take_numbers(Role.AUTHENTICATION, 1)[0]


def test_four_processes_issue_2000_certificates_at_once(workers: Workers) -> None:
    for number in range(4):
        workers.start(number * 500, 500)
    workers.go()
    assert [process.wait(300) for process in workers.running] == [0, 0, 0, 0]
    confirmed = workers.confirmed()
    assert len(confirmed) == len(set(confirmed)) == 2000
    with Store.open(workers.folder / "authority.sqlite3") as store:
        assert {str(name) for name in everything(store)} == set(confirmed)
        with store.snapshot() as view:
            assert view.intents() == ()
        assert next_number(store) == 0x0100_0002 + 2000
        store.check()


def kill_and_compare(workers: Workers, rounds: int) -> None:
    """Kills two processes a round in the middle of their work, and compares what they were given with the store."""
    for turn in range(rounds):
        (workers.folder / "go").unlink(missing_ok=True)
        workers.running.clear()
        for number in range(2):
            # The same people and keys as in the round before, and some new ones: some are already served, some half.
            workers.start(turn * 40 + number * 2000, 100)
        workers.go()
        for process, journal in zip(workers.running, workers.journals[-2:], strict=True):
            # After so many confirmed batches, however fast the machine is, and then anywhere in the next one.
            wait_for_lines(process, journal, 1 + BATCH * CHOICE.randrange(0, 8))
            time.sleep(CHOICE.uniform(0.0, 0.01))
            process.kill()
        ends = {process.wait() for process in workers.running}
        assert ends <= {-signal.SIGKILL, 0}
        compare(workers)


def wait_for_lines(process: subprocess.Popen[bytes], journal: Path, count: int) -> None:
    end = time.monotonic() + 120
    while journal.read_text("ascii").count("\n") < count and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.001)


def compare(workers: Workers) -> None:
    with Store.open(workers.folder / "authority.sqlite3") as store:
        found = everything(store)
        confirmed = workers.confirmed()
        assert set(confirmed) <= {str(name) for name in found}
        with store.snapshot() as view:
            intents = [intent.name for intent in view.intents()]
        # Every number taken is a certificate or a visible intent, and never both.
        taken = sorted([name.number for name in found] + [name.number for name in intents])
        assert taken == list(range(0x0100_0002, 0x0100_0002 + len(taken)))
        with store.snapshot() as view:
            people = [(stored.holder, stored.name.authority) for stored in view.certificates(at=NOW, limit=1_000_000)]
        assert len(people) == len(set(people))


def test_processes_killed_at_random_moments_lose_nothing_that_was_confirmed(workers: Workers) -> None:
    kill_and_compare(workers, 5)
    assert workers.confirmed()
    with Authority(Store.open(workers.folder / "authority.sqlite3"), PoolKeys()) as authority:
        authority.store.check()


@pytest.mark.soak
def test_processes_killed_a_hundred_times_lose_nothing_that_was_confirmed(workers: Workers) -> None:
    kill_and_compare(workers, 100)

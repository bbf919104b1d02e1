"""Several processes on one store: nothing is given twice, nothing is lost, also when they are killed."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from authorities import PoolKeys, new_authority
from issue_in_a_process import BATCH
from issuing_processes import Workers, compare, everything, wait_for_lines

from jpki.ca import Authority
from jpki.store import Store
from jpki.terms import Role

CHOICE = random.Random(20261122)  # noqa: S311 - when a process is killed is no secret


@pytest.fixture
def workers(tmp_path: Path, address: str) -> Iterator[Workers]:
    new_authority(tmp_path, address=address).close()
    made = Workers(tmp_path, address)
    yield made
    made.stop()


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
    with Store.open(workers.address) as store:
        with store.snapshot() as view:
            assert {str(name) for name in everything(view)} == set(confirmed)
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


def test_processes_killed_at_random_moments_lose_nothing_that_was_confirmed(workers: Workers) -> None:
    kill_and_compare(workers, 5)
    assert workers.confirmed()
    with Authority(Store.open(workers.address), PoolKeys()) as authority:
        authority.store.check()


@pytest.mark.soak
def test_processes_killed_a_hundred_times_lose_nothing_that_was_confirmed(workers: Workers) -> None:
    kill_and_compare(workers, 100)

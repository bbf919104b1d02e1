"""What stops an issue or a renewal from outside: the reader goes, the daemon stops, another program holds the card.

Each is an error of its own, nothing is lost, and the same call again does the work.
"""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from daemon_of_its_own import Between
from desk_bench import Bench, Moment
from desk_in_a_process import DeskServer
from desks import DeskFolder, Work
from readers_with_cards import Unplugged, other_program

from jpki.card import CardBusy, Limits, PcscConnection, ReaderGone, open_reader
from jpki.card.scard import Code, load_scard

pytestmark = pytest.mark.pcsc

IMPATIENT = Limits(busy=1.0, answer=5.0, end=0.5)
WORK = pytest.mark.parametrize("work", Work, ids=lambda work: work.name)


def places(bench: Bench, work: Work) -> tuple[int, ...]:
    """Returns the numbers of four exchanges: in the handshake, at a key pair, in the middle, and the very last."""
    count = len(bench.commands(work))
    return 3, count // 6, count // 2, count


@WORK
def test_work_that_a_stopping_daemon_ends_is_finished_when_it_runs_again(
    bench: Bench, work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = tmp_path / "pcscd.comm"
    with monkeypatch.context() as here:
        here.setenv("PCSCLITE_CSOCK_NAME", str(door))
        daemon = Between(silent=False)
    with DeskServer(daemon_socket=door) as server:

        def stop(work: Work, folder: DeskFolder, at: int, moment: Moment) -> None:
            daemon.start()
            server.prepare(work, folder, bench.slot.name)
            bench.card.arm(at, moment, daemon.stop)
            server.go()
            assert server.end() == "NoDaemon"
            assert bench.card.lost_power.wait(10)

        for at in places(bench, work):
            bench.go_on(work, stop, at, Moment.AFTER)


@WORK
def test_work_in_a_reader_that_is_unplugged_is_finished_in_another(bench: Bench, work: Work) -> None:
    def unplug(work: Work, folder: DeskFolder, at: int, moment: Moment) -> None:
        scard = Unplugged(load_scard(), Code.READER_UNAVAILABLE, state=0x0C)
        bench.card.arm(at, moment, lambda: setattr(scard, "gone", True))
        with (
            PcscConnection(scard, bench.slot.name, Limits()) as connection,  # type: ignore[arg-type]
            pytest.raises(ReaderGone) as caught,
        ):
            folder.do(work, connection, work.value)
        assert caught.value.reader == bench.slot.name

    for at in places(bench, work):
        bench.go_on(work, unplug, at, Moment.BEFORE)


@WORK
def test_a_card_that_another_program_holds_is_not_touched_and_work_on_it_not_begun(bench: Bench, work: Work) -> None:
    def hold(work: Work, folder: DeskFolder, at: int, moment: Moment) -> None:
        with open_reader(bench.slot.name, IMPATIENT) as connection, other_program(bench.slot.name) as other:
            other.does("SCardBeginTransaction")
            bench.card.arm(0, moment, lambda: None)
            with pytest.raises(CardBusy) as caught:
                folder.do(work, connection, work.value)
        assert caught.value.reader == bench.slot.name
        assert bench.card.commands == []
        with folder.authority() as authority, authority.store.snapshot() as view:
            assert view.open_jobs() == ()

    bench.go_on(work, hold, 0, Moment.BEFORE)


@WORK
def test_another_program_waits_until_the_work_is_done(bench: Bench, work: Work) -> None:
    folder, card = bench.fresh(work)
    answers: list[int] = []
    with card, open_reader(bench.slot.name) as connection, other_program(bench.slot.name) as other:
        waits = threading.Thread(target=lambda: answers.append(other.answer("SCardBeginTransaction")))
        bench.card.arm(10, Moment.AFTER, waits.start)
        folder.do(work, connection, work.value)
        waits.join()
    # The end of the work power-cycled the card, which is what the other program is told.
    assert answers == [Code.RESET_CARD]

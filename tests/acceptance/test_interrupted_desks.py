"""An issue and a renewal through the real daemon, interrupted at one exchange: the same call again finishes the work.

The process is killed while it waits for the answer, or the card is pulled while it has the command; either before the
card has carried the command out, or after. Every exchange is tried by `./run soak`. In the suite it is the first
exchange of each kind of command (instruction, first parameter, part of a chain or not), which has a new kind of state
behind it, and the very last.
"""

from __future__ import annotations

import pytest
from desk_bench import Bench, Moment
from desks import Work

pytestmark = pytest.mark.pcsc


def spread(commands: list[bytes]) -> list[int]:
    """Returns the numbers of the exchanges that the suite tries."""
    first: dict[tuple[int, ...], int] = {}
    for number, command in enumerate(commands, 1):
        first.setdefault(kind(command), number)
    return sorted({*first.values(), len(commands)})


def kind(command: bytes) -> tuple[int, ...]:
    """Returns what makes commands alike: instruction, whether a chain goes on, and what to do with a key pair."""
    cla, ins, p1 = command[:3]
    return (ins, cla & 0x10, p1 if ins == 0x47 else 0)


@pytest.mark.parametrize("work", Work, ids=lambda work: work.name)
def test_the_work_of_a_killed_process_is_finished_by_the_next(bench: Bench, work: Work) -> None:
    for at in spread(bench.commands(work)):
        bench.go_on(work, bench.kill, at, Moment.AFTER)


@pytest.mark.parametrize("work", Work, ids=lambda work: work.name)
def test_work_on_a_card_that_was_pulled_is_finished_when_it_is_back(bench: Bench, work: Work) -> None:
    for at in spread(bench.commands(work)):
        bench.go_on(work, bench.pull, at, Moment.BEFORE)


@pytest.mark.soak
@pytest.mark.parametrize("moment", Moment, ids=lambda moment: moment.name)
@pytest.mark.parametrize("work", Work, ids=lambda work: work.name)
def test_a_process_killed_at_every_exchange(bench: Bench, work: Work, moment: Moment) -> None:
    for at in range(1, len(bench.commands(work)) + 1):
        bench.go_on(work, bench.kill, at, moment)


@pytest.mark.soak
@pytest.mark.parametrize("moment", Moment, ids=lambda moment: moment.name)
@pytest.mark.parametrize("work", Work, ids=lambda work: work.name)
def test_a_card_pulled_at_every_exchange(bench: Bench, work: Work, moment: Moment) -> None:
    for at in range(1, len(bench.commands(work)) + 1):
        bench.go_on(work, bench.pull, at, moment)

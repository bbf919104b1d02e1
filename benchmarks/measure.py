"""How speed is measured: a subject and a named reference in the same run, alternating, best of five, as a ratio."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from statistics import median

ROUNDS = 5
_WAITED = Path("/proc/thread-self/schedstat")  # nanoseconds on a processor, and waiting for one


class Goal(Enum):
    """Which side of the goal is the good one."""

    AT_MOST = "at most"
    AT_LEAST = "at least"


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table. `figure` is in `unit`; `note` says where the rest goes, or what else was seen."""

    name: str
    figure: float
    unit: str
    goal: float
    side: Goal
    against: str
    note: str = ""

    @property
    def holds(self) -> bool:
        """Returns whether the goal is reached."""
        return self.figure <= self.goal if self.side is Goal.AT_MOST else self.figure >= self.goal

    def as_facts(self) -> dict[str, object]:
        """Returns the line as JSON has it."""
        return {
            "name": self.name,
            "figure": round(self.figure, 3),
            "unit": self.unit,
            "goal": self.goal,
            "side": self.side.value,
            "holds": self.holds,
            "against": self.against,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Work:
    """Something to be timed: one round of it, and how many units (exchanges, signatures) a round has."""

    round: Callable[[], object]
    units: int

    def seconds(self) -> float:
        """Does one round, and returns how long a unit of it took."""
        begun = _moment()
        self.round()
        return (_moment() - begun) / self.units


def _moment() -> float:
    """Returns the seconds of a clock that stands still while this thread waits for a processor that others hold.

    Waiting for a disk counts. Where the system does not tell (Linux does), it is the clock on the wall.
    """
    try:
        waited = int(_WAITED.read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        waited = 0
    return time.perf_counter() - waited / 1e9


def best_of_alternating(subject: Work, reference: Work) -> tuple[float, float]:
    """Returns the least seconds per unit of each over the rounds, taken in turns.

    A noisy machine then disturbs both alike, if a round of the one takes about as long as a round of the other.
    """
    subject.seconds(), reference.seconds()  # caches and allocators are warm before anything counts
    pairs = [(subject.seconds(), reference.seconds()) for _ in range(ROUNDS)]
    return min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)


def best_median_of_alternating(
    subject: Callable[[], object], reference: Callable[[], object], calls: int
) -> tuple[float, float]:
    """Returns the least over the rounds of the median seconds of one call of each, taken in turns call by call.

    For what waits for other programs: on a busy machine now and then a call takes many times as long as the others.
    """
    rounds = [[(_seconds(subject), _seconds(reference)) for _ in range(calls)] for _ in range(1 + ROUNDS)]
    del rounds[0]
    return (
        min(median(pair[0] for pair in pairs) for pairs in rounds),
        min(median(pair[1] for pair in pairs) for pairs in rounds),
    )


def _seconds(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun

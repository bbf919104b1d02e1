"""How speed is measured: a subject and a named reference in the same run, alternating, best of five, as a ratio."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

ROUNDS = 5


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


def seconds(work: Callable[[], object]) -> float:
    """Returns how long one call takes, in seconds."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def best_of_alternating(subject: Callable[[], object], reference: Callable[[], object]) -> tuple[float, float]:
    """Returns the least time of each over the rounds, taken in turns so that a noisy machine disturbs both alike."""
    subject(), reference()  # caches and allocators warm, before anything counts
    pairs = [(seconds(subject), seconds(reference)) for _ in range(ROUNDS)]
    return min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)

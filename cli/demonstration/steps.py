"""The steps of the demonstration, in order, each at its moment, and what is told of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

__all__ = ["STEPS", "Told"]


def _at(year: int, month: int, day: int, hour: int = 1, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


STEPS: Mapping[str, datetime] = {
    "authority": _at(2026, 11, 22, 1, 0),
    "blank": _at(2026, 11, 22, 1, 5),
    "issue": _at(2026, 11, 22, 1, 10),
    "sign": _at(2026, 11, 22, 2, 0),
    "verify": _at(2026, 11, 22, 2, 5),
    "login": _at(2026, 11, 23, 3, 0),
    "renew": _at(2031, 2, 3, 1, 0),
    "recognise": _at(2031, 2, 4, 3, 0),
    "revoke": _at(2032, 6, 1, 0, 30),
    "refuse": _at(2032, 6, 1, 3, 0),
    "past": _at(2032, 6, 1, 3, 5),
}
"""Each step and its moment on the demonstration's own clock. The first certificates end on 1 April 2031."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a step found out: facts in the order in which people read them, and the one that is a table."""

    facts: Mapping[str, object]
    table: str | None = field(default=None)

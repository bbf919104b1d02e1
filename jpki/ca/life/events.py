"""One event of a person's life, and what was known of the person before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from jpki.terms import JST, Role, end_of_day_in_japan

from .table import Fact

__all__ = ["LifeEvent", "PersonHistory", "start_of_day_in_japan"]


def start_of_day_in_japan(day: date) -> datetime:
    """Returns the first second of `day` in Japan, in UTC."""
    return datetime.combine(day, time(), JST).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class LifeEvent:
    """Something that happened to a person, a card or a certificate, as somebody reported it.

    `id` is the reporter's, the same whenever the same event is reported; `person` is the number in the residents'
    register, and all by which anybody is found. `occurred_at` is a moment with time zone, or a day in Japan.
    `departure` is the day of leaving Japan, `card` the serial number of the card it is about (hexadecimal, upper case),
    `role` the one certificate it is about: None where it is about both.
    """

    id: str
    person: str
    kind: str
    occurred_at: datetime | date
    departure: date | None = None
    card: str | None = None
    role: Role | None = None

    def __post_init__(self) -> None:
        if isinstance(self.occurred_at, datetime) and self.occurred_at.tzinfo is None:
            raise ValueError("a moment without time zone")

    @property
    def earliest(self) -> datetime:
        """Returns when it happened, in UTC; the first second of the day where only the day is known."""
        moment = self.occurred_at
        return moment.astimezone(UTC) if isinstance(moment, datetime) else start_of_day_in_japan(moment)

    @property
    def latest(self) -> datetime:
        """Returns when it happened, in UTC; the last second of the day where only the day is known."""
        moment = self.occurred_at
        return moment.astimezone(UTC) if isinstance(moment, datetime) else end_of_day_in_japan(moment)

    @property
    def facts(self) -> dict[str, str]:
        """Returns all that it says, in one form: a moment in UTC, however the report wrote it, a day as a day."""
        day_or_moment = self.earliest if isinstance(self.occurred_at, datetime) else self.occurred_at
        said = {fact.value: getattr(self, fact.value) for fact in Fact if fact in self.said}
        return {
            "id": self.id,
            "person": self.person,
            "kind": self.kind,
            "occurred_at": day_or_moment.isoformat(),
            **{name: value.value if isinstance(value, Role) else str(value) for name, value in said.items()},
        }

    @property
    def said(self) -> frozenset[Fact]:
        """Returns which facts it has besides those that every event has."""
        return frozenset(fact for fact in Fact if getattr(self, fact.value) is not None)


@dataclass(frozen=True, slots=True)
class PersonHistory:
    """What was applied for a person before: when the latest event happened, and whether it was one that ends all."""

    last: datetime | None = None
    ended: bool = False

    def followed_by(self, event: LifeEvent, last_kinds: tuple[str, ...]) -> PersonHistory:
        """Returns the history with an event that was applied; `last_kinds` are those that nothing follows."""
        moment = event.earliest if self.last is None else max(self.last, event.earliest)
        return PersonHistory(moment, self.ended or event.kind in last_kinds)

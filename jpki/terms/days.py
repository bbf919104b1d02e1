"""Days as Japan counts them: a certificate's day ends at 23:59:59 in Japan, 14:59:59Z."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta, timezone

__all__ = ["JST", "birthday_in", "day_in_japan", "end_of_day_in_japan"]

JST = timezone(timedelta(hours=9), "JST")


def day_in_japan(moment: datetime) -> date:
    """Returns the calendar day in Japan at `moment`, which must carry a time zone (ValueError otherwise)."""
    if moment.tzinfo is None:
        raise ValueError("a moment without time zone")
    return moment.astimezone(JST).date()


def end_of_day_in_japan(day: date) -> datetime:
    """Returns the last second of `day` in Japan, in UTC. Source: docs/facts.md, certificates."""
    return datetime.combine(day, time(23, 59, 59), JST).astimezone(UTC)


def birthday_in(year: int, birth: date) -> date:
    """Returns the birthday in `year`; 29 February counts as the 28th in a common year."""
    if (birth.month, birth.day) == (2, 29) and not calendar.isleap(year):
        return date(year, 2, 28)
    return date(year, birth.month, birth.day)

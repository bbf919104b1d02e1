"""Moments as they are handed in: with a time zone, and within what a calendar can say in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from .errors import BadMoment

__all__ = ["in_utc"]


def in_utc(moment: datetime) -> datetime:
    """Returns the same moment in UTC; raises BadMoment for one without a time zone, or outside the years 1 to 9999."""
    if moment.utcoffset() is None:
        raise BadMoment(problem="a moment without a time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise BadMoment(problem="a moment outside the calendar") from None

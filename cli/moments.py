"""The present, and moments and days that people write."""

from __future__ import annotations

from datetime import UTC, date, datetime

import click

from jpki.terms import JST

__all__ = ["DAY", "MOMENT", "MOMENT_TO_COME", "now"]


def now() -> datetime:
    """Returns the present moment. No option of an authority's command stands in for it: nothing is dated back."""
    return datetime.now(UTC)


class _Moment(click.ParamType):  # type: ignore[type-arg]  # generic only in newer versions of click
    """A moment as ISO 8601 has it, or as reports show it; without a time zone it is Japan's time."""

    name = "moment"
    problem = "not a moment such as 2026-11-22T10:00:00+09:00"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Returns the moment in UTC."""
        try:
            found = datetime.fromisoformat(str(value).removesuffix(" JST"))
            return (found if found.tzinfo is not None else found.replace(tzinfo=JST)).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(self.problem, param, ctx)


class _MomentToCome(_Moment):
    """A moment that is not over: what is on record now says nothing certain of how things stood before."""

    problem = "not a moment to come, such as 2036-01-14T10:00:00+09:00"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Returns the moment in UTC."""
        found = super().convert(value, param, ctx)
        if found < now():
            self.fail(self.problem, param, ctx)
        return found


class _Day(click.ParamType):  # type: ignore[type-arg]  # see above
    """A calendar day, YYYY-MM-DD."""

    name = "day"
    problem = "not a day such as 2036-01-14"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Returns the day."""
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(self.problem, param, ctx)


MOMENT = _Moment()
MOMENT_TO_COME = _MomentToCome()
DAY = _Day()

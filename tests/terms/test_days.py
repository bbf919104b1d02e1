"""Days as Japan counts them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpki.terms import birthday_in, day_in_japan, end_of_day_in_japan


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 11, 22, 14, 59, 59, tzinfo=UTC), date(2026, 11, 22)),
        (datetime(2026, 11, 22, 15, 0, 0, tzinfo=UTC), date(2026, 11, 23)),
        (datetime(2026, 12, 31, 15, 0, 0, tzinfo=UTC), date(2027, 1, 1)),
    ],
)
def test_a_day_in_japan_begins_at_1500_utc(moment: datetime, day: date) -> None:
    assert day_in_japan(moment) == day


def test_a_moment_without_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        day_in_japan(datetime(2026, 11, 22))  # noqa: DTZ001 - it has none on purpose


def test_a_day_ends_at_145959_utc() -> None:
    assert end_of_day_in_japan(date(2033, 7, 15)) == datetime(2033, 7, 15, 14, 59, 59, tzinfo=UTC)


@given(st.dates(date(1868, 1, 1), date(2200, 1, 1)))
def test_the_last_second_of_a_day_lies_in_it(day: date) -> None:
    assert day_in_japan(end_of_day_in_japan(day)) == day


@pytest.mark.parametrize(
    ("year", "birth", "birthday"),
    [
        (2027, date(2000, 2, 29), date(2027, 2, 28)),
        (2028, date(2000, 2, 29), date(2028, 2, 29)),
        (2100, date(2000, 2, 29), date(2100, 2, 28)),
        (2027, date(2000, 2, 28), date(2027, 2, 28)),
        (2027, date(2000, 3, 1), date(2027, 3, 1)),
    ],
)
def test_the_29th_of_february_counts_as_the_28th_in_a_common_year(year: int, birth: date, birthday: date) -> None:
    assert birthday_in(year, birth) == birthday

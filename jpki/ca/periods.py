"""How long a certificate and a card last: birthdays, counted in days of Japan.

Every day here is a calendar day in Japan; a certificate ends with its last day, at 14:59:59Z.
Source: docs/rules.md, how long
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta

from jpki.terms import birthday_in

__all__ = ["age_on", "birthday_after", "first_day_of_renewal", "new_card_expiry"]

_ADULT = 18
_WINDOW_MONTHS = 3


def age_on(day: date, birth: date) -> int:
    """Returns how many birthdays a person has had by the end of `day`; negative before birth."""
    return day.year - birth.year - (birthday_in(day.year, birth) > day)


def birthday_after(day: date, birth: date, count: int) -> date:
    """Returns the `count`-th birthday after `day`; a birthday on `day` itself does not count."""
    passed = birthday_in(day.year, birth) <= day
    return birthday_in(day.year + passed + count - 1, birth)


def new_card_expiry(day: date, birth: date, residence_expiry: date | None) -> date:
    """Returns the last day of a card issued on `day`: the tenth birthday, the fifth under 18, or the end of stay."""
    expiry = birthday_after(day, birth, 10 if age_on(day, birth) >= _ADULT else 5)
    return expiry if residence_expiry is None else min(expiry, residence_expiry)


def first_day_of_renewal(expiry: date) -> date:
    """Returns the first day with less than three months left: the day after the same day three months before `expiry`.

    Where that month has no such day, it is the first of the next month. Source: docs/rules.md, renewal
    """
    year, month = divmod(expiry.year * 12 + expiry.month - 1 - _WINDOW_MONTHS, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(expiry.day, last)) + timedelta(days=1)

"""The four attributes, as a signature certificate writes them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpki.terms import HIDDEN, BirthDate, Era, FourAttributes, Sex


@pytest.mark.parametrize(
    ("day", "raw", "era"),
    [
        (date(1899, 12, 1), "118991201", Era.MEIJI),
        (date(1912, 7, 29), "119120729", Era.MEIJI),
        (date(1912, 7, 30), "219120730", Era.TAISHO),
        (date(1926, 12, 24), "219261224", Era.TAISHO),
        (date(1926, 12, 25), "319261225", Era.SHOWA),
        (date(1980, 2, 17), "319800217", Era.SHOWA),
        (date(1989, 1, 7), "319890107", Era.SHOWA),
        (date(1989, 1, 8), "419890108", Era.HEISEI),
        (date(2019, 4, 30), "420190430", Era.HEISEI),
        (date(2019, 5, 1), "520190501", Era.REIWA),
    ],
)
def test_a_birth_date_is_an_era_digit_and_a_gregorian_day(day: date, raw: str, era: Era) -> None:
    assert BirthDate.of(day) == BirthDate(raw)
    assert BirthDate(raw).day == day
    assert BirthDate(raw).era is era


@pytest.mark.parametrize(
    "raw", ["", "3", "19800217", "3198002170", "319800230", "3１9800217", "3-9800217", "319800000"]
)
def test_a_birth_date_that_names_no_day_stays_readable(raw: str) -> None:
    assert BirthDate(raw).day is None


@pytest.mark.parametrize("raw", ["", "019800217", "919800217", "X19800217"])
def test_an_era_without_meaning_is_unknown(raw: str) -> None:
    assert BirthDate(raw).era is Era.UNKNOWN


@given(st.text())
def test_any_text_can_stand_for_a_birth_date(raw: str) -> None:
    assert BirthDate(raw).raw == raw
    assert isinstance(BirthDate(raw).era, Era)
    assert BirthDate(raw).day is None or len(raw) == 9


@given(st.dates(date(1868, 10, 23)))
def test_every_day_since_meiji_has_an_era_and_comes_back(day: date) -> None:
    assert BirthDate.of(day).era is not Era.UNKNOWN
    assert BirthDate.of(day).day == day


@pytest.mark.parametrize(
    ("raw", "meaning"),
    [
        ("1", "male"),
        ("2", "female"),
        ("3", "other"),
        ("9", "other"),
        ("0", "unknown"),
        ("", "unknown"),
        ("男", "unknown"),
    ],
)
def test_every_documented_sex_digit_is_understood_and_others_are_kept(raw: str, meaning: str) -> None:
    assert Sex(raw).meaning == meaning
    assert Sex(raw).raw == raw


def test_attributes_of_a_person_do_not_print() -> None:
    person = FourAttributes("公的　花子", "00000", "東京都千代田区", "0000000", BirthDate("319800217"), Sex("2"))
    assert repr(person) == f"FourAttributes({HIDDEN})"
    assert "319800217" not in repr(person.birth_date)
    assert "2" not in repr(person.sex)

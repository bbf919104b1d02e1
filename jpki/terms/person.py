"""The four attributes (基本4情報) of a holder, as a signature certificate carries them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum

from .secret import HIDDEN

__all__ = ["BirthDate", "Era", "FourAttributes", "Sex"]


class Era(Enum):
    """The era digit in front of a birth date. Source: docs/facts.md, signature certificate."""

    UNKNOWN = 0
    MEIJI = 1
    TAISHO = 2
    SHOWA = 3
    HEISEI = 4
    REIWA = 5


_FIRST_DAYS = (
    (date(2019, 5, 1), Era.REIWA),
    (date(1989, 1, 8), Era.HEISEI),
    (date(1926, 12, 25), Era.SHOWA),
    (date(1912, 7, 30), Era.TAISHO),
    (date(1868, 10, 23), Era.MEIJI),
)


@dataclass(frozen=True, slots=True)
class BirthDate:
    """A birth date written `EYYYYMMDD`: one era digit, then the Gregorian date."""

    raw: str

    @classmethod
    def of(cls, day: date) -> BirthDate:
        """Returns the written form of a Gregorian day, with the era that the day falls in."""
        era = next((era for first, era in _FIRST_DAYS if day >= first), Era.UNKNOWN)
        return cls(str(era.value) + day.isoformat().replace("-", ""))

    @property
    def day(self) -> date | None:
        """Returns the Gregorian day, or None where the raw text does not hold one."""
        if len(self.raw) != 9 or not (self.raw.isascii() and self.raw.isdigit()):
            return None
        try:
            return date(int(self.raw[1:5]), int(self.raw[5:7]), int(self.raw[7:9]))
        except ValueError:
            return None

    @property
    def era(self) -> Era:
        """Returns the era that the first digit names; UNKNOWN for a digit without meaning."""
        try:
            return Era(int(self.raw[:1]))
        except ValueError:
            return Era.UNKNOWN

    def __repr__(self) -> str:
        return f"BirthDate({HIDDEN})"


@dataclass(frozen=True, slots=True)
class Sex:
    """The sex digit as written: 1 male, 2 female; 3 and 9 are both documented for "other or unknown"."""

    raw: str

    @property
    def meaning(self) -> str:
        """Returns `male`, `female`, `other`, or `unknown` for a digit without meaning."""
        return {"1": "male", "2": "female", "3": "other", "9": "other"}.get(self.raw, "unknown")

    def __repr__(self) -> str:
        return f"Sex({HIDDEN})"


@dataclass(frozen=True, slots=True)
class FourAttributes:
    """Name, address, birth date and sex of a holder, with one flag (`0` or `1`) per character that was replaced.

    A representation of it hides all of them: attributes never reach a log or an exception.
    """

    name: str
    name_flags: str
    address: str
    address_flags: str
    birth_date: BirthDate
    sex: Sex

    def __repr__(self) -> str:
        return f"FourAttributes({HIDDEN})"

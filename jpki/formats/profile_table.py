"""Reading a TOML table strictly: every key is asked for by type, and a key that nobody asked for is an error."""

from __future__ import annotations

import re
from typing import Any

from .errors import ProfileError

__all__ = ["ProfileTable"]


class ProfileTable:
    """One table of a profile. Each `take_…` removes a key; `end()` refuses what is left over."""

    def __init__(self, profile: str, where: str, values: dict[str, Any]) -> None:
        self._profile = profile
        self._where = where
        self._values = dict(values)

    def wrong(self, key: str, problem: str) -> ProfileError:
        """Returns the error that names this table, one of its keys, and the problem."""
        where = ".".join(part for part in (self._where, key) if part)
        return ProfileError(profile=self._profile, where=where, problem=problem)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    @property
    def names(self) -> tuple[str, ...]:
        """Returns the keys not taken yet."""
        return tuple(self._values)

    def take(self, key: str) -> Any:  # noqa: ANN401 - TOML values are of any type until the caller looks
        """Returns the value of a key that must be there."""
        if key not in self._values:
            raise self.wrong(key, "missing")
        return self._values.pop(key)

    def text(self, key: str) -> str:
        """Returns a text that is not empty."""
        value = self.take(key)
        if not isinstance(value, str) or not value:
            raise self.wrong(key, "not a text")
        return value

    def number(self, key: str, least: int, most: int) -> int:
        """Returns a whole number within limits."""
        value = self.take(key)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.wrong(key, f"not a number from {least} to {most}")
        return value

    def octets(self, key: str, least: int, most: int) -> bytes:
        """Returns bytes written in hexadecimal, of a length within limits."""
        value = self.text(key)
        if not re.fullmatch(r"([0-9A-F]{2})*", value) or not least <= len(value) // 2 <= most:
            raise self.wrong(key, f"not {least} to {most} bytes in upper-case hexadecimal")
        return bytes.fromhex(value)

    def word(self, key: str) -> int:
        """Returns two octets (a file identifier, a status word) as a number."""
        return int.from_bytes(self.octets(key, 2, 2), "big")

    def texts(self, key: str) -> tuple[str, ...]:
        """Returns a list of texts that is not empty."""
        value = self.take(key)
        if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
            raise self.wrong(key, "not a list of texts")
        return tuple(value)

    def table(self, key: str) -> ProfileTable:
        """Returns a table inside this one."""
        value = self.take(key)
        if not isinstance(value, dict):
            raise self.wrong(key, "not a table")
        return ProfileTable(self._profile, ".".join(part for part in (self._where, key) if part), value)

    def tables(self, key: str) -> tuple[ProfileTable, ...]:
        """Returns a list of tables inside this one; none where the key is absent."""
        value = self._values.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.wrong(key, "not a list of tables")
        where = ".".join(part for part in (self._where, key) if part)
        return tuple(ProfileTable(self._profile, f"{where}[{index}]", item) for index, item in enumerate(value))

    def flag(self, key: str) -> bool:
        """Returns a boolean; False where the key is absent."""
        value = self._values.pop(key, False)
        if not isinstance(value, bool):
            raise self.wrong(key, "neither true nor false")
        return value

    def pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        """Returns a list, not empty, of lists of two texts each."""
        value = self.take(key)
        if not isinstance(value, list) or not value:
            raise self.wrong(key, "not a list of pairs")
        for pair in value:
            if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(item, str) and item for item in pair):
                raise self.wrong(key, "not a list of pairs")
        return tuple((pair[0], pair[1]) for pair in value)

    def end(self) -> None:
        """Raises ProfileError for the first key that nobody asked for."""
        for key in self._values:
            raise self.wrong(key, "unknown")

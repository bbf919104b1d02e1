"""Single facts as people read them, and as JSON has them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import Enum
from typing import TypeAlias

from jpki.terms import JST, Role

from .foreign import printable
from .language import Language
from .problems import phrase

__all__ = ["Plain", "Word", "plain", "value_words"]

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"


class Word(str):
    """A word of the program's own that stands for itself in JSON, and for words that people read in text.

    `of` says among which words of the catalogue it is looked up: `Word("sealed", of="life-cycle")` is
    `life-cycle.sealed`. `said` holds the words themselves, by language, where the catalogue cannot know them. `tone`
    (`good`, `bad`, `doubtful`) is for a terminal with colours.
    """

    __slots__ = ("_of", "_said", "tone")
    _of: str
    _said: Mapping[str, str]
    tone: str

    def __new__(cls, word: str, *, of: str = "", said: Mapping[str, str] | None = None, tone: str = "") -> Word:
        """Makes the word."""
        made = super().__new__(cls, word)
        made._of = of
        made._said = said or {}
        made.tone = tone
        return made

    @property
    def key(self) -> str:
        """Returns its key among the `values` of the catalogue."""
        return f"{self._of}.{self}"

    def said_in(self, language: Language) -> str | None:
        """Returns the words it came with."""
        return self._said.get(language.value)


def plain(value: object) -> Plain:
    """Returns a value as JSON has it: moments in UTC (RFC 3339), bytes in upper-case hexadecimal, names as text."""
    match value:
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case set() | frozenset():
            return sorted((plain(item) for item in value), key=str)
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            return _plain_leaf(value)


def _plain_leaf(value: object) -> bool | int | float | str | None:
    match value:
        case None | bool():
            return value
        case Role():
            return value.short
        case Enum():
            # A reason for a revocation is known by RFC 5280's word, and not by its number.
            return _plain_leaf(getattr(value, "text", value.value))
        case int() | float() if not _is_status(value):
            return value
        case bytes():
            return value.hex().upper()
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case date():
            return value.isoformat()
        case _:
            # Names, status words, and what hides itself: a secret is ••• here too.
            return str(value)


def value_words(value: object, language: Language) -> str:
    """Returns a value that the catalogue has no words for as people read it: moments in Japan's time."""
    match value:
        case None:
            return "–"
        case datetime():
            return f"{value.astimezone(JST):%Y-%m-%d %H:%M:%S} JST"
        case int() if _is_status(value):
            meaning = phrase(getattr(value, "meaning", ""), language)
            return f"{value} ({meaning})" if meaning else str(value)
        case _:
            return printable(str(plain(value)))


def _is_status(value: object) -> bool:
    # A status word can only be there once its module is: loading it for every command would make each of them slow.
    formats = sys.modules.get("jpki.formats")
    return formats is not None and isinstance(value, formats.StatusWord)

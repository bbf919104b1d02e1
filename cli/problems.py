"""The short English phrases in errors (`problem`, `what`), in Japanese where the message is."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources

from .foreign import printable
from .language import Language

__all__ = ["phrase", "phrases"]


@cache
def phrases() -> dict[str, str]:
    """Returns every phrase that has a Japanese one; `{}` in both stands for what is filled in, in the same order."""
    text = (resources.files(__package__) / "words" / "problems.toml").read_text("utf-8")
    found: dict[str, str] = tomllib.loads(text)
    return found


def phrase(text: str, language: Language) -> str:
    """Returns a phrase in a language; one that is not known in Japanese stays as it is."""
    if language is Language.ENGLISH:
        return printable(text)
    known = phrases()
    if text in known:
        return known[text]
    for english, japanese in known.items():
        if "{}" in english and (match := re.fullmatch(_pattern(english), text)):
            return japanese.format(*map(printable, match.groups()))
    return printable(text)


@cache
def _pattern(english: str) -> re.Pattern[str]:
    return re.compile("(.+)".join(re.escape(part) for part in english.split("{}")))

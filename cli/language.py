"""Which language people read: `--lang`, then `JPKI_LANG`, then the settings, then the locale."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from enum import Enum

__all__ = ["Language", "current_language", "language_of_arguments", "language_of_locale", "use_language"]


class Language(Enum):
    """A language that every message exists in."""

    JAPANESE = "ja"
    ENGLISH = "en"


_chosen: ContextVar[Language | None] = ContextVar("language", default=None)


def use_language(language: Language | None) -> None:
    """Makes `language` the one of all messages from here on; None leaves it to the locale."""
    _chosen.set(language)


def current_language() -> Language:
    """Returns the language chosen, or else the locale's."""
    return _chosen.get() or language_of_locale(os.environ)


def language_of_locale(environment: Mapping[str, str]) -> Language:
    """Returns Japanese where the locale's language is Japanese, else English (LC_ALL, LC_MESSAGES, LANG)."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return Language.JAPANESE if value.lower().startswith("ja") else Language.ENGLISH
    return Language.ENGLISH


def language_of_arguments(arguments: Sequence[str]) -> Language | None:
    """Returns what `--lang` asks for wherever it stands, so that a mistake before it is told in that language too."""
    known = {language.value: language for language in Language}
    before_files = arguments[: arguments.index("--")] if "--" in arguments else arguments
    for position, word in enumerate(before_files):
        name, equals, value = word.partition("=")
        if name == "--lang":
            following = before_files[position + 1 : position + 2]
            return known.get(value if equals else "".join(following))
    return None

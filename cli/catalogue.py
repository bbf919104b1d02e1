"""The one catalogue of words for people: every message in Japanese and in English, from the TOML files in `words/`.

A section is a file, a folder of files, or both, read as one: `help/` has one for each group of commands, `errors/` one
for each room; `labels.toml` has those of the card's commands, `labels/` the others'.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from enum import Enum
from functools import cache
from importlib import resources

from jpki.errors import JpkiError

from .foreign import printable
from .language import Language, current_language
from .problems import phrase
from .values import Word, plain, value_words

__all__ = ["ErrorWords", "error_entry", "error_words", "has_words", "keys", "text_of", "words"]

_Section = Mapping[str, Mapping[str, str]]
# Facts of errors that are English phrases of the program itself, not foreign text.
_PHRASES = frozenset(("problem", "what", "found"))


class ErrorWords(tuple[str, str]):
    """What to say about an error: one sentence that names the thing, one that says what to do."""

    @property
    def what(self) -> str:
        """Returns the sentence that names the thing."""
        return self[0]

    @property
    def todo(self) -> str:
        """Returns the sentence that says what to do."""
        return self[1]


@cache
def _section(name: str) -> _Section:
    place = resources.files(__package__) / "words"
    folder = place / name
    parts = sorted(folder.iterdir(), key=lambda part: part.name) if folder.is_dir() else []
    found: dict[str, Mapping[str, str]] = {}
    for part in (place / f"{name}.toml", *parts):
        if part.is_file():
            found |= tomllib.loads(part.read_text("utf-8"))
    return found


def words(section: str, key: str, /, language: Language | None = None, **facts: object) -> str:
    """Returns the words under `key` of a section (`labels`, `help`, `prompts`, …) with facts filled in.

    KeyError where the catalogue lacks them: a test asks for every key in both languages.
    """
    text = _section(section)[key][(language or current_language()).value]
    return text.format_map({name: text_of(value, language) for name, value in facts.items()}) if facts else text


def has_words(section: str, key: str) -> bool:
    """Returns whether the section has the key."""
    return key in _section(section)


def keys(section: str) -> frozenset[str]:
    """Returns every key of a section."""
    return frozenset(_section(section))


def text_of(value: object, language: Language | None = None) -> str:
    """Returns a fact as people read it, in printable characters only: words of the catalogue for what has some."""
    match value:
        case Word():
            said = value.said_in(language or current_language())
            return words("values", value.key, language) if said is None else printable(said)
        case Enum() if has_words("values", key := f"{type(value).__name__}.{value.name}"):
            return words("values", key, language)
        case set() | frozenset():
            return text_of(sorted(value, key=lambda item: str(plain(item))), language)
        case bool():
            return words("values", "yes" if value else "no", language)
        case Mapping() if value:
            return _pairs(value, language)
        case () | []:
            return words("values", "nothing", language)
        case tuple() | list():
            separator = "、" if (language or current_language()) is Language.JAPANESE else ", "
            return separator.join(text_of(item, language) for item in value)
        case _:
            return value_words(value, language or current_language())


def _pairs(facts: Mapping[str, object], language: Language | None) -> str:
    """Returns facts on one line, each behind its name."""
    named = (
        f"{words('labels', name, language) if has_words('labels', name) else printable(name)}"
        f" {text_of(value, language)}"
        for name, value in facts.items()
    )
    return ", ".join(named)


def error_words(
    error: JpkiError, language: Language | None = None, *, facts: Mapping[str, object] | None = None
) -> ErrorWords:
    """Returns the two sentences for an error, by its class; facts are filled in as harmless text.

    `facts` stand for the error's own, by the same names: a moment in the place of its text, say.
    """
    entry = error_entry(type(error), error.facts)
    spoken = language or current_language()
    said = {name: _fact_words(name, value, spoken) for name, value in (facts or error.facts).items()}
    return ErrorWords((entry[spoken.value].format_map(said), entry[f"{spoken.value}_do"].format_map(said)))


def error_entry(kind: type[JpkiError], facts: Mapping[str, object]) -> Mapping[str, str]:
    """Returns the catalogue's entry for a class of errors, or for the nearest class above it.

    An entry for one value of a fact (`WrongPin.tries_left.0`) stands before that for all.
    """
    for ancestor in kind.__mro__:
        section = _section(f"errors/{ancestor.__module__.removesuffix('.errors')}")
        for name, value in facts.items():
            if (found := section.get(f"{ancestor.__name__}.{name}.{_variant(value)}")) is not None:
                return found
        if (found := section.get(ancestor.__name__)) is not None:
            return found
    raise KeyError(kind.__name__)


def _variant(value: object) -> str:
    match value:
        case None:
            return "none"
        case "" | ():
            return "empty"
        case Enum():
            return value.name
        case _:
            return str(value)


def _fact_words(name: str, value: object, language: Language) -> str:
    if name in _PHRASES and isinstance(value, str):
        return phrase(value, language)
    return text_of(value, language)

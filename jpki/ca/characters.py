"""Which characters a certificate can hold, and what stands in place of those it cannot.

The repertoire is JIS X 0208 and JIS X 0212 as the encoding `euc_jp` knows them, two full-width signs beside it, and
ASCII; it lies in `repertoire.txt`. The table of similar characters lies in `substitutes.toml`.
Source: docs/rules.md, characters
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from string import Formatter

from jpki.formats import load_certificate_profile
from jpki.terms import HIDDEN

__all__ = [
    "NameFormats",
    "Written",
    "can_stand_in",
    "characters_of",
    "compose",
    "joined",
    "repertoire",
    "similar_characters",
    "write",
    "write_name",
]

_NO_WISHES: Mapping[str, str] = {}
_SPACES = re.compile("([ \u3000]+)")
_KANA = frozenset(
    map(chr, (*range(0x3041, 0x3094), *range(0x30A1, 0x30F7), *range(0x309B, 0x309F), *range(0x30FB, 0x30FF)))
)
# Kana cannot stand for what nobody reads aloud: controls, invisible signs, other spaces, lone combining marks.
_NOTHING_TO_READ = frozenset(("Cc", "Cf", "Cs", "Zs", "Zl", "Zp", "Mn", "Mc", "Me"))


@dataclass(frozen=True, slots=True)
class Written:
    """A text as a certificate holds it, with one flag per character: `1` where it stands in place of another."""

    text: str
    flags: str

    def __repr__(self) -> str:
        return f"Written({HIDDEN})"


@dataclass(frozen=True, slots=True)
class NameFormats:
    """How a name is written together with a former name (旧氏) or an alias (通称): format strings.

    `former_name` takes `{family}`, `{former}` and `{given}`; `alias` takes `{name}` and `{alias}`.
    """

    former_name: str
    alias: str

    @classmethod
    @cache
    def of_profile(cls) -> NameFormats:
        """Returns the formats of the certificate profile `sign`."""
        profile = load_certificate_profile("sign")
        return cls(profile.former_name_format, profile.alias_format)


def _data(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


@cache
def repertoire() -> frozenset[str]:
    """Returns every character that a certificate can hold."""
    lines = (line for line in _data("repertoire.txt").split("\n") if line and not line.startswith("# "))
    return frozenset("".join(line.partition("\t")[2] for line in lines))


@cache
def similar_characters() -> Mapping[str, str]:
    """Returns the predetermined substitute (代替文字) of each character that has one."""
    table: dict[str, str] = tomllib.loads(_data("substitutes.toml"))["substitute"]
    return table


@cache
def _half_width() -> tuple[re.Pattern[str], Mapping[str, str]]:
    """Returns a pattern that finds half-width katakana, with their sound marks, and what each becomes."""
    table = {chr(code): unicodedata.normalize("NFKC", chr(code)) for code in range(0xFF61, 0xFF9E)}
    for mark, combining in (("\uff9e", "\u3099"), ("\uff9f", "\u309a")):
        for half, full in tuple(table.items()):
            voiced = unicodedata.normalize("NFC", full + combining)
            if len(half) == 1 and voiced in repertoire():
                table[half + mark] = voiced
    # A mark without a letter that takes it stands alone; Unicode's own mapping would make it a combining mark.
    table |= {"\uff9e": "\u309b", "\uff9f": "\u309c"}
    return re.compile("|".join(sorted(table, key=len, reverse=True))), table


def _is_variation_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def characters_of(text: str) -> list[tuple[str, bool]]:
    """Returns the characters of a text as people count them, each with whether a variation selector was dropped.

    Half-width katakana come out full-width, with their sound marks (濁点, 半濁点) joined to them; a letter and a
    combining mark come out as the one character they are equivalent to, where there is one, and apart otherwise.
    """
    pattern, full_width = _half_width()
    found: list[tuple[str, bool]] = []
    for character in pattern.sub(lambda match: full_width[match[0]], text):
        if found and _is_variation_selector(character):
            found[-1] = (found[-1][0], True)
        elif found and unicodedata.combining(character):
            # Only such pairs are normalised: for a whole text NFC would replace compatibility ideographs, unflagged.
            joined = unicodedata.normalize("NFC", found[-1][0] + character)
            found[-1:] = [(joined, found[-1][1])] if len(joined) == 1 else [found[-1], (character, False)]
        else:
            found.append((character, False))
    return found


def can_stand_in(character: str) -> bool:
    """Returns whether a character may be a substitute: a letter or number of the repertoire, so never `?` or `〓`."""
    return character in repertoire() and unicodedata.category(character)[0] in "LN"


def write(text: str, wishes: Mapping[str, str] = _NO_WISHES) -> Written | None:
    """Returns a text as a certificate holds it, or None if a character is beyond the repertoire and has no substitute.

    `wishes` holds what the applicant asks for, by character beyond the repertoire; it goes before the table.
    """
    if repertoire().issuperset(text):
        return Written(text, "0" * len(text))
    return _written(characters_of(text), _substitutes(characters_of(text), wishes))


def write_name(name: str, furigana: str = "", wishes: Mapping[str, str] = _NO_WISHES) -> tuple[Written, ...] | None:
    """Returns a name as a certificate holds it, in parts: a family or given name, a space, and so on by turns.

    A part in which nothing beyond the repertoire has a substitute is written in kana, all flagged. None if the name
    cannot be written: some characters of a part have a substitute and others have none, or the kana are missing.
    """
    parts = _SPACES.split(name)
    if repertoire().issuperset(name):
        return tuple([Written(part, "0" * len(part)) for part in parts])
    readings: list[str] = _SPACES.split(furigana)
    if len(readings) != len(parts):
        readings = [""] * len(parts)
    written = [_write_part(part, reading, wishes) for part, reading in zip(parts, readings, strict=True)]
    known = tuple([part for part in written if part is not None])
    return known if len(known) == len(written) else None


def _write_part(part: str, reading: str, wishes: Mapping[str, str]) -> Written | None:
    """Returns a family or given name as written, in kana where it has no substitutes, or None."""
    characters = characters_of(part)
    substitutes = _substitutes(characters, wishes)
    written = _written(characters, substitutes)
    if written is not None:
        return written
    beyond = {character for character, _ in characters} - repertoire()
    if substitutes or any(unicodedata.category(character) in _NOTHING_TO_READ for character in beyond):
        return None
    kana = "".join([character for character, _ in characters_of(reading)])
    return Written(kana, "1" * len(kana)) if kana and _KANA.issuperset(kana) else None


def _substitutes(characters: list[tuple[str, bool]], wishes: Mapping[str, str]) -> dict[str, str]:
    """Returns the substitutes of those characters that are beyond the repertoire and have one."""
    table = similar_characters()
    beyond = {character for character, _ in characters} - repertoire()
    return {one: wishes.get(one) or table[one] for one in beyond if one in wishes or one in table}


def _written(characters: list[tuple[str, bool]], substitutes: Mapping[str, str]) -> Written | None:
    """Returns the characters with their substitutes, each flagged that is replaced or lost its variation, or None."""
    text, flags = [], []
    for character, varied in characters:
        written = substitutes.get(character, character)
        if written not in repertoire():
            return None
        text.append(written)
        flags.append("1" if varied or written != character else "0")
    return Written("".join(text), "".join(flags))


@cache
def _pieces(form: str) -> tuple[tuple[str, str | None], ...]:
    return tuple((literal, field) for literal, field, _, _ in Formatter().parse(form))


def compose(form: str, **parts: Written) -> Written:
    """Returns the parts put into a format string; what the format itself adds is not flagged."""
    text, flags = "", ""
    for literal, field in _pieces(form):
        text, flags = text + literal, flags + "0" * len(literal)
        if field is not None:
            text, flags = text + parts[field].text, flags + parts[field].flags
    return Written(text, flags)


def joined(parts: Iterable[Written]) -> Written:
    """Returns the parts one after the other."""
    parts = tuple(parts)
    return Written("".join([part.text for part in parts]), "".join([part.flags for part in parts]))

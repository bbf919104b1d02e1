"""The file of a key ceremony: which keys are made and where, what is done in which order, and who watches.

Source: docs/keys.md, the file of a ceremony
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from jpki.terms import Role

from .errors import BadCeremony, BadKeyUri
from .key_uri import read_key_place

__all__ = ["Ceremony", "CeremonyKey", "CeremonyStep", "Witness", "read_ceremony"]

_LONGEST_FILE = 100_000
_LONGEST_TEXT = 1000
_MOST_WITNESSES = 50
# Generation 1 is made with the authority, by `jpki ca init`.
_FIRST_GENERATION, _LAST_GENERATION = 2, 999


@dataclass(frozen=True, slots=True)
class CeremonyKey:
    """A key to be made: whose, which generation, and where it goes (a URI; None for the folder of sealed files)."""

    role: Role
    generation: int
    place: str | None


@dataclass(frozen=True, slots=True)
class CeremonyStep:
    """Something to be done: by people, as `say` tells them, or by the program, which makes the key of a role."""

    say: str = ""
    make: Role | None = None


@dataclass(frozen=True, slots=True)
class Witness:
    """Somebody who watches, and what their part in it is."""

    name: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Ceremony:
    """A ceremony as its file tells it; `digest` is the SHA-256 of the file."""

    title: str
    keys: tuple[CeremonyKey, ...]
    witnesses: tuple[Witness, ...]
    steps: tuple[CeremonyStep, ...]
    digest: bytes = field(repr=False)


def read_ceremony(content: bytes) -> Ceremony:
    """Returns the ceremony that a file (TOML, UTF-8) tells; raises BadCeremony."""
    if len(content) > _LONGEST_FILE:
        raise BadCeremony(where="", problem=f"larger than {_LONGEST_FILE} bytes")
    try:
        whole = tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise BadCeremony(where="", problem="not UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadCeremony(where="", problem=f"not TOML: {error}") from None
    _refuse_unknown(whole, "", {"title", "key", "witness", "step"})
    keys = tuple(_key(table, where) for where, table in _tables(whole, "key"))
    witnesses = tuple(_witness(table, where) for where, table in _tables(whole, "witness"))
    steps = tuple(_step(table, where) for where, table in _tables(whole, "step")) if "step" in whole else ()
    _refuse_repetitions(keys, witnesses, steps)
    return Ceremony(
        title=_text(whole, "", "title"),
        keys=keys,
        witnesses=witnesses,
        steps=steps or tuple(CeremonyStep(make=key.role) for key in keys),
        digest=sha256(content).digest(),
    )


def _refuse_repetitions(
    keys: tuple[CeremonyKey, ...], witnesses: tuple[Witness, ...], steps: tuple[CeremonyStep, ...]
) -> None:
    roles = [key.role for key in keys]
    if len(set(roles)) < len(roles):
        raise BadCeremony(where="key", problem="a role twice")
    places = [str(read_key_place(key.place)) for key in keys if key.place is not None]
    if len(set(places)) < len(places):
        raise BadCeremony(where="key", problem="a place twice")
    names = [witness.name for witness in witnesses]
    if len(set(names)) < len(names):
        raise BadCeremony(where="witness", problem="a name twice")
    if len(names) > _MOST_WITNESSES:
        raise BadCeremony(where="witness", problem="too many")
    if steps and sorted(step.make.short for step in steps if step.make) != sorted(role.short for role in roles):
        raise BadCeremony(where="step", problem="not every key is made once")


def _key(table: Mapping[str, object], where: str) -> CeremonyKey:
    _refuse_unknown(table, where, {"role", "generation", "place"})
    generation = table.get("generation")
    if type(generation) is not int or not _FIRST_GENERATION <= generation <= _LAST_GENERATION:
        raise BadCeremony(where=f"{where}.generation", problem="not a whole number from 2")
    place = _text(table, where, "place") if "place" in table else None
    if place is not None:
        try:
            read_key_place(place)
        except BadKeyUri as error:
            raise BadCeremony(where=f"{where}.place.{error.attribute}".strip("."), problem=error.problem) from error
    return CeremonyKey(_role(table, where, "role"), generation, place)


def _witness(table: Mapping[str, object], where: str) -> Witness:
    _refuse_unknown(table, where, {"name", "part"})
    return Witness(_text(table, where, "name"), _text(table, where, "part") if "part" in table else "")


def _step(table: Mapping[str, object], where: str) -> CeremonyStep:
    _refuse_unknown(table, where, {"say", "make"})
    if len(table) != 1:
        raise BadCeremony(where=where, problem="neither say nor make, or both")
    if "say" in table:
        return CeremonyStep(say=_text(table, where, "say"))
    return CeremonyStep(make=_role(table, where, "make"))


def _tables(whole: Mapping[str, object], name: str) -> list[tuple[str, Mapping[str, object]]]:
    """Returns the tables of one name, each with the words that name it, counted from 1."""
    found = whole.get(name)
    if not isinstance(found, list) or not found or not all(isinstance(one, Mapping) for one in found):
        raise BadCeremony(where=name, problem="missing" if found is None else "not a table, or several")
    return [(f"{name}.{number}", table) for number, table in enumerate(found, 1)]


def _refuse_unknown(table: Mapping[str, object], where: str, known: set[str]) -> None:
    unknown = sorted(table.keys() - known)
    if unknown:
        raise BadCeremony(where=f"{where}.{unknown[0]}".strip("."), problem="unknown here")


def _text(table: Mapping[str, object], where: str, name: str) -> str:
    found = table.get(name)
    where = f"{where}.{name}".strip(".")
    if found is None:
        raise BadCeremony(where=where, problem="missing")
    if not isinstance(found, str) or not found.strip() or len(found) > _LONGEST_TEXT:
        raise BadCeremony(where=where, problem="not a text")
    if any(unicodedata.category(character) in {"Cc", "Cf", "Cs"} for character in found):
        raise BadCeremony(where=where, problem="a control character")
    return found


def _role(table: Mapping[str, object], where: str, name: str) -> Role:
    found = _text(table, where, name)
    roles = {role.short: role for role in Role}
    if found not in roles:
        raise BadCeremony(where=f"{where}.{name}", problem="neither sign nor auth")
    return roles[found]

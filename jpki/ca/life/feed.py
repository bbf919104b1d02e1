"""A feed of events: JSON lines in UTF-8, read strictly and one at a time.

Nobody is ever found by a name or an address, so none may stand in a feed: a field that is not one of these is refused,
and no value of a line is shown in an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from jpki.terms import Role

from .errors import BadLifeEvent
from .events import LifeEvent

__all__ = ["FeedLine", "read_life_events"]

_LONGEST_LINE = 4096  # bytes: ten times what an event needs
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MOMENT = re.compile(
    r"(?:19|2[0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_DAY = re.compile(r"(?:19|2[0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class FeedLine:
    """One line of a feed, counted from 1, as it came (without its line end), and the event or what is wrong with it."""

    number: int
    encoded: bytes = field(repr=False)
    read: LifeEvent | BadLifeEvent


class _Bad(Exception):
    """Carries what is wrong with a line, or with one of its fields, to where its number is known."""

    def __init__(self, *, problem: str, field: str | None = None) -> None:
        super().__init__()
        self.problem = problem
        self.field = field


def _of_form(pattern: str) -> Callable[[str], str]:
    compiled = re.compile(pattern)

    def read(text: str) -> str:
        if compiled.fullmatch(text) is None:
            raise ValueError
        return text

    return read


def _day(text: str) -> date:
    if _DAY.fullmatch(text) is None:
        raise ValueError
    return date.fromisoformat(text)


def _moment_or_day(text: str) -> datetime | date:
    return datetime.fromisoformat(text) if _MOMENT.fullmatch(text) else _day(text)


# An identifier begins with a letter, so that no individual number, slipped over from another column, is shown as one.
_NEEDED: dict[str, Callable[[str], object]] = {
    "id": _of_form(r"[A-Za-z][A-Za-z0-9._:-]{0,63}"),
    "person": _of_form(r"[A-Z]{1,4}[0-9]{1,12}"),
    "kind": _of_form(r"(?=.{1,40}\Z)[a-z]+(?:-[a-z]+)*"),
    "occurred_at": _moment_or_day,
}
_OPTIONAL: dict[str, Callable[[str], object]] = {
    "departure": _day,
    "card": lambda text: _of_form(r"(?:[0-9A-F]{2}){1,16}")(text.upper()),
    "role": Role.from_short,
}
_FIELDS = _NEEDED | _OPTIONAL


def read_life_events(source: Path | Iterable[bytes]) -> Iterator[FeedLine]:
    """Yields each line of a feed that is not empty, given as a path or as lines of bytes; OSError for a path.

    A line is a JSON object of texts: `id`, `person`, `kind`, `occurred_at` (a moment with time zone, or a day in
    Japan), and, as far as its kind has them, `departure`, `card` and `role`. Whether the kind is known and takes these
    facts is for the table to say. A line that cannot be read is yielded with its error, and the next one is read.
    """
    if isinstance(source, Path):
        with source.open("rb") as file:
            yield from _scan(iter(lambda: file.readline(_LONGEST_LINE + 2), b""))
    else:
        yield from _scan(source)


def _scan(lines: Iterable[bytes]) -> Iterator[FeedLine]:
    number, whole = 0, True
    for line in lines:
        started, whole = whole, line.endswith(b"\n") or len(line) <= _LONGEST_LINE
        if not started:
            continue  # the rest of a line that was too long
        number += 1
        encoded = (line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line).rstrip(b"\r\n")
        if encoded.strip() or len(encoded) > _LONGEST_LINE:
            yield FeedLine(number, encoded, _read(number, encoded))


def _read(number: int, encoded: bytes) -> LifeEvent | BadLifeEvent:
    """Reads one line. The error is made here, outside every handler: it carries nothing of the line along."""
    try:
        return _event(_fields_of(encoded))
    except _Bad as bad:
        problem, place = bad.problem, bad.field
    return BadLifeEvent(line=number, field=place, problem=problem)


class _Object(list[tuple[str, Any]]):
    """The fields of a JSON object as they stand in a line, also where one stands there twice."""


def _fields_of(encoded: bytes) -> _Object:
    if len(encoded) > _LONGEST_LINE:
        raise _Bad(problem="a line that is too long")
    try:
        found = json.loads(encoded.decode("utf-8"), object_pairs_hook=_Object)
    except UnicodeDecodeError:
        raise _Bad(problem="not UTF-8") from None
    except (ValueError, RecursionError):  # json does not catch a huge number, nor lists that nest too deep
        raise _Bad(problem="not JSON") from None
    if not isinstance(found, _Object):
        raise _Bad(problem="not a JSON object")
    return found


def _event(fields: _Object) -> LifeEvent:
    values: dict[str, Any] = {}
    for name, value in fields:
        if name not in _FIELDS:
            raise _Bad(problem="a field that no event has")
        if name in values:
            raise _Bad(problem="given twice", field=name)
        if not isinstance(value, str):
            raise _Bad(problem="not a text", field=name)
        try:
            values[name] = _FIELDS[name](value)
        except ValueError:
            raise _Bad(problem="not of the form that it has to have", field=name) from None
    for name in _NEEDED:
        if name not in values:
            raise _Bad(problem="missing", field=name)
    return LifeEvent(**values)

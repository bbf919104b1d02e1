"""Residents as a municipality hands them over: one row of a CSV file each, read strictly and one at a time.

The individual number (マイナンバー) may stand in its column, but nobody needs it for a certificate: it is read past.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from jpki.terms import Sex

from .characters import characters_of
from .errors import BadResident, BadResidentFile
from .field_problem import FieldProblem

__all__ = ["COLUMNS", "Resident", "read_residents", "scan_residents"]


@dataclass(frozen=True, slots=True)
class Resident:
    """A resident as the residents' register has them. A representation of it shows the number of the record only."""

    resident_id: str
    name: str
    furigana: str
    former_name: str
    alias: str
    birth_date: date | None
    sex: Sex
    municipality_code: str
    prefecture: str
    municipality: str
    prefecture_romaji: str
    municipality_romaji: str
    address: str
    nationality: str
    residence_expiry: date | None
    adult_ward: bool
    substitutes: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        return f"Resident({self.resident_id})"


class _Bad(Exception):
    """Carries what is wrong with one field to where its row and column are known."""

    def __init__(self, problem: FieldProblem) -> None:
        super().__init__()
        self.problem = problem


_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LONGEST_LINE = 65_536  # bytes: thirty times what a resident needs, and no file is read into memory whole
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f]")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")


def _optional(value: str) -> str:
    if value != value.strip():
        raise _Bad(FieldProblem.OUTER_SPACE)
    return value


def _required(value: str) -> str:
    if not value:
        raise _Bad(FieldProblem.EMPTY)
    return _optional(value)


def _of_form(pattern: str) -> Callable[[str], str]:
    compiled = re.compile(pattern)

    def read(value: str) -> str:
        if not value:
            raise _Bad(FieldProblem.EMPTY)
        if compiled.fullmatch(value) is None:
            raise _Bad(FieldProblem.FORM)
        return value

    return read


def _day(value: str) -> date | None:
    if not value:
        return None
    match = _DATE.fullmatch(value)
    day = None
    if match is not None:
        try:
            day = date(int(match[1]), int(match[2]), int(match[3]))
        except ValueError:
            day = None
    if day is None:
        raise _Bad(FieldProblem.FORM)
    return day


_read_sex = _of_form("[129]")


def _sex(value: str) -> Sex:
    return Sex(_read_sex(value))


def _flag(value: str) -> bool:
    if value not in {"", "0", "1"}:
        raise _Bad(FieldProblem.FORM)
    return value == "1"


def _substitutes(value: str) -> tuple[tuple[str, str], ...]:
    """Reads `髙=高;﨑=埼`: one character on each side, none asked for twice."""
    pairs = []
    for item in value.split(";") if value else ():
        sides = item.split("=")
        characters = [characters_of(side) for side in sides]
        if [len(side) for side in characters] != [1, 1]:
            raise _Bad(FieldProblem.FORM)
        pairs.append((characters[0][0][0], characters[1][0][0]))
    if len(dict(pairs)) != len(pairs):
        raise _Bad(FieldProblem.DUPLICATE)
    return tuple(pairs)


# RFC 5280, appendix A.1: 128 characters for L, 64 for OU and CN. A prefecture stands in L and OU of certificates, a
# municipality in L and, with " CRLDP" after it, in CN.
_LONGEST_PREFECTURE = 64
_LONGEST_MUNICIPALITY = 64 - len(" CRLDP")


def _romaji(longest: int) -> Callable[[str], str]:
    spelled = _of_form("[A-Za-z](?:[A-Za-z' -]*[A-Za-z])?")

    def read(value: str) -> str:
        if len(value) > longest:
            raise _Bad(FieldProblem.TOO_LONG)
        return spelled(value)

    return read


# A number of a record begins with letters, so that no name and no individual number, slipped over from another column,
# is shown as one in an error.
_FIELDS: dict[str, Callable[[str], object] | None] = {
    "resident_id": _of_form("[A-Z]{1,4}[0-9]{1,12}"),
    "my_number": None,
    "name": _required,
    "furigana": _optional,
    "former_name": _optional,
    "alias": _optional,
    "birth_date": _day,
    "sex": _sex,
    "municipality_code": _of_form("[0-9]{5}"),
    "prefecture": _required,
    "municipality": _required,
    "prefecture_romaji": _romaji(_LONGEST_PREFECTURE),
    "municipality_romaji": _romaji(_LONGEST_MUNICIPALITY),
    "address": _required,
    "nationality": _of_form("[A-Z]{2}"),
    "residence_expiry": _day,
    "adult_ward": _flag,
    "substitutes": _substitutes,
    "note": None,
}
COLUMNS = tuple(_FIELDS)


def read_residents(source: Path | Iterable[bytes]) -> Iterator[Resident]:
    """Yields the residents of a CSV file, given as a path or as lines of bytes, and stops at the first bad row.

    The file is UTF-8, with or without byte order mark; its first row names the columns, in any order. Raises
    BadResidentFile (wrong encoding, wrong columns, no CSV), BadResident (one field of one row), and OSError for a path.
    """
    for found in scan_residents(source):
        if isinstance(found, BadResident):
            raise found
        yield found


def scan_residents(source: Path | Iterable[bytes]) -> Iterator[Resident | BadResident]:
    """Yields each resident as `read_residents` does, and in place of a bad row one error per bad field."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            yield from _scan(iter(partial(file.readline, _LONGEST_LINE + 1), b""))
    else:
        yield from _scan(source)


def _scan(lines: Iterable[bytes]) -> Iterator[Resident | BadResident]:
    rows = _rows(lines)
    header = next(rows, (1, []))[1]
    if sorted(header) != sorted(COLUMNS):
        missing = tuple(name for name in COLUMNS if name not in header)
        raise BadResidentFile(row=1, problem=FieldProblem.COLUMNS, missing=missing)
    order = [(header.index(name), name) for name in COLUMNS]
    seen: set[str] = set()
    for row, values in rows:
        if len(values) == len(COLUMNS):
            yield from _resident(row, {name: values[index] for index, name in order}, seen)
        else:
            yield BadResident(row=row, resident_id=None, field=None, problem=FieldProblem.COLUMNS)


def _resident(row: int, values: dict[str, str], seen: set[str]) -> Iterator[Resident | BadResident]:
    """Yields the resident of one row, or its bad fields; `seen` collects the numbers of the records so far."""
    fields: dict[str, object] = {}
    bad: dict[str, FieldProblem] = {}
    for name, read in _FIELDS.items():
        try:
            if _CONTROL.search(values[name]):
                raise _Bad(FieldProblem.CONTROL_CHARACTER)
            if read is not None:
                fields[name] = read(values[name])
        except _Bad as error:
            bad[name] = error.problem
    resident_id = None if "resident_id" in bad else values["resident_id"]
    if resident_id in seen:
        bad["resident_id"] = FieldProblem.DUPLICATE
    if values["nationality"] == "JP" and fields.get("residence_expiry") is not None:
        bad["residence_expiry"] = FieldProblem.CONTRADICTION
    if resident_id is not None:
        seen.add(resident_id)
    for name, problem in bad.items():
        yield BadResident(row=row, resident_id=resident_id, field=name, problem=problem)
    if not bad:
        yield Resident(**fields)  # type: ignore[arg-type]  # the fields of _FIELDS are those of Resident, which a test compares


def _rows(lines: Iterable[bytes]) -> Iterator[tuple[int, list[str]]]:
    """Yields each row that is not empty with the number of its first line, counted from 1; raises BadResidentFile."""
    reader = csv.reader(_decoded(lines), strict=True)
    while True:
        row = reader.line_num + 1
        broken = False
        try:
            values = next(reader, None)
        except csv.Error:
            broken = True
        if (
            broken
        ):  # and not raised in the handler: an error that came of a person's data is not carried along as context
            raise BadResidentFile(row=row, problem=FieldProblem.FORM)
        if values is None:
            return
        if values:
            yield row, values


def _decoded(lines: Iterable[bytes]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if len(line) > _LONGEST_LINE:
            raise BadResidentFile(row=number, problem=FieldProblem.TOO_LONG)
        text = _text(line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line)
        if text is None:
            raise BadResidentFile(row=number, problem=FieldProblem.ENCODING)
        yield text


def _text(line: bytes) -> str | None:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return None

"""What a command found out: one object that is printed as text for people or as JSON for programs.

A report holds plain values by name. Text and JSON are made from the same object, so neither can know what the other
does not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .catalogue import text_of, words
from .foreign import escaped
from .values import Word, plain

__all__ = ["Advice", "Cell", "Line", "Report", "as_blocks", "as_json", "as_lines", "json_text", "table_rows"]


# Facts of which people are told only where there is something to tell; programs get them always.
_TOLD_IF_ANY = frozenset(
    (
        "attribute_problems",
        "attributes",
        "command",
        "counterpart",
        "delta",
        "left_out",
        "municipal",
        "name",
        "not_after",
        "notices",
        "outlet_errors",
        "predecessor",
        "reader",
        "refusal",
        "repeated",
        "revocation",
        "successor",
        "token",
        "urgent",
        "waiting_keys",
    )
)
# One digit for each character of a name or address: 1 where it was written in place of another.
_FLAGS = frozenset(("holder_name_flags", "address_flags"))


class Advice(NamedTuple):
    """What a person may do next: a sentence, and the command to copy where there is one."""

    text: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Facts of one kind (`card-info`), in the order in which people read them. `version` changes with the schema."""

    kind: str
    facts: Mapping[str, object]
    version: int = 1
    # A command's result may also be no success (a signature that does not hold): the exit code then.
    exit_code: int = field(default=0, compare=False)
    # The fact, a list of facts, that people read as a table; the named ones of its facts share the last column.
    table: str | None = field(default=None, compare=False)
    gathered: tuple[str, ...] = field(default=(), compare=False)
    # Said to people behind the facts, on standard error; programs do not need it.
    advice: tuple[Advice, ...] = field(default=(), compare=False)
    # JSON on one line, for a command that goes on after it has told its facts.
    one_line: bool = field(default=False, compare=False)


class Line(NamedTuple):
    """One line of a report's text: what it is about, and its value; a heading has none."""

    label: str
    value: str | None
    tone: str = ""


class Cell(NamedTuple):
    """One cell of a report's table."""

    text: str
    tone: str = ""


def as_json(report: Report) -> str:
    """Returns the report as one JSON object with `kind` and `version` first."""
    facts = plain(report.facts)
    whole = {"kind": report.kind, "version": report.version}
    if isinstance(facts, dict):
        whole |= facts
    return json_text(whole, one_line=report.one_line)


def json_text(value: object, *, one_line: bool = False) -> str:
    """Returns a value as JSON that is safe to show on a terminal."""
    return escaped(json.dumps(value, ensure_ascii=False, indent=None if one_line else 2))


def table_rows(report: Report) -> tuple[list[str], list[list[Cell]]]:
    """Returns the headings and the rows of the report's table; no headings where there are no rows."""
    rows = _rows(report)
    names = [name for name in rows[0] if name not in report.gathered] if rows else []
    cells = [[_cell(row[name]) for name in names] for row in rows]
    headings = [words("labels", name) for name in names]
    if report.gathered and rows:
        headings.append(words("labels", f"gathered.{report.table}"))
        for row, line in zip(rows, cells, strict=True):
            told = [text_of(row[name]) for name in report.gathered if row[name] not in (None, {}, ())]
            line.append(Cell("; ".join(told)))
    return headings, cells


def as_blocks(report: Report) -> Iterator[Line]:
    """Yields the report's table as lines, one block for each row, as lists of facts are shown."""
    headings, rows = table_rows(report)
    yield Line(words("labels", report.table or ""), None)
    for facts, row in zip(_rows(report), rows, strict=True):
        apart = [_says_nothing(name, value) for name, value in facts.items() if name not in report.gathered]
        silent = [*apart, *[False] * (len(row) - len(apart))]  # the last column holds what is gathered
        told = [(heading, cell) for heading, cell, nothing in zip(headings, row, silent, strict=True) if not nothing]
        for index, (heading, cell) in enumerate(told):
            yield Line(f"  {'  ' if index else '- '}{heading}", *cell)


def _rows(report: Report) -> list[Mapping[str, object]]:
    items = report.facts[report.table] if report.table is not None else ()
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, Sequence) else []


def _cell(value: object) -> Cell:
    return Cell(text_of(value), value.tone if isinstance(value, Word) else "")


def as_lines(facts: Mapping[str, object], indent: str = "") -> Iterator[Line]:
    """Yields facts as lines, nested ones indented, lists of facts as blocks; what says nothing is left out."""
    for name, value in facts.items():
        if _says_nothing(name, value):
            continue
        label = indent + words("labels", name)
        if isinstance(value, Mapping):
            yield Line(label, None)
            yield from as_lines(value, indent + "  ")
        elif isinstance(value, list | tuple) and value and all(isinstance(item, Mapping) for item in value):
            yield Line(label, None)
            for item in value:
                yield from _block(item, indent + "  ")
        else:
            yield Line(label, *_cell(value))


def _says_nothing(name: str, value: object) -> bool:
    if name in _FLAGS:
        return isinstance(value, str) and not value.strip("0")
    return name in _TOLD_IF_ANY and (value is None or value is False or value in ((), []))


def _block(item: Mapping[str, object], indent: str) -> Iterator[Line]:
    for index, line in enumerate(as_lines(item, indent + "  ")):
        yield line._replace(label=f"{indent}- {line.label[len(indent) + 2 :]}") if index == 0 else line

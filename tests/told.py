"""Text and JSON of one report, held against one another field by field."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta, timezone
from typing import Any

from cli.catalogue import words
from cli.language import Language
from cli.problems import phrase
from jpki.ca import NoticeKind, Reason
from jpki.formats import RevocationReason

_TITLES = {
    "mynumber": ("マイナンバーカード (mynumber)", "My Number Card (mynumber)"),
    "android": ("スマホ用電子証明書（Android） (android)", "JPKI on an Android phone (android)"),
}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def differences(
    text: str,
    report: dict[str, Any],
    *,
    table: str | None = None,
    gathered: tuple[str, ...] = (),
    japanese: bool = False,
) -> list[str]:
    """Returns what the text of a report does not say, or says otherwise than its JSON; empty where all agrees.

    `table` is the fact that is a table, `gathered` those of its columns that share the last one.
    """
    lines = text.splitlines()
    language = Language.JAPANESE if japanese else Language.ENGLISH
    wrong: list[str] = []
    at = 0
    for name, value in report.items():
        if name in ("kind", "version") or _left_out(name, value):
            continue
        if name == table:
            taken, found = _table(lines[at:], name, value, language, gathered)
        else:
            taken, found = _field(lines[at:], name, value, language, 0)
        at += taken
        wrong += found
    return wrong + [f"only in the text: {line}" for line in lines[at:]]


def _field(lines: list[str], name: str, value: Any, language: Language, depth: int) -> tuple[int, list[str]]:
    label = "  " * depth + words("labels", name, language)
    if isinstance(value, dict):
        return _nested(lines, label, [value], language, depth, mark=False)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return _nested(lines, label, value, language, depth, mark=True)
    shown = lines[0] if lines else ""
    start = f"{label}: "
    if not shown.startswith(start) or shown.removeprefix(start) not in _as_text(name, value, language):
        return 1, [f"{name} = {value!r}, but the text has {shown!r}"]
    return 1, []


def _nested(
    lines: list[str], label: str, items: list[dict[str, Any]], language: Language, depth: int, *, mark: bool
) -> tuple[int, list[str]]:
    wrong = [] if lines and lines[0] == f"{label}:" else [f"no line {label!r}"]
    at, inside = 1, depth + 1 + mark
    for item in items:
        said = {name: value for name, value in item.items() if not _left_out(name, value)}
        for number, (name, value) in enumerate(said.items()):
            rest = lines[at:]
            if mark and number == 0 and rest:
                if not rest[0].startswith("  " * (depth + 1) + "- "):
                    wrong.append(f"no item begins at {rest[0]!r}")
                rest[0] = rest[0].replace("- ", "  ", 1)
            taken, found = _field(rest, name, value, language, inside)
            at += taken
            wrong += found
    return at, wrong


# Facts that say nothing where they have this value in JSON: people must not be told them then, and else have to be.
_NOTHING: dict[str, Any] = {
    "attribute_problems": [],
    "attributes": None,
    "command": None,
    "counterpart": None,
    "delta": False,
    "left_out": [],
    "municipal": [],
    "name": None,
    "not_after": None,
    "notices": [],
    "outlet_errors": [],
    "predecessor": None,
    "reader": None,
    "refusal": None,
    "repeated": False,
    "revocation": None,
    "successor": None,
    "token": None,
    "urgent": False,
    "waiting_keys": [],
}


def _left_out(name: str, value: Any) -> bool:
    if name in ("holder_name_flags", "address_flags"):
        return set(value) <= {"0"}
    return name in _NOTHING and value == _NOTHING[name] and isinstance(value, type(_NOTHING[name]))


def _table(
    lines: list[str], table: str, rows: list[dict[str, Any]], language: Language, gathered: tuple[str, ...]
) -> tuple[int, list[str]]:
    if not rows:
        empty = f"{words('labels', table, language)}: {words('values', 'nothing', language)}"
        return 1, [] if lines[:1] == [empty] else [f"no line {empty!r} for an empty table"]
    if len(lines) <= len(rows):
        return len(lines), [f"{len(rows)} rows of {table}, but the text has {lines!r}"]
    wrong = []
    apart = [name for name in rows[0] if name not in gathered]
    columns_of = [*apart, f"gathered.{table}"] if gathered else apart
    headings = [words("labels", name, language) for name in columns_of]
    columns = _columns(lines[0], headings)
    if columns is None:
        return len(rows) + 1, [f"no headings {headings} in {lines[0]!r}"]
    for row, line in zip(rows, lines[1 : len(rows) + 1], strict=True):
        cells = _cut(line, columns)
        for name, cell in zip(apart, cells[: len(apart)], strict=True):
            if cell not in _as_text(name, row[name], language):
                wrong.append(f"{name} = {row[name]!r}, but the table has {cell!r}")
        told = "; ".join(_one(name, row[name], language) for name in gathered if row[name] not in (None, {}))
        if gathered and cells[-1] != told:
            wrong.append(f"the table has {cells[-1]!r} instead of {told!r}")
    return len(rows) + 1, wrong


def _one(name: str, value: Any, language: Language) -> str:
    if isinstance(value, dict):
        pairs = ((words("labels", key, language), _one(key, item, language)) for key, item in value.items())
        return ", ".join(f"{label} {text}" for label, text in pairs)
    (text,) = _as_text(name, value, language)
    return text


def _columns(line: str, headings: list[str]) -> list[int] | None:
    starts, at = [], 0
    for heading in headings:
        at = line.find(heading, at)
        if at < 0:
            return None
        starts.append(_width(line[:at]))
        at += len(heading)
    return starts


def _cut(line: str, columns: list[int]) -> list[str]:
    cells = [""] * len(columns)
    at = 0
    for char in line:
        column = max(index for index, start in enumerate(columns) if start <= at)
        cells[column] += char
        at += _width(char)
    return [cell.strip() for cell in cells]


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _as_text(name: str, value: Any, language: Language) -> set[str]:
    """Returns how a value of JSON may stand in the text: words are looked up, the rest is made here."""
    japanese = language is Language.JAPANESE
    match value:
        case None:
            return {"–"}
        case bool():
            return {("はい" if value else "いいえ") if japanese else ("yes" if value else "no")}
        case list() if not value:
            return {"なし" if japanese else "none"}
        case list():
            separator = "、" if japanese else ", "
            return {separator.join(min(_as_text(name, item, language)) for item in value)}
        case str() if _MOMENT.fullmatch(value):
            moment = datetime.fromisoformat(value).astimezone(timezone(timedelta(hours=9)))
            return {f"{moment:%Y-%m-%d %H:%M:%S} JST"}
        case str() if value in _TITLES:
            return {_TITLES[value][0 if japanese else 1]}
        case _:
            return _words_for(name, str(value), language)


_ROLES = {"sign": "Role.SIGNATURE", "auth": "Role.AUTHENTICATION"}
_WORDS = {
    "role": _ROLES,
    "certificates": _ROLES,
    "keys": _ROLES,
    "waiting_keys": _ROLES,
    "reason": {one.text: f"RevocationReason.{one.name}" for one in RevocationReason},
    "reasons": {one.value: f"Reason.{one.name}" for one in Reason},
    "notice": {one.value: f"NoticeKind.{one.name}" for one in NoticeKind},
}
_OF = {
    "state": "certificate-state",
    "occasion": "occasion",
    "problem": "check-problem",
    "finding": "audit-problem",
    "result": "result",
    "trail": "trail",
    "trust": "realm",
    "what": "subject",
    "card_state": "card-state",
    "certificate": "certificate",
    "check": "check",
    "checks_failed": "check",
    "life_cycle": "life-cycle",
    "outcome": "outcome",
    "sex": "sex",
    "cause": "cause",
    "health": "health",
    "due": "due",
}


def _words_for(name: str, value: str, language: Language) -> set[str]:
    if name == "source":
        return {phrase(value, language)}
    key = _WORDS.get(name, {}).get(value) or (f"{_OF[name]}.{value}" if name in _OF else None)
    return {value} if key is None else {words("values", key, language)}

"""Reads the table of a certificate's life strictly: every cell is there, is known, and says where it is from."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from enum import Enum
from functools import cache
from importlib import resources
from typing import TypeVar

from jpki.formats import ProfileError, ProfileTable, RevocationReason
from jpki.terms import Role

from .table import OURS, Cell, Fact, Fate, Later, LifeEffect, LifeRow, LifeTable, Reporter, Since

__all__ = ["load_life_table", "parse_life_table"]

E = TypeVar("E", bound=Enum)
T = TypeVar("T")

_FORMAT = 1
_NAME = "life_events"
_LANGUAGES = ("ja", "en")
_KIND = re.compile(r"[a-z]+(-[a-z]+)*")
_NO_EVENT = "nothing"
_PHONE = "as the card's"
_IDLE = (LifeEffect.NOTHING, LifeEffect.EXPIRE)
_NOT_A_REASON = (RevocationReason.REMOVE_FROM_CRL, RevocationReason.CERTIFICATE_HOLD)


@cache
def load_life_table() -> LifeTable:
    """Returns the table that ships with the toolkit."""
    return parse_life_table((resources.files(__package__) / f"{_NAME}.toml").read_text("utf-8"))


def parse_life_table(text: str) -> LifeTable:
    """Reads a table; raises ProfileError for what is unknown, missing, without source, or contradicts itself."""
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # tomllib does not catch a huge number, nor lists that nest too deep
        raise ProfileError(profile=_NAME, where="", problem=f"not TOML: {error}") from error
    root = ProfileTable(_NAME, "", values)
    if root.number("format", 0, 1 << 31) != _FORMAT:
        raise root.wrong("format", f"not {_FORMAT}, the only one known here")
    reader = _Reader(_texts_by_name(root, "source"), _texts_by_name(root, "follow"))
    if OURS in reader.sources:
        raise root.wrong(f"source.{OURS}", "declared, though it is no source")
    rules = root.table("rule")
    events = root.table("event")
    rows = {kind: reader.row(kind, events.table(kind)) for kind in events.names}
    table = _with_rules(reader, rows, rules)
    root.end()
    _refuse_contradictions(root, table)
    unused = sorted({*reader.sources, *reader.follows} - reader.used)
    if unused:
        raise root.wrong(unused[0], "declared, and no cell uses it")
    return table


def _texts_by_name(root: ProfileTable, key: str) -> dict[str, Mapping[str, str]]:
    table = root.table(key)
    return {name: _in_both_languages(table.table(name)) for name in table.names}


def _in_both_languages(table: ProfileTable) -> Mapping[str, str]:
    texts = {language: table.text(language) for language in _LANGUAGES}
    table.end()
    return texts


def _note(table: ProfileTable) -> Mapping[str, str]:
    return _in_both_languages(table.table("note")) if "note" in table else {}


def _one_of(table: ProfileTable, key: str, kind: type[E]) -> E:
    word = table.text(key)
    if word not in {member.value for member in kind}:
        raise table.wrong(key, f"not one of {', '.join(member.value for member in kind)}")
    return kind(word)


def _facts(table: ProfileTable, key: str) -> frozenset[Fact]:
    words = table.texts(key) if key in table else ()
    known = {fact.value for fact in Fact}
    if len(set(words)) != len(words) or not known.issuperset(words):
        raise table.wrong(key, "not facts of an event, each once")
    return frozenset(map(Fact, words))


class _Reader:
    """Reads cells, and keeps which of the declared names they use."""

    def __init__(self, sources: Mapping[str, Mapping[str, str]], follows: Mapping[str, Mapping[str, str]]) -> None:
        self.sources = sources
        self.follows = follows
        self.used: set[str] = set()

    def cell(self, table: ProfileTable, value: T) -> Cell[T]:
        """Returns a cell whose value was taken from its table; what is left there is its sources, and no more."""
        sources = table.texts("source")
        for name in sources:
            if name != OURS and name not in self.sources:
                raise table.wrong("source", "not a source that is declared")
        table.end()
        self.used.update(sources)
        return Cell(value, sources)

    def row(self, kind: str, table: ProfileTable) -> LifeRow:
        """Reads one event."""
        if _KIND.fullmatch(kind) is None or kind == _NO_EVENT:
            raise table.wrong("", "not a name of a kind of event")
        since, later, follows = table.table("since"), table.table("later"), table.table("follows")
        row = LifeRow(
            kind=kind,
            names=_in_both_languages(table.table("name")),
            reporter=_one_of(table, "reporter", Reporter),
            needs=_facts(table, "needs"),
            takes=_facts(table, "takes"),
            since=self.cell(since, _one_of(since, "is", Since)),
            later=self.cell(later, _one_of(later, "is", Later)),
            follows=self.cell(follows, self._follows(follows)),
            fates={role: self._fate(table.table(role.value)) for role in Role},
            note=_note(table),
        )
        if row.needs & row.takes:
            raise table.wrong("takes", "needed already")
        if row.since.value is Since.DEPARTURE and Fact.DEPARTURE not in row.needs:
            raise table.wrong("needs", "not the departure, from which it counts")
        if row.later.value is Later.ON_ITS_CARD and Fact.CARD not in row.needs | row.takes:
            raise table.wrong("takes", "not the card, on which certificates issued later end")
        table.end()
        return row

    def _follows(self, table: ProfileTable) -> tuple[str, ...]:
        names = table.texts("is")
        for name in names:
            if name not in self.follows:
                raise table.wrong("is", "not declared as something that follows")
        self.used.update(names)
        return names

    def _fate(self, table: ProfileTable) -> Fate:
        inner = table.table("effect")
        effect = self.cell(inner, _one_of(inner, "is", LifeEffect))
        if effect.value in _IDLE:
            table.end()
            return Fate(effect, None, None)
        inner = table.table("reason")
        reason = self.cell(inner, _reason(inner, effect.value))
        inner = table.table("undone_by")
        word = inner.text("is")
        undone_by: Cell[str | None] = self.cell(inner, None if word == _NO_EVENT else word)
        table.end()
        return Fate(effect, reason, undone_by)


def _reason(table: ProfileTable, effect: LifeEffect) -> RevocationReason:
    word = table.text("is")
    try:
        reason = RevocationReason.from_text(word)
    except ValueError:
        raise table.wrong("is", "not a reason of a revocation list") from None
    if effect is LifeEffect.HOLD and reason is not RevocationReason.CERTIFICATE_HOLD:
        raise table.wrong("is", "not certificateHold, the only reason of a hold")
    if effect is not LifeEffect.HOLD and reason in _NOT_A_REASON:
        raise table.wrong("is", "a reason that ends no certificate")
    return reason


def _with_rules(reader: _Reader, rows: Mapping[str, LifeRow], rules: ProfileTable) -> LifeTable:
    notes: dict[str, Mapping[str, str]] = {}

    def rule(name: str) -> ProfileTable:
        table = rules.table(name)
        notes[name] = _note(table)
        return table

    holds = {}
    for role in Role:
        hold = rule(f"{role.value}_hold_can_end")
        if "is" not in hold:
            raise hold.wrong("is", "missing")
        holds[role] = reader.cell(hold, hold.flag("is"))
    phone = rule("phone")
    word = phone.text("is")
    if word != _PHONE:
        raise phone.wrong("is", "not “as the card's”, the only rule known here")
    found = LifeTable(
        rows,
        reader.sources,
        reader.follows,
        holds,
        reader.cell(phone, word),
        _kinds(reader, rule("last_events"), rows),
        _kinds(reader, rule("claim_again"), rows),
        notes,
    )
    rules.end()
    return found


def _kinds(reader: _Reader, rule: ProfileTable, rows: Mapping[str, LifeRow]) -> Cell[tuple[str, ...]]:
    kinds = rule.texts("is")
    if not set(kinds) <= set(rows):
        raise rule.wrong("is", "not a list of events of the table")
    return reader.cell(rule, kinds)


def _refuse_contradictions(root: ProfileTable, table: LifeTable) -> None:
    """Refuses an event that undoes what it does not: only a hold is taken back, and only by an event that ends one.

    And a claim that begins with an event that ends it, or lives after the last event.
    """
    if any(table.rows[kind].ends_claim for kind in table.again.value):
        raise root.wrong("rule.claim_again.is", "an event that ends the claim")
    if not all(table.rows[kind].ends_claim for kind in table.last.value):
        raise root.wrong("rule.last_events.is", "an event that does not end the claim")
    for kind, row in table.rows.items():
        for role, fate in row.fates.items():
            where = f"event.{kind}.{role.value}.undone_by"
            if fate.undone_by is None or fate.undone_by.value is None:
                continue
            undoing = table.rows.get(fate.undone_by.value)
            if undoing is None:
                raise root.wrong(where, "not an event of the table")
            ends = undoing.fates[role].effect.value is LifeEffect.RELEASE
            if fate.effect.value is not LifeEffect.HOLD or not ends:
                raise root.wrong(where, "not an event that ends a hold")

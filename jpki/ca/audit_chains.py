"""Entries of the audit trail, held against their chains and against the rows that they tell of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jpki.store import FIRST_DIGEST, AuditEntry, StoreReading, Told, digest_after, entry_id, told_in

from .audit_findings import AuditFinding, AuditProblem, EntryName, Named

__all__ = ["ChainWalk", "body_of", "told_by"]

_TOLD_AT_ONCE = 500
_HOLD = 6
_KEPT_WHOLE = ("authority_key", "setting")  # few, and without the name of their entry: held against what is told


def body_of(entry: AuditEntry) -> Mapping[str, Any] | None:
    """Returns what an entry's JSON says, or None where it is not what an entry is."""
    try:
        body = json.loads(entry.body)
        good = isinstance(body["facts"], dict) and isinstance(body["kind"], str) and isinstance(body["at"], str)
        return body if good and type(body["chain"]) is type(body["number"]) is int else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def told_by(entry: AuditEntry) -> tuple[Told, ...] | None:
    """Returns what an entry tells of rows; None where it cannot be read."""
    body = body_of(entry)
    try:
        return None if body is None else tuple(told_in(body["facts"]))
    except (KeyError, TypeError, AttributeError):
        return None


@dataclass(slots=True)
class ChainWalk:
    """One walk along all chains. What it needs to remember does not grow with them."""

    view: StoreReading
    named: Named
    entries: int = 0
    kept: dict[tuple[str, str], Mapping[str, object]] = field(default_factory=dict)
    """What was told of the authorities' keys and of settings, for those who hold the rows against it."""
    _waiting: dict[str, list[tuple[int, Told]]] = field(default_factory=dict)

    def findings(self) -> Iterator[AuditFinding]:
        """Yields what is wrong with entries, and the rows that are told of and are not there."""
        before: AuditEntry | None = None
        checked: tuple[bytes, ...] = ()
        for entry in self.view.audit_entries():
            self.entries += 1
            if before is None or before.chain != entry.chain:
                before, checked = None, (FIRST_DIGEST,)
            expected = 1 if before is None else before.number + 1
            if entry.number > expected:
                yield self._found(AuditProblem.ENTRY_MISSING, (entry.chain, expected), until=entry.number - 1)
                checked = ()
            problem = self._problem(entry, checked)
            if problem is not None:
                yield problem
            else:
                yield from self._rows_of(entry)
            # The one behind may follow what is kept of this one, or what would be right for it.
            following = {digest_after(digest, entry.body) for digest in checked} if problem is not None else set()
            moved = problem is not None and problem.problem is not AuditProblem.ENTRY_CHANGED
            checked = () if moved else (entry.digest, *following)
            before = entry
        yield from self._rows_waiting(least=1)

    def _problem(self, entry: AuditEntry, checked: tuple[bytes, ...]) -> AuditFinding | None:
        """Returns what is wrong with an entry by itself; `checked` are digests that it may follow, none if unknown."""
        own = (entry.chain, entry.number)
        follows = not checked or any(digest_after(digest, entry.body) == entry.digest for digest in checked)
        body = body_of(entry)
        if body is None:
            return self._found(AuditProblem.ENTRY_CHANGED if not follows else AuditProblem.ENTRY_UNREADABLE, own)
        belongs = (body["chain"], body["number"])
        if belongs == own:
            return None if follows else self._found(AuditProblem.ENTRY_CHANGED, own)
        there = self.view.audit_entry(*belongs) if max(belongs) < 1 << 31 else None
        again = there is not None and there.body == entry.body
        problem = AuditProblem.ENTRY_REPEATED if again else AuditProblem.ENTRY_MOVED
        return self._found(problem, own, belongs=belongs)

    def _rows_of(self, entry: AuditEntry) -> Iterator[AuditFinding]:
        found = told_by(entry)
        if found is None:
            yield self._found(AuditProblem.ENTRY_UNREADABLE, (entry.chain, entry.number))
            return
        for one in found:
            if one.kind in _KEPT_WHOLE:
                self.kept[one.kind, one.name] = one.facts
            self._waiting.setdefault(one.kind, []).append((entry_id(entry.chain, entry.number), one))
        yield from self._rows_waiting(least=_TOLD_AT_ONCE)

    def _rows_waiting(self, least: int) -> Iterator[AuditFinding]:
        for kind, waiting in self._waiting.items():
            if len(waiting) >= least:
                yield from self._held_against_rows(kind, waiting)
                waiting.clear()

    def _held_against_rows(self, kind: str, waiting: list[tuple[int, Told]]) -> Iterator[AuditFinding]:
        there: dict[str, int | None] = {}
        for start in range(0, len(waiting), _TOLD_AT_ONCE):
            names = list({one.name for _, one in waiting[start : start + _TOLD_AT_ONCE]})
            there |= self.view.audited_entries(kind, names)
        ended = [one.name for _, one in waiting if _is_hold(one) and one.name not in there]
        released = self.view.audited_entries("release", ended) if ended else {}
        for entry, one in waiting:
            missing = one.name not in there and one.name not in released
            # What is revoked for good stays so: nothing later can be told of it.
            replaced = kind == "revocation" and not missing and not _is_hold(one) and there.get(one.name) != entry
            if (missing or replaced) and not self.named.row(kind, one.name):
                problem = AuditProblem.ROW_MISSING if missing else AuditProblem.ROW_CHANGED
                facts = () if missing else ("entry",)
                yield self.named.add(AuditFinding(problem, row_kind=kind, row=one.name, facts=facts))

    def _found(
        self, problem: AuditProblem, entry: EntryName, until: int | None = None, belongs: EntryName | None = None
    ) -> AuditFinding:
        until = until if until is not None and until > entry[1] else None
        return self.named.add(AuditFinding(problem, entry, until, belongs))


def _is_hold(one: Told) -> bool:
    return one.kind == "revocation" and one.facts["reason"] == _HOLD

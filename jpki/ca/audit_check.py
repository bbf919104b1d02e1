"""The audit trail, held against itself, its seals and the store: what was removed, changed, moved or added is named.

Everything is read as a stream, in one view of the store. Source: docs/audit.md, verify
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from itertools import islice

from jpki.store import AUDITED, AuditedRow, SealRow, Store, StoreReading, entry_of
from jpki.terms import Role

from .audit_chains import ChainWalk, body_of, told_by
from .audit_findings import AuditFinding, AuditProblem, Named
from .audit_seals import SealWalk

__all__ = ["AuditReport", "check_audit_trail"]

_ENTRIES_KEPT = 256
_Facts = Mapping[tuple[str, str], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What a check found, and how much it read; `more` says that it stopped at the most findings that were wanted.

    `unsealed` entries came after the last seal, which is of the moment `sealed_at`: of them, only what rows of the
    store name would be missed.
    """

    chains: int
    entries: int
    rows: int
    seals: int
    sealed_at: datetime | None
    unsealed: int
    findings: tuple[AuditFinding, ...]
    more: bool


def check_audit_trail(
    store: Store, public_key_info: bytes, *, files: Iterable[SealRow] | None = None, most: int = 1000
) -> AuditReport:
    """Returns what is wrong with the audit trail, at most so many findings.

    `public_key_info` (SubjectPublicKeyInfo, DER) is the key that seals; `files` are the seals as they were kept outside
    the store, in order of number. Raises StoreError, and what reading `files` raises.
    """
    with store.snapshot() as view:
        named = Named()
        chains = ChainWalk(view, named)
        seals = SealWalk(view, named, public_key_info, files)
        rows = _RowWalk(view, named, chains)
        found = tuple(islice(_all(chains, seals, rows), most + 1))
        lengths = [(one.last, seals.sealed.get(one.chain, 0)) for one in view.audit_chains()]
        return AuditReport(
            len(lengths),
            chains.entries,
            rows.rows,
            seals.seals,
            None if seals.last is None else seals.last.at,
            sum(max(0, last - sealed) for last, sealed in lengths),
            found[:most],
            len(found) > most,
        )


def _all(chains: ChainWalk, seals: SealWalk, rows: _RowWalk) -> Iterator[AuditFinding]:
    yield from chains.findings()
    yield from seals.findings()
    yield from seals.marks()
    yield from rows.findings()


@dataclass(slots=True)
class _RowWalk:
    """One walk along all rows that name an entry."""

    view: StoreReading
    named: Named
    chains: ChainWalk
    rows: int = 0
    _first_named: bool = False  # the entry that tells of the authority's making
    _facts: OrderedDict[int, _Facts | None] = field(default_factory=OrderedDict)

    def findings(self) -> Iterator[AuditFinding]:
        """Yields entries that rows name and that are not there, and rows that are not as their entries tell."""
        began = self._began()
        for kind in AUDITED:
            for row in self.view.audited_rows(kind):
                self.rows += 1
                if not self.named.row(kind, row.name):
                    yield from self._held_against_its_entry(row, began)
        yield from self._others(began)

    def _began(self) -> int | None:
        """Returns when the trail began, in seconds: 0 where it began with the authority; None where there is none."""
        first = next(self.view.audit_chains(), None)
        if first is None:
            return None
        self._first_named = self.named.entry((first.chain, 1))
        entry = None if self._first_named else self.view.audit_entry(first.chain, 1)
        body = None if entry is None else body_of(entry)
        return 0 if body is not None and body["kind"] == "create" else int(first.opened_at.timestamp())

    def _held_against_its_entry(self, row: AuditedRow, began: int | None) -> Iterator[AuditFinding]:
        if row.entry is None:
            if began is not None and row.since >= began:
                yield self._found(AuditProblem.ROW_WITHOUT_ENTRY, row)
            return
        entry = entry_of(row.entry)
        if self.named.entry(entry):
            return
        facts = self._told(row.entry)
        if facts is None:
            yield self._missing(row)
        elif (row.kind, row.name) not in facts:
            yield self._found(AuditProblem.ROW_NOT_TOLD, row)
        elif facts[row.kind, row.name] != row.facts:
            said = facts[row.kind, row.name]
            wrong = sorted({name for name in (*said, *row.facts) if said.get(name) != row.facts.get(name)})
            yield self._found(AuditProblem.ROW_CHANGED, row, tuple(wrong))

    def _missing(self, row: AuditedRow) -> AuditFinding:
        """Returns which entries are not there, up to the one that a row names."""
        chain, number = entry_of(row.entry or 0)
        last = self.view.chain_end(chain)
        first = max(last, self.named.last_of(chain)) + 1
        if first >= number:
            return self.named.add(
                AuditFinding(AuditProblem.ENTRY_MISSING, (chain, number), row_kind=row.kind, row=row.name)
            )
        entry = (chain, first)
        return self.named.add(AuditFinding(AuditProblem.ENTRY_MISSING, entry, number, row_kind=row.kind, row=row.name))

    def _told(self, name: int) -> _Facts | None:
        """Returns what an entry tells of rows, None where it is not there; the last ones are remembered."""
        if name in self._facts:
            self._facts.move_to_end(name)
            return self._facts[name]
        entry = self.view.audit_entry(*entry_of(name))
        told = () if entry is None else told_by(entry) or ()
        self._facts[name] = None if entry is None else {(one.kind, one.name): one.facts for one in told}
        if len(self._facts) > _ENTRIES_KEPT:
            self._facts.popitem(last=False)
        return self._facts[name]

    def _others(self, began: int | None) -> Iterator[AuditFinding]:
        """Yields what is wrong with the authorities' own keys and the settings, which name no entry."""
        for role in Role:
            for own in self.view.authority_keys(role):
                told = self.chains.kept.get(("authority_key", str(own.name)))
                facts = {"generation": own.generation, "sha256": sha256(own.encoded).hexdigest()}
                row = AuditedRow("authority_key", str(own.name), None, int(own.not_before.timestamp()), facts)
                if told is not None and told != facts:
                    yield self._found(AuditProblem.ROW_CHANGED, row, tuple(n for n in facts if facts[n] != told.get(n)))
                elif told is None and began is not None and row.since >= began and not self._first_named:
                    yield self._found(AuditProblem.ROW_WITHOUT_ENTRY, row)
        for name, value in self.view.settings().items():
            said = self.chains.kept.get(("setting", name))
            if said is not None and said["value"] != value:
                yield self._found(AuditProblem.ROW_CHANGED, AuditedRow("setting", name, None, 0, {}), ("value",))

    def _found(self, problem: AuditProblem, row: AuditedRow, facts: tuple[str, ...] = ()) -> AuditFinding:
        entry = None if row.entry is None else entry_of(row.entry)
        finding = AuditFinding(problem, entry, row_kind=row.kind, row=row.name, facts=facts)
        # The entry is only where it is told, not what is wrong.
        self.named.add(AuditFinding(problem, row_kind=row.kind, row=row.name))
        return finding

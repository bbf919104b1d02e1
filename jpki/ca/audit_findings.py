"""What a check of the audit trail can find, and which of it was told already."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["AuditFinding", "AuditProblem", "EntryName", "Named"]

EntryName = tuple[int, int]
"""A chain, and the number of an entry in it."""


class AuditProblem(Enum):
    """What is wrong with an entry, a row of the store, a chain or a seal."""

    ENTRY_MISSING = "entry-missing"
    ENTRY_CHANGED = "entry-changed"
    ENTRY_MOVED = "entry-moved"
    ENTRY_REPEATED = "entry-repeated"
    ENTRY_UNREADABLE = "entry-unreadable"
    ENTRY_NOT_AS_SEALED = "entry-not-as-sealed"
    ROW_MISSING = "row-missing"
    ROW_CHANGED = "row-changed"
    ROW_NOT_TOLD = "row-not-told"
    ROW_WITHOUT_ENTRY = "row-without-entry"
    CHAIN_MARK = "chain-mark"
    SEAL_MISSING = "seal-missing"
    SEAL_UNREADABLE = "seal-unreadable"
    SEAL_CHANGED = "seal-changed"
    SEAL_BY_ANOTHER_KEY = "seal-by-another-key"
    SEAL_OUT_OF_ORDER = "seal-out-of-order"
    SEAL_ONLY_IN_FILE = "seal-only-in-file"
    SEAL_WITHOUT_FILE = "seal-without-file"
    SEAL_UNLIKE_FILE = "seal-unlike-file"


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One thing that is wrong.

    `entry` is a chain and the first entry meant, `until` the number of the last one; `belongs` is where an entry says
    that it belongs. `row_kind` and `row` name a row of the store; `seal` is the number of a seal that is wrong, or that
    shows what is wrong with an entry. `facts` names what a row says otherwise than its entry.
    """

    problem: AuditProblem
    entry: EntryName | None = None
    until: int | None = None
    belongs: EntryName | None = None
    row_kind: str | None = None
    row: str | None = None
    seal: int | None = None
    facts: tuple[str, ...] = ()


class Named:
    """Which entries and rows a finding was made about already, so that each is named once."""

    __slots__ = ("_entries", "_ranges", "_rows")

    def __init__(self) -> None:
        self._entries: set[EntryName] = set()
        self._ranges: list[tuple[int, int, int]] = []
        self._rows: set[tuple[str, str]] = set()

    def add(self, finding: AuditFinding) -> AuditFinding:
        """Returns the finding, and remembers it."""
        if finding.entry is not None:
            chain, number = finding.entry
            if finding.until is not None and finding.until > number:
                self._ranges.append((chain, number, finding.until))
            else:
                self._entries.add(finding.entry)
        if finding.row_kind is not None and finding.row is not None:
            self._rows.add((finding.row_kind, finding.row))
        return finding

    def entry(self, entry: EntryName) -> bool:
        """Returns whether a finding named this entry."""
        chain, number = entry
        return entry in self._entries or any(
            its == chain and first <= number <= last for its, first, last in self._ranges
        )

    def last_of(self, chain: int) -> int:
        """Returns the highest number of a chain that a finding named, 0 for none."""
        singles = (number for its, number in self._entries if its == chain)
        return max((*singles, *(last for its, _, last in self._ranges if its == chain)), default=0)

    def row(self, kind: str, name: str) -> bool:
        """Returns whether a finding named this row."""
        return (kind, name) in self._rows

"""Whether a person still has a claim to certificates, by what was reported of them."""

from __future__ import annotations

from collections.abc import Iterable

from jpki.store import StoredEvent

from .table import LifeTable
from .table_file import load_life_table

__all__ = ["end_of_claim"]


def end_of_claim(events: Iterable[StoredEvent], table: LifeTable | None = None) -> StoredEvent | None:
    """Returns the event that ended a person's claim to certificates, None while they have one.

    What happened last counts, and of one moment what came last; nothing brings back who had one of the last events.
    Source: docs/life-events.md, rules
    """
    table = table or load_life_table()
    ended = None
    for one in sorted(events, key=lambda one: (one.occurred_at, one.noted_at)):
        row = table.rows.get(one.kind)
        if one.kind in table.last.value:
            return one
        if row is not None and row.ends_claim:
            ended = one
        elif one.kind in table.again.value:
            ended = None
    return ended

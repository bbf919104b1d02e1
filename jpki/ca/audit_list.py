"""Entries of the audit trail for people who ask what was done, to one certificate or at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from jpki.store import AuditEntry, Store, StoreReading, told_in
from jpki.terms import CertificateName

from .audit_chains import body_of
from .audit_findings import EntryName

__all__ = ["ListedEntry", "listed_entries"]


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """One entry: what was done, when, and the facts."""

    entry: EntryName
    at: datetime
    kind: str
    facts: Mapping[str, Any]


def listed_entries(
    store: Store,
    *,
    name: CertificateName | None = None,
    since: datetime | None = None,
    after: EntryName = (0, 0),
    limit: int = 100,
) -> tuple[ListedEntry, ...]:
    """Returns the next `limit` entries behind `after`, chain by chain, of a moment and of a certificate where given.

    Of an entry about many certificates, only what it says of this one is returned then. What cannot be read is left
    out: a check names it. Raises StoreError.
    """
    with store.snapshot() as view:
        return tuple(islice(_listed(view, name, since, after), limit))


def _listed(
    view: StoreReading, name: CertificateName | None, since: datetime | None, after: EntryName
) -> Iterator[ListedEntry]:
    wanted = None if name is None else f'"{name}"'.encode()
    for entry in view.audit_entries(after=after):
        if wanted is not None and wanted not in entry.body:
            continue
        found = _read(entry, None if name is None else str(name))
        if found is not None and (since is None or found.at >= since):
            yield found


def _read(entry: AuditEntry, name: str | None) -> ListedEntry | None:
    body = body_of(entry)
    if body is None:
        return None
    try:
        at = datetime.fromisoformat(body["at"])
        facts = body["facts"] if name is None else _facts_about(body["facts"], name)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return ListedEntry((entry.chain, entry.number), at, body["kind"], facts)


def _facts_about(facts: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Returns what an entry says of one certificate, by what it is told as; everything where it is no such entry."""
    found = {one.kind: dict(one.facts) for one in told_in(facts) if one.name == name}
    return found or facts

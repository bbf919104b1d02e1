"""What else the authority remembers: events that were reported, responders' certificates, and the audit trail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, insert, select

from jpki.terms import CertificateName

from .audited import AuditedReading
from .bulk import Lookup
from .schema import event, intent, responder
from .trail import TrailWriting
from .values import StoredEvent, StoredResponder, id_of, moment_of, name_of, seconds_of

__all__ = ["RecordReading", "RecordWriting"]


_EVENTS_OF = Lookup(select(event).order_by(event.c.occurred_at, event.c.noted_at, event.c.id), event.c.person)


class RecordReading(AuditedReading):
    """Questions about what was reported, who answers, and what is in the audit trail, within one transaction."""

    __slots__ = ()

    def event(self, identifier: str) -> StoredEvent | None:
        """Returns the event that was reported under this name, or None."""
        row = self._connection.execute(select(event).where(event.c.id == identifier)).one_or_none()
        return None if row is None else _event(row)

    def events_of(self, person: str) -> tuple[StoredEvent, ...]:
        """Returns what was reported of a person, oldest first."""
        rows = self._connection.execute(
            select(event).where(event.c.person == person).order_by(event.c.occurred_at, event.c.noted_at, event.c.id)
        )
        return tuple(_event(row) for row in rows)

    def events_of_all(self, persons: Sequence[str]) -> dict[str, tuple[StoredEvent, ...]]:
        """Returns what was reported of each of these persons of whom anything was, oldest first."""
        found: dict[str, list[StoredEvent]] = {}
        for row in _EVENTS_OF.run(self._connection, persons):
            found.setdefault(row.person, []).append(_event(row))
        return {person: tuple(events) for person, events in found.items()}

    def responders(self, issuer: CertificateName) -> tuple[StoredResponder, ...]:
        """Returns the responders' certificates that a key signed, oldest first."""
        rows = self._connection.execute(
            select(responder).where(responder.c.issuer == id_of(issuer)).order_by(responder.c.not_before)
        )
        return tuple(_responder(row) for row in rows)

    def responder(self, name: CertificateName) -> StoredResponder | None:
        """Returns the responder's certificate of this name, or None."""
        row = self._connection.execute(select(responder).where(responder.c.id == id_of(name))).one_or_none()
        return None if row is None else _responder(row)


class RecordWriting(RecordReading, TrailWriting):
    """Records that are added within one transaction; none of them is ever changed."""

    __slots__ = ()

    def add_event(self, one: StoredEvent, entry: int | None = None) -> None:
        """Stores what was reported; StoreConflict where something of this name was reported before."""
        self._connection.execute(
            insert(event).values(
                id=one.id,
                person=one.person,
                kind=one.kind,
                occurred_at=seconds_of(one.occurred_at),
                noted_at=seconds_of(one.noted_at),
                digest=one.digest,
                outcome=one.outcome,
                entry=entry,
            )
        )

    def add_responder(self, one: StoredResponder, entry: int | None = None) -> None:
        """Stores a responder's certificate, and takes its intent away."""
        self._connection.execute(
            insert(responder).values(
                id=id_of(one.name),
                issuer=id_of(one.issuer),
                not_before=seconds_of(one.not_before),
                not_after=seconds_of(one.not_after),
                encoded=one.encoded,
                entry=entry,
            )
        )
        self._connection.execute(delete(intent).where(intent.c.id == id_of(one.name)))


def _event(row: Row[Any]) -> StoredEvent:
    return StoredEvent(
        row.id, row.person, row.kind, moment_of(row.occurred_at), moment_of(row.noted_at), row.digest, row.outcome
    )


def _responder(row: Row[Any]) -> StoredResponder:
    return StoredResponder(
        name_of(row.id), name_of(row.issuer), moment_of(row.not_before), moment_of(row.not_after), row.encoded
    )

"""What can be wrong with an event of a person's life, and why one is not applied.

BadInput
└── BadLifeEvent(line, field, problem)                  one line of a feed cannot be read; never its value
AuthorityError
└── LifeEventRefused(event, kind)                       an event is not applied, and nothing of it is recorded
    ├── UnknownEventKind(event, kind)                   the table has no row for it
    ├── BadEventFact(event, kind, fact, problem)        the row needs a fact that is not there, or takes none such
    ├── EventForTheDead(event, kind)                    the person's last event was before it
    ├── EventInFuture(event, kind, due)                 it takes effect later than now
    ├── EventOutOfOrder(event, kind, last)              something later is applied already
    ├── UnknownPerson(event, kind)                      nobody of this number ever had a certificate or a card
    ├── CardOfAnother(event, kind)                      the card is not the person's
    ├── EventChanged(event, kind, applied_at)           another event was applied under this name
    ├── EventBeforeCertificate(event, kind, name, not_before)   it would end a certificate issued after it
    ├── NothingHeld(event, kind)                        the end of a hold, and nothing is on hold
    └── CertificateOutlivesCard(event, kind, name, not_after)   the card has ended, and a certificate has not
"""

from __future__ import annotations

from datetime import datetime

from jpki.errors import AuthorityError, BadInput
from jpki.terms import CertificateName

__all__ = [
    "BadEventFact",
    "BadLifeEvent",
    "CardOfAnother",
    "CertificateOutlivesCard",
    "EventBeforeCertificate",
    "EventChanged",
    "EventForTheDead",
    "EventInFuture",
    "EventOutOfOrder",
    "LifeEventRefused",
    "NothingHeld",
    "UnknownEventKind",
    "UnknownPerson",
]


class BadLifeEvent(BadInput):
    """Says what is wrong with a line of a feed, counted from 1; `field` is None for the line as a whole.

    `problem` is a few English words. The value is never told, nor the name of a field that no feed has: it may be a
    person's attribute.
    """

    def __init__(self, *, line: int, field: str | None, problem: str) -> None:
        super().__init__()
        self.line = line
        self.field = field
        self.problem = problem


class LifeEventRefused(AuthorityError):
    """Says that an event is not applied: by its identifier and kind."""

    def __init__(self, *, event: str, kind: str) -> None:
        super().__init__()
        self.event = event
        self.kind = kind


class UnknownEventKind(LifeEventRefused):
    """Says that the table has no row for an event of this kind."""


class BadEventFact(LifeEventRefused):
    """Says that an event lacks a fact that its kind needs, or has one that its kind does not take."""

    def __init__(self, *, event: str, kind: str, fact: str, problem: str) -> None:
        super().__init__(event=event, kind=kind)
        self.fact = fact
        self.problem = problem


class EventForTheDead(LifeEventRefused):
    """Says that nothing can follow what happened to this person."""


class EventInFuture(LifeEventRefused):
    """Says that an event takes effect only at a moment that lies ahead."""

    def __init__(self, *, event: str, kind: str, due: datetime) -> None:
        super().__init__(event=event, kind=kind)
        self.due = due


class EventOutOfOrder(LifeEventRefused):
    """Says that an event of this person, or a hold that it would end, is later than this one, at `last`."""

    def __init__(self, *, event: str, kind: str, last: datetime) -> None:
        super().__init__(event=event, kind=kind)
        self.last = last


class UnknownPerson(LifeEventRefused):
    """Says that nobody of this number ever had a certificate or a card here."""


class CardOfAnother(LifeEventRefused):
    """Says that the card that an event is about was made for another person."""


class EventChanged(LifeEventRefused):
    """Says that another event was applied under the same identifier, at `applied_at`."""

    def __init__(self, *, event: str, kind: str, applied_at: datetime) -> None:
        super().__init__(event=event, kind=kind)
        self.applied_at = applied_at


class EventBeforeCertificate(LifeEventRefused):
    """Says that an event would act on a certificate that was issued after it."""

    def __init__(self, *, event: str, kind: str, name: CertificateName, not_before: datetime) -> None:
        super().__init__(event=event, kind=kind)
        self.name = name
        self.not_before = not_before


class NothingHeld(LifeEventRefused):
    """Says that an event would end a hold, and that no certificate of the person is on hold."""


class CertificateOutlivesCard(LifeEventRefused):
    """Says that a card is said to have expired while a certificate on it lasts longer."""

    def __init__(self, *, event: str, kind: str, name: CertificateName, not_after: datetime) -> None:
        super().__init__(event=event, kind=kind)
        self.name = name
        self.not_after = not_after

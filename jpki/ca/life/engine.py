"""What an event does to a person's certificates, by the table. Nothing is read or written here.

Source: docs/life-events.md
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from jpki.formats import RevocationReason
from jpki.store import CertificateState
from jpki.terms import CertificateName, day_in_japan, end_of_day_in_japan

from .errors import (
    BadEventFact,
    CertificateOutlivesCard,
    EventBeforeCertificate,
    EventForTheDead,
    EventInFuture,
    EventOutOfOrder,
    NothingHeld,
    UnknownEventKind,
)
from .events import LifeEvent, PersonHistory, start_of_day_in_japan
from .table import Fact, Later, LifeEffect, LifePolicy, LifeRow, LifeTable, Since

__all__ = ["Carrier", "HolderCertificate", "LifeAction", "LifeChange", "LifeOutcome", "outcome_of"]

_LIVE = (CertificateState.VALID, CertificateState.HELD)


class Carrier(Enum):
    """Where a certificate's key is."""

    CARD = "card"
    PHONE = "phone"


class LifeAction(Enum):
    """What is to be done to a certificate."""

    REVOKE = "revoke"
    HOLD = "hold"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class HolderCertificate:
    """One certificate of a person, as it is when an event is applied.

    `held_since` is there for one on hold. `confirmed` says that it is known to be on its card. `card` is the serial
    number of the card that it is on (or hangs on, if it is on a phone), None where it is not known: then an event about
    any card of the person is about this certificate too.
    """

    name: CertificateName
    not_before: datetime
    not_after: datetime
    state: CertificateState
    held_since: datetime | None = None
    confirmed: bool = True
    carrier: Carrier = Carrier.CARD
    card: str | None = None


@dataclass(frozen=True, slots=True)
class LifeChange:
    """What an event does to one certificate, why (None for the end of a hold) and since when."""

    name: CertificateName
    action: LifeAction
    reason: RevocationReason | None
    since: datetime


@dataclass(frozen=True, slots=True)
class LifeOutcome:
    """All that an event does; `passed_over` are certificates that it leaves alone because they were issued after it.

    `late` says that something that happened after it was applied before it.
    """

    changes: tuple[LifeChange, ...]
    passed_over: tuple[CertificateName, ...] = ()
    late: bool = False


@dataclass(frozen=True, slots=True)
class _Span:
    """From when on an event counts: a moment, or (`first` before `last`) some moment of a day."""

    first: datetime
    last: datetime


def outcome_of(
    event: LifeEvent,
    history: PersonHistory,
    certificates: Iterable[HolderCertificate],
    at: datetime,
    *,
    table: LifeTable,
    policy: LifePolicy,
) -> LifeOutcome:
    """Returns what an event does to all `certificates` of its person at the moment `at`, in their order.

    No change is an answer too: of somebody without certificates a move is only noted. A certificate on a phone has the
    fate of the card's of the same role. What ends a person's claim is taken late, too. Raises LifeEventRefused.
    """
    row = table.rows.get(event.kind)
    if row is None:
        raise UnknownEventKind(event=event.id, kind=event.kind)
    _refuse_wrong_facts(event, row)
    if history.ended:
        raise EventForTheDead(event=event.id, kind=event.kind)
    late = history.last is not None and event.latest < history.last
    if late and history.last is not None and not row.ends_claim:
        raise EventOutOfOrder(event=event.id, kind=event.kind, last=history.last)
    span = _span(event, row.since.value)
    if (due := max(event.earliest, span.first)) > at:
        raise EventInFuture(event=event.id, kind=event.kind, due=due)
    whole = tuple(one for one in certificates if one.state in _LIVE)
    live = tuple(one for one in whole if _concerns(event, one))
    case = _Case(event, row, span, live, whole, policy)
    later = tuple(one.name for one in live if case.passes_over(one))
    changes = (case.change(one) for one in live if one.name not in later)
    found = tuple(change for change in changes if change is not None)
    if not found and any(fate.effect.value is LifeEffect.RELEASE for fate in row.fates.values()):
        raise NothingHeld(event=event.id, kind=event.kind)
    return LifeOutcome(found, later, late)


def _refuse_wrong_facts(event: LifeEvent, row: LifeRow) -> None:
    for fact in Fact:
        if fact in row.needs and fact not in event.said:
            raise BadEventFact(event=event.id, kind=event.kind, fact=fact.value, problem="missing")
        if fact in event.said and fact not in row.needs | row.takes:
            raise BadEventFact(event=event.id, kind=event.kind, fact=fact.value, problem="not for this kind of event")


def _span(event: LifeEvent, since: Since) -> _Span:
    """Returns from when on an event counts, cut to the second as everything is that certificates and lists say."""
    match since:
        case Since.MOMENT:
            return _Span(event.earliest.replace(microsecond=0), event.latest)
        case Since.END_OF_DAY:
            end = end_of_day_in_japan(day_in_japan(event.earliest))
            return _Span(end, end)
        case Since.DEPARTURE:
            if event.departure is None:
                raise ValueError("a row that counts from the departure, and does not need it")
            return _Span(start_of_day_in_japan(event.departure), end_of_day_in_japan(event.departure))


def _concerns(event: LifeEvent, certificate: HolderCertificate) -> bool:
    if event.role is not None and certificate.name.authority is not event.role:
        return False
    return event.card is None or certificate.card in (None, event.card)


@dataclass(frozen=True, slots=True)
class _Case:
    """An event that may be applied, and the certificates that it is about: all valid or on hold.

    `whole` are also those that it is not about: on another card, or of the other role.
    """

    event: LifeEvent
    row: LifeRow
    span: _Span
    live: tuple[HolderCertificate, ...]
    whole: tuple[HolderCertificate, ...]
    policy: LifePolicy

    def passes_over(self, certificate: HolderCertificate) -> bool:
        """Returns whether a certificate stays because it was issued after the event, and says what it changed."""
        effect = self.row.fates[certificate.name.authority].effect.value
        later = self.row.later.value is Later.STAYS and self._is_before(certificate)
        return later and self._acts(effect, certificate)

    def change(self, certificate: HolderCertificate) -> LifeChange | None:
        """Returns what becomes of one certificate, None where nothing does."""
        name, event = certificate.name, self.event
        fate = self.row.fates[name.authority]
        if not self._acts(fate.effect.value, certificate) or fate.reason is None:
            return None
        if self._is_before(certificate) and not self._ends_later(certificate):
            begin = certificate.not_before
            raise EventBeforeCertificate(event=event.id, kind=event.kind, name=name, not_before=begin)
        since = max(self.span.first, certificate.not_before)
        held_since = certificate.held_since
        if fate.effect.value is LifeEffect.HOLD:
            return LifeChange(name, LifeAction.HOLD, fate.reason.value, since)
        if fate.effect.value is LifeEffect.RELEASE:
            if held_since is not None and self.span.last < held_since:
                raise EventOutOfOrder(event=event.id, kind=event.kind, last=held_since)
            # Two of a role are not to be valid at once: the one whose successor is in use does not come back.
            if self.policy.hold_can_end(name.authority) and not _is_followed(certificate, self.whole, self.span.last):
                return LifeChange(name, LifeAction.RELEASE, None, max(since, held_since or since))
        # What was on hold is revoked since the hold: it was not valid from then on.
        return LifeChange(name, LifeAction.REVOKE, fate.reason.value, held_since or since)

    def _is_before(self, certificate: HolderCertificate) -> bool:
        return self.span.last < certificate.not_before

    def _ends_later(self, certificate: HolderCertificate) -> bool:
        """Returns whether the event acts on a certificate that was issued after it."""
        match self.row.later.value:
            case Later.AS_THE_OTHERS:
                return True
            case Later.ON_ITS_CARD:
                return self.event.card is not None and self.event.card == certificate.card
        return False

    def _acts(self, effect: LifeEffect, certificate: HolderCertificate) -> bool:
        held = certificate.state is CertificateState.HELD
        match effect:
            case LifeEffect.HOLD:
                return not held
            case LifeEffect.RELEASE:
                return held
            case LifeEffect.SUPERSEDE:
                return _is_followed(certificate, self.live, self.span.last)
            case LifeEffect.EXPIRE if certificate.not_after > self.span.last:
                name, end, event = certificate.name, certificate.not_after, self.event
                raise CertificateOutlivesCard(event=event.id, kind=event.kind, name=name, not_after=end)
        return effect is LifeEffect.REVOKE


def _is_followed(certificate: HolderCertificate, others: Iterable[HolderCertificate], by: datetime) -> bool:
    """Returns whether a newer certificate of the role was on its card by then; numbers of a role only rise."""
    return any(
        newer.confirmed
        and newer.carrier is Carrier.CARD
        and newer.name.authority is certificate.name.authority
        and newer.name.number > certificate.name.number
        and newer.not_before <= by
        for newer in others
    )

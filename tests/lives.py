"""A person's certificates, the events of their life, and what the engine makes of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from jpki.ca.life import (
    HolderCertificate,
    LifeAction,
    LifeChange,
    LifeEvent,
    LifeOutcome,
    LifePolicy,
    PersonHistory,
    load_life_table,
    outcome_of,
)
from jpki.store import CertificateState
from jpki.terms import CertificateName, Role

NOW = datetime(2026, 11, 22, 3, 0, 0, tzinfo=UTC)  # noon in Japan
YESTERDAY = NOW - timedelta(days=1)
ISSUED = datetime(2025, 1, 31, 1, 0, 0, tzinfo=UTC)
ENDS = datetime(2030, 6, 15, 14, 59, 59, tzinfo=UTC)
DEPARTURE = date(2026, 11, 20)
SIGN = CertificateName(Role.SIGNATURE, 0x01000002)
AUTH = CertificateName(Role.AUTHENTICATION, 0x01000005)
DEFAULT = LifePolicy()
NOBODY_KNOWN = PersonHistory()
# What an event of a kind has to say besides.
NEEDED: dict[str, dict[str, Any]] = {
    "emigration": {"departure": DEPARTURE},
    "emigration-continued": {"departure": DEPARTURE},
    "authority-key-compromised": {"role": Role.SIGNATURE},
}


def valid(name: CertificateName, **other: Any) -> HolderCertificate:
    return replace(HolderCertificate(name, ISSUED, ENDS, CertificateState.VALID), **other)


def held(name: CertificateName, since: datetime = YESTERDAY, **other: Any) -> HolderCertificate:
    return valid(name, state=CertificateState.HELD, held_since=since, **other)


PAIR = (valid(SIGN), valid(AUTH))
HELD_PAIR = (held(SIGN), held(AUTH))


def event(kind: str, occurred_at: datetime | date = NOW, **facts: Any) -> LifeEvent:
    return replace(LifeEvent("E-1", "R000056", kind, occurred_at), **facts)


def taken(
    one: LifeEvent,
    certificates: tuple[HolderCertificate, ...] = PAIR,
    *,
    history: PersonHistory = NOBODY_KNOWN,
    at: datetime = NOW,
    policy: LifePolicy = DEFAULT,
) -> LifeOutcome:
    """Returns all that an event does."""
    return outcome_of(one, history, certificates, at, table=load_life_table(), policy=policy)


def played(
    one: LifeEvent,
    certificates: tuple[HolderCertificate, ...] = PAIR,
    *,
    history: PersonHistory = NOBODY_KNOWN,
    at: datetime = NOW,
    policy: LifePolicy = DEFAULT,
) -> tuple[LifeChange, ...]:
    """Returns what an event changes."""
    return taken(one, certificates, history=history, at=at, policy=policy).changes


def told(change: LifeChange) -> str:
    """Returns what a change does, in a few words: `revoke keyCompromise`, `release`."""
    return change.action.value if change.reason is None else f"{change.action.value} {change.reason.text}"


def outcome(changes: tuple[LifeChange, ...], name: CertificateName) -> str:
    """Returns what becomes of one certificate: `stays` where nothing does."""
    return ", ".join(told(change) for change in changes if change.name == name) or "stays"


def after(certificate: HolderCertificate, changes: tuple[LifeChange, ...]) -> HolderCertificate:
    """Returns a certificate as it is when changes were made."""
    states = {
        LifeAction.REVOKE: CertificateState.REVOKED,
        LifeAction.HOLD: CertificateState.HELD,
        LifeAction.RELEASE: CertificateState.VALID,
    }
    for change in changes:
        if change.name == certificate.name:
            since = change.since if change.action is LifeAction.HOLD else None
            certificate = replace(certificate, state=states[change.action], held_since=since)
    return certificate

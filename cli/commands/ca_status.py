"""`jpki ca status`: how an authority stands, for people and for those who watch machines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from jpki.terms import Role

from ..authorities import AuthorityChoice, authority_option
from ..catalogue import words
from ..exits import ExitCode
from ..frame import command, option
from ..moments import now
from ..report import Advice, Report
from ..values import Word

if TYPE_CHECKING:
    from jpki.ca import AnsweringStatus, CertificateState, Finding, Health, ListsOfKey, StatusFacts

__all__ = ["status"]

# So many are counted without being asked for: in less than a second.
_COUNTED_ALWAYS = 200_000
_TONES = {"fine": "good", "late": "doubtful", "broken": "bad"}
_NEXT = 5


@command("ca.status")
@option("--count", is_flag=True)
@authority_option
def status(choice: AuthorityChoice, *, count: bool) -> Report:
    """Shows states, lists, keys, responders, copies, seals, and what is due; the exit code tells the worst of it."""
    from jpki.ca import health_of, judge, status_facts
    from jpki.service import ServiceMark

    from .serve import MARK

    at = now()
    with choice.answering() as authority, authority.store.snapshot() as view:
        facts = status_facts(view)
        counted = count or sum(facts.at_most.values()) <= _COUNTED_ALWAYS
        counts = view.counts(at) if counted else None
    answering = ServiceMark(choice.folder / MARK).read()
    findings = judge(facts, at, answering)
    health = health_of(findings)
    advice = () if counted else (Advice(words("prompts", "status.count"), choice.command("jpki ca status --count")),)
    told = {
        "health": _health_word(health),
        "findings": [_finding(one) for one in findings],
        "certificate_counts": _counts(facts, counts),
        "newest_lists": [_lists(one, at) for one in facts.lists if one.count],
        **_others(facts),
        "answering": _answering(answering, at),
        "deadlines": _deadlines(facts, at),
    }
    codes = {"fine": ExitCode.OK, "late": ExitCode.LATE, "broken": ExitCode.BROKEN}
    return Report("authority-status", told, exit_code=codes[health.value], advice=advice)


def _others(facts: StatusFacts) -> dict[str, object]:
    return {
        "authority_keys": [
            {"name": one.name, "generation": one.generation, "not_after": one.not_after} for one in facts.keys
        ],
        "responders": [
            {"issuer": one.issuer, "generation": one.generation, "name": one.name, "not_after": one.not_after}
            for one in facts.responders
        ],
        "outlets": [
            {
                "outlet": one.outlet,
                "copies": one.copies,
                "behind": one.behind,
                "pushed_at": one.pushed_at,
                "first_end": one.first_end,
            }
            for one in facts.outlets
        ],
        "audit_seal": {
            "number": facts.seal.number,
            "sealed_at": facts.seal.at,
            "entries_after": facts.seal.unsealed,
        },
    }


def _health_word(health: Health) -> Word:
    return Word(health.value, of="health", tone=_TONES[health.value])


def _finding(one: Finding) -> dict[str, object]:
    return {
        "health": _health_word(one.health),
        "due": Word(one.due.value, of="due"),
        "of": one.subject,
        "since": one.since,
    }


def _counts(facts: StatusFacts, counts: Mapping[tuple[Role, CertificateState], int] | None) -> list[dict[str, object]]:
    from jpki.ca import CertificateState

    rows: list[dict[str, object]] = []
    for role in Role:
        numbers = {one.value: None if counts is None else counts[role, one] for one in CertificateState}
        rows.append({"role": role, "at_most": facts.at_most[role], **numbers})
    return rows


def _lists(one: ListsOfKey, at: datetime) -> dict[str, object]:
    return {
        "lists_of": one.subject,
        "count": one.count,
        "list_number": one.number,
        "entries": one.entries,
        "this_update": one.oldest,
        "age_seconds": None if one.oldest is None else int((at - one.oldest).total_seconds()),
        "next_update": one.first_end,
        "due_at": one.first_due,
    }


def _answering(told: AnsweringStatus | None, at: datetime) -> dict[str, object] | None:
    if told is None:
        return None
    return {
        "written_at": told.written_at,
        "looked_at": told.looked_at,
        "round_at": told.round_at,
        "round_age_seconds": None if told.round_at is None else int((at - told.round_at).total_seconds()),
    }


def _deadlines(facts: StatusFacts, at: datetime) -> list[dict[str, object]]:
    from jpki.ca import deadlines

    return [
        {"due": Word(one.due.value, of="due"), "of": one.subject, "due_at": one.at}
        for one in deadlines(facts, at)[:_NEXT]
    ]

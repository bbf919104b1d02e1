"""`jpki ca events`: what happened to people, as registers and desks report it, takes effect."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from jpki.errors import JpkiError

from ..authorities import AuthorityChoice, authority_option
from ..catalogue import error_words, words
from ..errors import FileUnreadable
from ..exits import ExitCode
from ..frame import argument, command
from ..language import Language
from ..moments import now
from ..progress import Progress
from ..report import Advice, Report
from ..stopping import interruption_told_as
from ..values import Word

if TYPE_CHECKING:
    from jpki.ca import Authority, FeedLine, LifeOutcome

__all__ = ["events"]

_OUTCOMES = ("applied", "repeated", "unknown", "refused", "unreadable")
_TONES = {"applied": "good", "unknown": "doubtful", "refused": "bad", "unreadable": "bad"}
_EFFECTS = {"revoke": "revoked_names", "hold": "held_names", "release": "released_names"}


@command("ca.events")
@argument("feed", metavar="FILE|-")
@authority_option
def events(choice: AuthorityChoice, *, feed: str) -> Report:
    """Applies the events of a feed one after the other; what cannot be applied stops none of the others."""
    with (
        choice.answering() as authority,
        Progress("events.progress") as progress,
        interruption_told_as("events"),
    ):
        rows = list(_applied(authority, _lines_of(feed), progress))
    counts = {outcome: sum(row["outcome"] == outcome for row in rows) for outcome in _OUTCOMES}
    advice = []
    if counts["applied"]:
        advice.append(Advice(words("prompts", "events.applied"), choice.command("jpki ca crl --out FOLDER")))
    if counts["unknown"] or counts["refused"] or counts["unreadable"]:
        advice.append(Advice(words("prompts", "events.left")))
    return Report(
        "authority-events",
        {"events": rows, "counts": counts},
        exit_code=_exit_code(counts),
        table="events",
        gathered=("effects", "refusal"),
        advice=tuple(advice),
    )


def _lines_of(feed: str) -> Iterator[FeedLine]:
    """Yields the lines of a file, or of standard input for `-`; raises FileUnreadable."""
    from jpki.ca import read_life_events

    try:
        yield from read_life_events(sys.stdin.buffer if feed == "-" else Path(feed))
    except OSError as error:
        path = words("prompts", "stdin") if feed == "-" else feed
        raise FileUnreadable(path=path, problem=error.strerror or "cannot be read") from error


def _applied(authority: Authority, lines: Iterable[FeedLine], progress: Progress) -> Iterator[dict[str, object]]:
    from jpki.ca import BadLifeEvent, LifeEventRefused, UnknownPerson

    for line in lines:
        event = line.read
        progress.add()
        if isinstance(event, BadLifeEvent):
            yield _row(line.number, None, None, "unreadable", refusal=event)
            continue
        try:
            done = authority.apply_event(event, now())
        except LifeEventRefused as refused:
            outcome = "unknown" if isinstance(refused, UnknownPerson) else "refused"
            yield _row(line.number, event.id, event.kind, outcome, refusal=refused)
            continue
        yield _row(line.number, done.event, done.kind, "repeated" if done.repeated else "applied", done.outcome)


def _row(
    number: int,
    event: str | None,
    kind: str | None,
    outcome: str,
    done: LifeOutcome | None = None,
    *,
    refusal: JpkiError | None = None,
) -> dict[str, object]:
    return {
        "line": number,
        "event": event,
        "event_kind": kind,
        "outcome": Word(outcome, of="outcome", tone=_TONES.get(outcome, "")),
        "effects": {} if done is None else _effects(done),
        "refusal": None if refusal is None else _refusal(refusal),
    }


def _effects(done: LifeOutcome) -> dict[str, object]:
    """Returns which certificates an event revoked, held, released or passed over, and whether it came late."""
    found: dict[str, list[object]] = {}
    for change in done.changes:
        found.setdefault(_EFFECTS[change.action.value], []).append(change.name)
    if done.passed_over:
        found["passed_over"] = list(done.passed_over)
    return {**found, "came_late": True} if done.late else dict(found)


def _refusal(error: JpkiError) -> Word:
    said = {language.value: " ".join(error_words(error, language)) for language in Language}
    return Word(type(error).__name__, said=said)


def _exit_code(counts: dict[str, int]) -> ExitCode:
    if counts["unknown"] or counts["refused"]:
        return ExitCode.AUTHORITY
    return ExitCode.BAD_INPUT if counts["unreadable"] else ExitCode.OK

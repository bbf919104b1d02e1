"""What a verdict is to people and programs: every check, whom it names, and what to do where it is no yes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from .authorities import reason_word
from .catalogue import error_words, words
from .exits import ExitCode, exit_code_of
from .facts import attribute_facts
from .language import Language
from .problems import phrase
from .report import Advice, Report
from .values import Word

if TYPE_CHECKING:
    from jpki.verify import Check, Refused, Verdict

    from .trusting import Basis

__all__ = ["verdict_report"]

_GATHERED = ("problem", "given", "source", "time")
_MOMENTS = frozenset(
    ("not_before", "not_after", "this_update", "next_update", "issued_at", "expires_at", "since", "invalid_since")
)
# What could not be read, and what is wrong with it.
_PHRASES = frozenset(("what", "problem"))
_TONES = {
    "passed": "good",
    "failed": "bad",
    "not-made": "doubtful",
    "valid": "good",
    "invalid": "bad",
    "indeterminate": "doubtful",
}
_MAKE_LISTS = "jpki ca crl --out FOLDER"


def verdict_report(verdict: Verdict, subject: Mapping[str, object], basis: Basis) -> Report:
    """Returns the verdict with every check, the four attributes where they may be told, and the exit code."""
    refused = _refusal(verdict)
    facts = {
        "judged": subject,
        "trust": Word(verdict.realm.value, of="realm"),
        "at": verdict.at,
        "checks": [_row(check) for check in verdict.checks],
        "result": Word(verdict.result.value, of="result", tone=_TONES[verdict.result.value]),
        # Once more, beside the result: the checks before it fill more than a screen.
        "checks_failed": [_failure(check) for check in verdict.failed],
        "name": verdict.name,
        "serial": f"{verdict.certificate.serial:08X}",
        "holder_attributes": None if verdict.holder is None else attribute_facts(verdict.holder),
        "lists_needed": _lists_needed(verdict, basis),
    }
    return Report(
        "verification",
        facts,
        table="checks",
        gathered=_GATHERED,
        advice=() if refused is None else (_advice(verdict, refused, basis),),
        exit_code=_exit_code(verdict, refused),
    )


def _refusal(verdict: Verdict) -> Refused | None:
    from jpki.verify import Refused

    try:
        verdict.require()
    except Refused as error:
        return error
    return None


def _exit_code(verdict: Verdict, refused: Refused | None) -> ExitCode:
    from jpki.verify import Result

    if refused is None:
        return ExitCode.OK
    return ExitCode.NOT_JUDGED if verdict.result is Result.INDETERMINATE else exit_code_of(refused)


def _failure(check: Check) -> dict[str, object]:
    row = _row(check)
    return {"check": row["check"], "problem": row["problem"], "time": row["time"]}


def _row(check: Check) -> dict[str, object]:
    problem = None if check.problem is None else Word(check.problem.value, of="check-problem")
    return {
        "outcome": Word(check.outcome.value, of="outcome", tone=_TONES[check.outcome.value]),
        "check": Word(check.name.value, of="check"),
        "problem": problem,
        "given": {name: _told(name, value) for name, value in check.given.items()},
        "source": _phrase_word(check.source),
        "time": check.time,
    }


def _phrase_word(text: str) -> Word:
    """Returns an English phrase of the program's own, which people read in their language."""
    return Word(text, said={one.value: phrase(text, one) for one in Language})


def _told(name: str, value: object) -> object:
    """Returns a fact of a check or refusal so that people read moments in their time, and words in their language."""
    from jpki.formats import RevocationReason

    if isinstance(value, str) and value:
        if name in _MOMENTS:
            return datetime.fromisoformat(value)
        if name == "reason":
            return reason_word(RevocationReason.from_text(value))
        if name == "check":
            return Word(value, of="check")
        if name in _PHRASES:
            return _phrase_word(value)
    if isinstance(value, tuple):
        return [Word(one, of="check") for one in value] if name == "failed" else list(value)
    return value


def _lists_needed(verdict: Verdict, basis: Basis) -> list[str] | None:
    """Returns the root of which a list, or a newer one, is needed; None where the root is not known.

    Also where no list would make the verdict a yes: whether the certificate is revoked is not known all the same.
    """
    from jpki.verify import CheckName, Outcome

    revocation = verdict.check(CheckName.REVOCATION)
    if revocation is None or revocation.outcome is not Outcome.NOT_MADE:
        return []
    root = basis.trust.root_of(verdict.certificate)
    return None if root is None else [str(root.name)]


def _advice(verdict: Verdict, refused: Refused, basis: Basis) -> Advice:
    """Returns why a verdict is no yes, and what to do."""
    what, todo = error_words(refused, facts={name: _told(name, value) for name, value in refused.facts.items()})
    key, command = _next_step(verdict, refused, basis)
    return Advice(words("prompts", "verdict", what=what, todo=words("prompts", key) if key else todo), command)


def _next_step(verdict: Verdict, refused: Refused, basis: Basis) -> tuple[str, str]:
    """Returns the key of a better advice than the one for this kind of refusal, if there is one, and a command."""
    from jpki.verify import EvidenceMissing, Problem, Realm, RootNotTrusted, SignatureWrong

    of_tests = verdict.realm is Realm.TEST
    problems = {check.problem for check in (*verdict.failed, *verdict.not_made)}
    if isinstance(refused, SignatureWrong) and Problem.WRONG_LENGTH in problems:
        return "verdict.signature-length", ""
    if isinstance(refused, RootNotTrusted) and Problem.OTHER_GENERATION in problems and of_tests:
        return "verdict.other-test-authority", ""
    if not isinstance(refused, EvidenceMissing):
        return "", ""
    if not of_tests:
        return "verdict.list.japan", ""
    if Problem.OTHER_GENERATION in problems:
        return "verdict.list.other", _MAKE_LISTS
    if Problem.STALE in problems:
        return "verdict.list.stale", _MAKE_LISTS
    if Problem.NO_LIST in problems and basis.lists:
        return "verdict.list.none-of-these", _MAKE_LISTS
    return "verdict.list", _MAKE_LISTS

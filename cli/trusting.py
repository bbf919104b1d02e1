"""Whom a verification believes, what it goes by, and what its verdict is to people and programs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .authorities import reason_word
from .errors import FileUnreadable, TrustNeeded, TwoTrusts
from .exits import ExitCode
from .facts import attribute_facts
from .files import read_file
from .frame import frame_of, option
from .language import Language
from .problems import phrase
from .report import Report
from .values import Word

if TYPE_CHECKING:
    from jpki.verify import Check, CrlFor, Evidence, Subject, Trust, Verdict

__all__ = ["Basis", "basis_options", "verdict_report"]

_PATH = click.Path(path_type=Path)
_LARGEST = 1 << 20
_GATHERED = ("problem", "given", "source", "time")
_MOMENTS = frozenset(
    ("not_before", "not_after", "this_update", "next_update", "issued_at", "expires_at", "since", "invalid_since")
)
_TONES = {
    "passed": "good",
    "failed": "bad",
    "not-made": "doubtful",
    "valid": "good",
    "invalid": "bad",
    "indeterminate": "doubtful",
}
_ROOTS = frozenset((".cer", ".crt", ".der", ".pem"))


@dataclass(frozen=True, slots=True)
class Basis:
    """Whose certificates are believed, and the revocation lists at hand."""

    trust: Trust
    lists: tuple[Path, ...]

    def judge(self, subject: Subject, at: datetime) -> Verdict:
        """Returns the verdict on a subject for a moment; raises FormatError, EvidenceUnreadable."""
        from jpki.verify import Evidence, verify_with

        return verify_with(self, subject, self.trust, Evidence(), at)

    def bring(self, needs: tuple[CrlFor, ...]) -> Evidence:
        """Returns the lists that are needed, as far as they are in the files and folders named."""
        from jpki.verify import Evidence, FolderFetcher

        found = Evidence()
        for path in self.lists:
            found |= FolderFetcher(path).bring(needs)
        return found


def basis_options(function: Callable[..., Any]) -> Any:  # noqa: ANN401 - click decorates functions and commands alike
    """Adds `--trust`, `--japan`, `--root` and `--crl`; the function gets a Basis as its first argument.

    Raises TrustNeeded, TwoTrusts, FileUnreadable, and what a Trust raises for a root that it cannot take.
    """

    @functools.wraps(function)
    def with_basis(
        *,
        trust: tuple[Path, ...],
        japan: bool,
        root: tuple[tuple[Path, str], ...],
        crl: tuple[Path, ...],
        **others: object,
    ) -> object:
        settings = frame_of(click.get_current_context()).settings
        if not trust and not japan and settings.trust:
            trust = (Path(settings.trust).expanduser(),)
        for path in crl:
            if not path.exists():
                raise FileUnreadable(path=str(path), problem="no such file")
        return function(Basis(_trust(trust, root, japan=japan), crl), **others)

    decorated: Any = with_basis
    for decorate in (
        option("--crl", type=_PATH, metavar="PATH", multiple=True),
        option("--root", type=(_PATH, str), metavar="FILE SHA256", multiple=True),
        option("--japan", is_flag=True),
        option("--trust", type=_PATH, metavar="PATH", multiple=True),
    ):
        decorated = decorate(decorated)
    return decorated


def _trust(tests: tuple[Path, ...], added: tuple[tuple[Path, str], ...], *, japan: bool) -> Trust:
    from jpki.verify import Trust

    if japan and tests:
        raise TwoTrusts
    if not japan and not tests:
        raise TrustNeeded
    trust = Trust.japan() if japan else Trust.test(*(root for path in tests for root in _roots(path)))
    for path, fingerprint in added:
        trust = trust.adding(read_file(path, largest=_LARGEST), fingerprint=fingerprint)
    return trust


def _roots(path: Path) -> Iterator[bytes]:
    """Yields the roots in a file, or in the files of a folder whose names end like a certificate's."""
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
    except OSError as error:
        raise FileUnreadable(path=str(path), problem=error.strerror or "cannot be read") from error
    found = [file for file in files if file == path or file.suffix.lower() in _ROOTS]
    if not found:
        raise FileUnreadable(path=str(path), problem="no certificate in this folder")
    for file in found:
        yield read_file(file, largest=_LARGEST)


def verdict_report(verdict: Verdict, subject: Mapping[str, object]) -> Report:
    """Returns the verdict with every check, the four attributes where they may be told, and the exit code."""
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
        "lists_needed": [str(need.root) for need in verdict.crl_for],
    }
    return Report("verification", facts, table="checks", gathered=_GATHERED, exit_code=_exit_code(verdict))


def _failure(check: Check) -> dict[str, object]:
    row = _row(check)
    return {"check": row["check"], "problem": row["problem"], "time": row["time"]}


def _row(check: Check) -> dict[str, object]:
    problem = None if check.problem is None else Word(check.problem.value, of="check-problem")
    return {
        "outcome": Word(check.outcome.value, of="outcome", tone=_TONES[check.outcome.value]),
        "check": Word(check.name.value, of="check"),
        "problem": problem,
        "given": {name: _given(name, value) for name, value in check.given.items()},
        "source": Word(check.source, said={one.value: phrase(check.source, one) for one in Language}),
        "time": check.time,
    }


def _given(name: str, value: object) -> object:
    """Returns what a check looked at: moments so that people read them in their time, reasons in their words."""
    from jpki.formats import RevocationReason

    if name in _MOMENTS and isinstance(value, str):
        return datetime.fromisoformat(value)
    if name == "reason" and isinstance(value, str):
        return reason_word(RevocationReason.from_text(value))
    return list(value) if isinstance(value, tuple) else value


def _exit_code(verdict: Verdict) -> ExitCode:
    from jpki.verify import CertificateRevoked, Refused, Result

    if verdict.result is Result.VALID:
        return ExitCode.OK
    if verdict.result is Result.INDETERMINATE:
        return ExitCode.NOT_JUDGED
    try:
        verdict.require()
    except CertificateRevoked:
        return ExitCode.REVOKED
    except Refused:
        pass
    return ExitCode.NOT_VALID

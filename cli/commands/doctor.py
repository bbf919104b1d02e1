"""`jpki doctor`: what works on this machine, and how to mend what does not."""

from __future__ import annotations

import click

from ..diagnosis import Finding, Surroundings, diagnose
from ..exits import ExitCode
from ..frame import command, frame_of
from ..report import Report
from ..values import Word

__all__ = ["doctor"]


@command("doctor")
@click.pass_context
def doctor(context: click.Context) -> Report:
    """Looks at library, daemon, readers, cards and the virtual reader."""
    findings = diagnose(frame_of(context).settings, Surroundings.here())
    usable = findings[-1].works
    facts = {
        "usable": usable,
        "checks": [_check(finding) for finding in findings],
        "problems": [_problem(finding) for finding in findings if not finding.works],
    }
    return Report("doctor", facts, exit_code=ExitCode.OK if usable else ExitCode.NO_CARD, table="checks")


def _check(finding: Finding) -> dict[str, object]:
    return {
        "check": Word(finding.check, of="check"),
        "outcome": Word(finding.outcome, of="outcome"),
        "found": finding.found,
    }


def _problem(finding: Finding) -> dict[str, object]:
    return {
        "check": Word(finding.check, of="check"),
        "cause": finding.cause,
        "command": finding.command,
    }

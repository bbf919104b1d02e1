"""`jpki ca hold` and `jpki ca release`: many certificates at once on hold, and the end of a hold."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jpki.terms import BadCertificateName, CertificateName, Role

from ..authorities import AuthorityChoice, authority_option
from ..catalogue import words
from ..console import say
from ..errors import BadValue, ConfirmationNeeded, MissingParameter, WrongFile
from ..exits import ExitCode
from ..files import read_file
from ..frame import argument, command, file_option, option
from ..moments import MOMENT, now
from ..progress import Progress
from ..report import Advice, Report
from ..stopping import Declined, interruption_told_as

if TYPE_CHECKING:
    from jpki.ca import HoldPlan, IssuedBefore, MassHold, NamedCertificates

__all__ = ["hold", "release"]

_BOTH = "both"
_NAMES = "names of certificates"
_LARGEST_FILE = 1 << 31
_LONGEST_PAUSE = 0.1  # seconds


@command("ca.hold")
@option("--issued-before", type=MOMENT, metavar="MOMENT")
@file_option("--from-file", variant="names")
@option("--role", type=click.Choice(["sign", "auth", _BOTH]), default=_BOTH, variant="hold")
@option("--dry-run", is_flag=True, variant="hold")
@option("--yes", "-y", is_flag=True)
@authority_option
def hold(
    choice: AuthorityChoice,
    *,
    issued_before: datetime | None,
    from_file: Path | None,
    role: str,
    dry_run: bool,
    yes: bool,
) -> Report:
    """Puts certificates on hold, thousands in a transaction; begun again, it goes on where it was interrupted."""
    roles = tuple(Role) if role == _BOTH else (Role.from_short(role),)
    chosen = _chosen(issued_before, from_file, roles)
    with choice.answering() as authority:
        at = now()
        act = authority.hold_all(chosen, at)
        plan = act.plan()
        if plan.total and not dry_run and not yes:
            _confirm(plan)
        held = 0 if dry_run else _held(act, plan)
    facts = {
        "dry_run": dry_run,
        "held_since": at.replace(microsecond=0),
        "to_hold": [{"role": each, "count": plan.valid[each]} for each in Role],
        "newly_held": held,
        "held_before": plan.held,
        "revoked_before": plan.revoked,
        "expired_before": plan.expired,
        "unknown_names": plan.unknown,
        "unfinished_names": act.unfinished,
    }
    advice = [] if dry_run else [Advice(words("prompts", "hold.done"), choice.command("jpki ca crl --out FOLDER"))]
    if act.unfinished:
        advice.append(Advice(words("prompts", "hold.unfinished")))
    code = ExitCode.AUTHORITY if plan.unknown or act.unfinished else ExitCode.OK
    return Report("authority-hold", facts, exit_code=code, advice=tuple(advice))


def _chosen(
    issued_before: datetime | None, from_file: Path | None, roles: tuple[Role, ...]
) -> IssuedBefore | NamedCertificates:
    from jpki.ca import IssuedBefore, NamedCertificates

    if issued_before is not None and from_file is not None:
        raise BadValue(parameter="--issued-before, --from-file", problem="both were given")
    if issued_before is not None:
        return IssuedBefore(issued_before, roles)
    if from_file is not None:
        return NamedCertificates([name for name in _names_in(from_file) if name.authority in roles])
    raise MissingParameter(parameter="--issued-before, --from-file")


def _names_in(path: Path) -> list[CertificateName]:
    """Returns the names in a file, one on each line, each once; raises FileUnreadable, WrongFile."""
    found: dict[CertificateName, None] = {}
    for number, line in enumerate(read_file(path, largest=_LARGEST_FILE).decode("utf-8", "replace").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            found[CertificateName.parse(line)] = None
        except BadCertificateName:
            raise WrongFile(path=str(path), what=_NAMES, problem=f"line {number} is no name of a certificate") from None
    return list(found)


def _confirm(plan: HoldPlan) -> None:
    """Has a person type how many are meant; raises ConfirmationNeeded where nobody can be asked, Declined for a no."""
    if not sys.stdin.isatty():
        raise ConfirmationNeeded(option="--yes")
    say(words("prompts", "hold", sign=plan.valid[Role.SIGNATURE], auth=plan.valid[Role.AUTHENTICATION]))
    sys.stderr.write(words("prompts", "hold.ask", total=plan.total))
    sys.stderr.flush()
    with interruption_told_as("hold.asked"):
        answer = sys.stdin.readline().strip().replace(",", "")
    if answer != str(plan.total):
        raise Declined("hold.asked")


def _held(act: MassHold, plan: HoldPlan) -> int:
    with Progress("hold.progress", total=plan.total) as progress, interruption_told_as("hold"):
        begun = time.monotonic()
        for count in act.steps():
            progress.add(count)
            # The database has one writer at a time: whoever issues meanwhile has it for as long as this has.
            time.sleep(min(_LONGEST_PAUSE, time.monotonic() - begun))
            begun = time.monotonic()
    return progress.done


@command("ca.release")
@argument("names", nargs=-1, required=True)
@option("--yes", "-y", is_flag=True)
@authority_option
def release(choice: AuthorityChoice, *, names: tuple[str, ...], yes: bool) -> Report:
    """Ends the hold of certificates, so that they are valid again. All are found before any hold ends."""
    with choice.answering() as authority:
        at = now()
        meant = list(dict.fromkeys(authority.find(name) for name in names))
        holders = {name: authority.chain(name, at).certificate.holder for name in meant}
        if not yes:
            _confirm_release([f"{name} ({holder})" for name, holder in holders.items()])
        done = {name: authority.release(name, at) for name in meant}
    rows = [
        {
            "name": name,
            "holder": holders[name],
            "held_since": one.held_since,
            "released_at": one.released_at,
        }
        for name, one in done.items()
    ]
    advice = Advice(words("prompts", "released"), choice.command("jpki ca crl --out FOLDER"))
    return Report("authority-release", {"certificates": rows}, advice=(advice,))


def _confirm_release(named: list[str]) -> None:
    if not sys.stdin.isatty():
        raise ConfirmationNeeded(option="--yes")
    say(words("prompts", "release", names=named))
    sys.stderr.write(words("prompts", "release.ask"))
    sys.stderr.flush()
    with interruption_told_as("release"):
        answer = sys.stdin.readline().strip().lower()
    if answer not in {"y", "yes", "はい"}:
        raise Declined("release")

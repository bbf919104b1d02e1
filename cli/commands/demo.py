"""`jpki demo`: the whole life of one card, told step by step."""

from __future__ import annotations

import shlex
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jpki.terms import JST, Role

from ..authorities import FOLDER
from ..catalogue import words
from ..console import columns_of, show_report, write_heading, write_text
from ..foreign import cells
from ..frame import command, frame_of, option
from ..report import Report
from ..stopping import interruption_told_as
from ..wrapping import wrapped
from .issue import step_words

if TYPE_CHECKING:
    from jpki.issuance import Step

    from ..demonstration import Check, DemoFolder

__all__ = ["demo"]

_FIRST, _RENEWED = "01000002", "01000003"
_WIDEST = 88


@command("demo")
@option("--out", "-o", type=FOLDER, metavar="FOLDER", default="jpki-demo", variant="demo")
@click.pass_context
def demo(context: click.Context, *, out: Path) -> Report | None:
    """Tells the story, and leaves its files in a folder."""
    from ..demonstration import DemoFolder, checks_of

    folder = DemoFolder(out)
    folder.prepare()
    checks = checks_of(_FIRST, _RENEWED)
    teller = _Teller(silent=frame_of(context).json)
    with interruption_told_as("demo"):
        steps = _tell(folder, teller)
        _leave(folder, checks)
        teller.end(folder, checks)
    if not teller.silent:
        return None
    commands = [{"shows": words("demo", f"check.{one.shows}"), "command": one.command} for one in checks]
    facts = {"folder": str(out), "steps": steps, "files": folder.listed(), "commands": commands}
    return Report("demo", facts)


def _tell(folder: DemoFolder, teller: _Teller) -> list[dict[str, object]]:
    from ..demonstration import STEPS, Life

    done = []
    life = Life(folder, teller.watch)
    try:
        for number, (name, at) in enumerate(STEPS.items(), 1):
            teller.begin(number, len(STEPS), name, at)
            told = getattr(life, name)()
            teller.show(Report("demo-step", told.facts, table=told.table))
            done.append({"step": name, "at": at, "facts": told.facts})
    finally:
        life.close()
    return done


def _leave(folder: DemoFolder, checks: tuple[Check, ...]) -> None:
    """Writes the commands as a script, and what each file is."""
    from ..demonstration import PINS, script_of

    explained = {one.shows: words("demo", f"check.{one.shows}") for one in checks}
    folder.put("check.sh", script_of(checks, explained).encode())
    sign_pin, auth_pin = (PINS[role].reveal().decode() for role in (Role.SIGNATURE, Role.AUTHENTICATION))
    folder.put("README.txt", words("demo", "readme", sign_pin=sign_pin, auth_pin=auth_pin).encode())


class _Teller:
    """Tells the story on standard output, or keeps silent where the facts are wanted as JSON."""

    def __init__(self, *, silent: bool) -> None:
        self.silent = silent
        self._width = min(_WIDEST, columns_of(sys.stdout) or _WIDEST)

    def begin(self, number: int, count: int, name: str, at: datetime) -> None:
        """Tells where the story is, when it plays, and what happens now."""
        if self.silent:
            return
        self._heading(words("demo", f"{name}.title"), f"{number}/{count}", at)
        for line in wrapped(words("demo", name), self._width):
            write_text(line)

    def watch(self, step: Step, role: Role | None) -> None:
        """Tells what was just done to the card."""
        if not self.silent:
            write_text(step_words(step, role))

    def show(self, report: Report) -> None:
        """Shows what a step found out."""
        if not self.silent:
            show_report(report, json=False)

    def end(self, folder: DemoFolder, checks: tuple[Check, ...]) -> None:
        """Tells how to check the files with OpenSSL, and how to go on with them."""
        if self.silent:
            return
        self._heading(words("demo", "checks.title"), "", None)
        for line in wrapped(words("demo", "checks", folder=str(folder.path)), self._width):
            write_text(line)
        write_text("")
        write_text(f"  cd {shlex.quote(str(folder.path))}")
        shown = ""
        for check in checks:
            if check.shows != shown:
                write_text(f"  # {words('demo', f'check.{check.shows}')}")
                shown = check.shows
            write_text(f"  {check.command}")
        self._heading(words("demo", "on.title"), "", None)
        for line in words("demo", "on", folder=shlex.quote(str(folder.path))).splitlines():
            write_text(line)

    def _heading(self, title: str, count: str, at: datetime | None) -> None:
        moment = "" if at is None else f"{at.astimezone(JST):%Y-%m-%d %H:%M} JST"
        left = f"━━ {count} {title} " if count else f"━━ {title} "
        line = "━" * max(2, self._width - cells(left) - cells(moment) - 1)
        write_text("")
        write_heading(f"{left}{line} {moment}".rstrip())

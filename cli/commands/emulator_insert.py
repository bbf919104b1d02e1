"""`jpki emulator insert`: an emulated card in the virtual reader, until somebody ends it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..catalogue import words
from ..console import say, show_report
from ..facts import profile_fact
from ..frame import FILE, argument, command, frame_of, option
from ..report import Report
from ..stopping import Stopped

if TYPE_CHECKING:
    from emulator import EmulatedCard

__all__ = ["insert", "keep_inserted", "slot_option", "until_eof_option"]

_LOOK_EVERY = 0.2


def slot_option(function: object) -> object:
    """Adds `--slot` to a command."""
    return option("--slot", type=click.IntRange(0, 1), metavar="0|1")(function)


def until_eof_option(function: object) -> object:
    """Adds `--until-eof` to a command."""
    return option("--until-eof", is_flag=True)(function)


@command("emulator.insert")
@argument("file", type=FILE)
@slot_option
@until_eof_option
@click.pass_context
def insert(context: click.Context, *, file: Path, slot: int | None, until_eof: bool) -> None:
    """Puts a card into the virtual reader; Ctrl-C or SIGTERM takes it out."""
    from emulator import open_card

    with open_card(file) as card:
        facts = {"file": str(file), "profile": profile_fact(card.profile)}
        keep_inserted(card, "emulator-inserted", facts, slot=slot, until_eof=until_eof, json=frame_of(context).json)


def keep_inserted(
    card: EmulatedCard, kind: str, facts: Mapping[str, object], *, slot: int | None, until_eof: bool, json: bool
) -> None:
    """Puts a card into the virtual reader, reports that as `kind`, and waits for the end. Raises what the card does."""
    from emulator import SLOT_PORTS

    from ..virtual_reader import inserted, reader_of

    try:
        with inserted(card, slot) as bridge:
            place = {"reader": reader_of(bridge), "slot": SLOT_PORTS.index(bridge.port), "port": bridge.port}
            show_report(Report(kind, {**facts, **place}, one_line=True), json=json)
            say(words("prompts", "inserted.eof" if until_eof else "inserted"))
            ended = _end_of_input() if until_eof else threading.Event()
            while not bridge.wait(_LOOK_EVERY) and not ended.is_set():
                pass
            if bridge.failure is not None:
                raise bridge.failure
    except (KeyboardInterrupt, Stopped):
        say(words("prompts", "taken-out"))


def _end_of_input() -> threading.Event:
    ended = threading.Event()

    def read() -> None:
        while sys.stdin.buffer.read(4096):
            pass
        ended.set()

    threading.Thread(target=read, name="end of input", daemon=True).start()
    return ended

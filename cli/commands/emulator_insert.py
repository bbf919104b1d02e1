"""`jpki emulator insert`: an emulated card in the virtual reader, until somebody ends it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jpki.errors import CardError

from ..catalogue import error_words, words
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
            slot, reader = SLOT_PORTS.index(bridge.port), reader_of(bridge)
            place = {"reader": reader, "slot": slot, "port": bridge.port}
            show_report(Report(kind, {**facts, **place}, one_line=True), json=json)
            if reader is None:
                say(_why_unnamed(slot))
            say(words("prompts", "inserted.eof" if until_eof else "inserted"))
            ended = _end_of_input() if until_eof else threading.Event()
            there = True
            while not bridge.wait(_LOOK_EVERY) and not ended.is_set():
                if bridge.inserted != there:
                    there = not there
                    say(words("prompts", "reader-back" if there else "reader-gone"))
            if bridge.failure is not None:
                raise bridge.failure
    except (KeyboardInterrupt, Stopped):
        say(words("prompts", "taken-out"))


def _why_unnamed(slot: int) -> str:
    """Returns why it is not told what the reader is called, and how it is found all the same."""
    from jpki.card import readers

    try:
        readers()
    except CardError as error:
        return words("prompts", "reader-unnamed", why=error_words(error).what, slot=f"{slot:02X}")
    return words("prompts", "reader-unseen")


def _end_of_input() -> threading.Event:
    ended = threading.Event()

    def read() -> None:
        while sys.stdin.buffer.read(4096):
            pass
        ended.set()

    threading.Thread(target=read, name="end of input", daemon=True).start()
    return ended

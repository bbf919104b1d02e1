"""`jpki readers`: the readers of this machine, and which of them a command takes."""

from __future__ import annotations

import click

from jpki.card import Reader, choose_reader
from jpki.card import readers as all_readers
from jpki.errors import CardError

from ..catalogue import words
from ..frame import command, frame_of
from ..report import Advice, Report
from ..values import Word

__all__ = ["readers"]


@command("readers")
@click.pass_context
def readers(context: click.Context) -> Report:
    """Lists the readers; no card is asked anything."""
    found = all_readers()
    chosen = _chosen(frame_of(context).settings.reader, found)
    advice = () if found else (Advice(words("prompts", "no-reader"), "jpki doctor"),)
    facts = {"readers": [_facts(reader, chosen) for reader in found]}
    return Report("readers", facts, table="readers", advice=advice)


def _chosen(selection: str | None, found: tuple[Reader, ...]) -> Reader | None:
    try:
        return choose_reader(selection, found)
    except CardError:
        return None


def _facts(reader: Reader, chosen: Reader | None) -> dict[str, object]:
    state = "mute" if reader.mute else "present" if reader.has_card else "absent"
    return {
        "number": reader.number,
        "reader": reader.name,
        "card_state": Word(state, of="card-state"),
        "in_use": reader.in_use,
        "atr": reader.atr,
        "taken": chosen is not None and reader.number == chosen.number,
    }

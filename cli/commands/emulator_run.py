"""`jpki emulator run`: a finished card in a reader, with one command."""

from __future__ import annotations

import contextlib
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jpki.terms import Role, Secret

from ..catalogue import words
from ..console import say
from ..errors import FileInTheWay
from ..facts import profile_fact
from ..files import make_folder, read_file, write_file
from ..frame import command, frame_of, option
from ..settings import data_folder
from .emulator_insert import keep_inserted, slot_option, until_eof_option

if TYPE_CHECKING:
    from emulator import EmulatedCard

__all__ = ["run"]

_PROFILE = "mynumber"
_PASSPHRASE_OCTETS = 24


@command("emulator.run")
@option("--new", is_flag=True)
@slot_option
@until_eof_option
@click.pass_context
def run(context: click.Context, *, new: bool, slot: int | None, until_eof: bool) -> None:
    """Makes a test authority and a finished card, once, and puts the card into the virtual reader."""
    folder = data_folder(os.environ)
    with _card(folder, new=new) as card:
        facts = {
            "file": str(_card_file(folder)),
            "profile": profile_fact(card.profile),
            "sign_pin": _pin(card, Role.SIGNATURE),
            "auth_pin": _pin(card, Role.AUTHENTICATION),
            "authority": str(_authority_folder(folder)),
            "authority_passphrase_file": str(_passphrase_file(folder)),
        }
        keep_inserted(card, "emulator-running", facts, slot=slot, until_eof=until_eof, json=frame_of(context).json)


def _card_file(folder: Path) -> Path:
    return folder / "card.jpki"


def _authority_folder(folder: Path) -> Path:
    return folder / "authority"


def _passphrase_file(folder: Path) -> Path:
    return folder / "authority-passphrase"


def _card(folder: Path, *, new: bool) -> EmulatedCard:
    from card_profiles import load_profile
    from emulator import LifeCycle, open_card

    from ..finished_cards import new_blank_card

    path = _card_file(folder)
    if new and path.exists():
        _move_aside(path)
    made = not path.exists()
    if made:
        make_folder(folder)
    card = new_blank_card(load_profile(_PROFILE), path) if made else open_card(path)
    try:
        if card.state.life_cycle is not LifeCycle.SEALED:
            say(words("prompts", "making-card", folder=str(folder)))
            _finish(folder, card)
    except BaseException:
        card.close()
        raise
    return card


def _finish(folder: Path, card: EmulatedCard) -> None:
    from ..finished_cards import TEST_PINS, finish_card, open_authority

    now = datetime.now(UTC)
    with open_authority(_authority_folder(folder), _passphrase(folder), now) as authority:
        finish_card(authority, card, now, TEST_PINS)


def _passphrase(folder: Path) -> Secret:
    path = _passphrase_file(folder)
    with contextlib.suppress(FileInTheWay):  # there from an earlier run
        write_file(path, secrets.token_urlsafe(_PASSPHRASE_OCTETS).encode() + b"\n", private=True, replace=False)
    return Secret(read_file(path, largest=4096).strip())


def _move_aside(path: Path) -> None:
    from emulator import CardFileDamaged, open_card

    try:
        with open_card(path) as card:  # not while it is in a reader
            path.rename(path.with_name(f"card-{card.state.serial.hex()}.jpki"))
    except CardFileDamaged:
        path.rename(path.with_name(f"card-damaged-{secrets.token_hex(4)}.jpki"))


def _pin(card: EmulatedCard, role: Role) -> str | None:
    """Returns a PIN of this test card as it is now: whoever runs it is told, and may have changed it."""
    application = card.profile.jpki
    held = card.state.applications[application.name].pins.get(application.roles[role].pin.name)
    return None if held is None else held.pin.reveal().decode("ascii", "replace")

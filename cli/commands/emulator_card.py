"""`jpki emulator create` and `jpki emulator info`: card files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..cards import DEFAULT_PROFILE, CardChoice, issuing_command, profile_option
from ..catalogue import words
from ..facts import profile_fact
from ..frame import FILE, argument, command, frame_of
from ..report import Advice, Report
from ..values import Word

if TYPE_CHECKING:
    from emulator import EmulatedCard
    from jpki.terms import Role

__all__ = ["card_facts", "create", "info"]


@command("emulator.create")
@argument("file", type=FILE)
@profile_option
@click.pass_context
def create(context: click.Context, *, file: Path, profile: str | None) -> Report:
    """Makes a blank card, as it comes from the manufacturer."""
    from card_profiles import load_profile

    from ..finished_cards import new_blank_card

    settings = frame_of(context).settings
    with new_blank_card(load_profile(profile or settings.profile or DEFAULT_PROFILE), file) as card:
        facts = card_facts(file, card)
    issue = issuing_command("jpki issue RESIDENTS.csv --id ID", CardChoice(emulator=file), settings)
    return Report("emulator-card", facts, advice=(Advice(words("prompts", "card.blank"), issue),))


@command("emulator.info")
@argument("file", type=FILE)
def info(*, file: Path) -> Report:
    """Shows what is on a card, as its manufacturer could see it; no PIN and no key."""
    from emulator import open_card

    with open_card(file) as card:
        return Report("emulator-card", card_facts(file, card))


def card_facts(file: Path, card: EmulatedCard) -> dict[str, object]:
    """Returns what a report says of an emulated card."""
    state, application = card.state, card.profile.jpki
    held = state.applications[application.name]
    return {
        "file": str(file),
        "profile": profile_fact(card.profile),
        "card_serial": state.serial,
        "life_cycle": Word(state.life_cycle.name.lower().replace("_", "-"), of="life-cycle"),
        "key_version": f"{state.issuer_keys.version:02X}",
        "failed_authentications": state.failed_authentications,
        "pins": [
            {
                "role": role,
                "tries_left": held.pins[files.pin.name].tries_left,
                "tries": files.pin.tries,
                "blocked": held.pins[files.pin.name].tries_left == 0,
            }
            for role, files in application.roles.items()
            if files.pin.name in held.pins
        ],
        "keys": [role for role, files in application.roles.items() if files.key.file in held.keys],
        "waiting_keys": [role for role, files in application.roles.items() if files.key.next_file in held.keys],
        "certificates": [role for role in application.roles if _has_certificate(card, role)],
        "files": [f"{number:04X}" for number in sorted(held.files)],
    }


def _has_certificate(card: EmulatedCard, role: Role) -> bool:
    files = card.profile.jpki.roles[role]
    content = card.state.applications[card.profile.jpki.name].files.get(files.certificate.id, b"")
    return content.startswith(b"\x30")

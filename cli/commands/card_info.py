"""`jpki card info` and `jpki card pin-status`: what a card tells without a PIN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from jpki.terms import Role

from ..cards import CardChoice, card_options, issuing_command, open_chosen_card
from ..catalogue import words
from ..facts import profile_fact
from ..frame import command, frame_of
from ..report import Advice, Report

if TYPE_CHECKING:
    from card_profiles import CardProfile
    from jpki.formats import TokenInfo

__all__ = ["info", "pin_status"]


@command("card.info")
@card_options
@click.pass_context
def info(context: click.Context, choice: CardChoice) -> Report:
    """Shows what the card is, which certificates it has, and the tries left."""
    from jpki.card import read_card_info

    with open_chosen_card(choice) as opened, opened.session() as jpki:
        found = read_card_info(jpki)
        facts = {
            "card": opened.name,
            "profile": profile_fact(jpki.profile),
            "token": _token(found.token),
            "certificates": [role for role in Role if role in found.present],
            "pins": _pins(jpki.profile, found.tries_left),
        }
    return Report("card-info", facts, advice=_advice(context, choice, found.tries_left))


@command("card.pin-status")
@card_options
@click.pass_context
def pin_status(context: click.Context, choice: CardChoice) -> Report:
    """Shows the tries left on each PIN; it uses none of them."""
    with open_chosen_card(choice) as opened, opened.session() as jpki:
        present = jpki.certificates_present()
        left = {role: jpki.tries_left(role) for role in jpki.profile.jpki.roles if role in present}
        facts = {
            "card": opened.name,
            "profile": profile_fact(jpki.profile),
            "pins": _pins(jpki.profile, left),
        }
    return Report("card-pin-status", facts, table="pins", advice=_advice(context, choice, left))


def _advice(context: click.Context, choice: CardChoice, left: Mapping[Role, int | None]) -> tuple[Advice, ...]:
    """Returns what helps a card without PINs, which is not issued yet, or with blocked ones."""
    settings = frame_of(context).settings
    if not left:
        issue = issuing_command("jpki issue RESIDENTS.csv --id ID", choice, settings)
        return (Advice(words("prompts", "card.not-issued"), issue),)
    return tuple(
        Advice(
            words("prompts", "pin.blocked", role=role),
            issuing_command(f"jpki card pin-reset {role.short}", choice, settings),
        )
        for role, tries in left.items()
        if tries == 0
    )


def _token(token: TokenInfo | None) -> dict[str, object] | None:
    if token is None:
        return None
    return {
        "token_label": token.label,
        "manufacturer": token.manufacturer,
        "model": token.model,
        "token_serial": token.serial,
    }


def _pins(profile: CardProfile, left: Mapping[Role, int | None]) -> list[dict[str, object]]:
    return [
        {
            "role": role,
            "tries_left": tries,
            "tries": profile.jpki.roles[role].pin.tries,
            "blocked": tries == 0,
        }
        for role, tries in left.items()
    ]

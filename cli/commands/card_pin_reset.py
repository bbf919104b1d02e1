"""`jpki card pin-reset`: a new PIN and all its tries, given by the authority that issued the card."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from jpki.terms import Role

from ..authorities import AuthorityChoice, signing_options
from ..card_login import ask_new_pin, pin_name, pin_policy
from ..cards import CardChoice, OpenedCard, card_options, open_chosen_card
from ..catalogue import words
from ..frame import argument, command, option
from ..pins import SecretSource, new_pin_options, pin_variable, refuse_without_terminal
from ..report import Advice, Report
from .issue import profile_of

__all__ = ["pin_reset"]


@command("card.pin-reset")
@argument("role", type=click.Choice(["sign", "auth"]))
@option("--holder", metavar="ID", variant="card")
@new_pin_options
@card_options
@signing_options
def pin_reset(
    choice: AuthorityChoice,
    card: CardChoice,
    *,
    role: str,
    holder: str | None,
    new_pin_fd: int | None,
    new_pin_file: Path | None,
) -> Report:
    """Sets a new PIN on a card of this authority's ledger; the old one is not needed, and every try is back."""
    from jpki.issuance import IssuanceDesk

    whose = Role.from_short(role)
    source = SecretSource(
        pin_variable(whose, new=True), new_pin_fd, new_pin_file, options=("--new-pin-fd", "--new-pin-file")
    )
    refuse_without_terminal(source, pin_name(whose, new=True))
    with choice.signing() as authority, open_chosen_card(card) as opened:
        profile = profile_of(opened, card)
        _refuse_without_certificate(opened, whose)
        new = ask_new_pin(whose, source, pin_policy(profile, whose))
        desk = IssuanceDesk(authority, secrets.token_bytes)
        serial = desk.reset_pin(opened.card, profile, whose, new, holder=holder)
        with authority.store.snapshot() as view:
            stored = view.card(bytes.fromhex(serial))
        facts = {
            "card": opened.name,
            "card_serial": serial,
            "holder": None if stored is None else stored.holder,
            "role": whose,
            "tries_left": pin_policy(profile, whose).tries,
        }
    advice = Advice(words("prompts", "pin.reset"), card.command(f"jpki card pin-change {role}"))
    return Report("card-pin-reset", facts, advice=(advice,))


def _refuse_without_certificate(opened: OpenedCard, role: Role) -> None:
    """Raises NoCertificate for a card without this PIN, a blank one say, before anybody types a new one."""
    from jpki.card import NoCertificate

    with opened.session() as jpki:
        if role not in jpki.certificates_present():
            raise NoCertificate(role=role)

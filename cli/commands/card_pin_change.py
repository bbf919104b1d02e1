"""`jpki card pin-change`: a new PIN in the place of the old one."""

from __future__ import annotations

from pathlib import Path

import click

from jpki.terms import Role

from ..card_login import ask_new_pin, ask_pin, last_try_option, pin_name, pin_policy
from ..cards import CardChoice, card_options, open_chosen_card
from ..frame import argument, command
from ..pins import SecretSource, new_pin_options, pin_options, pin_variable, refuse_without_terminal
from ..report import Report

__all__ = ["pin_change"]


@command("card.pin-change")
@argument("role", type=click.Choice(["sign", "auth"]))
@pin_options
@new_pin_options
@last_try_option
@card_options
def pin_change(
    choice: CardChoice,
    *,
    role: str,
    pin_fd: int | None,
    pin_file: Path | None,
    new_pin_fd: int | None,
    new_pin_file: Path | None,
    allow_last_try: bool,
) -> Report:
    """Changes a PIN: the old one first, then the new one, which the card never sees if its form is wrong."""
    whose = Role.from_short(role)
    source = SecretSource(pin_variable(whose), pin_fd, pin_file)
    new_source = SecretSource(
        pin_variable(whose, new=True), new_pin_fd, new_pin_file, options=("--new-pin-fd", "--new-pin-file")
    )
    refuse_without_terminal(new_source, pin_name(whose, new=True))
    with open_chosen_card(choice) as opened:
        asked = ask_pin(opened, whose, source, allow_last_try=allow_last_try)
        new = ask_new_pin(whose, new_source, pin_policy(opened.kind(), whose))
        with opened.session() as jpki:
            jpki.verify_pin(whose, asked.pin, allow_last_try=allow_last_try, tries_left=asked.tries_left)
            jpki.change_pin(whose, new)
        name = opened.name
    return Report("card-pin-change", {"card": name, "role": whose, "changed": True})

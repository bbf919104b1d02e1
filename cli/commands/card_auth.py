"""`jpki card auth`: a card's answer to the challenge of a site."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from jpki.terms import Role

from ..card_login import last_try_option, logged_in
from ..cards import CardChoice, card_options, open_chosen_card
from ..catalogue import words
from ..console import say, write_text
from ..file_kinds import read_certificate_file, read_json_file
from ..files import refuse_to_overwrite, write_file
from ..frame import command, file_option, option
from ..pins import SecretSource, pin_options, pin_variable
from ..report import Report
from ..signing import signature_of

__all__ = ["auth"]

_ROLE = Role.AUTHENTICATION


@command("card.auth")
@file_option("--challenge", required=True)
@file_option("--out", "-o", variant="response")
@file_option("--known-certificate")
@option("--force", is_flag=True)
@pin_options
@last_try_option
@card_options
def auth(
    choice: CardChoice,
    *,
    challenge: Path,
    out: Path | None,
    known_certificate: Path | None,
    force: bool,
    pin_fd: int | None,
    pin_file: Path | None,
    allow_last_try: bool,
) -> Report | None:
    """Signs a site's challenge with the authentication key, and writes the response that the site asks for."""
    from jpki.verify import Challenge, LoginResponse

    if out is not None and not force:
        refuse_to_overwrite(out)
    asked = read_json_file(challenge, "challenge", Challenge.from_facts)
    known = None if known_certificate is None else read_certificate_file(known_certificate)
    # Whoever types the PIN sees which site the card logs in to.
    say(words("prompts", "login-to", origin=asked.origin))
    source = SecretSource(pin_variable(_ROLE), pin_fd, pin_file)
    with (
        open_chosen_card(choice) as opened,
        logged_in(opened, _ROLE, source, allow_last_try=allow_last_try) as jpki,
    ):
        signed = signature_of(jpki, _ROLE, hashlib.sha256(asked.message).digest(), known)
        name = opened.name
    response = LoginResponse(asked.origin, asked.nonce, signed.signature, signed.certificate.raw)
    text = json.dumps(response.as_facts(), ensure_ascii=False, indent=2)
    if out is None:
        write_text(text)
        return None
    write_file(out, text.encode() + b"\n", replace=force)
    facts = {
        "card": name,
        "origin": asked.origin,
        "name": signed.certificate.name(_ROLE),
        "response_file": str(out),
    }
    return Report("card-login", facts)

"""Finished cards in card files, as the command line is given them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from certified_cards import certified_state
from issued import HANAKO, holder

from card_profiles import load_profile
from emulator import CardFile, CardState
from jpki.formats import rsa_public_key_info
from jpki.terms import FourAttributes, Role


def card_of(attributes: FourAttributes = HANAKO, profile_name: str = "mynumber") -> CardState:
    """Returns a finished card whose signature certificate is its holder's, with these attributes."""
    profile, state = load_profile(profile_name), certified_state(profile_name)
    files = profile.jpki.roles[Role.SIGNATURE]
    contents = state.applications["jpki"]
    key = contents.keys[files.key.file]
    certificate = holder(
        Role.SIGNATURE, public_key_info=rsa_public_key_info(key.n, key.e), attributes=attributes
    ).raw.ljust(files.certificate.size, b"\xff")
    return state.with_application("jpki", contents.with_file(files.certificate.id, certificate))


def with_tries(state: CardState, role: str, left: int) -> CardState:
    """Returns a card on which so many tries are left."""
    contents = state.applications["jpki"]
    pin = replace(contents.pins[role], tries_left=left)
    return state.with_application("jpki", contents.with_pin(role, pin))


def card_file_of(path: Path, state: CardState) -> Path:
    """Puts a card into a file, and returns the path."""
    CardFile.create(path, state).close()
    return path

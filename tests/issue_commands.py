"""The command line at the issuance desk: what is typed to issue a card, and what came of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from command_line import Done, Invoke
from offices import ADULT, BY_VARIABLES, CHILD, OTHER, Office

from jpki.store import CertificateState

__all__ = [
    "AUTH",
    "LANGUAGES",
    "PASSPHRASE_ONLY",
    "SIGN",
    "cards_in_the_ledger",
    "issue",
    "issue_words",
    "on_card",
    "valid",
]

SIGN, AUTH = "sign:01000002", "auth:01000002"
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])
PASSPHRASE_ONLY = {"JPKI_CA_PASSPHRASE": BY_VARIABLES["JPKI_CA_PASSPHRASE"]}


def issue_words(*more: object, who: str = ADULT) -> tuple[object, ...]:
    """Returns the words of `jpki issue` for a resident of the office and the card in its folder."""
    return ("issue", "residents.csv", "--id", who, "--ca", "ca", "--emulator", "card.jpki", *more)


def issue(invoke: Invoke, *more: object, who: str = ADULT, **env: str) -> Done:
    """Runs `jpki issue`, the passphrase and both PINs given by variables."""
    given = BY_VARIABLES | env
    return invoke(*issue_words(*more, who=who), **given)


def valid(office: Office, who: str = ADULT) -> list[str]:
    """Returns the names of a resident's valid certificates."""
    now = datetime.now(UTC)
    with office.authority() as authority:
        found = authority.list_certificates(now, holder=who, state=CertificateState.VALID)
    return [str(one.name) for one in found]


def cards_in_the_ledger(office: Office) -> int:
    """Returns how many cards the ledger knows of the residents that are issued cards in tests."""
    with office.authority() as authority, authority.store.snapshot() as view:
        return sum(len(view.cards_of(who)) for who in (ADULT, OTHER, CHILD))


def on_card(invoke: Invoke, *roles: str) -> list[str]:
    """Returns the names of the certificates on the card, each read behind its PIN."""
    pins = {name: BY_VARIABLES[name] for name in ("JPKI_SIGN_PIN", "JPKI_AUTH_PIN")}
    told = [invoke("card", "cert", role, "-e", "card.jpki", "--json", **pins) for role in roles or ("sign", "auth")]
    return [one.json["name"] for one in told]

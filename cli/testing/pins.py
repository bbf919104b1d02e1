"""The PINs of finished cards, as text: a program under test is told them as its user would type them."""

from __future__ import annotations

from dataclasses import dataclass

from jpki.terms import Role

from ..finished_cards import TEST_PINS

__all__ = ["CardPins"]


def _text(role: Role) -> str:
    return TEST_PINS[role].reveal().decode("ascii")


@dataclass(frozen=True)
class CardPins:
    """The signature password and the authentication PIN, and one of the right form that is wrong for each."""

    sign: str = _text(Role.SIGNATURE)
    auth: str = _text(Role.AUTHENTICATION)
    wrong_sign: str = "WRONG123"
    wrong_auth: str = "9999"

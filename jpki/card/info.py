"""What a card tells without a PIN, as one value."""

from __future__ import annotations

from dataclasses import dataclass

from jpki.formats import TokenInfo
from jpki.terms import Role

from .errors import BadCardFile, CardRefused
from .session import JpkiApplication

__all__ = ["CardInfo", "read_card_info"]


@dataclass(frozen=True, slots=True)
class CardInfo:
    """The profile that fits a card, and what the card says without a PIN.

    `token` is None where the card has no token information that can be read. `present` are the roles whose
    certificate it says to carry, and `tries_left` has an entry for each of them: 0 is blocked, None unknown.
    """

    profile: str
    titles: dict[str, str]
    token: TokenInfo | None
    present: frozenset[Role]
    tries_left: dict[Role, int | None]


def read_card_info(jpki: JpkiApplication, token: TokenInfo | None = None) -> CardInfo:
    """Reads what a card tells without a PIN: four exchanges, three where the caller has read the token information."""
    present = jpki.certificates_present()
    roles = [role for role in jpki.profile.jpki.roles if role in present]
    return CardInfo(
        profile=jpki.profile.name,
        titles=jpki.profile.titles,
        token=token or _token(jpki),
        present=present,
        tries_left={role: jpki.tries_left(role) for role in roles},
    )


def _token(jpki: JpkiApplication) -> TokenInfo | None:
    try:
        return jpki.token_info()
    except (BadCardFile, CardRefused):
        return None

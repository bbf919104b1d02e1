"""What can go wrong between the authority and a card.

AuthorityError
└── IssuanceError(card)              the card by its serial number, in hexadecimal
    ├── CardOfAnother(card)          the ledger has it as another holder's, and nothing was done to it
    ├── CardUnknown(card)            it was not issued here
    ├── CardFinished(card)           it was given to its holder already
    ├── CardUnfinished(card)         its issue was interrupted, and has to be taken up before anything else
    ├── CardExpired(card, expires_on)
    └── JobLost(card, name)          the key that a certificate was issued for is not on the card any more
BadInput
└── NewPinNeeded(role)               no PIN was given for a certificate that is to be issued
"""

from __future__ import annotations

from datetime import date

from jpki.errors import AuthorityError, BadInput
from jpki.terms import CertificateName, Role

__all__ = [
    "CardExpired",
    "CardFinished",
    "CardOfAnother",
    "CardUnfinished",
    "CardUnknown",
    "IssuanceError",
    "JobLost",
    "NewPinNeeded",
]


class IssuanceError(AuthorityError):
    """Says that work on a card cannot be done; `card` is its serial number in hexadecimal."""

    def __init__(self, *, card: bytes) -> None:
        super().__init__()
        self.card = card.hex().upper()


class CardOfAnother(IssuanceError):
    """Says that the ledger has this card as another holder's."""


class CardUnknown(IssuanceError):
    """Says that this card is not in the ledger: it was issued elsewhere."""


class CardFinished(IssuanceError):
    """Says that the card was given to its holder already."""


class CardUnfinished(IssuanceError):
    """Says that an interrupted piece of work on this card has to be taken up first."""


class CardExpired(IssuanceError):
    """Says that the card's own last day is over."""

    def __init__(self, *, card: bytes, expires_on: date) -> None:
        super().__init__(card=card)
        self.expires_on = expires_on


class JobLost(IssuanceError):
    """Says that a certificate was issued for a key that the card does not hold any more.

    Once the certificate is revoked, the same call makes a new key and has another certificate issued.
    """

    def __init__(self, *, card: bytes, name: CertificateName) -> None:
        super().__init__(card=card)
        self.name = name


class NewPinNeeded(BadInput):
    """Says for which role a PIN is needed and none was given."""

    def __init__(self, *, role: Role) -> None:
        super().__init__()
        self.role = role

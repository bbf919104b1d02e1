"""What can go wrong on the relying party's side of a login.

BadInput
└── NonceRepeated(origin)     randomness that was handed in for a challenge before: the source of it is broken
NotTrusted
└── NoSuchChallenge(origin)   a login that answers no outstanding challenge: never handed out, used up, or too old
"""

from __future__ import annotations

from jpki.errors import BadInput, NotTrusted

__all__ = ["NoSuchChallenge", "NonceRepeated"]


class NonceRepeated(BadInput):
    """Says that a challenge with the same nonce is outstanding; `origin` is the site that asked for a new one."""

    def __init__(self, *, origin: str) -> None:
        super().__init__()
        self.origin = origin


class NoSuchChallenge(NotTrusted):
    """Says that no outstanding challenge has the nonce of a response; `origin` is what the response says, unproved."""

    def __init__(self, *, origin: str) -> None:
        super().__init__()
        self.origin = origin

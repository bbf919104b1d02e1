"""What can go wrong with those who answer about certificates.

AuthorityError
└── ResponderMissing(role, generation)     nobody may answer now about what this generation of a key issued
"""

from __future__ import annotations

from jpki.errors import AuthorityError
from jpki.terms import Role

__all__ = ["ResponderMissing"]


class ResponderMissing(AuthorityError):
    """Says that nobody holds a valid certificate to answer about what one generation of an authority's key issued."""

    def __init__(self, *, role: Role, generation: int) -> None:
        super().__init__()
        self.role = role
        self.generation = generation

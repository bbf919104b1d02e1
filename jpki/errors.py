"""Everything that can go wrong, from the caller's point of view.

JpkiError
├── BadInput          what was handed in cannot be used: a file, a value, a setting
├── CardError         the card, or the way to it
├── AuthorityError    the certification authority, its store, an issuance job
└── NotTrusted        a verification that does not hold, or could not be made

The leaves stand beside their room, in its module `errors`. An error carries facts as attributes, and none of them is
ever a secret or an attribute of a person; sentences for people are made in `cli`, in Japanese and English, from one
catalogue.
"""

from __future__ import annotations

__all__ = ["AuthorityError", "BadInput", "CardError", "JpkiError", "NotTrusted"]


class JpkiError(Exception):
    """Is the root of every error this toolkit raises on purpose."""

    @property
    def facts(self) -> dict[str, object]:
        """Returns what is known about the failure, by name, for messages and JSON."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def __str__(self) -> str:
        facts = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{type(self).__name__}({facts})"


class BadInput(JpkiError):
    """Says that something handed in cannot be used."""


class CardError(JpkiError):
    """Says that the card, or the way to it, failed."""


class AuthorityError(JpkiError):
    """Says that the certification authority could not do what was asked."""


class NotTrusted(JpkiError):
    """Says that a verification does not hold, or could not be made."""

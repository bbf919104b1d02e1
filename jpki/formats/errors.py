"""Bytes and files that do not hold what they should.

BadInput
├── FormatError(what, problem)              bytes that cannot be read as what they claim to be
├── NoSuchProfile(name, known)
├── ProfileError(profile, where, problem)   a TOML file that does not follow its schema
└── BadHost(host, problem)                  no name to stand in certificates
"""

from __future__ import annotations

from jpki.errors import BadInput

__all__ = ["BadHost", "FormatError", "NoSuchProfile", "ProfileError"]


class FormatError(BadInput):
    """Says what could not be read (`what`: "command", "certificate", …) and why (`problem`, a few English words)."""

    def __init__(self, *, what: str, problem: str) -> None:
        super().__init__()
        self.what = what
        self.problem = problem


class NoSuchProfile(BadInput):
    """Says that no profile, of a card or of a certificate, has this name."""

    def __init__(self, *, name: str, known: tuple[str, ...]) -> None:
        super().__init__()
        self.name = name
        self.known = known


class ProfileError(BadInput):
    """Says where in a profile (`application.jpki.pin.signature.tries`) something is wrong, and what."""

    def __init__(self, *, profile: str, where: str, problem: str) -> None:
        super().__init__()
        self.profile = profile
        self.where = where
        self.problem = problem


class BadHost(BadInput):
    """Says that a host may not stand in certificates: `form` (no host name) or `live` (under jpki.go.jp)."""

    def __init__(self, *, host: str, problem: str) -> None:
        super().__init__()
        self.host = host
        self.problem = problem

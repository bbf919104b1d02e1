"""A login: the challenge a site hands out, the bytes the card signs, and the response that comes back."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from .checks import timestamp
from .errors import BadMoment, BadSubject
from .moments import in_utc

__all__ = ["CHALLENGE_LIFETIME", "NONCE_LENGTH", "Challenge", "LoginResponse", "login_message"]

NONCE_LENGTH = 32
CHALLENGE_LIFETIME = timedelta(minutes=5)

# Hashed in front of the two others, so that what the card signs for a login can be no part of anything else it signs.
_DOMAIN = hashlib.sha256(b"jpki-toolkit login 1").digest()
_HOST = r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_ORIGIN = re.compile(rf"https://{_HOST}(?::[1-9][0-9]{{0,4}})?|http://localhost(?::[1-9][0-9]{{0,4}})?")
_MAX_ORIGIN = 300
_MAX_CERTIFICATE = 16_384
_MAX_SIGNATURE = 1_024
_LATEST = datetime(9999, 12, 31, tzinfo=UTC)


def login_message(origin: str, nonce: bytes) -> bytes:
    """Returns the 96 bytes a card signs (RSA PKCS#1 v1.5, SHA-256) to log in: three hashes, each of 32 bytes.

    SHA-256 of `jpki-toolkit login 1`, SHA-256 of the origin in ASCII, SHA-256 of the nonce. As each part has a fixed
    length, no origin and nonce can be shifted into one another.
    Source: docs/relying-party.md, the signed value.
    """
    return _DOMAIN + hashlib.sha256(origin.encode("ascii")).digest() + hashlib.sha256(nonce).digest()


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a site asks a card to sign: 256 bits of randomness, the site's origin, and when it was handed out.

    It holds for five minutes. `origin` is written as browsers do: `https://bank.example`, lower case, no path, a port
    only where it is not 443; `http://localhost` is allowed for development. Raises BadSubject, and BadMoment for an
    `issued_at` without a time zone.
    """

    nonce: bytes
    origin: str
    issued_at: datetime

    def __post_init__(self) -> None:
        if len(self.nonce) != NONCE_LENGTH:
            raise BadSubject(what="challenge", problem="the nonce is 32 bytes")
        if len(self.origin) > _MAX_ORIGIN or _ORIGIN.fullmatch(self.origin) is None or self.origin.endswith(":443"):
            raise BadSubject(what="challenge", problem="the origin is written https://host or https://host:port")
        if in_utc(self.issued_at) > _LATEST:
            raise BadMoment(problem="a challenge that would never expire")

    @property
    def expires_at(self) -> datetime:
        """Returns the first moment at which the challenge holds no more."""
        return in_utc(self.issued_at) + CHALLENGE_LIFETIME

    @property
    def message(self) -> bytes:
        """Returns the bytes a card signs to answer it."""
        return login_message(self.origin, self.nonce)

    def as_facts(self) -> dict[str, object]:
        """Returns the challenge as JSON has it."""
        return {
            "kind": "login-challenge",
            "version": 1,
            "nonce": _text(self.nonce),
            "origin": self.origin,
            "issued_at": timestamp(self.issued_at),
        }

    @classmethod
    def from_facts(cls, facts: object) -> Challenge:
        """Reads what `as_facts` gave; raises BadSubject, BadMoment."""
        fields = _fields(facts, "challenge", "login-challenge", ("nonce", "origin", "issued_at"))
        try:
            issued_at = datetime.fromisoformat(fields["issued_at"])
        except ValueError:
            raise BadSubject(what="challenge", problem="issued_at is no moment") from None
        return cls(_octets(fields["nonce"], "challenge", "nonce"), fields["origin"], issued_at)


@dataclass(frozen=True, slots=True)
class LoginResponse:
    """What comes back from the holder's side: origin and nonce as they were signed there, signature and certificate.

    Nothing in it is believed: `verify` compares origin and nonce with the challenge that the site kept. Raises
    BadSubject for what cannot have been signed at all.
    """

    origin: str
    nonce: bytes
    signature: bytes = field(repr=False)
    certificate: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not self.origin.isascii() or not 1 <= len(self.origin) <= _MAX_ORIGIN:
            raise BadSubject(what="login response", problem="the origin is no origin")
        if len(self.nonce) != NONCE_LENGTH:
            raise BadSubject(what="login response", problem="the nonce is 32 bytes")
        if len(self.signature) > _MAX_SIGNATURE or len(self.certificate) > _MAX_CERTIFICATE:
            raise BadSubject(what="login response", problem="longer than any response is")

    @property
    def message(self) -> bytes:
        """Returns the bytes that were signed, if origin and nonce are told truly."""
        return login_message(self.origin, self.nonce)

    def as_facts(self) -> dict[str, object]:
        """Returns the response as JSON has it."""
        return {
            "kind": "login-response",
            "version": 1,
            "origin": self.origin,
            "nonce": _text(self.nonce),
            "signature": _text(self.signature),
            "certificate": _text(self.certificate),
        }

    @classmethod
    def from_facts(cls, facts: object) -> LoginResponse:
        """Reads what `as_facts` gave; raises BadSubject."""
        what = "login response"
        fields = _fields(facts, what, "login-response", ("origin", "nonce", "signature", "certificate"))
        octets = (_octets(fields[name], what, name) for name in ("nonce", "signature", "certificate"))
        return cls(fields["origin"], *octets)


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def _fields(facts: object, what: str, kind: str, names: tuple[str, ...]) -> dict[str, str]:
    if not isinstance(facts, Mapping) or facts.get("kind") != kind or facts.get("version") != 1:
        raise BadSubject(what=what, problem=f"not an object of kind {kind}, version 1")
    fields = {name: facts.get(name) for name in names}
    found = {name: value for name, value in fields.items() if isinstance(value, str)}
    if len(found) != len(names):
        raise BadSubject(what=what, problem=f"{', '.join(name for name in names if name not in found)} missing")
    return found


def _octets(text: str, what: str, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadSubject(what=what, problem=f"{name} is not base64") from None

"""A card as values: what the TOML files of this folder say, checked and typed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from jpki.formats import StatusWord
from jpki.terms import Pin, Role

__all__ = [
    "LONGEST_PIN",
    "Access",
    "Application",
    "CardProfile",
    "Dialect",
    "InternalFile",
    "IssuerDomain",
    "Key",
    "PinPolicy",
    "PinProblem",
    "RoleFiles",
    "SigningScheme",
    "TokenValues",
    "TransparentFile",
    "Write",
]

LONGEST_PIN = 16
"""How many bytes VERIFY takes. Source: JICSAP 1.1, 6.4.9."""

_FIRST_SHORT_ID, _LAST_SHORT_ID = 0x01, 0x1E


class SigningScheme(Enum):
    """What a card does with the data of COMPUTE DIGITAL SIGNATURE. Source: docs/facts.md, commands."""

    PKCS1 = "pkcs1"
    PKCS1_BARE_SHA256 = "pkcs1-bare-sha256"
    PKCS1_SHA256_PREHASHED = "pkcs1-sha256-prehashed"
    PKCS1_SHA256 = "pkcs1-sha256"
    PSS_SHA256_PREHASHED = "pss-sha256-prehashed"
    PSS_SHA256 = "pss-sha256"


class Write(Enum):
    """When a file can be written, always inside the card's own secure channel."""

    ISSUER = "issuer"
    PERSONALISATION = "personalisation"  # only before sealing


@dataclass(frozen=True, slots=True)
class Access:
    """An access condition: free, or any one of some PINs verified, or (neither) never."""

    free: bool
    pins: tuple[str, ...] = ()

    @property
    def never(self) -> bool:
        """Returns whether nothing opens it."""
        return not self.free and not self.pins


def _short_id(file_id: int) -> int | None:
    return file_id if _FIRST_SHORT_ID <= file_id <= _LAST_SHORT_ID else None


class PinProblem(Enum):
    """Which rule of its form a PIN breaks: the first of these that does not hold."""

    TOO_SHORT = "too short"
    TOO_LONG = "too long"
    SMALL_LETTERS = "small letters"  # with capital ones in their place it would do
    OTHER_CHARACTERS = "other characters"


@dataclass(frozen=True, slots=True)
class PinPolicy:
    """One PIN of an application: its file, form, tries, and the status word once it is blocked."""

    name: str
    file: int
    format: str
    tries: int
    blocked: StatusWord

    @property
    def short_id(self) -> int | None:
        """Returns the short file identifier (1 to 30), or None where the file has none."""
        return _short_id(self.file)

    @property
    def lengths(self) -> tuple[int, int]:
        """Returns the least and the greatest length that the form allows, as its counts in braces say."""
        counts = re.findall(r"\{(\d+)(?:,(\d+))?\}", self.format)
        return sum(int(least) for least, _ in counts), sum(int(most or least) for least, most in counts)

    def accepts(self, pin: Pin) -> bool:
        """Returns whether the PIN has the form that this card asks for; nothing of it is told elsewhere."""
        return re.fullmatch(self.format.encode(), pin.reveal()) is not None

    def problem(self, pin: Pin) -> PinProblem | None:
        """Returns which rule a PIN breaks, None where it has the form; lengths are counted in characters."""
        if self.accepts(pin):
            return None
        text = pin.reveal().decode("utf-8", "replace")
        shortest, longest = self.lengths
        if len(text) < shortest:
            return PinProblem.TOO_SHORT
        if len(text) > longest:
            return PinProblem.TOO_LONG
        small = text.isascii() and self.accepts(Pin(text.upper()))
        return PinProblem.SMALL_LETTERS if small else PinProblem.OTHER_CHARACTERS


@dataclass(frozen=True, slots=True)
class Key:
    """One private key of an application: its file, the PINs that open it, and where its successor waits."""

    name: str
    file: int
    algorithm: str
    pins: tuple[str, ...]
    next_file: int

    @property
    def short_id(self) -> int | None:
        """Returns the short file identifier (1 to 30), or None where the file has none."""
        return _short_id(self.file)


@dataclass(frozen=True, slots=True)
class TransparentFile:
    """One transparent EF: its identifier, size in bytes, and access conditions."""

    id: int
    size: int
    read: Access
    write: Write

    @property
    def short_id(self) -> int | None:
        """Returns the short file identifier (1 to 30), or None where the file has none."""
        return _short_id(self.id)


@dataclass(frozen=True, slots=True)
class InternalFile:
    """An EF that can be selected, but that no command of the profile reads or uses."""

    id: int


@dataclass(frozen=True, slots=True)
class RoleFiles:
    """Which key, PIN and files serve a role."""

    role: Role
    key: Key
    pin: PinPolicy
    certificate: TransparentFile
    next_certificate: TransparentFile
    authority_certificate: TransparentFile


@dataclass(frozen=True, slots=True)
class TokenValues:
    """What EF 0006, a serialised CK_TOKEN_INFO, holds on this kind of token."""

    file: int
    label: str
    manufacturer: str
    model: str
    flags: int
    max_pin: int
    min_pin: int


@dataclass(frozen=True)
class Application:
    """One application of a card: its name, its AID (5 to 16 bytes), and everything declared in it.

    `presence` is the file that says which certificates are there.
    """

    name: str
    aid: bytes
    token: TokenValues | None
    presence: int | None
    pins: dict[str, PinPolicy]
    keys: dict[str, Key]
    roles: dict[Role, RoleFiles]
    schemes: dict[int, SigningScheme]
    files: tuple[TransparentFile, ...]
    internal: tuple[InternalFile, ...]

    @cached_property
    def by_id(self) -> dict[int, TransparentFile | PinPolicy | Key | InternalFile]:
        """Returns every declared file by its identifier; a key stands at its own and at its successor's."""
        found: dict[int, TransparentFile | PinPolicy | Key | InternalFile] = {}
        for key in self.keys.values():
            found[key.file] = found[key.next_file] = key
        found |= {pin.file: pin for pin in self.pins.values()}
        found |= {file.id: file for file in self.files}
        found |= {file.id: file for file in self.internal}
        return found

    def parameter_of(self, scheme: SigningScheme) -> int | None:
        """Returns the P1 that asks for a scheme, or None where this card does not have it."""
        return next((p1 for p1, known in self.schemes.items() if known is scheme), None)


@dataclass(frozen=True, slots=True)
class IssuerDomain:
    """The GlobalPlatform issuer security domain, and the secure channel into the card's personalisation."""

    aid: bytes
    scp: int
    scp_options: int
    security_level: int
    blank_version: int
    own_version: int
    tries: int


@dataclass(frozen=True, slots=True)
class Dialect:
    """The status words in which cards differ."""

    channel: StatusWord
    cla: StatusWord
    instruction: StatusWord
    parameters: StatusWord
    length: StatusWord
    offset: StatusWord
    no_file: StatusWord
    no_current: StatusWord
    not_allowed: StatusWord
    internal: StatusWord
    conditions: StatusWord


@dataclass(frozen=True)
class CardProfile:
    """One kind of card: name, titles by language, ATR, dialect, issuer domain and applications."""

    name: str
    titles: dict[str, str]
    atr: bytes
    status: Dialect
    issuer: IssuerDomain
    applications: tuple[Application, ...]

    def application(self, name: str) -> Application:
        """Returns the application of this name; KeyError where the card has none."""
        for application in self.applications:
            if application.name == name:
                return application
        raise KeyError(name)

    @cached_property
    def jpki(self) -> Application:
        """Returns the JPKI application (公的個人認証AP), which every profile has."""
        return self.application("jpki")

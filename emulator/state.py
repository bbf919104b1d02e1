"""Everything a card keeps without power, as values: a change makes a new state, which lasts whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric import rsa

from card_profiles import CardProfile
from jpki.formats import SERIAL_LENGTH, WELL_KNOWN_KEYS
from jpki.terms import HIDDEN, Secret

__all__ = [
    "EXPONENT",
    "KEY_LENGTHS",
    "MODULUS_BITS",
    "ApplicationState",
    "CardState",
    "IssuerKeys",
    "LifeCycle",
    "PinState",
    "RsaKey",
    "blank_state",
]

MODULUS_BITS = 2048
EXPONENT = 65_537
KEY_LENGTHS = (16, 32)


class LifeCycle(IntEnum):
    """How far a card has come; the values are GlobalPlatform's. Source: docs/personalisation.md, commands."""

    BLANK = 0x01
    OWN_KEYS = 0x07
    SEALED = 0x0F


@dataclass(frozen=True, slots=True)
class IssuerKeys:
    """The three keys of the secure channel (16 or 32 bytes each) and their version."""

    version: int
    enc: Secret
    mac: Secret
    dek: Secret


@dataclass(frozen=True, slots=True)
class PinState:
    """A PIN that was set, and the wrong tries it still allows; 0 is blocked."""

    pin: Secret
    tries_left: int


@dataclass(frozen=True)
class RsaKey:
    """An RSA key with two primes; its exponent is the one in `e`. Nothing private of it prints."""

    p: int
    q: int
    e: int = EXPONENT

    @cached_property
    def n(self) -> int:
        """Returns the modulus."""
        return self.p * self.q

    @cached_property
    def private_key(self) -> rsa.RSAPrivateKey:
        """Returns the key ready for use, its numbers unchecked; ValueError where no key can be made of them."""
        return self._numbers().private_key(unsafe_skip_rsa_key_validation=True)

    def _numbers(self) -> rsa.RSAPrivateNumbers:
        d = rsa.rsa_recover_private_exponent(self.e, self.p, self.q)
        return rsa.RSAPrivateNumbers(
            p=self.p,
            q=self.q,
            d=d,
            dmp1=rsa.rsa_crt_dmp1(d, self.p),
            dmq1=rsa.rsa_crt_dmq1(d, self.q),
            iqmp=pow(self.q, -1, self.p),
            public_numbers=rsa.RSAPublicNumbers(self.e, self.n),
        )

    def __repr__(self) -> str:
        return f"RsaKey({HIDDEN})"


@dataclass(frozen=True, slots=True)
class ApplicationState:
    """What one application holds.

    `files`: the transparent files that exist, by identifier; each value has the file's whole size, filled up with FF.
    `pins`: the PINs that are set, by their name in the profile. `keys`: the keys that exist, by key file, a waiting
    successor under its own file.
    """

    files: Mapping[int, bytes] = field(default_factory=dict, repr=False)  # certificates say who somebody is
    pins: Mapping[str, PinState] = field(default_factory=dict)
    keys: Mapping[int, RsaKey] = field(default_factory=dict)

    def with_file(self, file: int, content: bytes) -> ApplicationState:
        """Returns the state in which a transparent file has this content, which is also its size."""
        return replace(self, files={**self.files, file: content})

    def with_pin(self, name: str, pin: PinState) -> ApplicationState:
        """Returns the state in which a PIN has this value and these tries."""
        return replace(self, pins={**self.pins, name: pin})

    def with_key(self, file: int, key: RsaKey | None) -> ApplicationState:
        """Returns the state in which a key file holds this key, or none."""
        keys = {known: value for known, value in self.keys.items() if known != file}
        return replace(self, keys=keys if key is None else {**keys, file: key})


@dataclass(frozen=True, slots=True)
class CardState:
    """A card: which profile it follows (by name), its serial number (10 bytes), how far it has come, and its contents.

    `failed_authentications` counts failures of the secure channel in a row. `applications` has an entry for every
    application of the profile.
    """

    profile: str
    serial: bytes
    life_cycle: LifeCycle
    issuer_keys: IssuerKeys
    failed_authentications: int
    applications: Mapping[str, ApplicationState]

    def with_application(self, name: str, state: ApplicationState) -> CardState:
        """Returns the card in which one application has this state."""
        return replace(self, applications={**self.applications, name: state})


def blank_state(profile: CardProfile, serial: bytes) -> CardState:
    """Returns a card as it leaves manufacture: the well-known keys 40…4F, no files, no PINs, no private keys.

    The serial number has 10 bytes; ValueError otherwise. Source: docs/personalisation.md, card keys.
    """
    if len(serial) != SERIAL_LENGTH:
        raise ValueError(f"a card's serial number has {SERIAL_LENGTH} bytes")
    key = WELL_KNOWN_KEYS.mac
    return CardState(
        profile=profile.name,
        serial=bytes(serial),
        life_cycle=LifeCycle.BLANK,
        issuer_keys=IssuerKeys(version=profile.issuer.blank_version, enc=key, mac=key, dek=key),
        failed_authentications=0,
        applications={application.name: ApplicationState() for application in profile.applications},
    )

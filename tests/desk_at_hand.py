"""An issuance desk with everything on it: an authority, a card in this process, and a way to interrupt their work."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from authorities import BOTH, NOW, PoolKeys, new_authority, real_residents
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from prime_pool import PrimePool

from card_profiles import CardProfile, load_profile
from emulator import CardState, EmulatedCard, VolatileMemory, blank_state
from jpki.ca import Authority, CertificateStatus, Resident
from jpki.card import (
    Card,
    CardRemoved,
    Encoded,
    Faulty,
    JpkiApplication,
    LocalConnection,
    Resolving,
    Traced,
    Wrapped,
    lost,
)
from jpki.formats import Certificate, IssuerMasterKey, digest_info
from jpki.issuance import Delivered, IssuanceDesk, Step
from jpki.store import CertificateState, Store
from jpki.terms import CertificateName, Pin, Role

__all__ = [
    "HOLDER",
    "PINS",
    "RENEWAL",
    "SERIAL",
    "DeskAtHand",
    "MasterKeys",
    "card_of",
    "made_desk",
    "resident",
]

HOLDER = "R000056"  # born on 14 January 1978
SERIAL = b"JPKI000056"
RENEWAL = datetime(2030, 12, 1, tzinfo=UTC)  # in the last three months of what is issued at NOW
PINS: Mapping[Role, Pin] = {Role.SIGNATURE: Pin("ABC123"), Role.AUTHENTICATION: Pin("1234")}
_CARD_KEYS = PrimePool(500)  # one for all cards, so that no two of them ever generate the same key
_MESSAGE = b"what the card signs in the end"

Wrap = Callable[[Card], Card]


@cache
def _residents() -> Mapping[str, Resident]:
    return {one.resident_id: one for one in real_residents()}


def resident(number: str = HOLDER) -> Resident:
    """Returns one of the thousand residents."""
    return _residents()[number]


class MasterKeys(PoolKeys):
    """The keys of an authority whose issuer master key has so many bytes."""

    def __init__(self, length: int = 32) -> None:
        super().__init__()
        self._length = length
        for role in BOTH:  # always in the same order, so that they are the same keys
            self.signing_key(role, 1, make=True)

    def master_key(self, *, make: bool = False) -> IssuerMasterKey:
        return IssuerMasterKey(bytes(range(self._length)))


@dataclass
class DeskAtHand:
    """A desk and one card. `exchanges` counts those of the last piece of work, `steps` are what it told."""

    folder: Path
    authority: Authority
    profile: CardProfile
    device: EmulatedCard
    exchanges: int = 0
    steps: list[tuple[Step, Role | None]] = field(default_factory=list)

    def issue(
        self,
        who: Resident | None = None,
        pins: Mapping[Role, Pin] = PINS,
        at: datetime = NOW,
        *,
        wrap: Wrap = Wrapped,
        **options: Any,
    ) -> Delivered:
        with LocalConnection(self.device) as connection:
            return self._desk().issue(
                self._card(connection, wrap), self.profile, who or resident(), pins, at, **options
            )

    def renew(
        self,
        who: Resident | None = None,
        pins: Mapping[Role, Pin] = PINS,
        at: datetime = RENEWAL,
        *,
        wrap: Wrap = Wrapped,
        **options: Any,
    ) -> Delivered:
        with LocalConnection(self.device) as connection:
            return self._desk().renew(
                self._card(connection, wrap), self.profile, who or resident(), pins, at, **options
            )

    def reset_pin(self, role: Role, new: Pin, **options: Any) -> str:
        with LocalConnection(self.device) as connection:
            return self._desk().reset_pin(self._card(connection, Wrapped), self.profile, role, new, **options)

    def _desk(self) -> IssuanceDesk:
        self.exchanges = 0
        self.steps.clear()
        return IssuanceDesk(self.authority, secrets.token_bytes, lambda step, role: self.steps.append((step, role)))

    def _card(self, connection: LocalConnection, wrap: Wrap) -> Card:
        return Resolving(wrap(Traced(Encoded(connection), self._count, lambda: 0.0)))

    def _count(self, _: object) -> None:
        self.exchanges += 1

    def copied(self, folder: Path) -> DeskAtHand:
        """Returns this desk as it stands now, on its own: neither notices what is done at the other."""
        folder.mkdir()
        shutil.copy(self.authority.store.file, folder)
        keys = MasterKeys()
        authority = Authority(Store.open(folder / self.authority.store.file.name), keys)
        return DeskAtHand(folder, authority, self.profile, card_of(self.profile, self.device.state))

    def interrupt_behind(self, step: Step, work: Callable[..., Delivered]) -> None:
        """Interrupts `DeskAtHand.issue` or `renew` right behind the first time of a step, whatever exchange that is."""
        at = 1
        while True:
            copy = self.copied(self.folder / f"{at}")
            with pytest.raises(CardRemoved):
                work(copy, wrap=lambda card, at=at: Faulty(card, at, lost))
            copy.authority.close()
            if step in {seen for seen, _ in copy.steps}:
                break
            at += 1
        with pytest.raises(CardRemoved):
            work(self, wrap=lambda card: Faulty(card, at, lost))

    def put_in(self, state: CardState) -> None:
        """Puts another card before the desk."""
        self.device = card_of(self.profile, state)

    def put_in_blank(self, serial: bytes) -> None:
        """Puts a new card before the desk."""
        self.put_in(blank_state(self.profile, serial))

    # --- what is looked at afterwards ---

    def certificates(self, at: datetime = NOW, holder: str = HOLDER) -> list[CertificateStatus]:
        return list(self.authority.list_certificates(at, holder=holder))

    def valid(self, at: datetime = NOW) -> list[CertificateName]:
        return [one.name for one in self.certificates(at) if one.state is CertificateState.VALID]

    def tries(self, role: Role) -> int | None:
        with self._session() as jpki:
            return jpki.tries_left(role)

    def certificate(self, role: Role, pins: Mapping[Role, Pin] = PINS) -> Certificate:
        """Returns the certificate on the card after the card has proved that it has its key, with the PIN."""
        with self._session() as jpki:
            jpki.verify_pin(role, pins[role])
            found = jpki.read_certificate(role)
            signature = jpki.sign(role, digest_info("sha256", hashlib.sha256(_MESSAGE).digest()))
            key = rsa.RSAPublicNumbers(found.public_key.exponent, found.public_key.modulus).public_key()
            key.verify(signature, _MESSAGE, padding.PKCS1v15(), SHA256())
            return found

    def names_on_card(self, pins: Mapping[Role, Pin] = PINS, roles: tuple[Role, ...] = BOTH) -> list[CertificateName]:
        return [self.certificate(role, pins).name(role) for role in roles]

    def _session(self) -> AbstractContextManager[JpkiApplication]:
        connection = LocalConnection(self.device)
        return JpkiApplication.select(Resolving(Encoded(connection)), self.profile)


def card_of(profile: CardProfile, state: CardState) -> EmulatedCard:
    """Returns a card with this state."""
    return EmulatedCard(profile, VolatileMemory(state), keys=_CARD_KEYS, strict=True)


def made_desk(folder: Path, keys: MasterKeys | None = None, profile: str = "mynumber") -> DeskAtHand:
    """Returns a desk with a new authority, made at NOW, and a blank card."""
    kind = load_profile(profile)
    authority = new_authority(folder, keys or MasterKeys())
    return DeskAtHand(folder, authority, kind, card_of(kind, blank_state(kind, SERIAL)))

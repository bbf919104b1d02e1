"""Pieces of work on a card file and an authority in one folder, and everything that must hold when one is done."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path

from authorities import BOTH, NOW, new_authority
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from desk_at_hand import HOLDER, PINS, RENEWAL, SERIAL, MasterKeys, resident
from logins import is_logged_out
from prime_pool import PrimePool

from card_profiles import load_profile
from emulator import EmulatedCard, create_blank, open_card
from jpki.ca import Authority, CertificateStatus
from jpki.card import Card, Connection, Encoded, JpkiApplication, LocalConnection, Resolving
from jpki.formats import Certificate, RevocationReason, digest_info
from jpki.issuance import Delivered, IssuanceDesk
from jpki.store import CertificateState, Store
from jpki.terms import CertificateName, Role

__all__ = ["LATER", "PROFILE", "DeskFolder", "Work", "check_everything", "made_folders"]

PROFILE = load_profile("mynumber")
LATER = timedelta(minutes=5)


class Work(Enum):
    """What a desk is to do; the value is the moment at which it begins."""

    ISSUE = NOW
    RENEWAL = RENEWAL

    def done_by(self, authority: Authority, card: Card, at: datetime) -> Delivered:
        """Does it, or whatever of it is still to be done."""
        desk = IssuanceDesk(authority, secrets.token_bytes)
        do = desk.issue if self is Work.ISSUE else desk.renew
        return do(card, PROFILE, resident(), PINS, at)


@dataclass(frozen=True)
class DeskFolder:
    """A folder with an authority's store, whose keys are in memory, and a card file."""

    path: Path

    @property
    def card_file(self) -> Path:
        return self.path / "card"

    def authority(self) -> Authority:
        return Authority(Store.open(self.path / "authority.sqlite3"), MasterKeys())

    def card(self, seed: int = 0) -> EmulatedCard:
        """Opens the card file; the card generates keys that no other seed gives so soon."""
        return open_card(self.card_file, keys=PrimePool(seed), strict=True)

    def copied_to(self, path: Path) -> DeskFolder:
        path.mkdir()
        for name in ("authority.sqlite3", "card"):
            shutil.copy(self.path / name, path / name)
        return DeskFolder(path)

    def do(self, work: Work, connection: Connection, at: datetime) -> Delivered:
        with self.authority() as authority:
            return work.done_by(authority, Resolving(Encoded(connection)), at)


def made_folders(path: Path) -> dict[Work, DeskFolder]:
    """Returns what each piece of work begins with: a blank card, and one that was issued, each with its authority."""
    folders = {work: DeskFolder(path / work.name) for work in Work}
    folders[Work.ISSUE].path.mkdir()
    new_authority(folders[Work.ISSUE].path, MasterKeys()).close()
    create_blank(PROFILE, SERIAL, folders[Work.ISSUE].card_file).close()
    folders[Work.ISSUE].copied_to(folders[Work.RENEWAL].path)
    with folders[Work.RENEWAL].card() as card, LocalConnection(card) as connection:
        folders[Work.RENEWAL].do(Work.ISSUE, connection, NOW)
    return folders


@contextmanager
def _jpki(connection: Connection) -> Iterator[JpkiApplication]:
    with JpkiApplication.select(Resolving(Encoded(connection)), PROFILE) as jpki:
        yield jpki


def tries_are_whole(connection: Connection, roles: tuple[Role, ...] = BOTH) -> bool:
    """Returns whether no PIN has lost a try."""
    with _jpki(connection) as jpki:
        return [jpki.tries_left(role) for role in roles] == [PROFILE.jpki.roles[role].pin.tries for role in roles]


@dataclass(frozen=True)
class Standing:
    """What the authority has of the holder when everything is done."""

    valid: dict[Role, CertificateStatus]
    others: list[CertificateStatus]


def standing(authority: Authority, at: datetime) -> Standing:
    """Returns the holder's certificates, of which there must be one valid one for each role."""
    found = authority.list_certificates(at, holder=HOLDER)
    valid = [one for one in found if one.state is CertificateState.VALID]
    assert [one.name.authority for one in valid] == list(BOTH)
    return Standing({one.name.authority: one for one in valid}, [one for one in found if one not in valid])


def check_everything(folder: DeskFolder, work: Work, delivered: Delivered, connection: Connection) -> None:
    """Holds authority, ledger and card against one another after a piece of work, interrupted or not, is done."""
    at = work.value + 2 * LATER
    with folder.authority() as authority:
        found = standing(authority, at)
        _check_authority(authority, work, found, delivered)
        with _jpki(connection) as jpki:
            for role in BOTH:
                jpki.verify_pin(role, PINS[role])
                certificate = jpki.read_certificate(role)
                assert certificate.raw == authority.encoded(found.valid[role].name)
                _check_signature(jpki, role, certificate)
    assert tries_are_whole(connection)
    assert is_logged_out(connection)


def _check_authority(authority: Authority, work: Work, found: Standing, delivered: Delivered) -> None:
    assert [one.name for one in found.valid.values()] == list(delivered.certificates)
    assert all(one.confirmed_at is not None for one in found.valid.values())
    assert all(one.counterpart == found.valid[role.other].name for role, one in found.valid.items())
    first = {role: CertificateName(role, 0x0100_0002) for role in BOTH}
    if work is Work.RENEWAL:
        for role, one in found.valid.items():
            (old,) = (other for other in found.others if other.name == first[role])
            assert old.confirmed_at is not None
            assert old.revocation is not None
            assert old.revocation.reason is RevocationReason.SUPERSEDED
            chain = authority.chain(old.name, work.value)
            assert chain.newest.name == one.name
    # Whatever else was issued on the way never came onto the card, and was discarded.
    for one in found.others:
        if work is Work.ISSUE or one.name not in first.values():
            assert one.confirmed_at is None
            assert one.revocation is not None
            assert one.revocation.reason is RevocationReason.UNSPECIFIED
    assert authority.unfinished(work.value + 2 * LATER) == ()
    with authority.store.snapshot() as view:
        assert view.open_jobs() == ()
        card = view.card(SERIAL)
    assert card is not None
    assert card.delivered_at is not None


def _check_signature(jpki: JpkiApplication, role: Role, certificate: Certificate) -> None:
    message = b"what the card signs in the end"
    signature = jpki.sign(role, digest_info("sha256", hashlib.sha256(message).digest()))
    numbers = rsa.RSAPublicNumbers(certificate.public_key.exponent, certificate.public_key.modulus)
    numbers.public_key().verify(signature, message, padding.PKCS1v15(), SHA256())

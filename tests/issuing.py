"""An issuer of ten lines for tests: a job that can be taken up again wherever it stopped, over either transport."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from certified_cards import BOTH, PINS, made_certificate
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from prime_pool import PrimePool

from card_profiles import CardProfile
from emulator import EmulatedCard
from jpki.card import Card, Completing, Encoded, IssuerSession, LocalConnection, Resolving, Wrapped, issuer_session
from jpki.formats import Certificate, IssuerMasterKey, Name, TokenInfo, encode_presence
from jpki.terms import Role

MASTERS = {128: IssuerMasterKey(bytes(range(0x60, 0x70))), 256: IssuerMasterKey(bytes(range(0x60, 0x80)))}
MASTER = MASTERS[128]
SERIAL = bytes.fromhex("4A504B49000000000001")
TRANSPORTS = ("chaining", "extended")
CHALLENGE = b"a challenge of the issuer's"


def counted_random() -> Callable[[int], bytes]:
    """Returns a source of bytes that never repeats and is the same at every run."""
    numbers = itertools.count(1)
    return lambda count: next(numbers).to_bytes(count, "big")


def any_card(serial: bytes) -> None:
    """Lets every blank card be given keys."""


def transported(card: Card, transport: str) -> Card:
    """Returns the card as it is used by chaining or by extended length fields."""
    return Resolving(card) if transport == "chaining" else Completing(card)


@contextmanager
def session_with(
    device: EmulatedCard,
    profile: CardProfile,
    master: IssuerMasterKey = MASTER,
    transport: str = "chaining",
    wrap: Callable[[Card], Card] = Wrapped,
) -> Iterator[IssuerSession]:
    """Opens an issuer's session with a card in this process; the card is powered off at the end."""
    with LocalConnection(device) as connection:
        card = transported(wrap(Encoded(connection)), transport)
        with issuer_session(
            card, profile, master, counted_random(), blank=any_card, extended=transport == "extended"
        ) as session:
            yield session


@dataclass
class Issuer:
    """What an issuer remembers while a card is being made: the certificates it has issued for it, by role."""

    profile: CardProfile
    roles: tuple[Role, ...] = BOTH
    keys: PrimePool = field(default_factory=lambda: PrimePool(99))
    issued: dict[Role, bytes] = field(default_factory=dict)
    imported: dict[Role, rsa.RSAPrivateKey] = field(default_factory=dict)
    renewed: set[Role] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.authority_key = self.keys.generate().private_key

    def issue(self, request: bytes) -> bytes:
        """Checks a request's signature and certifies its key."""
        read = x509.load_der_x509_csr(request)
        assert read.is_signature_valid
        public_key = read.public_key()
        assert isinstance(public_key, rsa.RSAPublicKey)
        return made_certificate("holder", public_key, "authority", self.authority_key, 1583)

    def authority_certificate(self) -> bytes:
        """Returns the certificate of the authority."""
        return made_certificate("authority", self.authority_key.public_key(), "authority", self.authority_key, 1310)

    def personalise(self, session: IssuerSession) -> None:
        """Does whatever is still to be done until the card is sealed."""
        if session.sealed:
            return
        for role in self.roles:
            self._key_and_certificate(session, role)
        token, presence = self.profile.jpki.token, self.profile.jpki.presence
        assert token is not None
        assert presence is not None
        session.write_file(token.file, self._token_info())
        session.write_file(presence, encode_presence(self.roles))
        session.create_file(0x0009)
        for role in self.roles:
            session.prove(role, self.issued[role], PINS[role], CHALLENGE)
        session.seal()

    def _key_and_certificate(self, session: IssuerSession, role: Role) -> None:
        if role in self.imported:
            key = session.import_key(role, self.imported[role])
        else:
            key = session.public_key(role) or session.generate_key(role)
        session.set_initial_pin(role, PINS[role])
        if role not in self.issued or Certificate.parse(self.issued[role]).public_key != key:
            self.issued[role] = self.issue(session.request(role, Name.of(("CN", "holder")), PINS[role]))
        files = self.profile.jpki.roles[role]
        session.write_certificate(role, self.issued[role])
        session.write_file(files.authority_certificate.id, self.authority_certificate())
        session.create_file(files.next_certificate.id)

    def renew(self, session: IssuerSession, role: Role) -> None:
        """Does whatever is still to be done until the certificate in `issued` is a new one and the card's."""
        waiting = session.public_key(role, waiting=True)
        renewed = Certificate.parse(self.issued[role]).public_key
        if waiting is None and renewed == session.public_key(role) and role in self.renewed:
            return
        if waiting is None:
            waiting = session.generate_key(role, waiting=True)
        if renewed != waiting:
            request = session.request(role, Name.of(("CN", "holder")), PINS[role], waiting=True)
            self.issued[role] = self.issue(request)
            self.renewed.add(role)
        session.write_certificate(role, self.issued[role], waiting=True)
        session.prove(role, self.issued[role], PINS[role], CHALLENGE, waiting=True)
        session.activate(role, self.issued[role])

    def _token_info(self) -> bytes:
        token = self.profile.jpki.token
        assert token is not None
        return TokenInfo.of(
            label=token.label,
            manufacturer=token.manufacturer,
            model=token.model,
            serial=SERIAL.hex()[-16:],
            flags=token.flags,
            max_pin=token.max_pin,
            min_pin=token.min_pin,
        ).raw

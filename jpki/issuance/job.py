"""One job on one card: each step looks at the card and the ledger first, so that any of them can be done again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import rsa

from jpki.ca import Authority, IssueRequest, Refused, Resident
from jpki.card import IssuerSession
from jpki.formats import Certificate, Name, RsaPublicKey, TokenInfo, encode_presence
from jpki.terms import Pin, Role

from .errors import JobLost
from .ledger import Work, note_issued

__all__ = ["CardJob", "Desk", "Step", "Watch", "unwatched"]

_CHALLENGE_BYTES = 32


class Step(Enum):
    """What was done to a card, in this order, for those who watch."""

    OPENED = "opened"  # the channel stands, with the card's own keys
    KEY_MADE = "key made"
    PIN_SET = "PIN set"
    CERTIFIED = "certified"
    LOADED = "loaded"
    PROVED = "proved"
    ACTIVATED = "activated"  # a renewal: the new key and certificate took the places of the old ones
    SEALED = "sealed"


Watch = Callable[[Step, Role | None], None]


def unwatched(_: Step, __: Role | None) -> None:
    """Watches nothing."""


class Desk(Protocol):
    """What a job needs of the desk it is done at."""

    @property
    def authority(self) -> Authority:
        """Returns the authority that issues, able to sign."""
        ...

    @property
    def random(self) -> Callable[[int], bytes]:
        """Returns where challenges and the channel's random numbers come from."""
        ...

    @property
    def watch(self) -> Watch:
        """Returns who is told of every step."""
        ...


@dataclass(slots=True)
class CardJob:
    """A job in progress: the card in its issuer's channel, the holder's record and PINs, the roles to be served."""

    desk: Desk
    session: IssuerSession
    work: Work
    resident: Resident
    pins: Mapping[Role, Pin]
    roles: tuple[Role, ...]
    at: datetime

    def personalise(self, imported: Mapping[Role, rsa.RSAPrivateKey]) -> None:
        """Makes a card that is not sealed the holder's, and seals it."""
        for role in self.roles:
            if self.work.issued(role) is None:
                self._bring_key(role, imported.get(role))
            elif self.session.public_key(role) != self._certified(role):
                raise self._lost(role)
            # Again after an interruption too: the holder may have chosen another by then.
            self.session.set_initial_pin(role, self.pins[role])
            self.desk.watch(Step.PIN_SET, role)
        self._certify(waiting=False)
        self._load()
        for role in self.roles:
            self._prove(role, waiting=False)
        self.session.seal()
        self.desk.watch(Step.SEALED, None)

    def hand_over(self) -> None:
        """Ends the work on a card that was sealed when it was interrupted, with the PINs that the holder has now."""
        for role in self.roles:
            self.session.reset_pin(role, self.pins[role])
            self.desk.watch(Step.PIN_SET, role)
            self._prove(role, waiting=False)

    def renew(self) -> None:
        """Gives a sealed card new keys and certificates, one role after the other."""
        for role in self.roles:
            if self.work.issued(role) is None:
                self._bring_waiting_key(role)
        self._certify(waiting=True)
        for role in self.roles:
            self._activate(role)

    def _bring_key(self, role: Role, imported: rsa.RSAPrivateKey | None) -> None:
        if imported is not None:
            self.session.import_key(role, imported)
        elif not self._usable(self.session.public_key(role)):
            self.session.generate_key(role)
        self.desk.watch(Step.KEY_MADE, role)

    def _bring_waiting_key(self, role: Role) -> None:
        if not self._usable(self.session.public_key(role, waiting=True)):
            self.session.generate_key(role, waiting=True)
        self.desk.watch(Step.KEY_MADE, role)

    def _usable(self, key: RsaPublicKey | None) -> bool:
        """Returns whether there is a key that was made before an interruption, perhaps certified, and not revoked."""
        if key is None:
            return False
        certified = self.desk.authority.status_of_key(key, self.at)
        return certified is None or certified.revocation is None

    def _certify(self, *, waiting: bool) -> None:
        """Has a certificate issued for every role that the job has none for yet."""
        missing = [role for role in self.roles if self.work.issued(role) is None]
        if not missing:
            return
        subject = Name.of(("CN", self.session.serial.hex().upper()))
        request = IssueRequest(
            resident=self.resident,
            requests={role: self.session.request(role, subject, self.pins[role], waiting=waiting) for role in missing},
            job=self.work.name,
            card_expiry=self.work.card.expires_on,
            occasion=self.work.occasion,
        )
        outcome = self.desk.authority.issue([request], self.at)[0]
        if isinstance(outcome, Refused):
            raise outcome.error
        self.work = note_issued(self.desk.authority.store, self.work, outcome)
        for role in missing:
            self.desk.watch(Step.CERTIFIED, role)

    def _load(self) -> None:
        application = self.session.profile.jpki
        contents: dict[int, bytes] = {}
        for role in self.roles:
            files = application.roles[role]
            contents[files.certificate.id] = self._certificate(role)
            contents[files.authority_certificate.id] = self.desk.authority.certificates[role].encoded
        if application.token is not None:
            contents[application.token.file] = self._token_info()
        if application.presence is not None:
            contents[application.presence] = encode_presence(self.roles)
        unused = {
            file.id
            for role, files in application.roles.items()
            if role not in self.roles
            for file in (files.certificate, files.next_certificate, files.authority_certificate)
        }
        for file in application.files:
            if file.id in contents:
                self.session.write_file(file.id, contents[file.id])
            elif file.id not in unused:
                self.session.create_file(file.id)
        for role in self.roles:
            self.desk.watch(Step.LOADED, role)

    def _activate(self, role: Role) -> None:
        certificate = self._certificate(role)
        certified = self._certified(role)
        if self.session.public_key(role) != certified:
            if self.session.public_key(role, waiting=True) != certified:
                raise self._lost(role)
            self._replace_authority_certificate(role)
            self.session.write_certificate(role, certificate, waiting=True)
            self.desk.watch(Step.LOADED, role)
            self._prove(role, waiting=True)
            self.session.activate(role, certificate)
        self.desk.watch(Step.ACTIVATED, role)

    def _prove(self, role: Role, *, waiting: bool) -> None:
        challenge = self.desk.random(_CHALLENGE_BYTES)
        self.session.prove(role, self._certificate(role), self.pins[role], challenge, waiting=waiting)
        self.desk.watch(Step.PROVED, role)

    def _replace_authority_certificate(self, role: Role) -> None:
        own = self.desk.authority.certificates[role].encoded
        if self.session.jpki.read_authority_certificate(role).raw != own:
            self.session.replace_file(self.session.profile.jpki.roles[role].authority_certificate.id, own)

    def _certificate(self, role: Role) -> bytes:
        name = self.work.issued(role)
        if name is None:
            raise ValueError(f"nothing was issued for {role}")
        return self.desk.authority.encoded(name)

    def _certified(self, role: Role) -> RsaPublicKey:
        return Certificate.parse(self._certificate(role)).public_key

    def _lost(self, role: Role) -> JobLost:
        name = self.work.issued(role)
        if name is None:
            raise ValueError(f"nothing was issued for {role}")
        return JobLost(card=self.session.serial, name=name)

    def _token_info(self) -> bytes:
        token = self.session.profile.jpki.token
        if token is None:
            raise ValueError("this kind of card has no token information")
        return TokenInfo.of(
            label=token.label,
            manufacturer=token.manufacturer,
            model=token.model,
            serial=self.session.serial.hex().upper()[-16:],
            flags=token.flags,
            max_pin=token.max_pin,
            min_pin=token.min_pin,
        ).raw

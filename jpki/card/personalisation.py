"""The issuer's work on a card: making a blank one somebody's, renewing it, giving it a new PIN.

Each method is one step of docs/personalisation.md and can be repeated: after the card was pulled, open a new session
and go on where its `life_cycle` and `public_key()` say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from card_profiles import CardProfile, RoleFiles, SigningScheme, TransparentFile
from jpki.formats import (
    CardKeys,
    Certificate,
    IssuerMasterKey,
    Name,
    RsaPublicKey,
    StatusWord,
    certificate_request,
    digest_info,
)
from jpki.terms import Pin, Role

from .channel import Card
from .errors import CardRefused, KeyMismatch, KeyMissing, NoCertificate, SchemeMissing, WrongLifeCycle
from .issuer_commands import IssuerCommands, LifeCycle
from .key import certified_key
from .pin_form import refuse_bad_form
from .secured import IssuerChannel, open_issuer_channel
from .selecting import select_application
from .session import JpkiApplication

__all__ = ["IssuerSession", "issuer_session"]

_NOT_FOUND = StatusWord(0x6A88)
_CONDITIONS = StatusWord(0x6985)


def _no_blank_card(serial: bytes) -> None:
    raise WrongLifeCycle(found="blank")


@contextmanager
def issuer_session(
    card: Card,
    profile: CardProfile,
    keys: CardKeys | IssuerMasterKey,
    random: Callable[[int], bytes],
    *,
    blank: Callable[[bytes], None] = _no_blank_card,
    extended: bool = False,
) -> Iterator[IssuerSession]:
    """Holds a card, selects its JPKI application, and opens a channel with the card's own keys.

    A blank card is given its own keys first: those that derive from the master key, or `keys` themselves. `blank` is
    called before, with the card's serial number, and raises where that card must not get any: whoever makes a card that
    says it is blank, and goes by another's serial number, would learn that other card's keys. `extended` sends long
    bodies and asks for long answers with extended length fields: then the card handed in is
    `Completing(Encoded(connection))`, else `Resolving(…)`. Raises NotAJpkiCard, WrongLifeCycle for a blank card where
    `blank` is not given, and what open_issuer_channel raises.
    """
    with card.exclusive():
        select_application(card, profile.jpki.aid)
        channel = open_issuer_channel(card, profile, keys, random, extended=extended)
        if channel.key_version == profile.issuer.blank_version:
            blank(channel.serial)
            own = keys.keys_of(channel.serial) if isinstance(keys, IssuerMasterKey) else keys
            IssuerSession(channel, profile).replace_card_keys(own)
            channel = open_issuer_channel(card, profile, own, random, extended=extended)
        session = IssuerSession(channel, profile)
        try:
            yield session
        finally:
            session.jpki.end()


class IssuerSession:
    """A card inside its issuer's channel, with the JPKI application selected.

    `serial` is its serial number (10 bytes), `life_cycle` how far it has come, `jpki` the holder's session inside the
    same channel. Where a method is for a card that is not sealed and this one is, or the other way round, it raises
    WrongLifeCycle, and the card sees nothing of it. All raise CardRefused where the card refuses a command,
    ChannelBroken where the channel is over, NoCertificate for a role that the profile does not have, and the errors of
    the way to the card.
    """

    def __init__(self, channel: IssuerChannel, profile: CardProfile) -> None:
        self.profile = profile
        self.serial = channel.serial
        self.jpki = JpkiApplication(channel.card, profile)
        self._channel = channel
        self._commands = IssuerCommands(channel.card)
        self.life_cycle = self._commands.life_cycle()

    @property
    def sealed(self) -> bool:
        """Returns whether the card is sealed."""
        return self.life_cycle is LifeCycle.SEALED

    def replace_card_keys(self, keys: CardKeys) -> None:
        """Gives the card other issuer keys; this session goes on, the next one needs the new keys.

        Where the answer is lost either set may be the card's: trying the new one first costs nothing.
        """
        issuer = self.profile.issuer
        self._commands.put_keys(self._channel.key_version, issuer.own_version, keys, self._channel.keys.data)
        if self.life_cycle is LifeCycle.BLANK:
            self.life_cycle = LifeCycle.PERSONALISED

    def public_key(self, role: Role, *, waiting: bool = False) -> RsaPublicKey | None:
        """Returns the public key of the role's key, or of the one that waits for its certificate; None without one."""
        return self._commands.public_key(self._key_file(role, waiting=waiting))

    def generate_key(self, role: Role, *, waiting: bool = False) -> RsaPublicKey:
        """Makes the card generate the role's key, before sealing, or (`waiting`) its successor, on a sealed card.

        The one that was there, or that waited, is replaced, and a certificate that waited with it is wiped.
        """
        self._require(sealed=waiting)
        return self._commands.generate_key(self._key_file(role, waiting=waiting))

    def import_key(self, role: Role, key: rsa.RSAPrivateKey) -> RsaPublicKey:
        """Gives the card a key of 2048 bits that was made elsewhere, before sealing."""
        self._require(sealed=False)
        numbers = key.private_numbers()
        self._commands.import_key(self._key_file(role, waiting=False), numbers)
        return RsaPublicKey(numbers.public_numbers.n, numbers.public_numbers.e)

    def set_initial_pin(self, role: Role, pin: Pin) -> None:
        """Sets a PIN and all its tries, before sealing; raises BadPinForm before the card sees it."""
        self._require(sealed=False)
        policy = self._files(role).pin
        refuse_bad_form(role, policy, pin)
        self._commands.set_initial_pin(policy, pin)

    def reset_pin(self, role: Role, pin: Pin) -> None:
        """Sets a new PIN and gives all its tries back, on a sealed card; raises BadPinForm before the card sees it."""
        self._require(sealed=True)
        policy = self._files(role).pin
        refuse_bad_form(role, policy, pin)
        self._commands.reset_pin(policy, pin)

    def create_file(self, file: int) -> None:
        """Creates a file of the profile, at its whole size and empty, before sealing; one that is there is emptied."""
        self._require(sealed=False)
        self._commands.create_file(self._declared(file))

    def write_file(self, file: int, content: bytes) -> None:
        """Creates a file and writes it, before sealing."""
        self.create_file(file)
        self._commands.update_binary(self._declared(file), content)

    def replace_file(self, file: int, content: bytes) -> None:
        """Writes a file of a sealed card from end to end, what is left of it with FF: one that the issuer may write."""
        self._require(sealed=True)
        declared = self._declared(file)
        self._commands.update_binary(declared, content.ljust(declared.size, b"\xff"))

    def write_certificate(self, role: Role, certificate: bytes, *, waiting: bool = False) -> None:
        """Writes the role's certificate (DER), before sealing, or (`waiting`) its successor's, on a sealed card."""
        if waiting:
            self.replace_file(self._files(role).next_certificate.id, certificate)
        else:
            self.write_file(self._files(role).certificate.id, certificate)

    def request(self, role: Role, subject: Name, pin: Pin, *, waiting: bool = False) -> bytes:
        """Returns a request (PKCS#10, DER) for the role's key, or the one that waits, signed by it after VERIFY.

        Raises KeyMissing, BadPinForm, WrongPin, PinBlocked.
        """
        key = self.public_key(role, waiting=waiting)
        if key is None:
            raise KeyMissing(role=role)
        self.jpki.verify_pin(role, pin)
        return certificate_request(subject, key.encode(), lambda info: self._sign(role, info, waiting=waiting))

    def prove(self, role: Role, certificate: bytes, pin: Pin, challenge: bytes, *, waiting: bool = False) -> None:
        """Makes the card sign a challenge after VERIFY, and checks the signature with the certificate (DER).

        Raises KeyMismatch where it does not verify, KeyMissing, BadPinForm, WrongPin, PinBlocked, and FormatError for
        the certificate.
        """
        public_key = certified_key(Certificate.parse(certificate), role)
        self.jpki.verify_pin(role, pin)
        signature = self._sign(role, challenge, waiting=waiting)
        try:
            public_key.verify(signature, challenge, padding.PKCS1v15(), SHA256())
        except InvalidSignature:
            raise KeyMismatch(role=role) from None

    def activate(self, role: Role, certificate: bytes) -> None:
        """Puts the key and the certificate that wait in the places of the old ones, at one go, on a sealed card.

        `certificate` (DER) is the one that waits; where it is the current one already, nothing is left to do. Raises
        KeyMissing where no key waits, KeyMismatch where the waiting certificate is absent or another key's.
        """
        self._require(sealed=True)
        try:
            self._commands.activate(self._key_file(role, waiting=True))
        except CardRefused as refused:
            if refused.status == _CONDITIONS:
                raise KeyMismatch(role=role) from None
            if refused.status != _NOT_FOUND:
                raise
            if self.public_key(role) != Certificate.parse(certificate).public_key:
                raise KeyMissing(role=role) from None

    def seal(self) -> None:
        """Ends personalisation for good; a sealed card stays sealed.

        It is refused (CardRefused, 6985) where a certificate is on the card without its key or without its PIN.
        """
        self._commands.seal()
        self.life_cycle = LifeCycle.SEALED

    def _sign(self, role: Role, message: bytes, *, waiting: bool) -> bytes:
        data = digest_info("sha256", hashlib.sha256(message).digest())
        try:
            if not waiting:
                return self.jpki.sign(role, data)
            parameter = self.profile.jpki.parameter_of(SigningScheme.PKCS1)
            if parameter is None:
                raise SchemeMissing(scheme=SigningScheme.PKCS1.value)
            return self._commands.sign(self._key_file(role, waiting=True), parameter, data)
        except CardRefused as refused:
            if refused.status == _NOT_FOUND:
                raise KeyMissing(role=role) from None
            raise

    def _files(self, role: Role) -> RoleFiles:
        files = self.profile.jpki.roles.get(role)
        if files is None:
            raise NoCertificate(role=role)
        return files

    def _key_file(self, role: Role, *, waiting: bool) -> int:
        key = self._files(role).key
        return key.next_file if waiting else key.file

    def _declared(self, file: int) -> TransparentFile:
        declared = self.profile.jpki.by_id[file]
        if not isinstance(declared, TransparentFile):
            raise TypeError(file)
        return declared

    def _require(self, *, sealed: bool) -> None:
        if self.sealed is not sealed:
            raise WrongLifeCycle(found=self.life_cycle.name.lower())

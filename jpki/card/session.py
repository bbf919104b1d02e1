"""A session with the JPKI application of a card (公的個人認証AP)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from card_profiles import CardProfile, Key, PinPolicy, RoleFiles, SigningScheme, TransparentFile
from jpki.formats import Certificate, Command, FormatError, Response, StatusWord, TokenInfo, parse_presence
from jpki.terms import Pin, Role

from .channel import Card
from .errors import (
    BadAnswer,
    BadCardFile,
    CardRefused,
    LastTry,
    NoAuthorityCertificate,
    NoCertificate,
    PinBlocked,
    PinNeeded,
    SchemeMissing,
    SessionEnded,
    WrongPin,
)
from .files import declared_file, read_der, read_fixed, select_file
from .pin_form import refuse_bad_form
from .selecting import select_application

__all__ = ["JpkiApplication"]

_VERIFY, _CHANGE, _SIGN = 0x20, 0x24, 0x2A
_PROPRIETARY = 0x80
_CURRENT_FILE = 0x80
_NEW_VALUE_ONLY = 0x01
_BLOCKED = StatusWord(0x6983)  # ISO/IEC 7816-4's word, whatever else the profile says
_WRONG_WITHOUT_COUNT = StatusWord(0x6300)
_SIGNATURE_LENGTHS = {"RSA-2048": 256}


class JpkiApplication:
    """The JPKI application of one card, selected.

    What was verified is remembered here, because the card does not tell: an empty VERIFY gives the tries left after a
    good one too. Every method may raise what the card below raises, CardRefused, and SessionEnded after the end.
    """

    def __init__(self, card: Card, profile: CardProfile) -> None:
        """Takes a card whose JPKI application is selected already; `select` selects it."""
        self._card = card
        self._profile = profile
        self._verified: set[str] = set()
        self._tries: dict[Role, int] = {}
        self._ended = False

    @classmethod
    @contextmanager
    def select(cls, card: Card, profile: CardProfile) -> Iterator[JpkiApplication]:
        """Selects the application, for a block in which no other program gets at the card; at its end it is logged out.

        Raises NotAJpkiCard, and what `exclusive()` of the connection raises.
        """
        with card.exclusive():
            select_application(card, profile.jpki.aid)
            session = cls(card, profile)
            try:
                yield session
            finally:
                session.end()

    @property
    def profile(self) -> CardProfile:
        """Returns the profile that the card is taken for."""
        return self._profile

    def end(self) -> None:
        """Ends the session on this side: it and its keys refuse every further use."""
        self._ended = True
        self._verified.clear()

    def token_info(self) -> TokenInfo:
        """Reads what the token says of itself (EF 0006); raises BadCardFile."""
        token = self._profile.jpki.token
        raw = b"" if token is None else self._read_fixed(token.file)
        try:
            return TokenInfo.parse(raw)
        except FormatError as error:
            raise BadCardFile(file=0 if token is None else token.file, problem=error.problem) from None

    def certificates_present(self) -> frozenset[Role]:
        """Reads which certificates the card says to carry (EF 0008).

        Where it has no such file it is every role; but none where the token information (EF 0006) is not there either:
        that is a card which is not issued yet.
        """
        presence = self._profile.jpki.presence
        if presence is None:
            return frozenset(self._profile.jpki.roles)
        try:
            return parse_presence(self._read_fixed(presence))
        except FormatError as error:
            raise BadCardFile(file=presence, problem=error.problem) from None
        except CardRefused as refused:
            if refused.status != self._profile.status.no_file:
                raise
            return frozenset(self._profile.jpki.roles if self._has_token_info() else ())

    def _has_token_info(self) -> bool:
        """Returns False only where the card says that the file is not there."""
        token = self._profile.jpki.token
        try:
            if token is not None:
                self._read_fixed(token.file)
        except CardRefused as refused:
            return refused.status != self._profile.status.no_file
        return True

    def tries_left(self, role: Role) -> int | None:
        """Asks how many wrong PINs are still allowed: 0 is blocked, None where the card does not say.

        Raises NoCertificate where the card has no such PIN.
        """
        policy = self._role(role).pin
        status = self._send(Command(0x00, _VERIFY, p2=self._reference(policy))).status
        left = self._judge_tries(role, policy, status)
        if left is None:
            self._tries.pop(role, None)
        else:
            self._tries[role] = left
        return left

    def _judge_tries(self, role: Role, policy: PinPolicy, status: StatusWord) -> int | None:
        if status.tries_left is not None:
            return status.tries_left
        if status.ok:
            return policy.tries  # verified already, and a good PIN gives all tries back
        if status == _WRONG_WITHOUT_COUNT:
            return None
        self._refuse_unless_blocked(role, policy, status)
        return 0

    def verify_pin(self, role: Role, pin: Pin, *, allow_last_try: bool = True, tries_left: int | None = None) -> None:
        """Verifies a PIN: from then on its key signs, and what it protects can be read.

        Raises BadPinForm before the card sees a PIN of another form, WrongPin and PinBlocked. Where the last try is not
        allowed it raises LastTry instead of using it: `tries_left` says what the caller knows, else what this session
        knows counts, else the card is asked, which costs one exchange.
        """
        policy = self._role(role).pin
        refuse_bad_form(role, policy, pin)
        if not allow_last_try:
            self._refuse_last_try(role, tries_left)
        command = Command(0x00, _VERIFY, p2=self._reference(policy), data=pin)
        # Before the exchange: if its answer is lost, nothing is known of the PIN or its tries.
        self._verified.discard(policy.name)
        self._tries.pop(role, None)
        status = self._send(command).status
        if not status.ok:
            self._refuse_pin(role, policy, status)
        self._verified.add(policy.name)
        self._tries[role] = policy.tries

    def _refuse_last_try(self, role: Role, tries_left: int | None) -> None:
        known = self._tries.get(role) if tries_left is None else tries_left
        known = self.tries_left(role) if known is None else known
        if known == 1:
            raise LastTry(role=role)

    def _refuse_pin(self, role: Role, policy: PinPolicy, status: StatusWord) -> None:
        if status.tries_left is not None:
            self._tries[role] = status.tries_left
        if status.tries_left is not None or status == _WRONG_WITHOUT_COUNT:
            raise WrongPin(role=role, tries_left=status.tries_left)
        self._refuse_unless_blocked(role, policy, status)
        raise PinBlocked(role=role)

    def _refuse_unless_blocked(self, role: Role, policy: PinPolicy, status: StatusWord) -> None:
        if status not in (policy.blocked, _BLOCKED):
            raise CardRefused(command="VERIFY", status=status)
        # A PIN that was never set answers like a blocked one.
        if role not in self.certificates_present():
            raise NoCertificate(role=role)

    def verified(self, role: Role) -> bool:
        """Returns whether the PIN of a role was verified in this session."""
        return self._role(role).pin.name in self._verified

    def change_pin(self, role: Role, new: Pin) -> None:
        """Gives a verified PIN a new value; raises PinNeeded, and BadPinForm before the card sees it."""
        policy = self._role(role).pin
        refuse_bad_form(role, policy, new)
        self._need(role, (policy.name,))
        command = Command(0x00, _CHANGE, _NEW_VALUE_ONLY, self._reference(policy), new)
        self._check("CHANGE REFERENCE DATA", role, self._send(command))

    def read_certificate(self, role: Role) -> Certificate:
        """Reads the holder's certificate. Raises PinNeeded where the card wants its PIN, NoCertificate, BadCardFile."""
        certificate = self._read(role, self._role(role).certificate)
        if certificate is None:
            raise NoCertificate(role=role)
        return certificate

    def read_authority_certificate(self, role: Role) -> Certificate:
        """Reads the authority's certificate; raises PinNeeded, NoAuthorityCertificate and BadCardFile."""
        certificate = self._read(role, self._role(role).authority_certificate)
        if certificate is None:
            raise NoAuthorityCertificate(role=role)
        return certificate

    def sign(self, role: Role, data: bytes, scheme: SigningScheme = SigningScheme.PKCS1) -> bytes:
        """Signs with the key of a role. PKCS1 pads `data` as it is: a DigestInfo; the other schemes take what they say.

        Returns the signature, 256 bytes for RSA-2048. Raises PinNeeded, SchemeMissing and NoCertificate.
        """
        key = self._role(role).key
        parameter = self._profile.jpki.parameter_of(scheme)
        if parameter is None:
            raise SchemeMissing(scheme=scheme.value)
        self._need(role, key.pins)
        length = _SIGNATURE_LENGTHS[key.algorithm]
        command = Command(_PROPRIETARY, _SIGN, parameter, self._reference(key), data, length)
        signature = self._check("COMPUTE DIGITAL SIGNATURE", role, self._send(command)).data
        if len(signature) != length:
            raise BadAnswer(problem=f"a signature of {len(signature)} bytes")
        return signature

    def _read(self, role: Role, file: TransparentFile) -> Certificate | None:
        if not file.read.free:
            self._need(role, file.read.pins)
        try:
            self._refuse_ended()
            raw = read_der(self._card, file, self._profile.status)
            return None if raw is None else Certificate.parse(raw)
        except FormatError as error:
            raise BadCardFile(file=file.id, problem=error.problem) from None
        except CardRefused as refused:
            if refused.status != self._profile.status.not_allowed:
                raise
            raise PinNeeded(role=role) from None

    def _read_fixed(self, file: int) -> bytes:
        self._refuse_ended()
        return read_fixed(self._card, declared_file(self._profile.jpki, file))

    def _role(self, role: Role) -> RoleFiles:
        found = self._profile.jpki.roles.get(role)
        if found is None:
            raise NoCertificate(role=role)
        return found

    def _need(self, role: Role, pins: tuple[str, ...]) -> None:
        self._refuse_ended()
        if self._verified.isdisjoint(pins):
            raise PinNeeded(role=role)

    def _reference(self, file: PinPolicy | Key) -> int:
        if file.short_id is not None:
            return _CURRENT_FILE | file.short_id
        self._refuse_ended()
        select_file(self._card, file.file)
        return _CURRENT_FILE

    def _check(self, command: str, role: Role, response: Response) -> Response:
        if response.status == self._profile.status.not_allowed:
            # The card was power-cycled, or never was where this side thought it to be.
            self._verified.clear()
            raise PinNeeded(role=role)
        if not response.ok:
            raise CardRefused(command=command, status=response.status)
        return response

    def _send(self, command: Command) -> Response:
        self._refuse_ended()
        return self._card.send(command)

    def _refuse_ended(self) -> None:
        if self._ended:
            raise SessionEnded

"""The host's end of the secure channel to a card's issuer domain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from card_profiles import CardProfile
from jpki.formats import (
    CHALLENGE_LENGTH,
    INITIALIZE_UPDATE,
    MAX_SHORT_LE,
    WELL_KNOWN_KEYS,
    CardKeys,
    Command,
    FormatError,
    Handshake,
    HostSession,
    InitializeUpdateAnswer,
    IssuerMasterKey,
    Response,
    SecurityLevel,
)
from jpki.terms import Secret

from .channel import Card, Wrapped
from .errors import BadAnswer, CardKeysBlocked, CardRefused, ChannelBroken, WrongCardKeys

__all__ = ["IssuerChannel", "Secured", "open_issuer_channel"]

_GLOBALPLATFORM = 0x80
_ANY_VERSION = 0x00
_BLOCKED = 0x6983
_WRONG_CRYPTOGRAM = 0x6300
_SESSION_OVER = (0x6987, 0x6988)


class Secured(Wrapped):
    """A card inside a secure channel: every command is wrapped, every answer checked and unwrapped.

    It stands above whatever brings long bodies and answers over: `Resolving(Encoded(connection))` by chaining, or with
    `extended` `Completing(Encoded(connection))` by extended length fields. Once an exchange failed, host and card may
    count differently, and every further command raises ChannelBroken.
    """

    def __init__(self, card: Card, session: HostSession, *, extended: bool = False) -> None:
        super().__init__(card)
        self._session = session
        self._extended = extended
        self._broken = False

    def send(self, command: Command) -> Response:
        """Brings the response in clear; raises ChannelBroken where it is not the card's, or the channel is over."""
        if self._broken:
            raise ChannelBroken(problem="used after it broke")
        self._broken = True
        le = command.le
        if le is not None and not self._extended:
            le = min(le, MAX_SHORT_LE)
        response = self._card.send(self._session.wrap(replace(command, le=le)))
        if response.status in _SESSION_OVER:
            raise ChannelBroken(problem="the card ended it")
        try:
            response = self._session.unwrap(response)
        except FormatError as error:
            raise ChannelBroken(problem=error.problem) from None
        self._broken = False
        if command.le is None or command.le >= MAX_SHORT_LE:
            return response
        # Inside the channel Le says what the protected answer may take, so the card may have given more than was asked.
        return replace(response, data=response.data[: command.le])


@dataclass(frozen=True, slots=True)
class IssuerChannel:
    """An open channel: the card inside it, its serial number (10 bytes), and the keys that opened it."""

    card: Secured
    serial: bytes
    key_version: int
    keys: CardKeys = field(repr=False)

    @property
    def data_key(self) -> Secret:
        """Returns the key under which new card keys travel."""
        return self.keys.data


def open_issuer_channel(
    card: Card,
    profile: CardProfile,
    keys: CardKeys | IssuerMasterKey,
    random: Callable[[int], bytes],
    *,
    extended: bool = False,
) -> IssuerChannel:
    """Opens a channel to the issuer domain at the profile's security level, with the keys that the card should have.

    A card as manufactured is opened with the well-known keys, whatever `keys` are; any other with `keys`, or with those
    that derive from a master key and the card's serial number. The well-known keys are never tried on a card that
    has its own. A wrong key shows in the card's cryptogram, before the card could count a failure.

    Raises WrongCardKeys (`counted` tells whether the card counted a failure: do not try again with these keys),
    CardKeysBlocked (five failures in a row: for good), CardRefused, BadAnswer, ChannelBroken.
    Source: docs/personalisation.md, "The secure channel".
    """
    host_challenge = random(CHALLENGE_LENGTH)
    greeting = _initialize_update(card, host_challenge)
    chosen = _keys_for(greeting, profile, keys)
    handshake = Handshake.of(chosen, host_challenge, greeting.card_challenge)
    if handshake.card_cryptogram != greeting.card_cryptogram:
        raise _wrong_keys(greeting, counted=False)
    session = HostSession(handshake, SecurityLevel.of(profile.issuer.security_level))
    response = card.send(session.external_authenticate())
    if response.status == _WRONG_CRYPTOGRAM:
        raise _wrong_keys(greeting, counted=True)
    if not response.ok:
        raise CardRefused(command="EXTERNAL AUTHENTICATE", status=response.status)
    return IssuerChannel(Secured(card, session, extended=extended), greeting.serial, greeting.key_version, chosen)


def _initialize_update(card: Card, host_challenge: bytes) -> InitializeUpdateAnswer:
    command = Command(_GLOBALPLATFORM, INITIALIZE_UPDATE, _ANY_VERSION, 0x00, host_challenge, MAX_SHORT_LE)
    response = card.send(command)
    if response.status == _BLOCKED:
        raise CardKeysBlocked
    if not response.ok:
        raise CardRefused(command="INITIALIZE UPDATE", status=response.status)
    try:
        return InitializeUpdateAnswer.parse(response.data)
    except FormatError as error:
        raise BadAnswer(problem=error.problem) from None


def _keys_for(greeting: InitializeUpdateAnswer, profile: CardProfile, keys: CardKeys | IssuerMasterKey) -> CardKeys:
    if greeting.key_version == profile.issuer.blank_version:
        return WELL_KNOWN_KEYS
    own = keys.keys_of(greeting.serial) if isinstance(keys, IssuerMasterKey) else keys
    if greeting.key_version != profile.issuer.own_version or WELL_KNOWN_KEYS.mac in own.in_order:
        raise _wrong_keys(greeting, counted=False)
    return own


def _wrong_keys(greeting: InitializeUpdateAnswer, *, counted: bool) -> WrongCardKeys:
    return WrongCardKeys(serial=greeting.serial, key_version=greeting.key_version, counted=counted)

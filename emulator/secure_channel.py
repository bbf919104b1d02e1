"""The card's end of the secure channel: INITIALIZE UPDATE, EXTERNAL AUTHENTICATE, and the open channel itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jpki.formats import (
    CHALLENGE_LENGTH,
    CardKeys,
    CardSession,
    Command,
    FormatError,
    Handshake,
    InitializeUpdateAnswer,
    Response,
    StatusWord,
)
from jpki.terms import Secret

from .session import Refusal, Session
from .state import IssuerKeys

__all__ = ["OpenChannel", "external_authenticate", "initialize_update"]

_AUTHENTICATION_LENGTH = 16
_FAILED = StatusWord(0x6300)
_LOCKED = StatusWord(0x6983)
_BROKEN = StatusWord(0x6988)
_NO_SUCH_KEYS = StatusWord(0x6A88)
_DONE = Response()


class OpenChannel:
    """A channel that a host opened: `own`, whether by the card's own keys; `data_key`, under which new keys travel."""

    def __init__(self, session: CardSession, *, own: bool, data_key: Secret) -> None:
        self._session = session
        self._own = own
        self.data_key = data_key

    @property
    def own(self) -> bool:
        """Returns whether it was opened with the card's own keys."""
        return self._own

    def unwrap(self, command: Command) -> Command:
        """Returns the plain command; refuses one whose MAC or padding is wrong."""
        try:
            return self._session.unwrap(command)
        except FormatError:
            raise Refusal(_BROKEN) from None

    def wrap(self, response: Response) -> Response:
        """Returns the protected response."""
        return self._session.wrap(response)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What INITIALIZE UPDATE leaves for EXTERNAL AUTHENTICATE."""

    handshake: Handshake
    keys: IssuerKeys


def initialize_update(session: Session, command: Command) -> Response:
    """Answers INITIALIZE UPDATE (80 50 with a body of eight bytes): challenges and the card's cryptogram.

    Without a body the same bytes are JICSAP's LOCK DF, which this card does not have.
    Source: docs/personalisation.md, "The secure channel".
    """
    status = session.profile.status
    session.end_channel()
    if not command.body:
        raise Refusal(status.instruction)
    if command.p2:
        raise Refusal(status.parameters)
    if len(command.body) != CHALLENGE_LENGTH:
        raise Refusal(status.length)
    if session.state.failed_authentications >= session.profile.issuer.tries:
        raise Refusal(_LOCKED)
    keys = session.state.issuer_keys
    if command.p1 not in (0x00, keys.version):
        raise Refusal(_NO_SUCH_KEYS)
    card_challenge = session.random(CHALLENGE_LENGTH)
    handshake = Handshake.of(CardKeys(keys.enc, keys.mac, keys.dek), command.body, card_challenge)
    session.handshake = _Waiting(handshake, keys)
    options = session.profile.issuer.scp_options
    answer = InitializeUpdateAnswer(
        session.state.serial, keys.version, options, card_challenge, handshake.card_cryptogram
    )
    return Response(answer.encode())


def external_authenticate(session: Session, command: Command) -> Response:
    """Answers EXTERNAL AUTHENTICATE (84 82): one attempt for each INITIALIZE UPDATE, counted before it is judged.

    Source: docs/personalisation.md, "The secure channel".
    """
    status = session.profile.status
    waiting, session.handshake = session.handshake, None
    if not isinstance(waiting, _Waiting):
        raise Refusal(status.conditions)
    if command.p1 != session.profile.issuer.security_level or command.p2:
        raise Refusal(status.parameters)
    if len(command.body) != _AUTHENTICATION_LENGTH:
        raise Refusal(status.length)
    # The counter lasts before the comparison: a power cut must not refund an attempt.
    failed = session.state.failed_authentications
    session.commit(replace(session.state, failed_authentications=failed + 1))
    opened = CardSession(waiting.handshake)
    try:
        opened.authenticate(command)
    except FormatError:
        return Response(status=_FAILED)
    session.commit(replace(session.state, failed_authentications=0))
    own = waiting.keys.version == session.profile.issuer.own_version
    session.channel = OpenChannel(opened, own=own, data_key=waiting.keys.dek)
    return _DONE

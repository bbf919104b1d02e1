"""VERIFY and CHANGE REFERENCE DATA: the PINs of an application and their counters."""

from __future__ import annotations

import hmac
import re
from dataclasses import replace

from card_profiles import LONGEST_PIN, PinPolicy
from jpki.formats import Command, Response, StatusWord
from jpki.terms import Secret

from .session import Refusal, Session
from .state import PinState

__all__ = ["change_reference_data", "pin_policy", "verify"]

_NEW_VALUE_ONLY = 0x01
_NOT_SET = StatusWord(0x6984)
_BAD_VALUE = StatusWord(0x6A80)
_DONE = Response()


def verify(session: Session, command: Command) -> Response:
    """Answers VERIFY (00 20): compares 1 to 16 bytes with the PIN, or tells the tries left where there is no data.

    More than 16 bytes are a wrong length and no try. Source: docs/facts.md, commands; length: JICSAP 1.1, 6.4.9.
    """
    if command.p1:
        raise Refusal(session.profile.status.parameters)
    policy = pin_policy(session, command.p2)
    state = session.contents.pins.get(policy.name)
    if state is None:
        raise Refusal(_NOT_SET)
    given = command.body
    if not given:
        return Response(status=_tries(state.tries_left))
    if len(given) > LONGEST_PIN:
        raise Refusal(session.profile.status.length)
    if not state.tries_left:
        raise Refusal(policy.blocked)
    return _compare(session, policy, state, given)


def _compare(session: Session, policy: PinPolicy, state: PinState, given: bytes) -> Response:
    session.verified.discard(policy.name)
    # The counter lasts before the comparison: a power cut must not refund a try.
    counted = replace(state, tries_left=state.tries_left - 1)
    session.commit_contents(session.contents.with_pin(policy.name, counted))
    if not hmac.compare_digest(_padded(given), _padded(state.pin.reveal())):
        return Response(status=_tries(counted.tries_left))
    session.commit_contents(session.contents.with_pin(policy.name, replace(state, tries_left=policy.tries)))
    session.verified.add(policy.name)
    return _DONE


def change_reference_data(session: Session, command: Command) -> Response:
    """Answers CHANGE REFERENCE DATA (00 24 01): a verified PIN gets a new value, and all its tries.

    A value that the profile's PIN policy does not accept is refused with 6A80. Source: docs/facts.md, commands.
    """
    status = session.profile.status
    if command.p1 != _NEW_VALUE_ONLY:
        raise Refusal(status.parameters)
    policy = pin_policy(session, command.p2)
    if policy.name not in session.verified:
        raise Refusal(status.not_allowed)
    new = command.body
    if not 1 <= len(new) <= LONGEST_PIN:
        raise Refusal(status.length)
    if re.fullmatch(policy.format.encode(), new) is None:
        raise Refusal(_BAD_VALUE)
    session.commit_contents(session.contents.with_pin(policy.name, PinState(Secret(new), policy.tries)))
    return _DONE


def pin_policy(session: Session, reference: int) -> PinPolicy:
    """Returns the PIN that P2 of a command names; refuses what is no PIN."""
    declared = session.refer(reference)
    if not isinstance(declared, PinPolicy):
        raise Refusal(session.profile.status.internal)
    return declared


def _tries(left: int) -> StatusWord:
    return StatusWord(0x63C0 | left)


def _padded(pin: bytes) -> bytes:
    # One length for all, so that the time of the comparison does not tell the PIN's.
    return bytes((len(pin),)) + pin.ljust(LONGEST_PIN, b"\x00")

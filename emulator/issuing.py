"""When the issuer's commands work: inside which channel, and in which part of a card's life.

Source: docs/personalisation.md, "Commands inside the channel".
"""

from __future__ import annotations

from .session import Refusal, Session
from .state import LifeCycle

__all__ = ["require_own", "require_personalising", "require_sealed"]


def require_own(session: Session) -> None:
    """Refuses a command that came by another way than a channel opened with the card's own keys."""
    if not session.own:
        raise Refusal(session.profile.status.not_allowed)


def require_personalising(session: Session) -> None:
    """Refuses a command outside the card's own channel, or on a sealed card."""
    require_own(session)
    if session.state.life_cycle is LifeCycle.SEALED:
        raise Refusal(session.profile.status.conditions)


def require_sealed(session: Session) -> None:
    """Refuses a command outside the card's own channel, or on a card that is not sealed."""
    require_own(session)
    if session.state.life_cycle is not LifeCycle.SEALED:
        raise Refusal(session.profile.status.conditions)

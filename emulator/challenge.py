"""GET CHALLENGE: random bytes from the card."""

from __future__ import annotations

from jpki.formats import MAX_SHORT_LE, Command, Response

from .session import Refusal, Session

__all__ = ["get_challenge"]


def get_challenge(session: Session, command: Command) -> Response:
    """Answers GET CHALLENGE (00 84 00 00): 1 to 256 random bytes. Source: docs/facts.md, commands."""
    status = session.profile.status
    if command.p1 or command.p2:
        raise Refusal(status.parameters)
    if command.le is None or command.data:
        raise Refusal(status.length)
    if command.le > MAX_SHORT_LE:
        raise Refusal(status.conditions)
    return Response(session.random(command.le))

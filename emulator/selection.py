"""SELECT: an application by its name or the beginning of it, a file of the current application, the master file."""

from __future__ import annotations

from card_profiles import Application
from jpki.formats import Command, Response

from .session import Refusal, Session

__all__ = ["select"]

_BY_NAME, _CHILD_FILE, _BY_IDENTIFIER = 0x04, 0x02, 0x00
_ANSWERS = (0x00, 0x0C)  # with file control information, which this card does not have, or without
_DONE = Response()


def select(session: Session, command: Command) -> Response:
    """Answers SELECT (00 A4). Source: docs/facts.md, commands; prefixes: JICSAP 1.1, 4.2."""
    if command.p1 == _CHILD_FILE and command.p2 in _ANSWERS:
        return _select_file(session, command.body)
    if command.p1 == _BY_NAME and command.p2 in _ANSWERS:
        session.select(_application(session, command.body))
        return _DONE
    if command.p1 == _BY_IDENTIFIER:
        return _select_master_file(session, command.body)
    raise Refusal(session.profile.status.parameters)


def _application(session: Session, name: bytes) -> Application | None:
    # An empty name means the issuer domain, as GlobalPlatform has it.
    if session.profile.issuer.aid.startswith(name):
        return None
    for application in session.profile.applications:
        if application.aid.startswith(name):
            return application
    raise Refusal(session.profile.status.no_file)


def _select_file(session: Session, identifier: bytes) -> Response:
    if len(identifier) != 2:
        raise Refusal(session.profile.status.length)
    if session.application is None:
        raise Refusal(session.profile.status.no_file)
    file = int.from_bytes(identifier, "big")
    session.find(file)
    session.file = file
    return _DONE


def _select_master_file(session: Session, identifier: bytes) -> Response:
    if identifier:
        raise Refusal(session.profile.status.no_file)
    if session.application is None:
        raise Refusal(session.profile.status.parameters)
    return _DONE  # and without effect: the application stays selected

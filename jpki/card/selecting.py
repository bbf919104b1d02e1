"""Selecting an application of a card."""

from __future__ import annotations

from jpki.formats import Command, StatusWord

from .channel import Card
from .errors import CardRefused, NotAJpkiCard

__all__ = ["select_application"]

_NO_DIAGNOSIS = StatusWord(0x6F00)
_NO_FILE = StatusWord(0x6A82)


def select_application(card: Card, aid: bytes) -> None:
    """Selects an application by its AID, without asking for its description.

    Some cards answer the first command after a power-off with 6F00 and do not carry it out: it is sent once more.
    Raises NotAJpkiCard where the card does not know the AID, and CardRefused. Source: docs/facts.md, commands.
    """
    command = Command(0x00, 0xA4, 0x04, 0x0C, aid)
    status = card.send(command).status
    if status == _NO_DIAGNOSIS:
        status = card.send(command).status
    if status == _NO_FILE:
        raise NotAJpkiCard
    if not status.ok:
        raise CardRefused(command="SELECT", status=status)

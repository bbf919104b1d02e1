"""Cards that fail, and cards that take their time: for tests of whatever stands above."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from jpki.formats import Command, Response, StatusWord

from .channel import Card, Wrapped
from .errors import CardRemoved

__all__ = ["Fault", "Faulty", "Slow", "answering", "lost", "pulled"]

Fault: TypeAlias = Callable[[Card, Command], Response]


def pulled(card: Card, command: Command) -> Response:
    """Is the card taken out before the command reaches it."""
    raise CardRemoved(reader="faulty")


def lost(card: Card, command: Command) -> Response:
    """Is the card taken out after it did what it was told, and before its answer is there."""
    card.send(command)
    raise CardRemoved(reader="faulty")


def answering(status: int, data: bytes = b"") -> Fault:
    """Returns the fault of a card that does nothing and answers this."""

    def answer(card: Card, command: Command) -> Response:
        return Response(data, StatusWord(status))

    return answer


class Faulty(Wrapped):
    """A card that fails at its exchange number `at`, counted from 1, and at no other."""

    def __init__(self, card: Card, at: int, fault: Fault = pulled) -> None:
        super().__init__(card)
        self._at = at
        self._fault = fault
        self._number = 0

    def send(self, command: Command) -> Response:
        """Brings the response of the card below, or what the fault makes of it."""
        self._number += 1
        return self._fault(self._card, command) if self._number == self._at else self._card.send(command)


class Slow(Wrapped):
    """A card that takes `per_exchange` seconds more for each exchange; `sleep` makes them pass."""

    def __init__(self, card: Card, per_exchange: float, sleep: Callable[[float], None]) -> None:
        super().__init__(card)
        self._per_exchange = per_exchange
        self._sleep = sleep

    def send(self, command: Command) -> Response:
        """Brings the response of the card below, later."""
        self._sleep(self._per_exchange)
        return self._card.send(command)

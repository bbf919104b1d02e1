"""What went over the line to a card, without anything in it that nobody may read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jpki.formats import Command, Response, StatusWord
from jpki.terms import HIDDEN

from .channel import Card, Wrapped

__all__ = ["SECRET_BODIES", "Exchange", "Traced"]

_SECURE_MESSAGING = 0x0C
# Commands whose bodies hold neither secrets nor anything of a person: SELECT, and the names and sizes of
# personalisation. Of any other body only the length is shown, of those below not even that.
_OPEN_BODIES = frozenset({0xA4, 0xE0, 0x44, 0x47, 0xF0, 0xF2, 0x50})
# VERIFY, CHANGE, RESET, DISABLE and ENABLE in both forms (ISO/IEC 7816-4), initial PINs and imported keys, PUT KEY,
# PUT DATA, STORE DATA, and ENVELOPE, which holds another command.
SECRET_BODIES = frozenset(
    {0x20, 0x21, 0x24, 0x25, 0x26, 0x28, 0x2C, 0x2D, 0x32, 0x54, 0xC2, 0xC3, 0xD8, 0xDA, 0xDB, 0xE2}
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One exchange: its number from 1, when it began and how long it took by the tracer's clock, and what may be shown.

    `command` is the header in hexadecimal, then the body, its length, or `•••`; `le` is the number of bytes asked for.
    Of the response there are the length of its data and its status word, or the name of the error instead of one.
    """

    number: int
    began: float
    took: float
    command: str
    le: int | None
    length: int
    status: StatusWord | None
    error: str | None

    def __str__(self) -> str:
        le = "" if self.le is None else f" Le={self.le}"
        answer = self.error if self.status is None else f"{self.length} bytes {self.status}"
        return f"{self.number:4} {self.took * 1000:8.2f} ms  {self.command}{le} -> {answer}"


class Traced(Wrapped):
    """Tells `log` about each exchange; `clock` gives seconds.

    No secret can appear: no data of a response is shown, and no body of a command but those of the few commands that
    hold only names of files and applications. Put it on the lowest card to see each exchange as it is.
    """

    def __init__(self, card: Card, log: Callable[[Exchange], None], clock: Callable[[], float]) -> None:
        super().__init__(card)
        self._log = log
        self._clock = clock
        self._number = 0

    def send(self, command: Command) -> Response:
        """Brings the response of the card below, and logs the exchange, an error included."""
        self._number += 1
        began = self._clock()
        response: Response | None = None
        error: str | None = None
        try:
            response = self._card.send(command)
            return response
        except BaseException as raised:
            error = type(raised).__name__
            raise
        finally:
            took = self._clock() - began
            length, status = (len(response.data), response.status) if response else (0, None)
            self._log(Exchange(self._number, began, took, _shown(command), command.le, length, status, error))


def _shown(command: Command) -> str:
    header = command.header.hex().upper()
    if command.secret or command.ins in SECRET_BODIES:
        return f"{header} {HIDDEN}" if command.body else header
    if not command.body:
        return header
    if command.ins in _OPEN_BODIES and not command.cla & _SECURE_MESSAGING:
        return f"{header} {command.body.hex().upper()}"
    return f"{header} ({len(command.body)} bytes)"

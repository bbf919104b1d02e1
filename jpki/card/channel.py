"""The seam between this toolkit and a card: bytes below it, commands and responses above."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self

from jpki.formats import Command, FormatError, Response

from .errors import BadAnswer

__all__ = ["Card", "Channel", "Connection", "Device", "Encoded", "Wrapped"]


class Channel(Protocol):
    """A way to one card: a PC/SC reader, the emulator in this process."""

    def transmit(self, command: bytes) -> bytes:
        """Carries one command to the card and brings its response; raises CardError where either is lost."""
        ...


class Connection(Channel, Protocol):
    """A channel that was opened and will be closed, to a card that other programs may use as well.

    It ends with the card logged out: whatever may have logged in, a VERIFY with a body or any command that this toolkit
    does not know to be harmless, makes the end of `exclusive()` and `close()` a power-off (docs/card.md, logged out).
    """

    @property
    def name(self) -> str:
        """Returns the name of the reader."""
        ...

    def exclusive(self) -> AbstractContextManager[None]:
        """Keeps every other program off the card while it lasts, and power-cycles the card at its end if need be.

        It raises CardBusy where another program does not let go in time, and CardChanged or CardRemoved where the card
        is not the one that the connection was opened with. It may be nested.
        """
        ...

    def close(self) -> None:
        """Ends the connection, the card logged out. It raises nothing, and may be called again."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class Device(Protocol):
    """A card in this process, as LocalConnection drives it; the emulator's card is one."""

    def transmit(self, command: bytes) -> bytes:
        """Brings the response to one command."""
        ...

    def power_on(self) -> bytes:
        """Brings the answer to reset."""
        ...

    def power_off(self) -> None:
        """Takes the power away: whatever was verified is forgotten."""
        ...


class Card(Protocol):
    """A card that takes commands. Wrappers stand on one another; `Wrapped` gives a new one all that it leaves alone."""

    def send(self, command: Command) -> Response:
        """Brings the card's response to a command, whatever its status word; raises CardError where there is none."""
        ...

    def exclusive(self) -> AbstractContextManager[None]:
        """Keeps every other program off the card while it lasts: see Connection."""
        ...


class Encoded:
    """The lowest card: it turns commands into bytes for a connection, and bytes into responses."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send(self, command: Command) -> Response:
        """Brings the card's response; raises BadAnswer where it has no status word."""
        raw = self._connection.transmit(command.encode())
        try:
            return Response.decode(raw)
        except FormatError:
            # "from None": a cause would show the response, which nobody has looked at.
            raise BadAnswer(problem="shorter than a status word") from None

    def exclusive(self) -> AbstractContextManager[None]:
        """Keeps every other program off the card while it lasts."""
        return self._connection.exclusive()


class Wrapped:
    """A card on top of a card; what a wrapper does not change goes through."""

    def __init__(self, card: Card) -> None:
        self._card = card

    def send(self, command: Command) -> Response:
        """Brings the response of the card below."""
        return self._card.send(command)

    def exclusive(self) -> AbstractContextManager[None]:
        """Keeps every other program off the card while it lasts."""
        return self._card.exclusive()

"""An emulated card, used by a command as a card in a reader is: its file is held during card operations only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from emulator import EmulatedCard, open_card
from jpki.card import CardChanged, ConnectionClosed

__all__ = ["CardFileConnection"]


class CardFileConnection:
    """A connection to the card in a card file, as `jpki.card.Connection` has it.

    The file is held, and the card has power, from the first use to the end of `exclusive()`; while a person types,
    another program may take the card. That it is the same card afterwards is told by its serial number.
    """

    def __init__(self, path: Path) -> None:
        """Looks at the card file, and raises what `open_card` raises."""
        self._path = path
        self._nesting = 0
        self._closed = False
        self._card: EmulatedCard | None = None
        with open_card(path) as card:
            self._serial = card.state.serial
            self.profile = card.profile

    @property
    def name(self) -> str:
        """Returns the path, in the place of a reader's name."""
        return str(self._path)

    def transmit(self, command: bytes) -> bytes:
        """Brings the card's response; raises what `exclusive` raises."""
        with self.exclusive():
            return self._taken().transmit(command)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Holds the card file, and powers the card off at the end; it may be nested.

        Raises CardFileBusy where another process holds it, CardChanged where another card is in the file now.
        """
        self._taken()
        self._nesting += 1
        try:
            yield
        finally:
            self._nesting -= 1
            if self._nesting == 0:
                self._let_go()

    def close(self) -> None:
        """Lets go of the card, without power."""
        self._closed = True
        self._let_go()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()

    def _taken(self) -> EmulatedCard:
        if self._closed:
            raise ConnectionClosed(reader=self.name)
        if self._card is None:
            self._card = open_card(self._path)
            if self._card.state.serial != self._serial:
                self._let_go()
                raise CardChanged(reader=self.name)
        return self._card

    def _let_go(self) -> None:
        if self._card is not None:
            self._card.close()
            self._card = None

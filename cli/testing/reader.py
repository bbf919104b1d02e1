"""A card in the virtual reader of the machine's PC/SC daemon, for the time of a test."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Self

from emulator import SLOT_PORTS, EmulatedCard, NoVirtualReader, ReaderSlotTaken

from ..virtual_reader import inserted, reader_of, virtual_slots
from .daemon import NoReaderHere, have_daemon, wait_until
from .locks import is_taken, take_lock

__all__ = ["CardInReader", "CardNotMoved"]

_LOCKS = tuple(f"slot-{slot}" for slot in range(len(SLOT_PORTS)))
_BETWEEN_TRIES = 0.05
_NOTICED_WITHIN = 5.0
# For slots that other tests have, a test waits as long as they do.
_OTHER_PROGRAMS_MAY_KEEP_SLOTS = 30.0


class CardNotMoved(Exception):
    """Says why a card could not be put in or taken out, in words for whoever reads the test report."""


class CardInReader:
    """A card in the virtual reader; `name` is what programs call that reader.

    Its slot is kept from other tests, in this and other processes, also while the card is out.
    """

    def __init__(self, card: EmulatedCard) -> None:
        self.card = card
        self.name = ""
        self._slot = 0
        self._slot_kept = ExitStack()
        self._inside: ExitStack | None = None

    def pull(self) -> None:
        """Takes the card out; when it returns, the daemon has noticed. Raises CardNotMoved where it does not."""
        if not self._take_out():
            raise CardNotMoved(f"the PC/SC daemon does not notice that {self.name} is empty")

    def put_back(self) -> None:
        """Puts the card into the same reader again; when it returns, the daemon has noticed.

        Raises CardNotMoved where it does not, NoReaderHere, and ReaderSlotTaken where another program was quicker.
        """
        self.pull()
        self._insert(self._slot)

    def __enter__(self) -> Self:
        have_daemon()
        deadline = time.monotonic() + _OTHER_PROGRAMS_MAY_KEEP_SLOTS
        while not self._insert_where_free():
            if any(map(is_taken, _LOCKS)):
                deadline = time.monotonic() + _OTHER_PROGRAMS_MAY_KEEP_SLOTS
            elif time.monotonic() > deadline:
                raise CardNotMoved("other programs have cards in the virtual reader: end one of them (jpki readers)")
            time.sleep(_BETWEEN_TRIES)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        with self._slot_kept:
            self._take_out()

    def _insert_where_free(self) -> bool:
        slots = virtual_slots()
        if not slots:
            raise NoReaderHere("pcscd has no virtual reader: apt-get install vsmartcard-vpcd, then restart pcscd")
        for slot, (reader, lock) in enumerate(zip(slots, _LOCKS, strict=False)):
            kept = None if reader.has_card else take_lock(lock, wait=False)
            if kept is None:
                continue
            with kept, suppress(ReaderSlotTaken):
                self._insert(slot)
                self._slot_kept = kept.pop_all()
                return True
        return False

    def _insert(self, slot: int) -> None:
        with ExitStack() as unless_seen:
            try:
                bridge = unless_seen.enter_context(inserted(self.card, slot))
            except NoVirtualReader as error:
                raise NoReaderHere(f"pcscd's virtual reader does not answer at port {error.port}") from None
            name = reader_of(bridge)
            if name is None:
                raise CardNotMoved("the PC/SC daemon does not notice the card that was put in")
            self.name, self._slot, self._inside = name, slot, unless_seen.pop_all()

    def _take_out(self) -> bool:
        inside, self._inside = self._inside, None
        if inside is None:
            return True
        movements = self._movements()
        inside.close()
        # Until then the next test would find this card beside its own.
        return wait_until(lambda: self._movements() != movements, _NOTICED_WITHIN)

    def _movements(self) -> int | None:
        """Returns how many cards have come to and gone from the reader: the next may be there as soon as it is free."""
        return next((reader.state >> 16 for reader in virtual_slots() or () if reader.name == self.name), None)

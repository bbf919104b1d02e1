"""An emulated card in the virtual reader, where every program of the machine sees it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from emulator import SLOT_PORTS, Bridge, EmulatedCard, insert_where_free
from jpki.card import Reader, readers
from jpki.errors import CardError

__all__ = ["inserted", "reader_of"]

_NAME = "Virtual PCD"
# The daemon looks for cards every 0.4 s.
_SEEN_WITHIN = 5.0
_BETWEEN_LOOKS = 0.05


@contextmanager
def inserted(card: EmulatedCard, slot: int | None = None) -> Iterator[Bridge]:
    """Puts a card into a slot of the virtual reader, or the first that is free, and takes it out at the end.

    A daemon that is started again gets the card again. Raises NoVirtualReader, ReaderSlotTaken.
    """
    ports = _likely_free_first() if slot is None else (SLOT_PORTS[slot],)
    bridge = insert_where_free(card, ports, reconnect=True)
    try:
        yield bridge
    finally:
        bridge.remove()


def reader_of(bridge: Bridge) -> str | None:
    """Returns the name of the reader that a card is in, once the daemon sees it there; None where nobody can tell."""
    slot = SLOT_PORTS.index(bridge.port)
    deadline = time.monotonic() + _SEEN_WITHIN
    while time.monotonic() < deadline:
        slots = _slots()
        if slots is None:
            return None
        if slot < len(slots) and slots[slot].has_card:
            return slots[slot].name
        time.sleep(_BETWEEN_LOOKS)
    return None


def _slots() -> list[Reader] | None:
    """Returns the slots in the order of their ports; None where the daemon cannot be asked."""
    try:
        return sorted((reader for reader in readers() if _NAME in reader.name), key=lambda reader: reader.name)
    except CardError:
        return None


def _likely_free_first() -> tuple[int, ...]:
    # A slot with a card in it takes seconds to say so.
    taken = [reader.has_card for reader in _slots() or ()]
    return tuple(sorted(SLOT_PORTS, key=lambda port: taken[at] if (at := SLOT_PORTS.index(port)) < len(taken) else 1))

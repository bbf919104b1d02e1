"""An emulated card in the virtual reader, where every program of the machine sees it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from emulator import SLOT_PORTS, Bridge, EmulatedCard, insert_where_free
from jpki.card import Reader, readers
from jpki.errors import CardError

__all__ = ["inserted", "reader_of", "virtual_slots"]

_NAME = "Virtual PCD"
# The daemon looks for cards every 0.4 s.
_SEEN_WITHIN = 5.0
_BETWEEN_LOOKS = 0.05
# A daemon that a service manager started ends after a minute in which no program used it.
_ASK_EVERY = 20.0


@contextmanager
def inserted(card: EmulatedCard, slot: int | None = None, *, ask_every: float = _ASK_EVERY) -> Iterator[Bridge]:
    """Puts a card into a slot of the virtual reader, or the first that is free, and takes it out at the end.

    A daemon that is started again gets the card again, and one that would end by itself is asked something every
    `ask_every` seconds, so that it stays. Raises NoVirtualReader, ReaderSlotTaken.
    """
    ports = _likely_free_first(virtual_slots())  # to be asked wakes a daemon that sleeps, whichever slot is wanted
    bridge = insert_where_free(card, ports if slot is None else (SLOT_PORTS[slot],), reconnect=True)
    ended = threading.Event()
    asking = threading.Thread(target=_keep_asking, args=(ask_every, ended), name="keep the daemon", daemon=True)
    asking.start()
    try:
        yield bridge
    finally:
        ended.set()
        bridge.remove()
        asking.join(_SEEN_WITHIN)


def reader_of(bridge: Bridge) -> str | None:
    """Returns the name of the reader that a card is in, once the daemon sees it there; None where nobody can tell."""
    slot = SLOT_PORTS.index(bridge.port)
    deadline = time.monotonic() + _SEEN_WITHIN
    while time.monotonic() < deadline:
        slots = virtual_slots()
        if slots is None:
            return None
        if slot < len(slots) and slots[slot].has_card:
            return slots[slot].name
        time.sleep(_BETWEEN_LOOKS)
    return None


def virtual_slots() -> list[Reader] | None:
    """Returns the slots in the order of their ports; None where the daemon cannot be asked."""
    try:
        return sorted((reader for reader in readers() if _NAME in reader.name), key=lambda reader: reader.name)
    except CardError:
        return None


def _keep_asking(seconds: float, ended: threading.Event) -> None:
    while not ended.wait(seconds):
        virtual_slots()


def _likely_free_first(slots: list[Reader] | None) -> tuple[int, ...]:
    # A slot with a card in it takes seconds to say so.
    taken = [reader.has_card for reader in slots or ()]
    return tuple(sorted(SLOT_PORTS, key=lambda port: taken[at] if (at := SLOT_PORTS.index(port)) < len(taken) else 1))

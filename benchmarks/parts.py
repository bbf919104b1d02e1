"""The real parts that benchmarks share with the tests: finished cards, and the virtual reader of the real daemon."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from certified_cards import PINS, certified_state
from prime_pool import PrimePool
from readers_with_cards import Slot
from virtual_reader import pcsc_daemon, reader_alone, until, virtual_readers

from card_profiles import load_profile
from emulator import EmulatedCard, InsertableCard, VolatileMemory

__all__ = [
    "PINS",
    "CountedCard",
    "finished_card",
    "inserted",
    "pcsc_daemon",
    "raw_transmit",
    "until",
    "virtual_readers",
]


def finished_card() -> EmulatedCard:
    """Returns a sealed My Number Card with both certificates, kept in memory."""
    profile = load_profile("mynumber")
    return EmulatedCard(profile, VolatileMemory(certified_state(profile.name)), keys=PrimePool(1))


class CountedCard:
    """A card that counts the exchanges it sees, whoever sends them."""

    def __init__(self, card: InsertableCard) -> None:
        self._card = card
        self.exchanges = 0

    def power_on(self) -> bytes:
        return self._card.power_on()

    def power_off(self) -> None:
        self._card.power_off()

    def reset(self) -> bytes:
        return self._card.reset()

    def transmit(self, command: bytes) -> bytes:
        self.exchanges += 1
        return self._card.transmit(command)


@contextmanager
def inserted(*cards: InsertableCard) -> Iterator[tuple[Slot, ...]]:
    """Puts cards into the virtual reader of a running daemon, or of one that is started for it."""
    with contextmanager(pcsc_daemon.__wrapped__)(), reader_alone():
        slots = []
        try:
            for card in cards:
                slots.append(Slot(card))
            yield tuple(slots)
        finally:
            for slot in slots:
                slot.pull_and_wait()


@contextmanager
def raw_transmit(slot: Slot) -> Iterator[Callable[[bytes], object]]:
    """Opens the card in a slot with nothing but pyscard, and gives the function that sends it a command."""
    from smartcard.System import readers

    connection = next(reader for reader in readers() if reader.name == slot.name).createConnection()
    connection.connect()
    try:
        yield lambda command: connection.transmit(list(command))
    finally:
        connection.release()

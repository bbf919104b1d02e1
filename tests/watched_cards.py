"""Emulated cards in a reader of the real daemon that can be watched, and what is done with them there."""

from __future__ import annotations

import threading
from collections.abc import Callable

from certified_cards import AUTH_PIN, certified_state
from logins import is_logged_out
from readers_with_cards import Slot

from card_profiles import CardProfile, load_profile
from emulator import EmulatedCard, VolatileMemory
from jpki.card import Card, JpkiApplication, Limits, open_reader
from jpki.formats import digest_info
from jpki.terms import Role

DIGEST_INFO = digest_info("sha256", bytes(32))
IMPATIENT = Limits(busy=1.0, answer=2.0, end=0.5)
MY_NUMBER = load_profile("mynumber")


class WatchedCard(EmulatedCard):
    """An emulated card that keeps when it lost its power, and that can be told to stop answering."""

    def __init__(self, profile: CardProfile = MY_NUMBER, *, stumbles: bool = False) -> None:
        super().__init__(profile, VolatileMemory(certified_state(profile.name)), strict=True, stumbles=stumbles)
        self.lost_power = threading.Event()
        self.asked = threading.Event()
        self.answers = threading.Event()
        self.answers.set()

    def power_off(self) -> None:
        super().power_off()
        self.lost_power.set()

    def transmit(self, command: bytes) -> bytes:
        self.asked.set()
        self.answers.wait()
        return super().transmit(command)


class OtherToken(WatchedCard):
    """A card without the JPKI application."""

    def transmit(self, command: bytes) -> bytes:
        return b"\x6a\x82"


Insert = Callable[[WatchedCard], Slot]


def watched(slot: Slot) -> WatchedCard:
    assert isinstance(slot.card, WatchedCard)
    return slot.card


def log_in(card: Card) -> None:
    with JpkiApplication.select(card, MY_NUMBER) as jpki:
        jpki.verify_pin(Role.AUTHENTICATION, AUTH_PIN)
        assert len(jpki.sign(Role.AUTHENTICATION, DIGEST_INFO)) == 256


def read_certificate(card: Card) -> None:
    with JpkiApplication.select(card, MY_NUMBER) as jpki:
        assert jpki.read_certificate(Role.AUTHENTICATION).serial


def came_back_logged_out(slot: Slot) -> bool:
    """Asks through the daemon as the next program would."""
    with open_reader(slot.name) as connection:
        return is_logged_out(connection)

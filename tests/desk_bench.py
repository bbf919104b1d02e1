"""A bench where desks are interrupted: a reader of the real daemon, and a card in it that makes things happen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import Enum
from pathlib import Path

import pytest
from desk_at_hand import SERIAL
from desk_in_a_process import DeskServer
from desks import LATER, PROFILE, DeskFolder, Work, check_everything, made_folders
from logins import is_logged_out
from readers_with_cards import Slot
from virtual_reader import until

from emulator import EmulatedCard, create_blank
from jpki.card import CardRemoved, open_reader

__all__ = ["Bench", "InterruptedCard", "Moment"]

TRIES = {"signature": 5, "authentication": 3}


class Moment(Enum):
    """When an exchange is interrupted."""

    BEFORE = "before the card has carried the command out"
    AFTER = "after the card has carried it out, and before its answer leaves"


class InterruptedCard:
    """Whatever card is put behind it, in a reader. At an exchange that `arm` names, something else happens first."""

    def __init__(self) -> None:
        self._card = create_blank(PROFILE, SERIAL)
        self.lost_power = threading.Event()
        self.commands: list[bytes] = []
        self._at = 0
        self._moment = Moment.BEFORE
        self._interrupt: Callable[[], None] = lambda: None

    def put(self, card: EmulatedCard) -> None:
        """Puts another card behind it, once the daemon has taken this one's power."""
        assert until(lambda: not self._card.powered)
        self._card = card

    def arm(self, at: int, moment: Moment, interrupt: Callable[[], None]) -> None:
        """Has exchange number `at` from now, counted from 1, be interrupted; 0 for none."""
        self.commands.clear()
        self._at, self._moment, self._interrupt = at, moment, interrupt

    def power_on(self) -> bytes:
        return self._card.power_on()

    def power_off(self) -> None:
        self._card.power_off()
        self.lost_power.set()

    def reset(self) -> bytes:
        return self._card.reset()

    def transmit(self, command: bytes) -> bytes:
        self.commands.append(command)
        if len(self.commands) != self._at:
            return self._card.transmit(command)
        answer = self._card.transmit(command) if self._moment is Moment.AFTER else b"\x6f\x00"
        self.lost_power.clear()
        # Whoever asked is waiting for the answer just now.
        self._interrupt()
        return answer


Interrupt = Callable[[Work, DeskFolder, int, Moment], None]


class Bench:
    """A reader, a desk in a process of its own, and what both kinds of work begin with."""

    def __init__(self, slot: Slot, card: InterruptedCard, server: DeskServer, folder: Path) -> None:
        self.slot = slot
        self.card = card
        self.server = server
        self._folder = folder
        self._begin_with = made_folders(folder)
        self._count = 0

    def fresh(self, work: Work) -> tuple[DeskFolder, EmulatedCard]:
        """Puts another card into the reader, whose authority stands beside it, as the work begins with them."""
        self._count += 1
        folder = self._begin_with[work].copied_to(self._folder / str(self._count))
        card = folder.card(seed=1)
        self.card.put(card)
        return folder, card

    def commands(self, work: Work) -> list[bytes]:
        """Returns the commands of this work when nothing interrupts it."""
        folder, card = self.fresh(work)
        with card:
            self.card.arm(0, Moment.BEFORE, lambda: None)
            self.server.prepare(work, folder, self.slot.name)
            self.server.go()
            assert self.server.end() == "done"
            return list(self.card.commands)

    def kill(self, work: Work, folder: DeskFolder, at: int, moment: Moment) -> None:
        """Begins the work and kills its process at one exchange; the daemon then takes the card's power."""
        self.server.prepare(work, folder, self.slot.name)
        self.card.arm(at, moment, self.server.kill)
        self.server.go()
        assert self.server.end() == "killed"
        assert self.card.lost_power.wait(10)

    def pull(self, work: Work, folder: DeskFolder, at: int, moment: Moment) -> None:
        """Begins the work and pulls the card at one exchange, which is an error; then the card is put in again."""
        self.card.arm(at, moment, self.slot.pull)
        with open_reader(self.slot.name) as connection, pytest.raises(CardRemoved):
            folder.do(work, connection, work.value)
        assert self.slot.bridge.wait(10)
        self.slot.put_back()

    def go_on(self, work: Work, interrupt: Interrupt, at: int, moment: Moment) -> None:
        """Interrupts the work, does it again, and looks at everything."""
        folder, card = self.fresh(work)
        with card:
            interrupt(work, folder, at, moment)
            self.card.arm(0, moment, lambda: None)
            with open_reader(self.slot.name) as connection:
                assert is_logged_out(connection)
                pins = card.state.applications["jpki"].pins
                assert all(pin.tries_left == TRIES[name] for name, pin in pins.items())
                delivered = folder.do(work, connection, work.value + LATER)
                check_everything(folder, work, delivered, connection)
            assert card.state.failed_authentications == 0

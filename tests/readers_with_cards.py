"""Emulated cards in the virtual reader, and other programs at them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from emulator import SLOT_PORTS, Bridge, InsertableCard, NoVirtualReader, ReaderSlotTaken
from jpki.card import Card, Reader, Wrapped, readers
from jpki.card.scard import Scard
from jpki.formats import Command, Response

_WAIT_MS = 5000
# The daemon looks for cards every 0.4 s, and is late on a machine with much to do.
_UNTIL_FREE = 10.0
_BETWEEN_LOOKS = 0.1
_EMPTY, _PRESENT, _MUTE = 0x10, 0x20, 0x200


class Slot:
    """A card in one slot of the virtual reader; `name` is what programs call the reader."""

    def __init__(self, card: InsertableCard) -> None:
        self.card = card
        self.bridge, empty = _insert(card)
        self.name = empty.name
        try:
            self._movements = wait_for(self.name, present=True, after=movements(empty))
        except BaseException:
            self.bridge.remove()  # or it would be in the way of every test that comes after
            raise

    def pull(self) -> None:
        """Takes the card out, without waiting for the daemon to notice."""
        self.bridge.remove()

    def pull_and_wait(self) -> None:
        """Takes the card out; when it returns, the daemon has noticed."""
        self.pull()
        self.wait_until_noticed()

    def wait_until_noticed(self) -> None:
        """Returns when the daemon has noticed that the card was taken out."""
        if self._movements is not None:
            wait_for(self.name, present=False, after=self._movements)
            self._movements = None

    def put_back(self) -> None:
        """Puts the card into the same slot; when it returns, the daemon has noticed."""
        self.wait_until_noticed()
        before = movements(self.reader)
        self.bridge.insert()
        self._movements = wait_for(self.name, present=True, after=before)

    @property
    def reader(self) -> Reader:
        """Returns what the daemon says of the reader."""
        return next(reader for reader in readers() if reader.name == self.name)


def _insert(card: InsertableCard) -> tuple[Bridge, Reader]:
    """Returns the bridge, and the reader as it was before; the card of a test before may be on its way out."""
    deadline = time.monotonic() + _UNTIL_FREE
    while (put_in := _insert_where_free(card)) is None:
        if time.monotonic() > deadline:
            raise ReaderSlotTaken(ports=SLOT_PORTS)
        time.sleep(_BETWEEN_LOOKS)
    return put_in


def _insert_where_free(card: InsertableCard) -> tuple[Bridge, Reader] | None:
    # Not insert_where_free: which slot it was has to be known, and a slot that is seen to be taken is not tried.
    slots = sorted((reader for reader in readers() if "Virtual PCD 00 0" in reader.name), key=lambda slot: slot.name)
    for port, slot in zip(SLOT_PORTS, slots, strict=True):
        if slot.has_card:
            continue
        bridge = Bridge(card, port)
        try:
            bridge.insert()
        except (ReaderSlotTaken, NoVirtualReader):
            continue
        return bridge, slot
    return None


def movements(reader: Reader) -> int:
    """Returns how many cards have come to and gone from a reader."""
    return reader.state >> 16


def wait_for(reader: str, *, present: bool, after: int) -> int:
    """Returns when the daemon has noticed that a card came or went since `after` movements, and how many there were.

    That the reader is said to be empty is not enough: the daemon says so as soon as an exchange fails, and a card that
    is put in before its next look at the reader it never notices.
    """
    from smartcard import scard

    _, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    known, wanted = 0, _PRESENT if present else _EMPTY
    while True:
        result, states = scard.SCardGetStatusChange(context, _WAIT_MS, [(reader, known)])
        assert result == 0, f"the daemon did not see the card {'come' if present else 'go'}"
        _, known, atr = states[0]
        # The daemon tells of the card before it has powered it up.
        if known & wanted and known >> 16 != after and (atr or not present) and not known & _MUTE:
            break
    scard.SCardReleaseContext(context)
    return known >> 16


class Pulling(Wrapped):
    """A card that is taken out of its reader just before exchange number `at`."""

    def __init__(self, card: Card, slot: Slot, at: int) -> None:
        super().__init__(card)
        self._slot = slot
        self._left = at

    def send(self, command: Command) -> Response:
        self._left -= 1
        if self._left == 0:
            self._slot.pull()
        return self._card.send(command)


class Unplugged:
    """PC/SC, in which the reader of one connection goes away when it is told so: the virtual one cannot."""

    def __init__(self, real: Scard, transmit: int, state: int) -> None:
        self._real = real
        self._transmit = transmit
        self._state = state
        self.gone = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def SCardTransmit(self, card: int, header: object, command: list[int]) -> tuple[int, list[int]]:
        result = (self._transmit, []) if self.gone else self._real.SCardTransmit(card, header, command)
        return (self._transmit, []) if self.gone else result

    def SCardGetStatusChange(
        self, context: int, milliseconds: int, states: list[tuple[str, int]]
    ) -> tuple[int, list[tuple[str, int, list[int]]]]:
        if not self.gone:
            return self._real.SCardGetStatusChange(context, milliseconds, states)
        return 0, [(states[0][0], self._state, [])]


class Meanwhile:
    """PC/SC, in which something happens right before the first reconnection."""

    def __init__(self, real: Scard, happens: Callable[[], None]) -> None:
        self._real = real
        self._happens: Callable[[], None] | None = happens

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def SCardReconnect(self, card: int, mode: int, protocols: int, how: int) -> tuple[int, int]:
        happens, self._happens = self._happens, None
        if happens is not None:
            happens()
        return self._real.SCardReconnect(card, mode, protocols, how)


_OTHER = """
import sys
from smartcard import scard
_, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
mode = getattr(scard, sys.argv[2])
result, card, protocol = scard.SCardConnect(context, sys.argv[1], mode, 3)
assert result == 0, hex(result)
for line in sys.stdin:
    name, *words = line.split()
    answer = getattr(scard, name)(card, *(getattr(scard, word) for word in words))
    print(answer if isinstance(answer, int) else answer[0], flush=True)
"""


class OtherProgram:
    """Another program that is connected to the card in a reader, and does what it is told."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def does(self, call: str) -> None:
        """Has it make one call: the name of a function, and names of constants for its other arguments."""
        assert self.answer(call) == 0

    def answer(self, call: str) -> int:
        """Has it make one call, and returns the result."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(call + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline()) & 0xFFFFFFFF


@contextmanager
def other_program(reader: str, mode: str = "SCARD_SHARE_SHARED") -> Iterator[OtherProgram]:
    """Starts another program at a reader; at the end of the block it has left the reader."""
    arguments: list[Any] = [sys.executable, "-c", _OTHER, reader, mode]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        other = OtherProgram(process)
        other.does("SCardStatus")
        yield other
        assert process.stdin is not None
        process.stdin.close()
        process.wait()

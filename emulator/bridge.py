"""Puts an emulated card into a reader that every program of the machine sees: the virtual one of vsmartcard's vpcd.

The driver inside pcscd listens, one TCP port for each slot; a card is a client that connects, and pulling the card is
disconnecting. A message is its length, two bytes, big-endian, then the payload. A payload of one byte is a control:
0 power off, 1 power on, 2 reset, 4 asks for the ATR, which alone is answered. Anything else is a command.
Nothing of a command or an answer is logged here.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from .errors import NoVirtualReader, ReaderSlotTaken

__all__ = ["LOOPBACK", "SLOT_PORTS", "Bridge", "InsertableCard", "insert_where_free"]

LOOPBACK = "127.0.0.1"
SLOT_PORTS = (35963, 35964)
"""The ports of the two slots that Debian's vsmartcard-vpcd has."""

_OFF, _ON, _RESET, _ATR = b"\x00", b"\x01", b"\x02", b"\x04"
_LENGTH_FIELD = 2
_LONGEST = 0xFFFF
# pcscd looks for cards every 0.4 s: a slot that asks for nothing in this time serves another card.
_PATIENCE = 4.0
_BETWEEN_TRIES = 0.5
_BETWEEN_LOOKS = 0.1
# Only Linux has this option, and only Linux needs it here.
_QUICK_ACK: int | None = getattr(socket, "TCP_QUICKACK", None)


class InsertableCard(Protocol):
    """What a reader needs of a card; `power_on` and `reset` return its ATR."""

    def power_on(self) -> bytes:
        """Gives the card power."""
        ...

    def power_off(self) -> None:
        """Takes the card's power."""
        ...

    def reset(self) -> bytes:
        """Resets the card."""
        ...

    def transmit(self, command: bytes) -> bytes:
        """Carries out one command."""
        ...


class Bridge:
    """One card for one slot of the virtual reader.

    `insert()` puts it in and serves the reader from a thread until `remove()`; `run()` does the same and blocks. With
    `reconnect`, a card whose reader goes away (pcscd was restarted) waits and is put in again. After the card was
    removed it can be inserted again. `failure` holds what the card raised, if that ended the service: of an answer that
    fits no message (none, or over 65,535 bytes) a ValueError.
    """

    def __init__(
        self, card: InsertableCard, port: int = SLOT_PORTS[0], *, host: str = LOOPBACK, reconnect: bool = False
    ) -> None:
        self.card = card
        self.host = host
        self.port = port
        self.failure: Exception | None = None
        self._reconnect = reconnect
        self._removed = threading.Event()
        self._thread: threading.Thread | None = None
        self._driver: _Driver | None = None

    @property
    def inserted(self) -> bool:
        """Returns whether the card is in the reader now."""
        return self._driver is not None

    def insert(self) -> None:
        """Puts the card in; when it returns, the driver has asked for it and the reader is served from a thread.

        Raises NoVirtualReader where no driver listens, ReaderSlotTaken where another card is in this slot.
        """
        driver = self._begin()
        self._thread = threading.Thread(target=self._serve_aside, args=(driver,), name="card", daemon=True)
        self._thread.start()

    def run(self) -> None:
        """Puts the card in and serves the reader until `remove()` is called elsewhere, or the reader goes away.

        Raises what `insert()` raises, and whatever the card raises.
        """
        self._serve(self._begin())

    def remove(self) -> None:
        """Pulls the card and waits for the thread to end; it may be called again, from any thread."""
        self._removed.set()
        driver = self._driver
        if driver is not None:
            driver.hang_up()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def wait(self, timeout: float | None = None) -> bool:
        """Returns whether the thread ended within so many seconds (None: however long it takes)."""
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def __enter__(self) -> Self:
        if not self.inserted:
            self.insert()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def _begin(self) -> _Driver:
        self._removed.clear()
        self.failure = None
        self._driver = _Driver(self.host, self.port, self._removed.is_set)
        return self._driver

    def _serve_aside(self, driver: _Driver) -> None:
        try:
            self._serve(driver)
        except Exception as error:
            self.failure = error

    def _serve(self, driver: _Driver) -> None:
        current: _Driver | None = driver
        while current is not None:
            try:
                self._exchange(current)
            finally:
                current.close()
                self._driver = None
                self.card.power_off()
            current = self._next_driver()

    def _next_driver(self) -> _Driver | None:
        while self._reconnect and not self._removed.wait(_BETWEEN_TRIES):
            with contextlib.suppress(NoVirtualReader, ReaderSlotTaken):
                self._driver = _Driver(self.host, self.port, self._removed.is_set)
                if self._removed.is_set():  # pulled while it was on its way in
                    self._driver.hang_up()
                return self._driver
        return None

    def _exchange(self, driver: _Driver) -> None:
        atr = self.card.power_on()
        self.card.power_off()
        while (payload := driver.receive()) is not None:
            if payload == _ATR:
                driver.send(atr)
            elif payload == _ON:
                self.card.power_on()
            elif payload == _OFF:
                self.card.power_off()
            elif payload == _RESET:
                self.card.reset()
            else:
                driver.send(self.card.transmit(payload))


class _Driver:
    """The connection to the driver of one slot. That it is lost, from either side, shows as the end of what comes."""

    def __init__(self, host: str, port: int, given_up: Callable[[], bool]) -> None:
        """Connects, and waits until the driver asks for something, or it was `given_up`."""
        self._buffer = bytearray()
        try:
            self._socket = socket.create_connection((host, port), timeout=_PATIENCE)
        except TimeoutError:
            # The driver has room for one that waits, and somebody waits already.
            raise ReaderSlotTaken(ports=(port,)) from None
        except OSError:
            raise NoVirtualReader(host=host, port=port) from None
        try:
            with contextlib.ExitStack() as unless_taken:
                unless_taken.callback(self.close)
                # The driver waits for an ACK in each message, and so would we: an exchange would take 48 ms, not 0.2.
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._buffer += self._first(given_up)
                self._socket.settimeout(None)
                unless_taken.pop_all()
        except TimeoutError:
            raise ReaderSlotTaken(ports=(port,)) from None
        except OSError:
            raise NoVirtualReader(host=host, port=port) from None

    def _first(self, given_up: Callable[[], bool]) -> bytes:
        deadline = time.monotonic() + _PATIENCE
        self._socket.settimeout(_BETWEEN_LOOKS)
        while True:
            try:
                first = self._receive_some()
            except TimeoutError:
                if given_up() or time.monotonic() > deadline:
                    raise
            else:
                if not first:
                    raise ConnectionResetError
                return first

    def receive(self) -> bytes | None:
        """Returns the next payload, or None at the end."""
        while True:
            length = int.from_bytes(self._buffer[:_LENGTH_FIELD], "big")
            end = _LENGTH_FIELD + length
            if len(self._buffer) >= max(end, _LENGTH_FIELD):
                payload = bytes(self._buffer[_LENGTH_FIELD:end])
                del self._buffer[:end]
                if payload:
                    return payload
                continue
            try:
                more = self._receive_some()
            except OSError:
                return None
            if not more:
                return None
            self._buffer += more

    def send(self, payload: bytes) -> None:
        """Sends one payload; where the connection is lost, the next `receive` tells."""
        if not 0 < len(payload) <= _LONGEST:
            raise ValueError(f"an answer of {len(payload)} bytes fits no message to the driver")
        with contextlib.suppress(OSError):
            self._socket.sendall(len(payload).to_bytes(_LENGTH_FIELD, "big") + payload)

    def hang_up(self) -> None:
        """Ends the connection from another thread than the one that receives."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Lets go of the connection."""
        self._socket.close()

    def _receive_some(self) -> bytes:
        if _QUICK_ACK is not None:
            # The system switches it off again by itself, so it is asked for each time.
            self._socket.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
        return self._socket.recv(_LONGEST + _LENGTH_FIELD)


def insert_where_free(
    card: InsertableCard, ports: tuple[int, ...] = SLOT_PORTS, *, host: str = LOOPBACK, reconnect: bool = False
) -> Bridge:
    """Puts a card into the first slot that is free, and returns the bridge that serves it.

    Raises NoVirtualReader where no driver listens at any port, ReaderSlotTaken where all slots there are hold cards.
    """
    taken: list[int] = []
    for port in ports:
        bridge = Bridge(card, port, host=host, reconnect=reconnect)
        try:
            bridge.insert()
        except ReaderSlotTaken:
            taken.append(port)
        except NoVirtualReader:
            continue
        else:
            return bridge
    if taken:
        raise ReaderSlotTaken(ports=tuple(taken))
    raise NoVirtualReader(host=host, port=ports[0])

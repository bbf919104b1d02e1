"""A card in this process, used as a card in a reader is."""

from __future__ import annotations

from .channel import Device
from .held import HeldConnection

__all__ = ["LocalConnection"]

_WAIT = 5.0


class LocalConnection(HeldConnection):
    """A connection to a card in this process: it powers the card on when it is first used, and off at the end.

    `exclusive()` keeps other threads off this connection, waiting at most `wait` seconds. The device stays the
    caller's: closing the connection powers it off, and a new connection may be made to it.
    """

    def __init__(self, device: Device, name: str = "local", wait: float = _WAIT) -> None:
        super().__init__(name, wait)
        self._device = device
        self._powered = False

    def _exchange(self, command: bytes) -> bytes:
        if not self._powered:
            self._device.power_on()
            self._powered = True
        return self._device.transmit(command)

    def _begin(self) -> None:
        pass

    def _end(self, *, log_out: bool) -> bool:
        if log_out:
            self._power_off()
        return log_out

    def _finish(self, *, log_out: bool) -> None:
        self._power_off()

    def _power_off(self) -> None:
        if self._powered:
            self._powered = False
            self._device.power_off()

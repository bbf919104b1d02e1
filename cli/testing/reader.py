"""A card in the virtual reader of the machine's PC/SC daemon, for the time of a test."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from emulator import Bridge, EmulatedCard, NoVirtualReader, ReaderSlotTaken
from jpki.card import NoDaemon, PcscLibraryMissing, readers
from jpki.errors import CardError

from ..virtual_reader import inserted, reader_of

__all__ = ["CannotInsert", "CardInReader"]

_BETWEEN_LOOKS = 0.05
_DAEMON_STARTS_WITHIN = 10.0
# Other tests may have cards in both slots.
_SLOT_IS_FREE_WITHIN = 60.0
_SEEN_WITHIN = 5.0
_SYSTEM_FOLDERS = ("/usr/sbin", "/sbin")


class CannotInsert(Exception):
    """Says why no card can be put into a reader here, in words for whoever reads the test report."""


class CardInReader:
    """A card in the virtual reader; `name` is what programs call that reader."""

    def __init__(self, card: EmulatedCard) -> None:
        self.card = card
        self.name = ""
        self._stack = ExitStack()
        self._bridge: Bridge | None = None

    def pull(self) -> None:
        """Takes the card out; when it returns, the daemon has noticed."""
        self._stack.close()
        _wait(lambda: not self._seen(), _SEEN_WITHIN)

    def put_back(self) -> None:
        """Puts the card into the same reader; when it returns, the daemon has noticed."""
        slot = None if self._bridge is None else _slot_of(self._bridge)
        self._bridge = self._stack.enter_context(inserted(self.card, slot))
        self.name = reader_of(self._bridge) or self.name

    def __enter__(self) -> Self:
        _have_a_daemon()
        deadline = time.monotonic() + _SLOT_IS_FREE_WITHIN
        while True:
            try:
                self.put_back()
            except NoVirtualReader:
                raise CannotInsert(
                    "pcscd has no virtual reader: apt-get install vsmartcard-vpcd, then restart pcscd"
                ) from None
            except ReaderSlotTaken:
                if time.monotonic() > deadline:
                    raise CannotInsert("other cards are in both slots of the virtual reader") from None
            else:
                return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._stack.close()

    def _seen(self) -> bool:
        return any(reader.has_card for reader in readers() if reader.name == self.name)


def _slot_of(bridge: Bridge) -> int:
    from emulator import SLOT_PORTS

    return SLOT_PORTS.index(bridge.port)


def _have_a_daemon() -> None:
    if _answers():
        return
    path = os.pathsep.join((os.environ.get("PATH", ""), *_SYSTEM_FOLDERS))
    program = shutil.which("pcscd", path=path)
    if program is None:
        raise CannotInsert("there is no PC/SC daemon: apt-get install pcscd vsmartcard-vpcd")
    # It ends by itself when nobody has used it for a minute: other test processes may be using it by then.
    subprocess.Popen(
        [program, "--foreground", "--auto-exit"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    if not _wait(_answers, _DAEMON_STARTS_WITHIN):
        raise CannotInsert("the PC/SC daemon does not run, and this user cannot start it: sudo pcscd")


def _answers() -> bool:
    try:
        return bool(readers())
    except PcscLibraryMissing as error:
        raise CannotInsert(f"{error.library} is not installed: pip install pyscard") from None
    except NoDaemon:
        return False
    except CardError as error:
        raise CannotInsert(str(error)) from None


def _wait(holds: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(_BETWEEN_LOOKS)
    return True

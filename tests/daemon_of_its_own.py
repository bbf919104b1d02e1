"""A program that uses a card while its PC/SC daemon stops, and says what it was told: run it, do not import it.

`killed` ends a real daemon, which has this program and its virtual reader to itself: run under `unshare --mount --net`.
`cut` leaves the machine's daemon alone and puts itself between it and the library, by the library's own setting
PCSCLITE_CSOCK_NAME: connections break and new ones are refused, as when a daemon stops. `hung` does the same, but
connections stay open and silent. Prints one JSON object.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from certified_cards import AUTH_PIN, certified_state
from corner import furnish
from readers_with_cards import Slot
from virtual_reader import until, virtual_readers

from card_profiles import load_profile
from cli.pcsc_daemon import daemon_command
from emulator import EmulatedCard, VolatileMemory
from jpki.card import Card, Encoded, JpkiApplication, Limits, Wrapped, open_reader, readers
from jpki.errors import CardError
from jpki.formats import Command, Response, digest_info
from jpki.terms import Role

PROFILE = load_profile("mynumber")
LIMITS = Limits(busy=2.0, answer=2.0, end=0.5)
_DAEMON_SOCKET = "/run/pcscd/pcscd.comm"
_CHUNK = 65_536


class Daemon(Protocol):
    def start(self) -> None: ...

    def stop(self) -> None: ...


class RealDaemon:
    """A daemon in this program's own corner of the machine."""

    def __init__(self) -> None:
        furnish()

    def start(self) -> None:
        Path("/run/pcscd").mkdir(exist_ok=True)
        null = subprocess.DEVNULL
        self._process = subprocess.Popen([*daemon_command(), "--foreground"], stdin=null, stdout=null, stderr=null)
        assert until(lambda: bool(virtual_readers()))

    def stop(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


class Between:
    """A door between the library and the machine's daemon."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent
        self._path = Path(os.environ["PCSCLITE_CSOCK_NAME"])
        self.uses = 0
        self._open = threading.Event()
        self._ends: list[socket.socket] = []

    def start(self) -> None:
        self._path.unlink(missing_ok=True)
        self._open.set()
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(self._path))
        self._door.listen()
        threading.Thread(target=self._serve, args=(self._door,), daemon=True).start()

    def stop(self) -> None:
        self._open.clear()
        if self._silent:
            return
        self._path.unlink()
        for end in (self._door, *self._ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _serve(self, door: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = door.accept()[0]
                self.uses += 1
                daemon = socket.socket(socket.AF_UNIX)
                daemon.connect(_DAEMON_SOCKET)
                self._ends += [client, daemon]
                threading.Thread(target=self._carry, args=(client, daemon), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        to = {one: other, other: one}
        with contextlib.suppress(OSError), one, other:
            while True:
                for ready in select.select([one, other], [], [])[0]:
                    received = ready.recv(_CHUNK)
                    if not received:
                        return
                    self._open.wait()
                    to[ready].sendall(received)


class Stopping(Wrapped):
    """A card whose daemon stops just before exchange number `at`."""

    def __init__(self, card: Card, daemon: Daemon, at: int) -> None:
        super().__init__(card)
        self._daemon = daemon
        self._left = at

    def send(self, command: Command) -> Response:
        self._left -= 1
        if self._left == 0:
            self._daemon.stop()
        return self._card.send(command)


def log_in(card: Card) -> None:
    with JpkiApplication.select(card, PROFILE) as jpki:
        jpki.verify_pin(Role.AUTHENTICATION, AUTH_PIN)
        jpki.sign(Role.AUTHENTICATION, digest_info("sha256", bytes(32)))


def told(operation: Callable[[], object]) -> str:
    """Returns the name of the error that an operation ends in, or `done`."""
    try:
        operation()
    except CardError as error:
        return type(error).__name__
    return "done"


def stopped_at(at: int, daemon: Daemon, slot: Slot) -> dict[str, str]:
    """Stops the daemon at one exchange of a login (0: before it), and tries everything that comes after."""
    connection = open_reader(slot.name, LIMITS)
    with connection:
        if at == 0:
            daemon.stop()
        found = {"login": told(lambda: log_in(Stopping(Encoded(connection), daemon, at)))}
        found["again"] = told(lambda: log_in(Encoded(connection)))
    found["readers"] = told(lambda: readers(LIMITS.answer))
    found["open"] = told(lambda: open_reader(slot.name, LIMITS))
    return found


def main(kind: str) -> None:
    daemon: Daemon = RealDaemon() if kind == "killed" else Between(silent=kind == "hung")
    device = EmulatedCard(PROFILE, VolatileMemory(certified_state(PROFILE.name)), strict=True)
    found = []
    for at in range(4) if kind != "hung" else (2,):
        daemon.start()
        slot = Slot(device)
        found.append(stopped_at(at, daemon, slot))
        slot.pull()
        if kind == "hung":
            break
        daemon.start()
        # Until the daemon has noticed, the slot seems to be taken.
        slot.wait_until_noticed()
        slot = Slot(device)
        with open_reader(slot.name) as connection:
            found[-1]["after a new start"] = told(lambda: log_in(Encoded(connection)))
        slot.pull()
        slot.wait_until_noticed()
        daemon.stop()
    print(json.dumps(found))  # noqa: T201 - what the program is for


if __name__ == "__main__":
    main(sys.argv[1])

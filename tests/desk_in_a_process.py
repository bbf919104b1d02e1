"""Desks in processes of their own, which may be killed.

Run as a program it is a server of desks: it has everything loaded, and forks a process for each piece of work.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from desk_at_hand import MasterKeys, resident
from desks import DeskFolder, Work

from jpki.card import open_reader
from jpki.errors import CardError

__all__ = ["DeskServer"]


class DeskServer:
    """A desk in a process of its own: for each piece of work the server forks one, which may be killed.

    `daemon_socket` is where its processes find the PC/SC daemon, if not at the usual place.
    """

    def __init__(self, daemon_socket: Path | None = None) -> None:
        here = Path(__file__)
        environment = os.environ | {"PYTHONPATH": f"{here.parents[1]}{os.pathsep}{here.parent}"}
        if daemon_socket is not None:
            environment["PCSCLITE_CSOCK_NAME"] = str(daemon_socket)
        self._server = subprocess.Popen(
            [sys.executable, str(here)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=environment
        )
        self._pid = 0

    def prepare(self, work: Work, folder: DeskFolder, reader: str) -> None:
        """Has a process made for this work, which waits until `go`."""
        self._tell("\t".join((work.name, str(folder.path), reader)))
        self._pid = int(self._told())

    def go(self) -> None:
        """Lets it begin."""
        self._tell("go")

    def kill(self) -> None:
        """Kills it."""
        os.kill(self._pid, signal.SIGKILL)

    def end(self) -> str:
        """Returns how the process ended: `done`, `killed`, `failed`, or the name of the error of a card."""
        return self._told().decode().strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.kill()
        self._server.wait()
        for pipe in (self._server.stdin, self._server.stdout):
            assert pipe is not None
            pipe.close()

    def _tell(self, line: str) -> None:
        assert self._server.stdin is not None
        self._server.stdin.write(f"{line}\n".encode())

    def _told(self) -> bytes:
        assert self._server.stdout is not None
        return self._server.stdout.readline()


def _serve() -> None:
    # Unbuffered, and one line at a time goes to and fro: whoever reads, this process or a forked one, gets just his.
    while line := os.read(0, 4096).decode().strip():
        name, path, reader = line.split("\t")
        pid = os.fork()
        if pid == 0:
            os.read(0, 4096)
            _work(DeskFolder(Path(path)), Work[name], reader)
            os._exit(0)
        os.write(1, f"{pid}\n".encode())
        ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if ended != 0:
            os.write(1, b"killed\n" if ended == -signal.SIGKILL else b"failed\n")


def _work(folder: DeskFolder, work: Work, reader: str) -> None:
    try:
        with open_reader(reader) as connection:
            folder.do(work, connection, work.value)
    except CardError as error:
        os.write(1, f"{type(error).__name__}\n".encode())
    else:
        os.write(1, b"done\n")


if __name__ == "__main__":
    MasterKeys(), resident()  # so that they are loaded before the first fork
    _serve()

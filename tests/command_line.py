"""The program `jpki` as people and scripts run it: in a process of its own, and at a terminal of its own."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PATIENCE = 60.0


@dataclass(frozen=True)
class Done:
    """What a run of the program ended with."""

    code: int
    data: bytes
    told: str

    @property
    def out(self) -> str:
        return self.data.decode("utf-8")

    @property
    def json(self) -> Any:
        return json.loads(self.data)

    @property
    def error(self) -> Any:
        return json.loads(self.told)


def surroundings(home: Path, **more: str) -> dict[str, str]:
    """Returns an environment in which nothing of this user's own counts."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    own = {"HOME": str(home), "LC_ALL": "C.UTF-8", "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return {**kept, **own, **more}


def command(*arguments: object) -> list[str]:
    """Returns the words that start the program."""
    return [sys.executable, "-m", "cli", *map(str, arguments)]


class Program:
    """Runs `jpki` in processes of their own, which have no terminal."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(
        self,
        *arguments: object,
        stdin: bytes = b"",
        pass_fds: tuple[int, ...] = (),
        env: Mapping[str, str] | None = None,
    ) -> Done:
        done = subprocess.run(
            command(*arguments),
            input=stdin,
            capture_output=True,
            cwd=self.home,
            env=surroundings(self.home, **(env or {})),
            pass_fds=pass_fds,
            start_new_session=True,
            timeout=PATIENCE,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr.decode("utf-8"))

    def shell(self, line: str, **env: str) -> Done:
        """Runs a line of shell in which `jpki` is the program."""
        words = " ".join(command())
        done = subprocess.run(
            ["bash", "-c", f'jpki() {{ {words} "$@"; }}; {line}'],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=self.home,
            env=surroundings(self.home, **env),
            start_new_session=True,
            timeout=PATIENCE,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr.decode("utf-8"))

    def start(self, *arguments: object, **env: str) -> subprocess.Popen[bytes]:
        """Starts the program and returns at once; standard input and output are pipes."""
        return subprocess.Popen(
            command(*arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.home,
            env=surroundings(self.home, **env),
            start_new_session=True,
        )

    def at_terminal(self, *arguments: object, columns: int = 100, **env: str) -> Terminal:
        """Starts the program at a terminal of its own."""
        return Terminal(command(*arguments), self.home, surroundings(self.home, TERM="xterm", **env), columns)


class Terminal:
    """A person's terminal: what is shown on it, and what is typed."""

    def __init__(self, words: list[str], folder: Path, env: Mapping[str, str], columns: int) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.process = subprocess.Popen(
            words,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            env=dict(env),
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - one call, and no lock is taken
        )
        os.close(slave)
        self.shown = ""

    def until(self, pattern: str) -> str:
        """Waits until something is shown, and returns all that was."""
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, self.shown):
            if not self._read(deadline):
                raise AssertionError(f"{pattern!r} was not shown, but: {self.shown!r}")
        return self.shown

    def type(self, line: str) -> None:
        """Types a line and presses Enter."""
        os.write(self._master, line.encode() + b"\n")

    def press(self, key: bytes) -> None:
        """Presses a key: b"\\x03" is Ctrl-C, b"\\x04" Ctrl-D."""
        os.write(self._master, key)

    @property
    def echoes(self) -> bool:
        """Returns whether the terminal shows what is typed."""
        return bool(termios.tcgetattr(self._master)[3] & termios.ECHO)

    def end(self) -> int:
        """Waits for the end of the program, and returns its exit code."""
        deadline = time.monotonic() + PATIENCE
        while self._read(deadline):
            pass
        os.close(self._master)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """Ends the program, if it runs, without asking it."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise AssertionError(f"the program takes too long; shown: {self.shown!r}")
        try:
            data = os.read(self._master, 65_536)
        except OSError:  # the other side is closed
            return False
        self.shown += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(data)


Invoke = Callable[..., Done]
AtTerminal = Callable[..., Terminal]

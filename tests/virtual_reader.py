"""The machine's one PC/SC daemon and its virtual reader, shared with whoever else runs tests here.

The daemon that runs is used, one is started where none does, and one that came up before vpcd was installed is
restarted. Each test has the virtual reader for itself: a lock in the temporary folder keeps test runs apart. Slots may
still hold cards of other programs, so a test takes one that is free.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from cli.pcsc_daemon import daemon_command

_NAME = "Virtual PCD"
_DRIVER = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
_PID_FILE = Path("/run/pcscd/pcscd.pid")
_SYSTEMD = Path("/run/systemd/system")
_TEMPORARY = Path(tempfile.gettempdir())
_STARTED_BY_TESTS = _TEMPORARY / "jpki-toolkit-pcscd.pid"
_MISSING = "no PC/SC daemon with a virtual reader: apt-get install pcscd vsmartcard-vpcd"
_PATIENCE = 20.0
_pause = threading.Event().wait


@pytest.fixture(scope="session")
def pcsc_daemon() -> Iterator[None]:
    """Has a daemon with the virtual reader run; one that tests started ends with the last test run that uses it."""
    from smartcard import scard

    if not _DRIVER.exists() or shutil.which("pcscd") is None:
        pytest.skip(_MISSING)
    with contextlib.ExitStack() as stack:
        with _held("starting", fcntl.LOCK_EX):
            _have_it_run()
            users = stack.enter_context(_held("users", fcntl.LOCK_SH))
        stack.callback(_end_if_last, users)
        # A context of our own: a daemon that systemd started ends by itself when nobody has one.
        _, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
        stack.callback(scard.SCardReleaseContext, context)
        yield


@pytest.fixture
def pcscd(pcsc_daemon: None) -> Iterator[None]:
    """Has the daemon run, and its virtual reader be this test's alone."""
    with reader_alone():
        yield


@contextlib.contextmanager
def reader_alone() -> Iterator[None]:
    """Keeps other tests off the virtual reader: for fixtures that share a card between the tests of a module."""
    with _held("reader", fcntl.LOCK_EX):
        yield


def until(holds: Callable[[], bool], patience: float = _PATIENCE) -> bool:
    """Returns whether something became true within so many seconds."""
    deadline = time.monotonic() + patience
    while not holds():
        if time.monotonic() > deadline:
            return False
        _pause(0.02)
    return True


def virtual_readers() -> list[str] | None:
    """Returns the names of the virtual reader's slots in the order of their ports; None where no daemon answers."""
    from smartcard import scard

    result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    if result != scard.SCARD_S_SUCCESS:
        return None
    try:
        _, names = scard.SCardListReaders(context, [])
    finally:
        scard.SCardReleaseContext(context)
    return sorted(name for name in names if _NAME in name)


@contextlib.contextmanager
def _held(what: str, how: int) -> Iterator[IO[bytes]]:
    path = _TEMPORARY / f"jpki-toolkit-pcsc-{what}.lock"
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b") as lock:
        fcntl.flock(lock, how)
        yield lock


def _have_it_run() -> None:
    names = virtual_readers()
    if names is None:
        _start()
    elif not names:
        _restart()
    if not until(lambda: bool(virtual_readers())):
        pytest.fail("the PC/SC daemon does not come up with the virtual reader, or lets nobody in: see jpki doctor")


def _start() -> None:
    if _SYSTEMD.exists() and subprocess.run(["systemctl", "start", "pcscd"], check=False).returncode == 0:
        return
    started = subprocess.Popen(
        [*_as_root(), *daemon_command(), "--foreground"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # it serves other test runs too, so it must not end with this one's terminal
    )
    _STARTED_BY_TESTS.write_text(str(started.pid))


def _stop(pid: int) -> None:
    if os.geteuid() == 0:
        os.kill(pid, signal.SIGTERM)
    else:
        subprocess.run([*_as_root(), "kill", str(pid)], check=False)


def _as_root() -> list[str]:
    return [] if os.geteuid() == 0 or shutil.which("sudo") is None else ["sudo", "--non-interactive"]


def _restart() -> None:
    if _SYSTEMD.exists():
        subprocess.run(["systemctl", "restart", "pcscd"], check=False)
        return
    try:
        _stop(int(_PID_FILE.read_text().strip("\n\0")))
    except (OSError, ValueError):
        pytest.fail("the PC/SC daemon that runs came up before vsmartcard-vpcd was installed: restart it")
    if not until(lambda: virtual_readers() is None):
        pytest.fail("the PC/SC daemon that runs came up before vsmartcard-vpcd was installed, and does not end")
    _start()


def _end_if_last(users: IO[bytes]) -> None:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        pid = int(_STARTED_BY_TESTS.read_text())
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except (OSError, ValueError):
        return  # others use it, or it is not one that tests started
    _STARTED_BY_TESTS.unlink()
    if name in {"pcscd", "sudo"}:
        _stop(pid)
        until(lambda: virtual_readers() is None)

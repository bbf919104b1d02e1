"""The PC/SC daemon that tests use: the one that runs, or one that the first test process to need it starts."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack

from jpki.card import NoDaemon, NoPermission, PcscLibraryMissing, readers
from jpki.errors import CardError

from ..pcsc_daemon import daemon_command
from .locks import take_lock

__all__ = ["NoReaderHere", "have_daemon", "wait_until"]

_ANSWERS_WITHIN = 10.0
_BETWEEN_LOOKS = 0.05
_SYSTEM_FOLDERS = ("/usr/sbin", "/sbin")


class NoReaderHere(Exception):
    """Says what this machine lacks for cards in readers, in words for whoever reads the test report."""


def have_daemon() -> None:
    """Has a daemon run that lets this user in; raises NoReaderHere."""
    if _answers():
        return
    # Of daemons that start at once several run on, and not the one that programs find has the virtual reader.
    with take_lock("starting-pcscd", wait=True) or ExitStack():
        if not _answers():
            _start()


def wait_until(holds: Callable[[], bool], seconds: float) -> bool:
    """Returns whether something became true within so many seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(_BETWEEN_LOOKS)
    return True


def _answers() -> bool:
    try:
        readers()
    except NoDaemon:
        return False
    except PcscLibraryMissing as error:
        by = "pip install" if error.library == "pyscard" else "apt-get install libpcsclite1:"
        raise NoReaderHere(f"{error.library} is not installed: {by} {error.library}") from None
    except NoPermission:
        raise NoReaderHere("the PC/SC daemon does not let this user in: jpki doctor shows what would") from None
    except CardError as error:
        raise NoReaderHere(f"the PC/SC daemon does not work: {error}") from None
    return True


def _start() -> None:
    program = shutil.which("pcscd", path=os.pathsep.join((os.environ.get("PATH", ""), *_SYSTEM_FOLDERS)))
    if program is None:
        raise NoReaderHere("there is no PC/SC daemon: apt-get install pcscd vsmartcard-vpcd")
    # In the background, and it ends by itself when nobody has used it for a minute: other test processes may be using
    # it when this one ends.
    done = subprocess.run(
        [*daemon_command(program), "--auto-exit"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        check=False,
    )
    if not wait_until(_answers, _ANSWERS_WITHIN if done.returncode == 0 else 0):
        raise NoReaderHere("the PC/SC daemon does not run, and this user cannot start it: jpki doctor shows how")

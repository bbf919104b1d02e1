"""Locks between test processes: of several, one starts the daemon, and one has a slot of the virtual reader."""

from __future__ import annotations

import contextlib
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

__all__ = ["is_taken", "take_lock"]


def take_lock(name: str, *, wait: bool) -> ExitStack | None:
    """Takes a lock that one process of this machine has at a time; a process that ends lets go of it.

    Returns what is to be closed to let go, or, unless told to `wait`, None where another process has it. Where a lock
    cannot be had (no folder to write in, a system without `flock`), nobody is kept out.
    """
    return _lock(name, shared=False, wait=wait)


def is_taken(name: str) -> bool:
    """Returns whether a process has the lock. To ask is no reason for another process to be told so."""
    lock = _lock(name, shared=True, wait=False)
    if lock is not None:
        lock.close()
    return lock is None


def _lock(name: str, *, shared: bool, wait: bool) -> ExitStack | None:
    held = ExitStack()
    try:
        import fcntl

        how = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
        path = Path(tempfile.gettempdir(), f"jpki-toolkit-{name}.lock")
        fcntl.flock(held.enter_context(os.fdopen(_open(path), "rb")), how)
    except BlockingIOError:
        held.close()
        return None
    except (ImportError, OSError):
        held.close()
    return held


def _open(path: Path) -> int:
    # Readable for others, whose tests use the same reader; a link that somebody laid there is not followed.
    with contextlib.suppress(FileExistsError):
        return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)

"""A folder for copies that are at work: beside the store that they are of, and gone when the work is over."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["workplace"]

_PREFIX = ".backup-"


@contextmanager
def workplace(folder: Path) -> Iterator[Path]:
    """Gives a new folder in `folder`, for its owner alone, and removes it at the end; raises OSError.

    It holds a copy of the store in clear. So what a process that was killed left behind is removed too, by the next
    call: each holds a lock on its own folder, which ends with the process.
    """
    gate = _locked(folder, wait=True)
    held = None
    try:
        _sweep(folder)
        work = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=folder))
        held = _locked(work, wait=False)
    finally:
        _let_go(gate)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        _let_go(held)


def _sweep(folder: Path) -> None:
    for left in folder.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            lock = _locked(left, wait=False)
            if lock is not None:
                shutil.rmtree(left, ignore_errors=True)
                _let_go(lock)


def _locked(folder: Path, *, wait: bool) -> int | None:
    """Locks a folder, and returns what holds the lock: None where the system knows no such locks; BlockingIOError."""
    try:
        import fcntl
    except ImportError:
        return None
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _let_go(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)

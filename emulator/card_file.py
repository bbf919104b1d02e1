"""A card as one file: held by one process at a time, and replaced whole at each change."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from card_profiles import CardProfile, load_profile

from .card_format import BadCardBytes, decode_card, encode_card, recognise_card
from .errors import (
    CardFileBusy,
    CardFileDamaged,
    CardFileExists,
    CardFileExposed,
    CardFileNotWritten,
    NoCardFile,
)
from .state import CardState

__all__ = ["CardFile"]

_MODE = 0o600
_OTHERS = 0o077
_FRESH = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_LARGEST = 1 << 22  # no card of any profile comes near: a longer file is something else


class CardFile:
    """A card's memory on disk. `state` is what the file holds; `write` replaces the file whole, or leaves it.

    A lock file beside it (`NAME.lock`, which stays) is held until `close`: two holders would give tries back. Without
    it nothing is written, nor by a process that was forked off the holder.
    """

    def __init__(self, path: Path, lock: IO[bytes], state: CardState) -> None:
        self.path = path
        self._fresh = path.with_name(f".{path.name}.new")
        self._lock: IO[bytes] | None = lock
        self._holder = os.getpid()
        self._state = state

    @classmethod
    def open(cls, path: Path, profile: CardProfile | None = None) -> CardFile:
        """Takes hold of a card file. `profile` stands in for the shipped profile of the same name.

        Raises NoCardFile, CardFileBusy, CardFileExposed (others may read or write it), CardFileDamaged, NoSuchProfile.
        """
        path = _real(path)
        try:
            _read(path)  # before a lock file is left beside something that is no card
            with contextlib.ExitStack() as unless_held:
                lock = unless_held.enter_context(_hold(path))
                file = cls(path, lock, decode_card(_read(path), _finder(profile)))
                unless_held.pop_all()
                return file
        except BadCardBytes as error:
            raise CardFileDamaged(path=str(path), problem=str(error)) from None

    @classmethod
    def create(cls, path: Path, state: CardState) -> CardFile:
        """Makes a new card file and holds it; raises CardFileExists, CardFileBusy, CardFileNotWritten."""
        path = _real(path)
        if os.path.lexists(path):
            raise CardFileExists(path=str(path))
        with contextlib.ExitStack() as unless_held:
            file = cls(path, unless_held.enter_context(_hold(path)), state)
            if os.path.lexists(path):  # made by another process just now
                raise CardFileExists(path=str(path))
            file.write(state)
            unless_held.pop_all()
            return file

    @property
    def state(self) -> CardState:
        """Returns what the file holds."""
        return self._state

    def write(self, state: CardState) -> None:
        """Makes another state last before it returns; raises CardFileNotWritten, the file and `state` as they were.

        Where only the folder could not be synced, the file and `state` are the new ones, and the error is the same.
        """
        if not self._is_held():
            raise CardFileNotWritten(path=str(self.path), problem="the card file is not held any more")
        try:
            _store(self._fresh, encode_card(state))
            self._fresh.replace(self.path)
        except OSError as error:
            with contextlib.suppress(OSError):
                self._fresh.unlink(missing_ok=True)
            raise _not_written(self.path, error) from error
        self._state = state
        try:
            _sync_folder(self.path.parent)
        except OSError as error:
            raise _not_written(self.path, error) from error

    def _is_held(self) -> bool:
        # Not in a process that was forked off, nor once the lock file was deleted: another may hold a new one.
        return self._lock is not None and self._holder == os.getpid() and os.fstat(self._lock.fileno()).st_nlink > 0

    def close(self) -> None:
        """Lets go of the card file."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _real(path: Path) -> Path:
    # Two names of one card have one lock, and a link to a card stays a link.
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a circle of links; opening it will say so
        return path.absolute()


def _not_written(path: Path, error: OSError) -> CardFileNotWritten:
    return CardFileNotWritten(path=str(path), problem=error.strerror or type(error).__name__)


def _finder(profile: CardProfile | None) -> Callable[[str], CardProfile]:
    def find(name: str) -> CardProfile:
        if profile is not None and profile.name == name:
            return profile
        return load_profile(name)

    return find


def _read(path: Path) -> bytes:
    """Returns what begins like a card, and is its owner's alone; of any other file the mode is of no interest."""
    try:
        about = path.stat()
        # Before it is opened: a pipe would be waited for.
        if stat.S_ISDIR(about.st_mode):
            raise BadCardBytes("a folder")
        if not stat.S_ISREG(about.st_mode) or about.st_size > _LARGEST:
            raise BadCardBytes("not a card file")
        raw = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise NoCardFile(path=str(path)) from None
    except OSError as error:
        raise BadCardBytes(f"cannot be read: {error.strerror}") from None
    recognise_card(raw)
    if os.name == "posix" and about.st_mode & _OTHERS:
        raise CardFileExposed(path=str(path), mode=f"{stat.S_IMODE(about.st_mode):03o}")
    return raw


def _store(path: Path, content: bytes) -> None:
    try:
        descriptor = os.open(path, _FRESH, _MODE)
    except FileExistsError:
        # Left over by a process that was killed; nobody else writes here while the lock is held.
        path.unlink()
        descriptor = os.open(path, _FRESH, _MODE)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        at = 0
        while at < len(content):
            at += file.write(content[at:])
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _hold(path: Path) -> IO[bytes]:
    beside = path.with_name(f"{path.name}.lock")
    try:
        lock = os.fdopen(os.open(beside, os.O_RDWR | os.O_CREAT, _MODE), "r+b", buffering=0)
    except OSError as error:
        raise _not_written(beside, error) from error
    try:
        _lock(lock)
    except OSError:
        lock.close()
        raise CardFileBusy(path=str(path)) from None
    return lock


def _lock(lock: IO[bytes]) -> None:
    if os.name == "posix":
        import fcntl

        # flock belongs to this opening of the file, so a second holder in the same process is refused as well.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        import msvcrt

        msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]

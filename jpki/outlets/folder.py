"""A folder as an outlet: complete lists in `crl/`, deltas in `delta/`, one file each."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from jpki.formats import FormatError

from .errors import CopyFailed, OutletError, OutletFolderMissing, OutletFolderReadOnly, OutletFull
from .list_outlines import ListOutline
from .published import Held, ListOvertaken, Outcome, PublishedCopy

__all__ = ["FolderOutlet"]

_COMPLETE = "crl"
_DELTA = "delta"
_POINT = " CRLDP"  # the end of the name of every distribution point, by the certificate profiles
_HALF_WRITTEN = re.compile(r"\..+\.crl\.[0-9a-f]{12}")
_FULL = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


class FolderOutlet:
    """A folder that relying parties, or a web server for them, read: `crl/sign-1.crl`, `delta/sign-1.crl`, …

    The folder itself has to be there: made here, it might lie under the place where a disk is not mounted. A file is
    replaced in one step, so readers see the old list or the new one. One publisher writes at a time.
    """

    def __init__(self, folder: Path | str) -> None:
        """Takes the folder, which is looked at when something is put or asked for."""
        self._folder = Path(folder)
        self._swept: set[Path] = set()

    @property
    def name(self) -> str:
        """Returns the folder."""
        return str(self._folder)

    def place(self, copy: PublishedCopy) -> Path:
        """Returns the file of a copy: authority and generation, for a municipality its code and name too."""
        parts = [copy.authority.short, str(copy.generation)]
        if copy.scope is not None:
            named = copy.scope.point.attributes[-1:]
            parts += [copy.scope.code, *(attribute.text.removesuffix(_POINT) for attribute in named)]
        stem = "-".join(re.sub(r"[^A-Za-z0-9]+", "-", part).strip("-") for part in parts)
        return self._folder / (_DELTA if copy.delta else _COMPLETE) / f"{stem}.crl"

    def held(self, copy: PublishedCopy) -> Held | None:
        """Returns the list in the file of this copy, or None for no file or nothing whole. Raises OutletError."""
        place = self.place(copy)
        self._look()
        try:
            with place.open("rb") as file:
                return ListOutline.read(file).held(file)
        except (FileNotFoundError, FormatError):
            return None
        except OSError as error:
            raise self._unreadable(error, place) from error

    def put(self, copy: PublishedCopy) -> Outcome:
        """Has the copy be in its file, unless it or a newer list is. Raises OutletError, and ListBytesWrong."""
        place = self.place(copy)
        self._look()
        self._make(place.parent)
        with self._alone(place.parent) as alone:
            if alone:
                self._sweep(place.parent)
            found = self._judge(copy, place)
            if found is not None:
                return found
            try:
                self._replace(copy, place)
            except ListOvertaken:
                return Outcome.OVERTAKEN
        return Outcome.PUT

    def _look(self) -> None:
        if not _is_folder(self._folder):
            raise OutletFolderMissing(outlet=self.name)

    def _make(self, folder: Path) -> None:
        if _is_folder(folder):
            return
        with self._told(folder):
            folder.mkdir(exist_ok=True)
            _sync_folder(self._folder)

    @contextlib.contextmanager
    def _alone(self, folder: Path) -> Iterator[bool]:
        """Keeps other publishers out of a folder: else an older list could come last. Yields whether that is so.

        Where the file system has no locks on folders (some of those on a network), a later round mends the order.
        """
        if os.name == "nt":
            yield False
            return
        import fcntl

        with self._told(folder):
            descriptor = os.open(folder, os.O_RDONLY)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            except OSError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)

    def _judge(self, copy: PublishedCopy, place: Path) -> Outcome | None:
        """Returns what speaks against putting a copy, or None."""
        try:
            with place.open("rb") as file:
                outline = ListOutline.read(file)
                if outline.number == copy.number and outline.held(file).digest == copy.digest:
                    return Outcome.HELD
                return Outcome.NEWER_HELD if outline.overtakes(copy, file) else None
        except (FileNotFoundError, FormatError):
            return None
        except OSError as error:
            raise self._unreadable(error, place) from error

    def _sweep(self, folder: Path) -> None:
        """Removes, once, what publishers that were killed left half written: nobody else writes now."""
        if folder in self._swept:
            return
        self._swept.add(folder)
        with contextlib.suppress(OSError):
            for left in folder.iterdir():
                if _HALF_WRITTEN.fullmatch(left.name):
                    left.unlink()

    def _replace(self, copy: PublishedCopy, place: Path) -> None:
        temporary = place.with_name(f".{place.name}.{secrets.token_hex(6)}")
        try:
            self._write(copy, place, temporary)
            with self._told(place):
                temporary.replace(place)
                _sync_folder(place.parent)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)

    def _write(self, copy: PublishedCopy, place: Path, temporary: Path) -> None:
        """Writes a copy to a file of its own, onto the disk; what goes wrong in the source is not the folder's."""
        pieces = copy.checked_pieces(str(place))
        with contextlib.ExitStack() as stack:
            with self._told(place):
                file = stack.enter_context(temporary.open("xb", buffering=0))
            for piece in pieces:
                left = memoryview(piece)
                while left:
                    with self._told(place):
                        left = left[file.write(left) :]
            with self._told(place):
                os.fsync(file.fileno())

    @contextlib.contextmanager
    def _told(self, place: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._failed(error, place) from error

    def _failed(self, error: OSError, place: Path) -> OutletError:
        """Returns the error that names what happened: to the folder as a whole, or to one file."""
        if not _is_folder(self._folder):
            return OutletFolderMissing(outlet=self.name)
        if error.errno in _READ_ONLY:
            return OutletFolderReadOnly(outlet=self.name, place=str(place.parent))
        if error.errno in _FULL:
            return OutletFull(outlet=self.name, place=str(place))
        return CopyFailed(outlet=self.name, place=str(place), problem=error.strerror or "cannot be written")

    def _unreadable(self, error: OSError, place: Path) -> OutletError:
        if error.errno in _READ_ONLY:  # of this file alone: nothing is said of the folder yet
            return CopyFailed(outlet=self.name, place=str(place), problem=error.strerror or "cannot be read")
        return self._failed(error, place)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # not to be entered by this user
        return False


def _sync_folder(folder: Path) -> None:
    """Makes a new name in a folder last, where the system can do so."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

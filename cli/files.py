"""Files that commands read and write: whole, atomically, with an error that names the file."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from .errors import FileInTheWay, FileUnreadable, FileUnwritable

__all__ = ["beside", "make_folder", "read_file", "refuse_to_overwrite", "write_file"]

LARGEST = 64 * 1024 * 1024


def beside(path: Path, ending: str) -> Path:
    """Returns the file beside another that has its name and this ending; `with_name` would not take `.` or `/`."""
    return path.parent / f"{path.name}{ending}"


def read_file(path: Path, *, largest: int = LARGEST) -> bytes:
    """Returns a file's bytes; FileUnreadable where that is not possible or it is larger than `largest` bytes."""
    try:
        with path.open("rb") as stream:
            data = stream.read(largest + 1)
    except OSError as error:
        raise FileUnreadable(path=str(path), problem=error.strerror or "cannot be read") from error
    if len(data) > largest:
        raise FileUnreadable(path=str(path), problem=f"larger than {largest} bytes")
    return data


def refuse_to_overwrite(*paths: Path) -> None:
    """Raises FileInTheWay for the first of these files that is there: before anything is asked of a person or a card.

    Devices and pipes are there to be written to.
    """
    for path in paths:
        if os.path.lexists(path) and not _is_written_through(path):
            raise FileInTheWay(path=str(path))


def write_file(path: Path, data: bytes, *, private: bool = False, replace: bool = True) -> None:
    """Writes a file whole or not at all: a new file beside it, synced, takes its name. FileUnwritable otherwise.

    `private` files have mode 0600 from their first byte on. Without `replace`, a file that is there is FileInTheWay.
    What is no regular file (a device, a pipe) is written to as it is.
    """
    try:
        if _is_written_through(path):
            path.write_bytes(data)
            return
        new = path.parent / f".{path.name}.{secrets.token_hex(4)}"
        try:
            _write_new(new, data, 0o600 if private else 0o644)
            _take_name(new, path, replace=replace)
        finally:
            with contextlib.suppress(OSError):
                new.unlink()
    except FileExistsError as error:
        raise FileInTheWay(path=str(path)) from error
    except OSError as error:
        raise FileUnwritable(path=str(path), problem=error.strerror or "cannot be written") from error


def make_folder(path: Path) -> None:
    """Makes a folder, and those above it, for its user alone; raises FileUnwritable."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise FileUnwritable(path=str(path), problem=error.strerror or "cannot be written") from error


def _is_written_through(path: Path) -> bool:
    return path.exists() and not path.is_file() and not path.is_dir()


def _write_new(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _take_name(new: Path, path: Path, *, replace: bool) -> None:
    if replace:
        new.replace(path)
    elif os.name == "nt":
        new.rename(path)  # which Windows refuses where the name is taken
    else:
        os.link(new, path)  # rename() would replace a file that came there meanwhile

"""Files written whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

__all__ = ["replace_file", "sync_folder", "write_new_file"]


def write_new_file(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Makes a file with this content, on the disk when the call returns; FileExistsError where there is one already.

    A process killed on the way leaves no file of this name, at most one with another name beside it.
    """
    temporary = _written_beside(path, content, mode)
    try:
        if os.name == "nt":
            temporary.rename(path)  # which Windows refuses where the name is taken
        else:
            os.link(temporary, path)  # rename() would replace a file that is there
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def replace_file(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Puts a file with this content in the place of the one that may be there; readers see the old or the new one."""
    temporary = _written_beside(path, content, mode)
    try:
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def _written_beside(path: Path, content: bytes, mode: int) -> Path:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def sync_folder(folder: Path) -> None:
    """Makes a new name in a folder last, where the system can do so."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""An authority that is put back from a backup, into an empty folder; it signs nothing before it has caught up."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jpki.store import Store
from jpki.terms import Secret

from ..errors import AuthorityFolderFailed
from ..files import sync_folder
from ..folder import AuthorityFolder
from .archive import unpack
from .errors import BackupUnreadable, FolderNotEmpty
from .manifest import Manifest
from .mark import RestoredMark, mark_restored
from .stream import DecryptingReader
from .verifying import verify_copy

__all__ = ["PutBack", "put_back", "refuse_occupied"]

_STORE = "authority.sqlite3"


@dataclass(frozen=True, slots=True)
class PutBack:
    """What was put back: the backup's list of contents, and what is owed before anything is signed."""

    manifest: Manifest
    mark: RestoredMark


def refuse_occupied(folder: Path) -> None:
    """Raises FolderNotEmpty unless a folder is empty or not there; AuthorityFolderFailed where nobody can tell."""
    try:
        occupied = os.path.lexists(folder) and any(folder.iterdir())
    except OSError as error:
        raise _failed(folder, error) from error
    if occupied:
        raise FolderNotEmpty(folder=str(folder))


def put_back(file: Path, folder: Path, passphrase: Secret, at: datetime) -> PutBack:
    """Puts the authority of a backup into an empty folder, whole or not at all, checked as `back_up` checks it.

    Killed in the middle, it leaves no store there: nothing takes that for an authority. Raises FolderNotEmpty,
    BackupUnreadable, AuthorityFolderFailed, KeysUnusable, StoreError.
    """
    refuse_occupied(folder)
    try:
        source = file.open("rb")
    except OSError as error:
        raise BackupUnreadable(file=str(file), problem=error.strerror or type(error).__name__) from error
    made = not folder.exists()
    try:
        with source:
            reader = DecryptingReader(source, passphrase, str(file))
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return _put(reader, file, folder, passphrase, at.replace(microsecond=0))
    except OSError as error:
        raise _failed(folder, error) from error
    finally:
        if made and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _put(reader: DecryptingReader, file: Path, folder: Path, passphrase: Secret, at: datetime) -> PutBack:
    work = Path(tempfile.mkdtemp(prefix=".restore-", dir=folder))
    try:
        manifest = unpack(reader, work, str(file))
        verify_copy(work, passphrase, manifest, str(file))
        digest = next(one.sha256 for one in manifest.files if one.path == _STORE)
        with Store.open(work / _STORE) as store:
            mark = mark_restored(store, at, made_at=manifest.made_at, sha256=digest)
            seals = AuthorityFolder(work).seals
            if seals.public_key.exists():
                seals.keep(store)
        _move(work, folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return PutBack(manifest, mark)


def _move(work: Path, folder: Path) -> None:
    """Moves everything into its place, the store last: before it is there, there is no authority."""
    folder.chmod(0o700)
    for one in sorted(work.iterdir(), key=lambda one: one.name == _STORE):
        if one.is_dir():
            sync_folder(one)
        one.rename(folder / one.name)
    sync_folder(folder)


def _failed(folder: Path, error: OSError) -> AuthorityFolderFailed:
    return AuthorityFolderFailed(folder=str(folder), problem=error.strerror or type(error).__name__)

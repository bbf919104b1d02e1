"""A backup of an authority: made while others go on, encrypted, and put back once before it is called one."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jpki.store import NEWEST_SCHEMA, Store, StoreFull
from jpki.terms import Role, Secret

from ..custody import FilePlace, read_key_place
from ..files import sync_folder
from ..folder import AuthorityFolder
from ..sealing import Random
from .archive import digest_of_file, pack, unpack
from .errors import BackupDamaged, BackupFailed, BackupInTheWay
from .manifest import Contained, KeptKey, Manifest, standing_of
from .stream import DecryptingReader, EncryptingWriter
from .verifying import refuse_other_keys, verify_copy
from .workplace import workplace

__all__ = ["BackedUp", "back_up"]

_STORE = "authority.sqlite3"
_FOLDERS = ("keys", "certificates")


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A backup that was made, and read back: its list of contents, its size and digest."""

    manifest: Manifest
    size: int
    sha256: str


def back_up(
    place: AuthorityFolder,
    passphrase: Secret,
    file: Path,
    at: datetime,
    *,
    tool: str,
    random: Random = secrets.token_bytes,
) -> BackedUp:
    """Writes an authority into one new file under its passphrase, and reads and checks it before it has its name.

    Others may go on issuing: it holds the store of one moment. `tool` says which version of the toolkit made it. Beside
    the store there has to be room for one more copy of it. Raises BackupInTheWay, BackupFailed, NoAuthority,
    KeysUnusable, StoreError.
    """
    if os.path.lexists(file):
        raise BackupInTheWay(file=str(file))
    with place.open(passphrase) as authority:
        refuse_other_keys(authority.store, place.keys, passphrase)
        try:
            with workplace(place.path) as work:
                manifest = _collected(authority.store, place, work / "made", at.replace(microsecond=0), tool)
                return _written(manifest, work, file, passphrase, random)
        except FileExistsError:
            raise BackupInTheWay(file=str(file)) from None
        except OSError as error:
            raise BackupFailed(file=str(file), problem=error.strerror or type(error).__name__) from error
        except StoreFull as error:
            raise BackupFailed(file=str(file), problem=os.strerror(errno.ENOSPC)) from error
        except BackupDamaged as error:
            # What was just written is not what is read: the disk, or the memory.
            raise BackupFailed(file=str(file), problem="it was not read back as it was written") from error


def _collected(store: Store, place: AuthorityFolder, folder: Path, at: datetime, tool: str) -> Manifest:
    """Copies store, sealed keys and certificates into a folder, and returns the list of contents."""
    folder.mkdir(mode=0o700)
    store.write_copy(folder / _STORE)
    # After the store: a key is there before the store knows of it.
    for name in _FOLDERS:
        (folder / name).mkdir(mode=0o700)
        for one in sorted((place.path / name).iterdir()):
            if one.is_file() and not one.name.startswith("."):
                shutil.copyfile(one, folder / name / one.name)
    with Store.open(folder / _STORE) as copy:
        standing = standing_of(copy)
        keys = _kept_keys(copy)
    paths = [_STORE, *(f"{name}/{one.name}" for name in _FOLDERS for one in sorted((folder / name).iterdir()))]
    files = tuple(Contained(path, *digest_of_file(folder / path)) for path in paths)
    return Manifest(tool, at, NEWEST_SCHEMA, standing, keys, files)


def _kept_keys(store: Store) -> tuple[KeptKey, ...]:
    with store.snapshot() as view:
        every = [own for role in Role for own in view.authority_keys(role)]
    return tuple(KeptKey(str(own.name), own.generation, _elsewhere(own.place)) for own in every)


def _elsewhere(uri: str | None) -> str | None:
    """Returns where a key is that is not in the folder of sealed keys, without a PIN's place; None where it is."""
    if uri is None:
        return None
    found = read_key_place(uri)
    return None if isinstance(found, FilePlace) and len(found.path.parts) == 1 else str(found)


def _written(manifest: Manifest, work: Path, file: Path, passphrase: Secret, random: Random) -> BackedUp:
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(descriptor, "wb") as sink:
            pack(EncryptingWriter(sink, passphrase, random), manifest, work / "made")
            sink.flush()
            os.fsync(descriptor)
        shutil.rmtree(work / "made")
        _read_back(part, work / "check", passphrase)
        size, digest = digest_of_file(part)
        if os.name == "nt":
            part.rename(file)  # which Windows refuses where the name is taken
        else:
            os.link(part, file)  # rename() would replace a file that came there meanwhile
    finally:
        part.unlink(missing_ok=True)
    sync_folder(file.parent)
    return BackedUp(manifest, size, digest)


def _read_back(part: Path, folder: Path, passphrase: Secret) -> None:
    folder.mkdir(mode=0o700)
    with part.open("rb") as source:
        manifest = unpack(DecryptingReader(source, passphrase, str(part)), folder, str(part))
    verify_copy(folder, passphrase, manifest, str(part))

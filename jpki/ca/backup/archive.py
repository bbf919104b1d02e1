"""What is in a backup's stream: a tar archive, the list of contents first, then the files that it names, in order."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from pathlib import Path
from typing import IO, cast

from .errors import BackupDamaged, BackupForeign
from .manifest import Contained, Manifest
from .stream import DecryptingReader, EncryptingWriter

__all__ = ["digest_of_file", "pack", "unpack"]

_MANIFEST = "manifest.json"
_LARGEST_MANIFEST = 16 * 1024 * 1024
_PIECE = 1024 * 1024
_NO_ARCHIVE = (tarfile.TarError, ValueError, EOFError, OverflowError)


def digest_of_file(path: Path) -> tuple[int, str]:
    """Returns a file's size and SHA-256; raises OSError."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return path.stat().st_size, digest


def pack(writer: EncryptingWriter, manifest: Manifest, folder: Path) -> None:
    """Writes the list of contents and the files that it names, which are in `folder`; raises OSError."""
    moment = int(manifest.made_at.timestamp())
    with tarfile.open(fileobj=cast("IO[bytes]", writer), mode="w|", format=tarfile.PAX_FORMAT, bufsize=_PIECE) as tar:
        content = manifest.encode()
        tar.addfile(_member(_MANIFEST, len(content), moment), io.BytesIO(content))
        for one in manifest.files:
            with (folder / one.path).open("rb") as stream:
                tar.addfile(_member(one.path, one.size, moment), stream)
    writer.finish()


def unpack(reader: DecryptingReader, folder: Path, name: str) -> Manifest:
    """Writes what a backup holds into a folder that is empty, synced, and returns the list of contents.

    Nothing is taken that the list does not name, nor from another place or of another size or digest. Raises
    BackupForeign, BackupTooNew, BackupDamaged (`name` stands for the file), OSError.
    """
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", reader), mode="r|", bufsize=_PIECE) as tar:
            manifest = _manifest(tar, name)
            for expected in manifest.files:
                member = tar.next()
                if member is None or not member.isreg() or (member.name, member.size) != (expected.path, expected.size):
                    raise BackupDamaged(file=name, problem="not what its list of contents says")
                _write(tar.extractfile(member), folder, expected, name)
            if tar.next() is not None:
                raise BackupDamaged(file=name, problem="not what its list of contents says")
    except _NO_ARCHIVE:
        raise BackupForeign(file=name, problem="no backup") from None
    reader.finish()
    return manifest


def _member(path: str, size: int, moment: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.size, member.mode, member.mtime = size, 0o600, moment
    return member


def _manifest(tar: tarfile.TarFile, name: str) -> Manifest:
    member = tar.next()
    content = None
    if member is not None and member.name == _MANIFEST and member.isreg() and member.size <= _LARGEST_MANIFEST:
        content = tar.extractfile(member)
    if content is None:
        raise BackupForeign(file=name, problem="no backup")
    return Manifest.parse(content.read(), name)


def _write(content: IO[bytes] | None, folder: Path, expected: Contained, name: str) -> None:
    path = folder / expected.path
    path.parent.mkdir(mode=0o700, exist_ok=True)
    digest = hashlib.sha256()
    mode = 0o644 if path.parent.name == "certificates" else 0o600
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    with os.fdopen(descriptor, "wb") as file:
        while content is not None and (piece := content.read(_PIECE)):
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(descriptor)
    if digest.hexdigest() != expected.sha256:
        raise BackupDamaged(file=name, problem="not what its list of contents says")

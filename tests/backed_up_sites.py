"""Authorities in folders of their own, with backups of them."""

from __future__ import annotations

import io
import os
import tarfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, cast

from authorities import BOTH, NOW

from jpki.ca import (
    Authority,
    AuthorityFolder,
    BackedUp,
    PutBack,
    back_up,
    put_back,
)
from jpki.ca.backup.stream import DecryptingReader, EncryptingWriter
from jpki.terms import Secret

PASSPHRASE = Secret(b"a passphrase for tests")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SIGN, AUTH = BOTH


def names_in(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


@dataclass
class Site:
    """An authority in the folder `ca`, with some certificates, and what is done with backups of it."""

    path: Path

    @property
    def place(self) -> AuthorityFolder:
        return AuthorityFolder(self.path / "ca")

    @property
    def file(self) -> Path:
        return self.path / "backup.age"

    @property
    def new(self) -> Path:
        return self.path / "new"

    def opened(self, folder: str = "ca") -> Authority:
        return AuthorityFolder(self.path / folder).open(PASSPHRASE)

    def back_up(self) -> BackedUp:
        return back_up(self.place, PASSPHRASE, self.file, NOW + HOUR, tool="1.2.3")

    def put_back(self) -> PutBack:
        return put_back(self.file, self.new, PASSPHRASE, NOW + DAY)

    def content(self) -> dict[str, bytes]:
        found = {}
        with self.file.open("rb") as source:
            reader = cast("IO[bytes]", DecryptingReader(source, PASSPHRASE, "file"))
            with tarfile.open(fileobj=reader, mode="r|") as archive:
                for member in archive:
                    stream = archive.extractfile(member)
                    assert stream is not None
                    found[member.name] = stream.read()
        return found

    def write(self, content: dict[str, bytes]) -> None:
        with self.file.open("wb") as sink:
            writer = EncryptingWriter(sink, PASSPHRASE, os.urandom, log_n=10)
            with tarfile.open(fileobj=cast("IO[bytes]", writer), mode="w|") as archive:
                for name, data in content.items():
                    member = tarfile.TarInfo(name)
                    member.size = len(data)
                    archive.addfile(member, io.BytesIO(data))
            writer.finish()

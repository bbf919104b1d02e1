"""The folder of the demonstration: its files, and that nothing else is ever overwritten."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from ..errors import FileUnwritable, ForeignFolder
from ..files import make_folder, write_file

__all__ = ["DemoFolder"]

_MARK = ".jpki-demo"
_FOLDERS = ("authority", "trust", "certificates", "crl", "login")
_FILES = (
    "README.txt",
    "authority-passphrase",
    "card.jpki",
    "card.jpki.lock",
    "chain.json",
    "check.sh",
    "contract.pub",
    "contract.txt",
    "contract.txt.crt",
    "contract.txt.sig",
    "login.pub",
    "residents.csv",
)


@dataclass(frozen=True, slots=True)
class DemoFolder:
    """Where the files of the demonstration are."""

    path: Path

    def prepare(self) -> None:
        """Makes the folder, or empties the one of an earlier run; raises ForeignFolder, FileUnwritable.

        Only what an earlier run made goes away; a folder that holds anything and was not made here is left alone.
        """
        try:
            there = set(self.path.iterdir()) if self.path.is_dir() else set()
            if there and self.mark not in there:
                raise ForeignFolder(path=str(self.path))
            make_folder(self.path)
            write_file(self.mark, b"")
            for name in _FOLDERS:
                shutil.rmtree(self.path / name, ignore_errors=True)
            for name in _FILES:
                (self.path / name).unlink(missing_ok=True)
            for name in _FOLDERS[1:]:
                (self.path / name).mkdir()
        except OSError as error:
            raise FileUnwritable(path=str(self.path), problem=error.strerror or "cannot be written") from error

    @property
    def mark(self) -> Path:
        """Returns the file that says that the folder is the demonstration's own."""
        return self.path / _MARK

    @property
    def authority(self) -> Path:
        """Returns the authority's folder."""
        return self.path / "authority"

    @property
    def card(self) -> Path:
        """Returns the card file."""
        return self.path / "card.jpki"

    @property
    def document(self) -> Path:
        """Returns the document that is signed."""
        return self.path / "contract.txt"

    @property
    def residents(self) -> Path:
        """Returns the file of residents, which holds one invented person."""
        return self.path / "residents.csv"

    def put(self, name: str, data: bytes, *, private: bool = False) -> None:
        """Writes a file of the demonstration; raises FileUnwritable."""
        write_file(self.path / name, data, private=private)

    def put_residents(self) -> None:
        """Writes the file of residents."""
        self.put("residents.csv", (resources.files(__package__) / "resident.txt").read_bytes())

    def listed(self) -> list[str]:
        """Returns the files of the folder, by name, lock files and the mark left out."""
        found = (one.relative_to(self.path).as_posix() for one in self.path.rglob("*") if one.is_file())
        return sorted(name for name in found if not name.endswith((".lock", "-wal", "-shm")) and name != _MARK)

"""What can be wrong with a card file, or with the reader that a card is put into.

BadInput
├── NoCardFile(path)
├── CardFileExists(path)
├── CardFileDamaged(path, problem)      cut short, edited, of an unknown format, or no card file at all
└── CardFileExposed(path, mode)         others than its owner may read or write it
CardError
├── CardFileBusy(path)                  another process, or this one, holds the card
├── CardFileNotWritten(path, problem)   disk full, folder missing or not writable
├── NoVirtualReader(host, port)         nothing listens there: pcscd not running, or without vpcd's driver
└── ReaderSlotTaken(ports)              another card is in each of these slots of the virtual reader
"""

from __future__ import annotations

from jpki.errors import BadInput, CardError

__all__ = [
    "CardFileBusy",
    "CardFileDamaged",
    "CardFileExists",
    "CardFileExposed",
    "CardFileNotWritten",
    "NoCardFile",
    "NoVirtualReader",
    "ReaderSlotTaken",
]


class NoCardFile(BadInput):
    """Says that there is no card file at this path."""

    def __init__(self, *, path: str) -> None:
        super().__init__()
        self.path = path


class CardFileExists(BadInput):
    """Says that a new card would overwrite a file."""

    def __init__(self, *, path: str) -> None:
        super().__init__()
        self.path = path


class CardFileDamaged(BadInput):
    """Says that a file is not, or no longer, a card (`problem`, a few English words)."""

    def __init__(self, *, path: str, problem: str) -> None:
        super().__init__()
        self.path = path
        self.problem = problem


class CardFileExposed(BadInput):
    """Says that a card file may be read or written by others (`mode`, three octal digits); it holds private keys."""

    def __init__(self, *, path: str, mode: str) -> None:
        super().__init__()
        self.path = path
        self.mode = mode


class CardFileBusy(CardError):
    """Says that the card is held already: two holders would give tries back."""

    def __init__(self, *, path: str) -> None:
        super().__init__()
        self.path = path


class CardFileNotWritten(CardError):
    """Says that a card's new state could not be stored (`problem`: the system's words); the old one stands."""

    def __init__(self, *, path: str, problem: str) -> None:
        super().__init__()
        self.path = path
        self.problem = problem


class NoVirtualReader(CardError):
    """Says that no driver of a virtual reader listens on this port."""

    def __init__(self, *, host: str, port: int) -> None:
        super().__init__()
        self.host = host
        self.port = port


class ReaderSlotTaken(CardError):
    """Says that another card is in each of these slots of the virtual reader (their ports)."""

    def __init__(self, *, ports: tuple[int, ...]) -> None:
        super().__init__()
        self.ports = ports

"""What can go wrong with a backup of an authority, and with an authority that was put back from one.

BadInput
├── BackupUnreadable(file, problem)          a file cannot be read, or what is in it cannot be used
│   ├── BackupForeign(file, problem)         not a backup of this toolkit
│   ├── BackupLocked(file)                   the passphrase does not open it
│   ├── BackupDamaged(file, problem)         cut short or altered
│   └── BackupTooNew(file, found, known)     made by a later version of this toolkit
├── BackupInTheWay(file)                     there is a file of this name, which is not replaced
└── FolderNotEmpty(folder)                   an authority is put back into an empty folder only
AuthorityError
├── BackupFailed(file, problem)              nothing is under the name asked for
├── NotCaughtUp(restored_at, owed, lists, deltas, municipal, seal)   put back, and not shown what was published since
└── SealRefused(number, problem)             what was shown is not the newest seal of this authority's audit trail
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from jpki.errors import AuthorityError, BadInput
from jpki.terms import CertificateName

__all__ = [
    "BackupDamaged",
    "BackupFailed",
    "BackupForeign",
    "BackupInTheWay",
    "BackupLocked",
    "BackupTooNew",
    "BackupUnreadable",
    "FolderNotEmpty",
    "NotCaughtUp",
    "SealRefused",
]


class BackupUnreadable(BadInput):
    """Says that a backup cannot be read, and why in a few English words."""

    def __init__(self, *, file: str, problem: str = "") -> None:
        super().__init__()
        self.file = file
        if problem:
            self.problem = problem


class BackupForeign(BackupUnreadable):
    """Says that a file is not a backup of this toolkit."""


class BackupLocked(BackupUnreadable):
    """Says that the passphrase does not open a backup; the same is seen where its first lines were altered."""

    def __init__(self, *, file: str) -> None:
        super().__init__(file=file)


class BackupDamaged(BackupUnreadable):
    """Says that a backup was cut short or altered, or does not hold what its own list of contents says."""


class BackupTooNew(BackupUnreadable):
    """Says that a later version of this toolkit made a backup: `found` is behind what is `known` here."""

    def __init__(self, *, file: str, found: str, known: str) -> None:
        super().__init__(file=file)
        self.found = found
        self.known = known


class BackupInTheWay(BadInput):
    """Says that there is a file of the name that a backup was to have."""

    def __init__(self, *, file: str) -> None:
        super().__init__()
        self.file = file


class FolderNotEmpty(BadInput):
    """Says that something is in the folder that an authority was to be put back into."""

    def __init__(self, *, folder: str) -> None:
        super().__init__()
        self.folder = folder


class BackupFailed(AuthorityError):
    """Says that no backup was made, and why in a few English words; nothing has the name asked for."""

    def __init__(self, *, file: str, problem: str) -> None:
        super().__init__()
        self.file = file
        self.problem = problem


class NotCaughtUp(AuthorityError):
    """Says that an authority was put back at a moment, and signs nothing before it was shown what was published since.

    `lists` are the keys whose newest complete list is owed, `deltas` those whose newest delta is, `municipal` those of
    which lists of municipalities are, `seal` whether the newest seal of the audit trail is. `owed` is the first of
    these: "lists", "deltas", "municipal" or "seal".
    """

    def __init__(
        self,
        *,
        restored_at: datetime,
        owed: str,
        lists: Sequence[CertificateName],
        deltas: Sequence[CertificateName],
        municipal: Sequence[CertificateName],
        seal: bool,
    ) -> None:
        super().__init__()
        self.restored_at = restored_at
        self.owed = owed
        self.lists = tuple(lists)
        self.deltas = tuple(deltas)
        self.municipal = tuple(municipal)
        self.seal = seal


class SealRefused(AuthorityError):
    """Says that a seal that was shown is not taken, and why in a few English words."""

    def __init__(self, *, number: int, problem: str) -> None:
        super().__init__()
        self.number = number
        self.problem = problem

"""A backup of an authority in one encrypted file, and an authority that is put back from one."""

from .errors import (
    BackupDamaged,
    BackupFailed,
    BackupForeign,
    BackupInTheWay,
    BackupLocked,
    BackupTooNew,
    BackupUnreadable,
    FolderNotEmpty,
    NotCaughtUp,
    SealRefused,
)

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

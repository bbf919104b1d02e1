"""Where published revocation lists are copied to: a folder, an LDAP directory. The store has the lists themselves."""

from .catching_up import CopyResult, OutletReport, bring_up_to_date
from .directory import DEFAULT_ENTRY_LIMIT, DirectoryOutlet
from .directory_address import DirectoryAddress, read_password
from .directory_names import directory_name
from .errors import (
    BadDirectoryAddress,
    BadPasswordFile,
    CopyFailed,
    CopyNotKept,
    CopyNotPut,
    DirectoryGone,
    DirectoryLoginRefused,
    DirectoryNotTrusted,
    EntryMixed,
    EntryTooLarge,
    ListBytesWrong,
    NoSuchSuffix,
    OutletError,
    OutletFolderMissing,
    OutletFolderReadOnly,
    OutletFull,
    OutletUnusable,
)
from .folder import FolderOutlet
from .published import Held, MunicipalScope, Outcome, Outlet, PublishedCopy

__all__ = [
    "DEFAULT_ENTRY_LIMIT",
    "BadDirectoryAddress",
    "BadPasswordFile",
    "CopyFailed",
    "CopyNotKept",
    "CopyNotPut",
    "CopyResult",
    "DirectoryAddress",
    "DirectoryGone",
    "DirectoryLoginRefused",
    "DirectoryNotTrusted",
    "DirectoryOutlet",
    "EntryMixed",
    "EntryTooLarge",
    "FolderOutlet",
    "Held",
    "ListBytesWrong",
    "MunicipalScope",
    "NoSuchSuffix",
    "Outcome",
    "Outlet",
    "OutletError",
    "OutletFolderMissing",
    "OutletFolderReadOnly",
    "OutletFull",
    "OutletReport",
    "OutletUnusable",
    "PublishedCopy",
    "bring_up_to_date",
    "directory_name",
    "read_password",
]

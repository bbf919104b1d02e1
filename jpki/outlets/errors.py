"""What can go wrong where published lists are copied to.

BadInput
├── BadDirectoryAddress(problem)                   a directory is named in a way that cannot be used
└── BadPasswordFile(file, problem)                 the file with the directory's password cannot be used
AuthorityError
├── ListBytesWrong(place, number)                  the bytes handed in are not those of the list that was recorded
└── OutletError(outlet)                            a copy did not get to an outlet; what was there before is there still
    ├── OutletUnusable(outlet, problem)            the outlet as a whole: nothing more is tried there this time
    │   ├── OutletFolderMissing(outlet)            its folder is not there
    │   ├── OutletFolderReadOnly(outlet, place)    this folder may not be written
    │   ├── DirectoryGone(outlet, problem)         the server does not answer, or no longer
    │   ├── DirectoryNotTrusted(outlet, problem)   it has no TLS, or a certificate that nobody here trusts
    │   └── DirectoryLoginRefused(outlet, user)    unknown name, or wrong password
    └── CopyNotPut(outlet, place)                  one copy, by its file or entry; others may get there
        ├── OutletFull(outlet, place)              no space left
        ├── CopyFailed(outlet, place, problem)     the system's or the server's reason
        ├── CopyNotKept(outlet, place, number)     read back, it is another
        ├── NoSuchSuffix(outlet, place, suffixes)  the directory holds no names of this branch
        ├── EntryTooLarge(outlet, place, octets, limit)    the server takes no entry as large as this
        └── EntryMixed(outlet, place)              a complete list and a delta would stand beside one another
"""

from __future__ import annotations

from jpki.errors import AuthorityError, BadInput

__all__ = [
    "BadDirectoryAddress",
    "BadPasswordFile",
    "CopyFailed",
    "CopyNotKept",
    "CopyNotPut",
    "DirectoryGone",
    "DirectoryLoginRefused",
    "DirectoryNotTrusted",
    "EntryMixed",
    "EntryTooLarge",
    "ListBytesWrong",
    "NoSuchSuffix",
    "OutletError",
    "OutletFolderMissing",
    "OutletFolderReadOnly",
    "OutletFull",
    "OutletUnusable",
]


class BadDirectoryAddress(BadInput):
    """Says why a directory's address cannot be used. The address itself is left out: it may hold a password."""

    def __init__(self, *, problem: str) -> None:
        super().__init__()
        self.problem = problem


class BadPasswordFile(BadInput):
    """Says why the file that should hold the directory's password cannot be used."""

    def __init__(self, *, file: str, problem: str) -> None:
        super().__init__()
        self.file = file
        self.problem = problem


class ListBytesWrong(AuthorityError):
    """Says that the bytes of a list (its number, and where it was to go) do not have the digest that was recorded."""

    def __init__(self, *, place: str, number: int) -> None:
        super().__init__()
        self.place = place
        self.number = number


class OutletError(AuthorityError):
    """Says that a copy did not get to an outlet (`outlet`: its folder or address)."""

    def __init__(self, *, outlet: str) -> None:
        super().__init__()
        self.outlet = outlet


class OutletUnusable(OutletError):
    """Says that an outlet as a whole cannot be used, and the system's reason."""

    def __init__(self, *, outlet: str, problem: str) -> None:
        super().__init__(outlet=outlet)
        self.problem = problem


class OutletFolderMissing(OutletUnusable):
    """Says that the folder is not there. It is never made: it may be a disk that is not mounted."""

    def __init__(self, *, outlet: str) -> None:
        super().__init__(outlet=outlet, problem="not there")


class OutletFolderReadOnly(OutletUnusable):
    """Says that a folder may not be written by this user, or by nobody."""

    def __init__(self, *, outlet: str, place: str) -> None:
        super().__init__(outlet=outlet, problem="may not be written")
        self.place = place


class DirectoryGone(OutletUnusable):
    """Says that a directory's server cannot be reached, or went away."""


class DirectoryNotTrusted(OutletUnusable):
    """Says why no password was sent to a server: what answers is not known to be the one that is meant."""


class DirectoryLoginRefused(OutletUnusable):
    """Says that the server refuses the name (`user`) with this password; which of them is wrong it does not say."""

    def __init__(self, *, outlet: str, user: str) -> None:
        super().__init__(outlet=outlet, problem="login refused")
        self.user = user


class CopyNotPut(OutletError):
    """Says that one copy did not get to its place (`place`: a file or a distinguished name)."""

    def __init__(self, *, outlet: str, place: str) -> None:
        super().__init__(outlet=outlet)
        self.place = place


class OutletFull(CopyNotPut):
    """Says that there is no space left for a copy."""


class CopyFailed(CopyNotPut):
    """Says that a copy could not be put, and the reason that the system or the server gives."""

    def __init__(self, *, outlet: str, place: str, problem: str) -> None:
        super().__init__(outlet=outlet, place=place)
        self.problem = problem


class CopyNotKept(CopyNotPut):
    """Says that a list, taken by the server without complaint, is not there when it is read back."""

    def __init__(self, *, outlet: str, place: str, number: int) -> None:
        super().__init__(outlet=outlet, place=place)
        self.number = number


class NoSuchSuffix(CopyNotPut):
    """Says that a name stands below none of the suffixes that a directory serves."""

    def __init__(self, *, outlet: str, place: str, suffixes: tuple[str, ...]) -> None:
        super().__init__(outlet=outlet, place=place)
        self.suffixes = suffixes


class EntryTooLarge(CopyNotPut):
    """Says that an entry of so many octets is over a limit: the outlet's own (`limit`), or (None) the server's."""

    def __init__(self, *, outlet: str, place: str, octets: int, limit: int | None) -> None:
        super().__init__(outlet=outlet, place=place)
        self.octets = octets
        self.limit = limit


class EntryMixed(CopyNotPut):
    """Says that an entry holds a delta where a complete list is to be put, or the reverse."""

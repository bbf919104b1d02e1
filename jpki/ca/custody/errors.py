"""What can go wrong with keys that are named by URI, with tokens (PKCS#11), and with a key ceremony.

BadInput
├── BadKeyUri(attribute, problem)                  the place of a key is not written as it can be
│   └── PinInKeyUri(attribute)                     it holds a PIN, which belongs in a file of its own
└── BadCeremony(where, problem)                    the file of a ceremony, by the place in it
KeysUnusable
├── SharedKey(file, name)                          a new key that is somebody's already
└── TokenUnusable(file)                            a key on a token, by its URI without PIN
    ├── TokenSupportMissing(file)                  the library for PKCS#11 is not installed
    ├── TokenModuleFailed(file, module, problem)   the token maker's module cannot be loaded or started
    ├── TokenMissing(file, module)                 no such token is there, or not any more
    ├── TokenAmbiguous(file, count)                several fit
    ├── TokenPinMissing(file)                      the URI does not say where the PIN is
    ├── TokenPinUnreadable(file, source, problem)  it says where, and there it cannot be read
    ├── TokenPinWrong(file)                        refused by the token; the same PIN is not tried again
    ├── TokenPinBlocked(file)                      refused too often
    ├── TokenKeyAmbiguous(file, count)             several keys fit
    ├── TokenKeyUnfit(file, problem)               not a key that an authority should have
    └── TokenFailed(file, problem)                 the token stopped in the middle; a later call connects anew
AuthorityError
└── CeremonyRefused(record)                        a key ceremony is not held, or not taken up
    ├── CeremonyHeld(record)                       its record is there: it was held
    ├── CeremonyChanged(record)                    an interrupted one was begun with another file
    ├── CeremonyOutOfTurn(record, role, expected)  not the generation that comes next
    ├── KeyAlreadyThere(record, file)              a place where a new key is to be made holds one
    ├── WordsDiffer(record, witness)               a witness typed other words than were shown
    ├── CeremonyFileFailed(record, problem)        record or journal cannot be read or written
    └── RehearsalFailed(record, problem)           no token in software can be made
"""

from __future__ import annotations

from jpki.errors import AuthorityError, BadInput
from jpki.terms import CertificateName, Role

from ..errors import KeysUnusable

__all__ = [
    "BadCeremony",
    "BadKeyUri",
    "CeremonyChanged",
    "CeremonyFileFailed",
    "CeremonyHeld",
    "CeremonyOutOfTurn",
    "CeremonyRefused",
    "KeyAlreadyThere",
    "PinInKeyUri",
    "RehearsalFailed",
    "SharedKey",
    "TokenAmbiguous",
    "TokenFailed",
    "TokenKeyAmbiguous",
    "TokenKeyUnfit",
    "TokenMissing",
    "TokenModuleFailed",
    "TokenPinBlocked",
    "TokenPinMissing",
    "TokenPinUnreadable",
    "TokenPinWrong",
    "TokenSupportMissing",
    "TokenUnusable",
    "WordsDiffer",
]


class BadKeyUri(BadInput):
    """Says what is wrong with the place of a key, and in which attribute; never what was written there."""

    def __init__(self, *, attribute: str, problem: str) -> None:
        super().__init__()
        self.attribute = attribute
        self.problem = problem


class PinInKeyUri(BadKeyUri):
    """Says that the place of a key holds a PIN itself: whoever reads settings or lists of processes would have it."""

    def __init__(self, *, attribute: str) -> None:
        super().__init__(attribute=attribute, problem="a PIN")


class BadCeremony(BadInput):
    """Says what is wrong with the file of a ceremony; `where` is a dotted name such as `key.1.role`."""

    def __init__(self, *, where: str, problem: str) -> None:
        super().__init__()
        self.where = where
        self.problem = problem


class SharedKey(KeysUnusable):
    """Says that a new key is that of a certificate, or (`name` is None) another one of the same new authority."""

    def __init__(self, *, file: str, name: CertificateName | None) -> None:
        super().__init__(file=file)
        self.name = name


class TokenUnusable(KeysUnusable):
    """Says that a key on a token cannot be used; `file` is its URI, without where the PIN is."""


class TokenSupportMissing(TokenUnusable):
    """Says that python-pkcs11 is not installed."""


class TokenModuleFailed(TokenUnusable):
    """Says that the PKCS#11 module cannot be loaded or started."""

    def __init__(self, *, file: str, module: str, problem: str) -> None:
        super().__init__(file=file)
        self.module = module
        self.problem = problem


class TokenMissing(TokenUnusable):
    """Says that the module shows no token that fits."""

    def __init__(self, *, file: str, module: str) -> None:
        super().__init__(file=file)
        self.module = module


class TokenAmbiguous(TokenUnusable):
    """Says how many tokens fit, where it has to be one."""

    def __init__(self, *, file: str, count: int) -> None:
        super().__init__(file=file)
        self.count = count


class TokenPinMissing(TokenUnusable):
    """Says that the token wants a PIN and the URI does not name a file that holds it."""


class TokenPinUnreadable(TokenUnusable):
    """Says that the file with the PIN cannot be used."""

    def __init__(self, *, file: str, source: str, problem: str) -> None:
        super().__init__(file=file)
        self.source = source
        self.problem = problem


class TokenPinWrong(TokenUnusable):
    """Says that the token refused the PIN; this process does not send the same one again."""


class TokenPinBlocked(TokenUnusable):
    """Says that the token takes no PIN any more."""


class TokenKeyAmbiguous(TokenUnusable):
    """Says how many private keys fit, where it has to be one."""

    def __init__(self, *, file: str, count: int) -> None:
        super().__init__(file=file)
        self.count = count


class TokenKeyUnfit(TokenUnusable):
    """Says why the key that was found is not used (`problem`: a few English words)."""

    def __init__(self, *, file: str, problem: str) -> None:
        super().__init__(file=file)
        self.problem = problem


class TokenFailed(TokenUnusable):
    """Says that the token did not do what was asked, and the module's reason; a later call connects anew."""

    def __init__(self, *, file: str, problem: str) -> None:
        super().__init__(file=file)
        self.problem = problem


class CeremonyRefused(AuthorityError):
    """Says that a ceremony is not held; `record` is the file that it is to leave."""

    def __init__(self, *, record: str) -> None:
        super().__init__()
        self.record = record


class CeremonyHeld(CeremonyRefused):
    """Says that the record is there: what it tells of is not done a second time."""


class CeremonyChanged(CeremonyRefused):
    """Says that what was interrupted had begun with another ceremony file, or in another authority."""


class CeremonyOutOfTurn(CeremonyRefused):
    """Says which generation comes next for an authority, where the file asks for another one."""

    def __init__(self, *, record: str, role: Role, expected: int) -> None:
        super().__init__(record=record)
        self.role = role
        self.expected = expected


class KeyAlreadyThere(CeremonyRefused):
    """Says that a key is where a new one is to be made: who knows who has seen it."""

    def __init__(self, *, record: str, file: str) -> None:
        super().__init__(record=record)
        self.file = file


class WordsDiffer(CeremonyRefused):
    """Says that a witness typed other words than were shown."""

    def __init__(self, *, record: str, witness: str) -> None:
        super().__init__(record=record)
        self.witness = witness


class CeremonyFileFailed(CeremonyRefused):
    """Says that record, signature or journal cannot be read or written, and why."""

    def __init__(self, *, record: str, problem: str) -> None:
        super().__init__(record=record)
        self.problem = problem


class RehearsalFailed(CeremonyRefused):
    """Says why no token in software can be made for a rehearsal."""

    def __init__(self, *, record: str, problem: str) -> None:
        super().__init__(record=record)
        self.problem = problem

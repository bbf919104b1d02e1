"""Exit codes, one per kind of outcome, the same for every command (docs/command-line.md)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from jpki.errors import AuthorityError, BadInput, CardError, JpkiError, NotTrusted

__all__ = ["BY_BRANCH", "BY_NAME", "ExitCode", "exit_code_of"]


class ExitCode(IntEnum):
    """What a command ended with; `exit.<NAME>` in the catalogue's values says it in words."""

    OK = 0
    INTERNAL = 1
    BAD_INPUT = 2
    NO_CARD = 3
    CARD = 4
    BUSY = 5
    WRONG_PIN = 6
    PIN_BLOCKED = 7
    AUTHORITY = 8
    NOT_VALID = 9
    REVOKED = 10
    NOT_JUDGED = 11
    LATE = 12
    BROKEN = 13
    INTERRUPTED = 130


# By room and name, so that no room has to be loaded to tell: a test asks whether each of them exists.
BY_NAME: Mapping[str, ExitCode] = {
    "jpki.card.PcscLibraryMissing": ExitCode.NO_CARD,
    "jpki.card.NoDaemon": ExitCode.NO_CARD,
    "jpki.card.NoPermission": ExitCode.NO_CARD,
    "jpki.card.NoReader": ExitCode.NO_CARD,
    "jpki.card.NoSuchReader": ExitCode.NO_CARD,
    "jpki.card.ReaderGone": ExitCode.NO_CARD,
    "jpki.card.NoCard": ExitCode.NO_CARD,
    "jpki.card.AmbiguousReader": ExitCode.BAD_INPUT,
    "jpki.card.CardBusy": ExitCode.BUSY,
    "jpki.card.WrongPin": ExitCode.WRONG_PIN,
    "jpki.card.LastTry": ExitCode.WRONG_PIN,
    "jpki.card.PinBlocked": ExitCode.PIN_BLOCKED,
    "emulator.NoVirtualReader": ExitCode.NO_CARD,
    "emulator.ReaderSlotTaken": ExitCode.BUSY,
    "emulator.CardFileBusy": ExitCode.BUSY,
    "jpki.store.StoreBusy": ExitCode.BUSY,
    "jpki.verify.CertificateRevoked": ExitCode.REVOKED,
    "jpki.verify.EvidenceMissing": ExitCode.NOT_JUDGED,
}

BY_BRANCH: tuple[tuple[type[JpkiError], ExitCode], ...] = (
    (BadInput, ExitCode.BAD_INPUT),
    (CardError, ExitCode.CARD),
    (AuthorityError, ExitCode.AUTHORITY),
    (NotTrusted, ExitCode.NOT_VALID),
)


def exit_code_of(error: JpkiError) -> ExitCode:
    """Returns the exit code for an error, by its class or else by its branch of the error tree."""
    for kind in type(error).__mro__:
        if (code := BY_NAME.get(f"{kind.__module__.removesuffix('.errors')}.{kind.__name__}")) is not None:
            return code
    return next((code for branch, code in BY_BRANCH if isinstance(error, branch)), ExitCode.INTERNAL)

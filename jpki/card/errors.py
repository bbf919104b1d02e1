"""What can go wrong with a card, and on the way to it.

CardError
├── PcscLibraryMissing(library)             pyscard, or the PC/SC library under it
├── NoDaemon                                the PC/SC daemon does not run, or stopped
├── NoPermission                            the daemon refuses this user
├── PcscFailure(operation, code)            anything else that PC/SC says
├── NoReader
├── NoSuchReader(selection, choices)
├── AmbiguousReader(selection, choices)
├── ReaderGone(reader)
├── NoCard(reader)
├── CardMute(reader)                        a card that does not answer, or not in time
├── CardBusy(reader)                        another program holds it
├── CardRemoved(reader)
├── CardReset(reader)                       another program reset it in the middle of an operation
├── CardChanged(reader)                     taken out and put in again, this one or another
├── ConnectionClosed(reader)
├── NotAJpkiCard
├── UnknownToken(label, known)              a JPKI application of a kind that no card profile describes
├── WrongPin(role, tries_left)
├── PinBlocked(role)
├── LastTry(role)                           one more wrong PIN would block it
├── PinNeeded(role)                         the operation needs a PIN that was not verified
├── NoCertificate(role)
├── NoAuthorityCertificate(role)
├── BadCardFile(file, problem)
├── BadAnswer(problem)                      bytes that no card may answer
├── CardRefused(command, status)
├── SchemeMissing(scheme)                   the card has no such way to sign
├── SessionEnded
├── WrongCardKeys(serial, key_version, counted)    the issuer keys at hand are not this card's
├── CardKeysBlocked                         too many failed authentications: the issuer domain is locked for good
├── ChannelBroken(problem)                  the secure channel is over, or an answer in it was not the card's
├── WrongLifeCycle(found)                   blank, personalised or sealed, and the operation is for another of these
├── KeyMissing(role)                        the card holds no such key
├── KeyMismatch(role)                       a signature by the card's key does not verify under the certificate
└── OffTranscript(number, problem)          a replayed card was asked what its transcript does not hold
BadInput
└── BadPinForm(role, form, shortest, longest, problem)    refused before the card saw it
"""

from __future__ import annotations

from card_profiles import PinProblem
from jpki.errors import BadInput, CardError
from jpki.formats import StatusWord
from jpki.terms import Role

__all__ = [
    "AmbiguousReader",
    "BadAnswer",
    "BadCardFile",
    "BadPinForm",
    "CardBusy",
    "CardChanged",
    "CardKeysBlocked",
    "CardMute",
    "CardRefused",
    "CardRemoved",
    "CardReset",
    "ChannelBroken",
    "ConnectionClosed",
    "KeyMismatch",
    "KeyMissing",
    "LastTry",
    "NoAuthorityCertificate",
    "NoCard",
    "NoCertificate",
    "NoDaemon",
    "NoPermission",
    "NoReader",
    "NoSuchReader",
    "NotAJpkiCard",
    "OffTranscript",
    "PcscFailure",
    "PcscLibraryMissing",
    "PinBlocked",
    "PinNeeded",
    "ReaderGone",
    "SchemeMissing",
    "SessionEnded",
    "UnknownToken",
    "WrongCardKeys",
    "WrongLifeCycle",
    "WrongPin",
]


class PcscLibraryMissing(CardError):
    """Says that a library is not installed: `pyscard`, or the PC/SC library that it loads."""

    def __init__(self, *, library: str) -> None:
        super().__init__()
        self.library = library


class NoDaemon(CardError):
    """Says that the PC/SC daemon does not run, or that it stopped while it was used."""


class NoPermission(CardError):
    """Says that the PC/SC daemon refuses this user."""


class PcscFailure(CardError):
    """Says that PC/SC refused an operation (its function's name) with a code that has no error of its own."""

    def __init__(self, *, operation: str, code: int) -> None:
        super().__init__()
        self.operation = operation
        self.code = f"{code:08X}"


class NoReader(CardError):
    """Says that the PC/SC daemon knows no reader."""


class NoSuchReader(CardError):
    """Says that no reader has this number, name or part of a name."""

    def __init__(self, *, selection: str, choices: tuple[str, ...]) -> None:
        super().__init__()
        self.selection = selection
        self.choices = choices


class AmbiguousReader(CardError):
    """Says that several readers fit; `selection` is empty where none was asked for."""

    def __init__(self, *, selection: str, choices: tuple[str, ...]) -> None:
        super().__init__()
        self.selection = selection
        self.choices = choices


class _AtReader(CardError):
    def __init__(self, *, reader: str) -> None:
        super().__init__()
        self.reader = reader


class ReaderGone(_AtReader):
    """Says that the reader was unplugged."""


class NoCard(_AtReader):
    """Says that the reader is empty; `reader` is empty too where several were looked at."""


class CardMute(_AtReader):
    """Says that the card does not answer, or not in time."""


class CardBusy(_AtReader):
    """Says that another program holds the card and did not let go in time."""


class CardRemoved(_AtReader):
    """Says that the card was taken out."""


class CardReset(_AtReader):
    """Says that another program reset the card in the middle of an operation."""


class CardChanged(_AtReader):
    """Says that the card was taken out and one was put in, the same or another."""


class ConnectionClosed(_AtReader):
    """Says that a connection was used after its end."""


class NotAJpkiCard(CardError):
    """Says that the card has no JPKI application."""


class UnknownToken(CardError):
    """Says that a card's token label fits no card profile; `label` is empty where the card has none to read."""

    def __init__(self, *, label: str, known: tuple[str, ...]) -> None:
        super().__init__()
        self.label = label
        self.known = known


class _ForRole(CardError):
    def __init__(self, *, role: Role) -> None:
        super().__init__()
        self.role = role


class WrongPin(CardError):
    """Says that a PIN is wrong, and how many tries are left (0: blocked from now on; None: the card does not say)."""

    def __init__(self, *, role: Role, tries_left: int | None) -> None:
        super().__init__()
        self.role = role
        self.tries_left = tries_left


class PinBlocked(_ForRole):
    """Says that a PIN takes no more tries until the issuer sets a new one."""


class LastTry(_ForRole):
    """Says that only one try is left, and that the caller did not allow it to be used."""


class PinNeeded(_ForRole):
    """Says that an operation needs the PIN of `role`, and that it is not verified."""


class NoCertificate(_ForRole):
    """Says that the card carries no certificate of this role."""


class NoAuthorityCertificate(_ForRole):
    """Says that the card does not carry the certificate of the authority of this role."""


class BadCardFile(CardError):
    """Says that a file on the card (four hexadecimal digits) does not hold what it should (a few English words)."""

    def __init__(self, *, file: int, problem: str) -> None:
        super().__init__()
        self.file = f"{file:04X}"
        self.problem = problem


class BadAnswer(CardError):
    """Says that a card, or whatever stands for it, answered bytes that no card may answer."""

    def __init__(self, *, problem: str) -> None:
        super().__init__()
        self.problem = problem


class CardRefused(CardError):
    """Says that the card answered a command, named as the standard names it, with an error."""

    def __init__(self, *, command: str, status: StatusWord) -> None:
        super().__init__()
        self.command = command
        self.status = status


class SchemeMissing(CardError):
    """Says that this kind of card has no such signing scheme."""

    def __init__(self, *, scheme: str) -> None:
        super().__init__()
        self.scheme = scheme


class SessionEnded(CardError):
    """Says that a card session, or a key of it, was used after its end."""


class WrongCardKeys(CardError):
    """Says that the issuer keys at hand are not this card's (serial number and key version in hexadecimal).

    `counted` tells whether the card counted a failed authentication; after five in a row it locks for good.
    """

    def __init__(self, *, serial: bytes, key_version: int, counted: bool) -> None:
        super().__init__()
        self.serial = serial.hex().upper()
        self.key_version = f"{key_version:02X}"
        self.counted = counted


class CardKeysBlocked(CardError):
    """Says that the card takes no authentication of its issuer any more."""


class ChannelBroken(CardError):
    """Says that a secure channel cannot be used any more, and why (a few English words); open a new one."""

    def __init__(self, *, problem: str) -> None:
        super().__init__()
        self.problem = problem


class WrongLifeCycle(CardError):
    """Says how far the card has come (`blank`, `personalised`, `sealed`) where an operation is for another state."""

    def __init__(self, *, found: str) -> None:
        super().__init__()
        self.found = found


class KeyMissing(_ForRole):
    """Says that the card holds no key of this role, or none that waits."""


class KeyMismatch(_ForRole):
    """Says that a certificate is not that of the card's key: the card's signature does not verify under it."""


class OffTranscript(CardError):
    """Says at which exchange (from 1) a replayed card was asked for something else than its transcript holds."""

    def __init__(self, *, number: int, problem: str) -> None:
        super().__init__()
        self.number = number
        self.problem = problem


class BadPinForm(BadInput):
    """Says that a PIN does not have the form that the card asks for: a regular expression, its lengths, and why not."""

    def __init__(self, *, role: Role, form: str, shortest: int, longest: int, problem: PinProblem) -> None:
        super().__init__()
        self.role = role
        self.form = form
        self.shortest = shortest
        self.longest = longest
        self.problem = problem

"""PC/SC as pyscard gives it: the functions that are used, typed, and the codes they answer with."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from collections.abc import Callable
from enum import IntEnum
from importlib.util import find_spec
from typing import Protocol, TypeAlias, cast

from jpki.errors import CardError

from .errors import (
    CardBusy,
    CardMute,
    CardRemoved,
    CardReset,
    NoCard,
    NoDaemon,
    NoPermission,
    NoReader,
    PcscFailure,
    PcscLibraryMissing,
    ReaderGone,
)

__all__ = [
    "EMPTY",
    "EXCLUSIVE",
    "IN_USE",
    "LEAVE_CARD",
    "MUTE",
    "PRESENT",
    "RESET_CARD",
    "SHARED",
    "T0_OR_T1",
    "UNAVAILABLE",
    "UNKNOWN",
    "UNPOWER_CARD",
    "USER_SCOPE",
    "Code",
    "ReaderEvent",
    "ReaderState",
    "Scard",
    "daemon_refusal",
    "load_scard",
    "normal",
    "pcsc_error",
]

USER_SCOPE = 0
SHARED = 2
T0_OR_T1 = 3
LEAVE_CARD, RESET_CARD, UNPOWER_CARD = 0, 1, 2
# Bits of a reader's state; its upper 16 bits count insertions and removals.
UNKNOWN, UNAVAILABLE, EMPTY, PRESENT, EXCLUSIVE, IN_USE, MUTE = 0x04, 0x08, 0x10, 0x20, 0x80, 0x100, 0x200

ReaderState: TypeAlias = tuple[str, int]
ReaderEvent: TypeAlias = tuple[str, int, list[int]]
_LIBRARY = "libpcsclite.so.1"
_SOCKET, _SOCKET_VARIABLE = "/run/pcscd/pcscd.comm", "PCSCLITE_CSOCK_NAME"


class Code(IntEnum):
    """The results of PC/SC functions that this toolkit tells apart."""

    SUCCESS = 0
    COMMUNICATION = 0x80100013
    INVALID_HANDLE = 0x80100003
    UNKNOWN_READER = 0x80100009
    TIMEOUT = 0x8010000A
    SHARING_VIOLATION = 0x8010000B
    NO_CARD = 0x8010000C
    PROTOCOL_MISMATCH = 0x8010000F
    INVALID_VALUE = 0x80100011
    NOT_TRANSACTED = 0x80100016
    READER_UNAVAILABLE = 0x80100017
    NO_SERVICE = 0x8010001D
    SERVICE_STOPPED = 0x8010001E
    NO_ACCESS = 0x80100027
    NO_READERS = 0x8010002E
    UNRESPONSIVE_CARD = 0x80100066
    UNPOWERED_CARD = 0x80100067
    RESET_CARD = 0x80100068
    REMOVED_CARD = 0x80100069
    SECURITY_VIOLATION = 0x8010006A


class Scard(Protocol):
    """The functions of `smartcard.scard`; each answers its result code, alone or as the first of a list."""

    SCARD_PCI_T0: object
    SCARD_PCI_T1: object
    SCardEstablishContext: Callable[[int], tuple[int, int]]
    SCardReleaseContext: Callable[[int], int]
    SCardListReaders: Callable[[int, list[str]], tuple[int, list[str]]]
    SCardGetStatusChange: Callable[[int, int, list[ReaderState]], tuple[int, list[ReaderEvent]]]
    SCardConnect: Callable[[int, str, int, int], tuple[int, int, int]]
    SCardReconnect: Callable[[int, int, int, int], tuple[int, int]]
    SCardDisconnect: Callable[[int, int], int]
    SCardBeginTransaction: Callable[[int], int]
    SCardEndTransaction: Callable[[int, int], int]
    SCardTransmit: Callable[[int, object, list[int]], tuple[int, list[int]]]


def load_scard(library: str = _LIBRARY) -> Scard:
    """Returns pyscard's functions; raises PcscLibraryMissing where it, or the library that it loads, is not there."""
    try:
        installed = find_spec("smartcard") is not None
    except (ImportError, ValueError):
        installed = False
    if not installed:
        raise PcscLibraryMissing(library="pyscard")
    if sys.platform.startswith("linux"):
        try:
            # pyscard prints to standard output where it cannot load this, which would spoil JSON: so ask first.
            ctypes.CDLL(library)
        except OSError:
            raise PcscLibraryMissing(library=library) from None
    try:
        from smartcard import scard  # type: ignore[import-untyped]
    except ImportError:
        raise PcscLibraryMissing(library="pyscard") from None
    return cast(Scard, scard)


def normal(result: int) -> int:
    """Returns a result code as an unsigned number: pyscard gives signed ones on some systems."""
    return result & 0xFFFFFFFF


_WITHOUT_READER = {
    Code.SERVICE_STOPPED: NoDaemon,
    Code.COMMUNICATION: NoDaemon,
    # A handle that was good becomes invalid when the daemon that gave it is gone.
    Code.INVALID_HANDLE: NoDaemon,
    Code.NO_ACCESS: NoPermission,
    Code.SECURITY_VIOLATION: NoPermission,
    Code.NO_READERS: NoReader,
}
_AT_READER = {
    Code.UNKNOWN_READER: ReaderGone,
    # What the daemon says of a handle whose reader it no longer has.
    Code.INVALID_VALUE: ReaderGone,
    Code.READER_UNAVAILABLE: ReaderGone,
    Code.NO_CARD: NoCard,
    Code.SHARING_VIOLATION: CardBusy,
    Code.PROTOCOL_MISMATCH: CardMute,
    Code.UNRESPONSIVE_CARD: CardMute,
    Code.UNPOWERED_CARD: CardMute,
    Code.NOT_TRANSACTED: CardMute,
    Code.TIMEOUT: CardMute,
    Code.RESET_CARD: CardReset,
    Code.REMOVED_CARD: CardRemoved,
}


def pcsc_error(operation: str, code: int, reader: str = "") -> CardError:
    """Returns the error that a result code of a PC/SC function means."""
    if code == Code.NO_SERVICE:
        # The library says the same of a daemon that is not there and of one whose socket this user may not open.
        return daemon_refusal() or NoDaemon()
    if code in _WITHOUT_READER:
        return _WITHOUT_READER[Code(code)]()
    if code in _AT_READER:
        return _AT_READER[Code(code)](reader=reader)
    return PcscFailure(operation=operation, code=code)


def daemon_refusal() -> CardError | None:
    """Returns NoDaemon or NoPermission, as the daemon's socket tells without any library, or None where it lets us in.

    Also None where it cannot be told: on systems whose service has no such socket.
    """
    if not sys.platform.startswith("linux"):
        return None
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(os.environ.get(_SOCKET_VARIABLE, _SOCKET))
        except PermissionError:
            return NoPermission()
        except OSError:
            return NoDaemon()
    return None

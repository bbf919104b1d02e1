"""A card in a reader, through the PC/SC daemon. pyscard is loaded when the first reader is listed or opened."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from jpki.errors import CardError

from .errors import CardBusy, CardChanged, CardMute, CardRemoved, CardReset, ReaderGone
from .held import HeldConnection
from .readers import DAEMON_ANSWERS_WITHIN, choose_reader, readers
from .scard import (
    EMPTY,
    LEAVE_CARD,
    PRESENT,
    RESET_CARD,
    SHARED,
    T0_OR_T1,
    UNAVAILABLE,
    UNKNOWN,
    UNPOWER_CARD,
    USER_SCOPE,
    Code,
    Scard,
    load_scard,
    normal,
    pcsc_error,
)
from .worker import TimeLimit, Worker

__all__ = ["Limits", "PcscConnection", "open_reader"]

T = TypeVar("T")

_T0 = 1
_TRIES_TO_RECONNECT = 5
_PLAIN_SELECT = b"\x00\xa4"
_RETRY_AFTER = 0.1
# A removal is told by the daemon's next look at the reader, which vpcd gets every 0.4 s.
_REMOVAL_IS_SEEN_WITHIN_MS = 1500


@dataclass(frozen=True, slots=True)
class Limits:
    """How many seconds to wait: for another program to let go of the card, for one answer, and for the end."""

    busy: float = 5.0
    answer: float = 60.0
    end: float = 2.0


def open_reader(selection: str | None = None, limits: Limits | None = None) -> PcscConnection:
    """Opens a connection to the card in the reader that `selection` names: see choose_reader.

    Raises what readers() and choose_reader() raise, and NoCard, CardMute, CardBusy, ReaderGone.
    """
    chosen = limits or Limits()
    known = readers(min(chosen.answer, DAEMON_ANSWERS_WITHIN))
    return PcscConnection(load_scard(), choose_reader(selection, known).name, chosen)


class PcscConnection(HeldConnection):
    """A connection to a card that other programs may use too, except within `exclusive()`.

    It ends with a power-off if something may have logged in, else it leaves the card as it is. Once the card was
    removed, or did not answer in time, every later use raises the same error.
    """

    def __init__(self, scard: Scard, reader: str, limits: Limits) -> None:
        super().__init__(reader, limits.busy)
        self._scard = scard
        self._limits = limits
        self._worker = Worker()
        self._lost: type[CardMute | CardRemoved | CardChanged | CardBusy | ReaderGone] | None = None
        self._context = 0
        self._card = 0
        # By this connection itself, of which its handle has yet to be told.
        self._power_cycled = False
        # Within `exclusive()`, as long as nothing was sent that another program's reset could undo.
        self._nothing_sent = False
        try:
            self._context = self._establish()
            protocol = self._connect()
            self._header = scard.SCARD_PCI_T0 if protocol == _T0 else scard.SCARD_PCI_T1
            # After the connection: a card that is changed from now on shows in this count, or on the handle.
            self._events = self._reader_state() >> 16
        except BaseException:
            self.close()
            raise

    def __del__(self) -> None:
        # The end of the process is the daemon's to notice; before it, a forgotten connection must not stay logged in.
        if not sys.is_finalizing() and hasattr(self, "_power_cycled"):
            self.close()

    def _establish(self) -> int:
        result, context = self._call(self._limits.answer, lambda: self._scard.SCardEstablishContext(USER_SCOPE))
        if normal(result) != Code.SUCCESS:
            raise pcsc_error("SCardEstablishContext", normal(result), self.name)
        return context

    def _connect(self) -> int:
        connect, context = self._scard.SCardConnect, self._context
        for _ in range(1 + int(self._limits.busy / _RETRY_AFTER)):
            try:
                result, self._card, protocol = self._call(
                    self._limits.busy, lambda: connect(context, self.name, SHARED, T0_OR_T1)
                )
            except CardMute:
                # The daemon waits here for another program's transaction to end, and for a card that is powered up.
                raise (CardBusy if self._is_in_use() else CardMute)(reader=self.name) from None
            if normal(result) == Code.SUCCESS:
                return protocol
            if normal(result) != Code.SHARING_VIOLATION:
                raise pcsc_error("SCardConnect", normal(result), self.name)
            time.sleep(_RETRY_AFTER)
        raise CardBusy(reader=self.name)

    def _is_in_use(self) -> bool:
        return any(reader.name == self.name and reader.in_use for reader in readers())

    def _exchange(self, command: bytes) -> bytes:
        self._refuse_if_lost()
        if self._power_cycled:
            self._reconnect()
        first, self._nothing_sent = self._nothing_sent, False
        result, answer = self._transmit(command)
        if first and command.startswith(_PLAIN_SELECT):
            # The daemon resets the card of a program that ended, and carries nothing to it meanwhile.
            for _ in range(_TRIES_TO_RECONNECT):
                if result != Code.RESET_CARD:
                    break
                self._reconnect()
                result, answer = self._transmit(command)
        if result != Code.SUCCESS:
            raise self._failure("SCardTransmit", result)
        return answer

    def _transmit(self, command: bytes) -> tuple[int, bytes]:
        data = list(command)
        result, answer = self._call(
            self._limits.answer, lambda: self._scard.SCardTransmit(self._card, self._header, data)
        )
        if result == Code.SUCCESS and not answer:
            # The virtual reader's word for a card that was pulled while it worked: no card answers nothing at all.
            result = Code.NOT_TRANSACTED
        if normal(result) == Code.PROTOCOL_MISMATCH:
            # The protocol was agreed on with this connection: only while the card is being reset it has none.
            result = Code.RESET_CARD
        return normal(result), bytes(answer)

    def _begin(self) -> None:
        self._refuse_if_lost()
        for _ in range(_TRIES_TO_RECONNECT):
            result = self._take(lambda: self._scard.SCardBeginTransaction(self._card))
            if result == Code.SUCCESS:
                self._nothing_sent = True
                return
            if result not in (Code.RESET_CARD, Code.UNPOWERED_CARD):
                raise self._failure("SCardBeginTransaction", result)
            # Somebody, or the end of our own last block, power-cycled it: that is no harm, if it is the same card.
            self._reconnect()
        raise CardReset(reader=self.name)

    def _reconnect(self) -> None:
        result = self._take(lambda: self._scard.SCardReconnect(self._card, SHARED, T0_OR_T1, LEAVE_CARD)[0])
        if result == Code.UNPOWERED_CARD:
            result = self._take(lambda: self._scard.SCardReconnect(self._card, SHARED, T0_OR_T1, RESET_CARD)[0])
        if result != Code.SUCCESS:
            raise self._failure("SCardReconnect", result)
        # Only now: a card that is changed from here on shows on the handle.
        self._refuse_another_card()
        self._power_cycled = False

    def _take(self, function: Callable[[], int]) -> int:
        try:
            return normal(self._call(self._limits.busy, function))
        except CardMute:
            # What waits here is the library, and it waits for another program.
            self._lost = CardBusy
            raise CardBusy(reader=self.name) from None

    def _end(self, *, log_out: bool) -> bool:
        self._nothing_sent = False
        disposition = UNPOWER_CARD if log_out else LEAVE_CARD
        result = self._finally(lambda: self._scard.SCardEndTransaction(self._card, disposition))
        self._power_cycled = log_out and result == Code.SUCCESS
        return self._power_cycled

    def _finish(self, *, log_out: bool) -> None:
        disposition = UNPOWER_CARD if log_out else LEAVE_CARD
        if self._card:
            self._finally(lambda: self._scard.SCardDisconnect(self._card, disposition))
        if self._context:
            self._finally(lambda: self._scard.SCardReleaseContext(self._context))
        self._worker.stop()

    def _finally(self, function: Callable[[], int]) -> int | None:
        if self._worker.overdue:
            self._worker.leave(function)
            return None
        try:
            return normal(self._worker.call(self._limits.end, function))
        except TimeLimit:
            return None

    def _call(self, within: float, function: Callable[[], T]) -> T:
        try:
            return self._worker.call(within, function)
        except TimeLimit:
            self._lost = CardMute
            raise CardMute(reader=self.name) from None

    def _refuse_if_lost(self) -> None:
        if self._lost is not None:
            raise self._lost(reader=self.name)

    def _reader_state(self, known: int = 0, milliseconds: int = 0) -> int:
        within = self._limits.answer + milliseconds / 1000
        change, states = self._scard.SCardGetStatusChange, [(self.name, known)]
        result, events = self._call(within, lambda: change(self._context, milliseconds, states))
        if normal(result) not in (Code.SUCCESS, Code.TIMEOUT):
            raise pcsc_error("SCardGetStatusChange", normal(result), self.name)
        return normal(events[0][1])

    def _refuse_another_card(self) -> None:
        state = self._reader_state()
        if state & EMPTY:
            raise self._lose(CardRemoved)
        if state >> 16 != self._events:
            raise self._lose(CardChanged)

    def _failure(self, operation: str, code: int) -> CardError:
        if code in (Code.REMOVED_CARD, Code.NO_CARD):
            return self._lose(CardRemoved if self._reader_state() & EMPTY else CardChanged)
        if code == Code.NOT_TRANSACTED:
            # The way to the card broke. Most often it was pulled, and the daemon is about to see it.
            state = self._reader_state(PRESENT, _REMOVAL_IS_SEEN_WITHIN_MS)
            if state & (UNKNOWN | UNAVAILABLE):
                return self._lose(ReaderGone)
            return self._lose(CardRemoved if state & EMPTY else CardMute)
        return pcsc_error(operation, code, self.name)

    def _lose(self, error: type[CardMute | CardRemoved | CardChanged | ReaderGone]) -> CardError:
        self._lost = error
        return error(reader=self.name)

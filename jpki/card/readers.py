"""The readers of this machine, and which of them is meant."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import AmbiguousReader, NoCard, NoDaemon, NoReader, NoSuchReader
from .scard import EMPTY, EXCLUSIVE, IN_USE, MUTE, PRESENT, USER_SCOPE, Code, Scard, load_scard, normal, pcsc_error
from .worker import TimeLimit, Worker

__all__ = ["DAEMON_ANSWERS_WITHIN", "Reader", "choose_reader", "readers"]

DAEMON_ANSWERS_WITHIN = 10.0


@dataclass(frozen=True, slots=True)
class Reader:
    """One reader: its number (from 0, in the daemon's order), name, and state bits as PC/SC gives them."""

    number: int
    name: str
    state: int
    atr: bytes

    @property
    def has_card(self) -> bool:
        """Returns whether a card is in it."""
        return bool(self.state & PRESENT) and not self.state & EMPTY

    @property
    def mute(self) -> bool:
        """Returns whether the card in it does not answer."""
        return bool(self.state & MUTE)

    @property
    def in_use(self) -> bool:
        """Returns whether some program is connected to the card in it."""
        return bool(self.state & (IN_USE | EXCLUSIVE))


def readers(within: float = DAEMON_ANSWERS_WITHIN) -> tuple[Reader, ...]:
    """Returns the readers of this machine, none if there are none.

    Raises PcscLibraryMissing, NoDaemon (also for one that does not answer within so many seconds), NoPermission and
    PcscFailure.
    """
    scard = load_scard()
    worker = Worker()
    try:
        return worker.call(within, lambda: _list(scard))
    except TimeLimit:
        raise NoDaemon from None
    finally:
        worker.stop()


def _list(scard: Scard) -> tuple[Reader, ...]:
    result, context = scard.SCardEstablishContext(USER_SCOPE)
    if normal(result) != Code.SUCCESS:
        raise pcsc_error("SCardEstablishContext", normal(result))
    try:
        result, names = scard.SCardListReaders(context, [])
        if normal(result) not in (Code.SUCCESS, Code.NO_READERS):
            raise pcsc_error("SCardListReaders", normal(result))
        if not names:
            return ()
        result, states = scard.SCardGetStatusChange(context, 0, [(name, 0) for name in names])
        if normal(result) not in (Code.SUCCESS, Code.TIMEOUT):
            raise pcsc_error("SCardGetStatusChange", normal(result))
        return tuple(
            Reader(number, name, normal(state), bytes(atr)) for number, (name, state, atr) in enumerate(states)
        )
    finally:
        scard.SCardReleaseContext(context)


def choose_reader(selection: str | None, known: tuple[Reader, ...]) -> Reader:
    """Returns the reader that is meant.

    `selection` is a reader's number, its exact name, or a part of its name in upper or lower case, in that order. None
    means the only reader with a card in it. Raises NoReader, NoSuchReader, AmbiguousReader, and for None NoCard.
    """
    if not known:
        raise NoReader
    if selection is None:
        return _only_one_with_a_card(known)
    if selection.isascii() and selection.isdigit():
        fitting = [reader for reader in known if str(reader.number) == selection]
    else:
        fitting = [reader for reader in known if reader.name == selection]
        fitting = fitting or [reader for reader in known if selection.casefold() in reader.name.casefold()]
    if len(fitting) == 1:
        return fitting[0]
    error = AmbiguousReader if fitting else NoSuchReader
    raise error(selection=selection, choices=tuple(reader.name for reader in fitting or known))


def _only_one_with_a_card(known: tuple[Reader, ...]) -> Reader:
    fitting = [reader for reader in known if reader.has_card]
    if len(fitting) > 1:
        raise AmbiguousReader(selection="", choices=tuple(reader.name for reader in fitting))
    if not fitting:
        raise NoCard(reader=known[0].name if len(known) == 1 else "")
    return fitting[0]

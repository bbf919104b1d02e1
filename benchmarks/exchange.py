"""One exchange with the emulated card that writes nothing: in process, and through the real PC/SC daemon."""

from __future__ import annotations

from collections.abc import Callable

from card_profiles import load_profile
from jpki.formats import Command

from .measure import Goal, Result, Work, best_median_of_alternating, best_of_alternating
from .parts import finished_card, inserted, raw_transmit

_IN_PROCESS = 20_000
_MINIMAL = 7 * _IN_PROCESS
_THROUGH_PCSCD = 500
_SELECT = Command(0x00, 0xA4, 0x04, 0x0C, load_profile("mynumber").jpki.aid).encode()
_READ = Command(0x00, 0xB0, 0x82, 0x00, le=256).encode()  # EF 0002 by short identifier: free to read
_DONE = b"\x90\x00"


class OnlyAnswers:
    """A card that only answers 9000."""

    def power_on(self) -> bytes:
        return load_profile("mynumber").atr

    def power_off(self) -> None: ...

    def reset(self) -> bytes:
        return self.power_on()

    def transmit(self, command: bytes) -> bytes:
        return _DONE


def minimal(content: bytes) -> Callable[[bytes], bytes]:
    """Returns the least that can be called an exchange: a command parsed, handler and file found, an answer made."""
    files = {0x02: content}

    def read(p1: int, p2: int, data: bytes, le: int | None) -> bytes:
        file = files.get(p1 & 0x1F)
        if file is None or data or le is None:
            return b"\x6a\x82"
        return file[p2 : p2 + le] + _DONE

    handlers = {(0x00, 0xB0): read}

    def transmit(command: bytes) -> bytes:
        if len(command) < 4:
            return b"\x67\x00"
        cla, ins, p1, p2 = command[:4]
        rest = command[4:]
        data, le = b"", None
        if len(rest) == 1:
            le = rest[0] or 256
        elif rest:
            length = rest[0]
            data = rest[1 : 1 + length]
            if len(data) < length or len(rest) > length + 2:
                return b"\x67\x00"
            if len(rest) == length + 2:
                le = rest[-1] or 256
        handler = handlers.get((cla, ins))
        return handler(p1, p2, data, le) if handler else b"\x6d\x00"

    return transmit


def in_process() -> Result:
    """It compares an exchange with the emulated card with a minimal one."""
    card = finished_card()
    card.power_on()
    card.transmit(_SELECT)
    answer = card.transmit(_READ)
    least = minimal(answer[:-2])
    assert len(answer) == 258, "the emulated card reads a whole block"
    assert answer == least(_READ), "both exchanges give the same bytes"
    subject, reference = best_of_alternating(
        _repeated(card.transmit, _READ, _IN_PROCESS), _repeated(least, _READ, _MINIMAL)
    )
    return Result(
        "exchange-in-process",
        subject / reference,
        "times",
        9,
        Goal.AT_MOST,
        "a minimal exchange: parse, look up, answer",
        f"READ BINARY of 256 bytes: {subject * 1e6:.1f} µs; the minimal exchange: {reference * 1e6:.2f} µs",
    )


def through_pcscd() -> Result:
    """It compares an exchange through pcscd and the virtual reader with one of a card that only answers 9000."""
    tries_left = Command(0x00, 0x20, 0x00, 0x98).encode()  # as short an answer as the other card's
    with (
        inserted(finished_card(), OnlyAnswers()) as (slot, bare_slot),
        raw_transmit(slot) as emulated,
        raw_transmit(bare_slot) as bare,
    ):
        emulated(_SELECT)
        subject, reference = best_median_of_alternating(
            lambda: emulated(tries_left), lambda: bare(tries_left), _THROUGH_PCSCD
        )
    return Result(
        "exchange-through-pcscd",
        subject / reference,
        "times",
        1.3,
        Goal.AT_MOST,
        "a bare pyscard exchange with a card that only answers 9000",
        f"{subject * 1e3:.2f} ms against {reference * 1e3:.2f} ms, both by pyscard and through the same daemon",
    )


def _repeated(transmit: Callable[[bytes], object], command: bytes, count: int) -> Work:
    def exchange() -> None:
        for _ in range(count):
            transmit(command)

    return Work(exchange, count)

"""A PIN on its way to a card shows in no error, no traceback and no trace, whatever goes wrong on the way."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator

import pytest
from certified_cards import certified_state
from issuing import MASTER, SERIAL, counted_random

from card_profiles import load_profile
from emulator import EmulatedCard, VolatileMemory
from jpki.card import (
    Card,
    Encoded,
    Exchange,
    Fault,
    Faulty,
    JpkiApplication,
    LocalConnection,
    Resolving,
    Traced,
    answering,
    find_application,
    issuer_session,
    lost,
    pulled,
)
from jpki.terms import Pin, Role

PROFILE = load_profile("mynumber")
PASSWORD = "".join(reversed("QX7ZK4W9"))
NEW = "".join(reversed("NV5TJ2R8"))
ROLE = Role.SIGNATURE


class Echo:
    """A device that gives back what it was sent, before a good status word, another, or none."""

    def __init__(self, ending: bytes) -> None:
        self.ending = ending

    def power_on(self) -> bytes:
        return b""

    def power_off(self) -> None:
        pass

    def transmit(self, command: bytes) -> bytes:
        selects = command[1] == 0xA4
        return b"\x90\x00" if selects else command[4:] + self.ending


def wrong_pin(card: Card) -> None:
    with JpkiApplication.select(card, PROFILE) as jpki:
        jpki.verify_pin(ROLE, Pin(PASSWORD))
        jpki.read_certificate(ROLE)


def wrong_form(card: Card) -> None:
    with find_application(card, [PROFILE]) as jpki:
        jpki.verify_pin(ROLE, Pin(PASSWORD + NEW + PASSWORD))


def change(card: Card) -> None:
    with JpkiApplication.select(card, PROFILE) as jpki:
        jpki._verified.add("signature")
        jpki.change_pin(ROLE, Pin(NEW))
        jpki.sign(ROLE, PASSWORD.encode())


def reset(card: Card) -> None:
    with issuer_session(card, PROFILE, MASTER, counted_random()) as session:
        session.reset_pin(ROLE, Pin(NEW))


WORK: list[Callable[[Card], None]] = [wrong_pin, wrong_form, change, reset]
ENDINGS = [b"\x90\x00", b"\x63\xc1", b"\x69\x82", b"\x61\x08", b"\x6c\x08", b"\x6f\x00", b""]
FAULTS: list[Fault] = [pulled, lost, *(answering(status) for status in (0x63C1, 0x6984, 0x6982, 0x6F00))]


def errors(work: Callable[[Card], None], card: Card) -> Iterator[str]:
    try:
        work(card)
    except Exception as raised:
        yield "".join(traceback.format_exception(raised))
        while (inner := raised.__cause__ or raised.__context__) is not None:
            yield f"{inner!r} {inner} {vars(inner)}"
            raised = inner


def assert_hidden(shown: str) -> None:
    for secret in (PASSWORD, NEW, PASSWORD.encode().hex(), NEW.encode().hex()):
        assert secret.lower() not in shown.lower()


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.hex() or "none")
@pytest.mark.parametrize("work", WORK, ids=lambda work: work.__name__)
def test_a_card_that_gives_back_what_it_was_sent_brings_nothing_to_light(
    work: Callable[[Card], None], ending: bytes
) -> None:
    trace: list[Exchange] = []
    with LocalConnection(Echo(ending)) as connection:
        card = Resolving(Traced(Encoded(connection), trace.append, lambda: 0.0))
        for shown in errors(work, card):
            assert_hidden(shown)
    assert_hidden("".join(f"{exchange} {exchange!r}" for exchange in trace))


@pytest.mark.parametrize("at", range(1, 7))
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("work", WORK, ids=lambda work: work.__name__)
def test_whatever_fails_at_whichever_exchange(work: Callable[[Card], None], fault: Fault, at: int) -> None:
    state = certified_state()
    assert state.serial == SERIAL
    trace: list[Exchange] = []
    with EmulatedCard(PROFILE, VolatileMemory(state), strict=True) as device, LocalConnection(device) as connection:
        card = Resolving(Traced(Faulty(Encoded(connection), at, fault), trace.append, lambda: 0.0))
        for shown in errors(work, card):
            assert_hidden(shown)
    assert_hidden("".join(f"{exchange} {exchange!r}" for exchange in trace))

"""A card that is pulled or changed under a program, and a reader that is unplugged."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from certified_cards import SIGN_PASSWORD
from readers_with_cards import Meanwhile, Pulling, Slot, Unplugged, other_program
from watched_cards import DIGEST_INFO, MY_NUMBER, Insert, WatchedCard, came_back_logged_out, log_in, read_certificate

from jpki.card import (
    Card,
    CardChanged,
    CardRemoved,
    Encoded,
    Exchange,
    JpkiApplication,
    Limits,
    PcscConnection,
    ReaderGone,
    Resolving,
    Traced,
    open_reader,
)
from jpki.card.scard import load_scard
from jpki.terms import Role

pytestmark = pytest.mark.pcsc


@pytest.mark.parametrize("operation", [log_in, read_certificate])
def test_a_card_pulled_at_any_exchange_is_an_error_and_comes_back_logged_out(
    slot: Slot, operation: Callable[[Card], None]
) -> None:
    trace: list[Exchange] = []
    with open_reader(slot.name) as connection:
        operation(Traced(Encoded(connection), trace.append, lambda: 0.0))
    for at in range(1, len(trace) + 1):
        with open_reader(slot.name) as connection:
            with pytest.raises(CardRemoved) as caught:
                operation(Pulling(Resolving(Encoded(connection)), slot, at))
            assert caught.value.reader == slot.name
            with pytest.raises(CardRemoved):
                operation(Encoded(connection))
        slot.put_back()
        assert came_back_logged_out(slot)


class PulledWhileItWorks(WatchedCard):
    """A card that is pulled while it carries out its second command from `slot`'s being set."""

    slot: Slot | None = None
    left = 2

    def transmit(self, command: bytes) -> bytes:
        answer = super().transmit(command)
        if self.slot is not None:
            self.left -= 1
            if self.left == 0:
                self.slot.pull()
        return answer


def test_a_card_pulled_while_it_carries_out_a_command_is_an_error(insert: Insert) -> None:
    card = PulledWhileItWorks()
    slot = card.slot = insert(card)
    with open_reader(slot.name) as connection:
        for _ in range(2):
            with pytest.raises(CardRemoved):
                log_in(Encoded(connection))
    assert slot.bridge.wait(10)


def test_a_card_pulled_while_a_person_types_is_an_error(slot: Slot) -> None:
    with open_reader(slot.name) as connection:
        read_certificate(Encoded(connection))
        slot.pull_and_wait()
        for _ in range(2):
            with pytest.raises(CardRemoved):
                log_in(Encoded(connection))


def test_a_card_that_was_changed_while_a_person_types_is_not_used(slot: Slot) -> None:
    with open_reader(slot.name) as connection:
        read_certificate(Encoded(connection))
        slot.pull_and_wait()
        slot.put_back()
        for _ in range(2):
            with pytest.raises(CardChanged):
                log_in(Encoded(connection))


def test_a_changed_card_is_noticed_even_after_another_program_has_reset_it(slot: Slot) -> None:
    with open_reader(slot.name) as connection:
        log_in(Encoded(connection))
        slot.pull_and_wait()
        slot.put_back()
        with other_program(slot.name) as other:
            other.does("SCardDisconnect SCARD_RESET_CARD")
        with pytest.raises(CardChanged):
            log_in(Encoded(connection))


def test_a_card_that_is_changed_right_before_it_is_taken_up_again_is_not_used(slot: Slot) -> None:
    def change() -> None:
        slot.pull_and_wait()
        slot.put_back()

    with open_reader(slot.name) as connection:
        log_in(Encoded(connection))
        connection._scard = Meanwhile(load_scard(), change)
        for _ in range(2):
            with pytest.raises(CardChanged):
                log_in(Encoded(connection))


# A reader that goes away: the virtual one cannot, so PC/SC's answers are given here in its place.


@pytest.mark.parametrize("transmit", [0x80100017, 0x80100009, 0x80100011, 0x80100016])
def test_a_reader_that_is_unplugged_is_an_error_of_its_own(slot: Slot, transmit: int) -> None:
    scard = Unplugged(load_scard(), transmit, state=0x0C)
    with (
        PcscConnection(scard, slot.name, Limits()) as connection,  # type: ignore[arg-type]
        JpkiApplication.select(Encoded(connection), MY_NUMBER) as jpki,
    ):
        jpki.verify_pin(Role.SIGNATURE, SIGN_PASSWORD)
        scard.gone = True
        with pytest.raises(ReaderGone) as caught:
            jpki.sign(Role.SIGNATURE, DIGEST_INFO)
        assert caught.value.reader == slot.name
        scard.gone = False

"""A card that other programs use as well."""

from __future__ import annotations

import threading

import pytest
from certified_cards import SIGN_PASSWORD
from logins import SELECT_JPKI
from readers_with_cards import OtherProgram, Slot, other_program
from virtual_reader import until
from watched_cards import DIGEST_INFO, IMPATIENT, MY_NUMBER, log_in, read_certificate

from jpki.card import CardBusy, CardReset, Encoded, JpkiApplication, open_reader
from jpki.card.scard import Code
from jpki.terms import Role

pytestmark = pytest.mark.pcsc


@pytest.mark.parametrize("how", ["SCARD_RESET_CARD", "SCARD_UNPOWER_CARD"])
def test_a_card_that_another_program_reset_while_a_person_types_is_used_on(slot: Slot, how: str) -> None:
    with open_reader(slot.name) as connection:
        read_certificate(Encoded(connection))
        with other_program(slot.name) as other:
            other.does(f"SCardDisconnect {how}")
        log_in(Encoded(connection))


def test_a_card_that_another_program_reset_outside_of_an_exclusive_block_is_an_error(slot: Slot) -> None:
    with open_reader(slot.name) as connection:
        connection.transmit(SELECT_JPKI)
        with other_program(slot.name) as other:
            other.does("SCardDisconnect SCARD_RESET_CARD")
        with pytest.raises(CardReset):
            connection.transmit(SELECT_JPKI)
        log_in(Encoded(connection))


def test_other_programs_get_at_the_card_while_a_person_types(slot: Slot) -> None:
    with open_reader(slot.name) as connection:
        read_certificate(Encoded(connection))
        with other_program(slot.name) as other:
            other.does("SCardBeginTransaction")
            other.does("SCardEndTransaction SCARD_LEAVE_CARD")
        log_in(Encoded(connection))


def test_no_other_program_gets_at_the_card_during_an_operation(slot: Slot) -> None:
    answers: list[int] = []
    with open_reader(slot.name) as connection, other_program(slot.name) as other:
        waits = threading.Thread(target=lambda: answers.append(other.answer("SCardBeginTransaction")))
        with JpkiApplication.select(Encoded(connection), MY_NUMBER) as jpki:
            waits.start()
            jpki.verify_pin(Role.SIGNATURE, SIGN_PASSWORD)
            for _ in range(200):
                jpki.sign(Role.SIGNATURE, DIGEST_INFO)
            assert answers == []
        waits.join()
    # The end of the operation power-cycled the card, which is what the other program is told instead.
    assert answers == [Code.RESET_CARD]


def holding(other: OtherProgram) -> None:
    other.does("SCardBeginTransaction")


def test_a_card_in_another_programs_hands_is_not_waited_for_without_end(slot: Slot) -> None:
    with other_program(slot.name) as other:
        holding(other)
        with pytest.raises(CardBusy) as caught:
            open_reader(slot.name, IMPATIENT)
        assert caught.value.reader == slot.name
    # The daemon resets the card of a program that ended, and only then is it nobody's.
    assert until(lambda: not slot.reader.in_use)
    with open_reader(slot.name) as connection:
        log_in(Encoded(connection))


def test_a_card_that_goes_into_another_programs_hands_is_not_waited_for_without_end(slot: Slot) -> None:
    with open_reader(slot.name, IMPATIENT) as connection:
        read_certificate(Encoded(connection))
        with other_program(slot.name) as other:
            holding(other)
            with pytest.raises(CardBusy):
                log_in(Encoded(connection))
        with pytest.raises(CardBusy):
            log_in(Encoded(connection))
    with open_reader(slot.name) as connection:
        log_in(Encoded(connection))


def test_a_card_that_another_program_uses_alone_is_busy(slot: Slot) -> None:
    with other_program(slot.name, "SCARD_SHARE_EXCLUSIVE"), pytest.raises(CardBusy):
        open_reader(slot.name, IMPATIENT)


def test_another_program_that_lets_go_in_time_is_waited_for(slot: Slot) -> None:
    with open_reader(slot.name) as connection, other_program(slot.name) as other:
        holding(other)
        lets_go = threading.Timer(0.2, other.does, args=("SCardEndTransaction SCARD_LEAVE_CARD",))
        lets_go.start()
        log_in(Encoded(connection))
        lets_go.join()

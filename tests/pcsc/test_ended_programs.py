"""The daemon resets the card of a program that ended, and meanwhile carries nothing to it: its answers, given here."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from certified_cards import AUTH_PIN
from logins import SELECT_JPKI
from readers_with_cards import Slot
from watched_cards import MY_NUMBER, log_in

from jpki.card import CardReset, Encoded, JpkiApplication, Limits, PcscConnection
from jpki.card.scard import Code, Scard, load_scard
from jpki.terms import Role

pytestmark = pytest.mark.pcsc

# What the daemon answers where it has not set the protocol again yet, and where it has told this handle of the reset.
RESETTING = pytest.mark.parametrize("code", [Code.PROTOCOL_MISMATCH, Code.RESET_CARD])


class Resetting:
    """PC/SC, in which the daemon refuses some exchanges, counted from 1, because it is resetting the card."""

    def __init__(self, real: Scard, code: int, refused: range) -> None:
        self._real = real
        self._code = code
        self._refused = refused
        self.asked: list[bytes] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def SCardTransmit(self, card: int, header: object, command: list[int]) -> tuple[int, list[int]]:
        self.asked.append(bytes(command[:4]))
        if len(self.asked) in self._refused:
            return self._code, []
        return self._real.SCardTransmit(card, header, command)


Refusing = Callable[[int, range], tuple[PcscConnection, Resetting]]


@pytest.fixture
def refusing(slot: Slot) -> Refusing:
    def connected(code: int, refused: range) -> tuple[PcscConnection, Resetting]:
        scard = Resetting(load_scard(), code, refused)
        return PcscConnection(scard, slot.name, Limits()), scard  # type: ignore[arg-type]

    return connected


SELECT, VERIFY, SIGN = bytes.fromhex("00A4040C"), bytes.fromhex("00200098"), bytes.fromhex("802A0097")


@RESETTING
@pytest.mark.parametrize("times", [1, 2])
def test_a_card_that_is_being_reset_is_selected_once_more(refusing: Refusing, code: int, times: int) -> None:
    connection, scard = refusing(code, range(1, 1 + times))
    with connection:
        log_in(Encoded(connection))
        assert scard.asked == [SELECT] * times + [SELECT, VERIFY, SIGN]
        log_in(Encoded(connection))


@RESETTING
def test_a_card_that_goes_on_being_reset_is_an_error_and_no_endless_wait(refusing: Refusing, code: int) -> None:
    connection, scard = refusing(code, range(1, 100))
    with connection, pytest.raises(CardReset):
        log_in(Encoded(connection))
    assert set(scard.asked) == {SELECT}


@RESETTING
def test_nothing_but_the_first_command_is_sent_twice(refusing: Refusing, code: int) -> None:
    for at in (2, 3):
        connection, scard = refusing(code, range(at, 100))
        with connection, pytest.raises(CardReset):
            log_in(Encoded(connection))
        assert scard.asked == [SELECT, VERIFY, SIGN][:at]


@RESETTING
def test_a_pin_is_not_sent_twice_where_it_comes_first(refusing: Refusing, code: int) -> None:
    connection, scard = refusing(code, range(2, 3))
    with connection:
        connection.transmit(SELECT_JPKI)
        with connection.exclusive(), pytest.raises(CardReset):
            JpkiApplication(Encoded(connection), MY_NUMBER).verify_pin(Role.AUTHENTICATION, AUTH_PIN)
    assert scard.asked == [SELECT, VERIFY]

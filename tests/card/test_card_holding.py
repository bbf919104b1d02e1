"""Power and locks of a connection, as the device and other threads see them."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from jpki.card import CardRemoved, ConnectionClosed, LocalConnection

SELECT = bytes.fromhex("00A4040C0AD392F000260100000001")
VERIFY = bytes.fromhex("002000980431323334")


class Device:
    """A card that writes down what happens to it."""

    def __init__(self) -> None:
        self.happened: list[str] = []

    def power_on(self) -> bytes:
        self.happened.append("on")
        return b""

    def power_off(self) -> None:
        self.happened.append("off")

    def transmit(self, command: bytes) -> bytes:
        self.happened.append(f"{command[1]:02X}")
        return b"\x90\x00"


def in_another_thread(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_a_card_gets_power_before_its_first_command_and_loses_it_once() -> None:
    device = Device()
    connection = LocalConnection(device)
    assert device.happened == []
    connection.transmit(SELECT)
    connection.transmit(SELECT)
    connection.close()
    connection.close()
    assert device.happened == ["on", "A4", "A4", "off"]


def test_a_card_that_was_never_used_is_left_alone() -> None:
    device = Device()
    LocalConnection(device).close()
    assert device.happened == []


def test_a_login_ends_with_its_block_and_the_next_block_that_only_looks_leaves_the_power_on() -> None:
    device = Device()
    with LocalConnection(device) as connection:
        with connection.exclusive():
            connection.transmit(VERIFY)
        assert device.happened == ["on", "20", "off"]
        with connection.exclusive():
            connection.transmit(SELECT)
        with connection.exclusive():
            connection.transmit(SELECT)
        assert device.happened[3:] == ["on", "A4", "A4"]
    assert device.happened[6:] == ["off"]


def test_a_block_that_ends_in_an_error_lets_others_in_at_once() -> None:
    connection = LocalConnection(Device(), wait=0.01)
    with pytest.raises(CardRemoved), connection.exclusive(), connection.exclusive():
        raise CardRemoved(reader="here")
    answers: list[bytes] = []
    in_another_thread(lambda: answers.append(connection.transmit(SELECT)))
    assert answers == [b"\x90\x00"]


@pytest.mark.parametrize("uses", [1, 2])
def test_a_connection_that_another_thread_closed_says_so_and_not_that_it_is_busy(uses: int) -> None:
    connection = LocalConnection(Device(), wait=0.01)
    for _ in range(uses):
        in_another_thread(connection.close)
    told: list[type[Exception]] = []

    def use() -> None:
        try:
            connection.transmit(SELECT)
        except Exception as error:
            told.append(type(error))

    for _ in range(2):
        in_another_thread(use)
    with pytest.raises(ConnectionClosed), connection.exclusive():
        pass
    assert told == [ConnectionClosed] * 2

"""Connections: who holds a card, how it is left, and calls that never come back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from emulator import EmulatedCard
from jpki.card import BadAnswer, CardBusy, ConnectionClosed, LocalConnection
from jpki.card.login_watch import may_log_in
from jpki.card.worker import TimeLimit, Worker

SELECT = bytes.fromhex("00A4040C0AD392F000260100000001")
VERIFY = bytes.fromhex("0020009B06") + b"ABC123"
EMPTY_VERIFY = bytes.fromhex("0020009B")
READ = bytes.fromhex("00B08600A0")

LOGGING_IN = {
    "VERIFY with a PIN": (VERIFY, True),
    "VERIFY with a PIN in a secure channel": (b"\x04" + VERIFY[1:], True),
    "VERIFY without": (EMPTY_VERIFY, False),
    "SELECT": (SELECT, False),
    "READ BINARY": (READ, False),
    "GET RESPONSE": (bytes.fromhex("00C0000010"), False),
    "a proprietary command": (bytes.fromhex("80FC0000"), True),
    "EXTERNAL AUTHENTICATE": (bytes.fromhex("848233000100"), True),
    "a proprietary command with a harmless instruction": (bytes.fromhex("80A40000"), True),
    "no command at all": (b"\x00", True),
}


@pytest.mark.parametrize(("command", "logs_in"), LOGGING_IN.values(), ids=LOGGING_IN.keys())
def test_a_command_that_may_log_in_is_told_from_one_that_cannot(command: bytes, logs_in: bool) -> None:
    assert may_log_in(command) is logs_in


def test_a_card_is_powered_when_it_is_first_used_and_without_power_at_the_end(device: EmulatedCard) -> None:
    with LocalConnection(device) as connection:
        assert not device.powered
        assert connection.transmit(SELECT) == b"\x90\x00"
        assert device.powered
    assert not device.powered


def test_an_exclusive_block_ends_with_a_power_off_if_something_may_have_logged_in(device: EmulatedCard) -> None:
    with LocalConnection(device) as connection:
        with connection.exclusive():
            connection.transmit(SELECT)
            connection.transmit(VERIFY)
            assert device.powered
        assert not device.powered


def test_an_exclusive_block_that_only_looked_leaves_the_card_as_it_is(device: EmulatedCard) -> None:
    with LocalConnection(device) as connection:
        with connection.exclusive():
            connection.transmit(SELECT)
            connection.transmit(EMPTY_VERIFY)
        assert device.powered


def test_a_login_before_the_block_ends_with_the_block(device: EmulatedCard) -> None:
    with LocalConnection(device) as connection:
        connection.transmit(SELECT)
        connection.transmit(VERIFY)
        with connection.exclusive():
            connection.transmit(READ)
        assert not device.powered


def test_the_outermost_of_nested_blocks_logs_out(device: EmulatedCard) -> None:
    with LocalConnection(device) as connection:
        with connection.exclusive():
            with connection.exclusive():
                connection.transmit(SELECT)
                connection.transmit(VERIFY)
            assert device.powered
        assert not device.powered


def test_a_command_that_failed_may_have_logged_in(device: EmulatedCard) -> None:
    class Cut(LocalConnection):
        def _exchange(self, command: bytes) -> bytes:
            super()._exchange(command)
            raise BadAnswer(problem="lost")

    with Cut(device) as connection:
        with pytest.raises(BadAnswer), connection.exclusive():
            connection.transmit(VERIFY)
        assert not device.powered


def test_a_closed_connection_is_not_used(device: EmulatedCard) -> None:
    connection = LocalConnection(device, name="mine")
    connection.close()
    connection.close()
    with pytest.raises(ConnectionClosed) as caught:
        connection.transmit(SELECT)
    assert caught.value.reader == "mine"
    with pytest.raises(ConnectionClosed), connection.exclusive():
        pass


def test_a_device_takes_a_new_connection_after_the_old_one(device: EmulatedCard) -> None:
    for _ in range(2):
        with LocalConnection(device) as connection:
            assert connection.transmit(SELECT) == b"\x90\x00"


@contextmanager
def held_elsewhere(connection: LocalConnection) -> Iterator[None]:
    """Has another thread hold the connection exclusively while the block lasts."""
    taken, done = threading.Event(), threading.Event()

    def hold() -> None:
        with connection.exclusive():
            taken.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_another_threads_block_keeps_this_one_out_and_is_not_waited_for_without_end(device: EmulatedCard) -> None:
    connection = LocalConnection(device, wait=0.01)
    with held_elsewhere(connection):
        with pytest.raises(CardBusy):
            connection.transmit(SELECT)
        with pytest.raises(CardBusy), connection.exclusive():
            pass
    assert connection.transmit(SELECT) == b"\x90\x00"


def test_a_connection_held_elsewhere_can_be_closed(device: EmulatedCard) -> None:
    connection = LocalConnection(device, wait=0.01)
    connection.transmit(SELECT)
    with held_elsewhere(connection):
        connection.close()
    assert not device.powered


# Calls that may never come back


def test_a_worker_brings_what_a_call_returns_and_what_it_raises() -> None:
    worker = Worker()
    assert worker.call(5, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        worker.call(5, lambda: 1 // 0)
    assert not worker.overdue
    worker.stop()


def test_a_call_that_does_not_come_back_is_not_waited_for_without_end() -> None:
    worker, stuck, order = Worker(), threading.Event(), []
    with pytest.raises(TimeLimit):
        worker.call(0.01, stuck.wait)
    assert worker.overdue
    ended = threading.Event()
    worker.leave(lambda: order.append("left"))
    worker.leave(ended.set)
    worker.stop()
    stuck.set()
    assert ended.wait(5)
    assert order == ["left"]

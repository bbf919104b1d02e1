"""The bridge's side of vpcd's protocol, with a driver in this process: what the real daemon seldom does."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from typing import ClassVar

import pytest
from made_cards import SERIAL
from slot_driver import ATR, OFF, ON, RESET, Driver

from card_profiles import CardProfile
from emulator import Bridge, EmulatedCard, NoVirtualReader, ReaderSlotTaken, create_blank, insert_where_free

SELECT = bytes.fromhex("00A4040C0AD392F000260100000001")


@pytest.fixture
def driver() -> Iterator[Driver]:
    made = Driver()
    yield made
    made.close()


@pytest.fixture
def card(profile: CardProfile) -> EmulatedCard:
    return create_blank(profile, SERIAL, strict=True)


@pytest.fixture
def bridge(driver: Driver, card: EmulatedCard) -> Iterator[Bridge]:
    taking = driver.take_aside()
    with Bridge(card, driver.port) as made:
        taking.join()
        yield made


def test_controls_are_carried_out_and_only_the_atr_is_answered(
    driver: Driver, bridge: Bridge, card: EmulatedCard, profile: CardProfile
) -> None:
    assert not card.powered
    driver.tell(ON)
    assert driver.ask(ATR) == profile.atr
    assert card.powered
    assert driver.ask(SELECT) == b"\x90\x00"
    driver.tell(RESET)
    assert driver.ask(ATR) == profile.atr
    driver.tell(OFF)
    assert driver.ask(ATR) == profile.atr
    assert not card.powered


def test_messages_may_come_together_or_in_pieces(driver: Driver, bridge: Bridge, profile: CardProfile) -> None:
    driver.tell(ON, ATR, SELECT, ATR)
    assert [driver.answer() for _ in range(3)] == [profile.atr, b"\x90\x00", profile.atr]
    assert driver.card is not None
    driver.card.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for octet in len(SELECT).to_bytes(2, "big") + SELECT:
        driver.card.sendall(bytes((octet,)))
    assert driver.answer() == b"\x90\x00"


def test_a_message_of_nothing_is_passed_over(driver: Driver, bridge: Bridge) -> None:
    driver.tell(b"", ON, SELECT)
    assert driver.answer() == b"\x90\x00"


def test_one_byte_that_is_no_control_is_a_command_cut_short(driver: Driver, bridge: Bridge) -> None:
    assert driver.ask(b"\x03") == b"\x67\x00"


def test_the_longest_message_goes_through(driver: Driver, bridge: Bridge) -> None:
    assert driver.ask(bytes(0xFFFF)) == b"\x67\x00"


def test_a_card_loses_its_power_with_the_connection(driver: Driver, bridge: Bridge, card: EmulatedCard) -> None:
    driver.tell(ON)
    assert driver.ask(SELECT) == b"\x90\x00"
    driver.drop()
    assert bridge.wait(10)
    assert not card.powered
    assert not bridge.inserted
    assert bridge.failure is None


def test_a_removed_card_is_gone_for_the_driver(driver: Driver, bridge: Bridge, card: EmulatedCard) -> None:
    driver.tell(ON)
    driver.ask(ATR)
    bridge.remove()
    bridge.remove()
    assert not card.powered
    with pytest.raises(EOFError):
        driver.answer()


def test_a_removed_card_can_be_put_in_again(driver: Driver, bridge: Bridge, profile: CardProfile) -> None:
    bridge.remove()
    taking = driver.take_aside()
    bridge.insert()
    taking.join()
    assert driver.ask(ATR) == profile.atr


def test_a_card_that_waits_for_its_reader_is_put_in_again(
    driver: Driver, card: EmulatedCard, profile: CardProfile
) -> None:
    taking = driver.take_aside()
    with Bridge(card, driver.port, reconnect=True) as bridge:
        taking.join()
        driver.close()
        again = Driver(driver.port)
        assert again.take() == profile.atr
        assert again.ask(SELECT) == b"\x90\x00"
        assert bridge.failure is None
        again.close()
    assert not bridge.inserted


def test_a_card_that_waits_for_its_reader_can_be_removed(driver: Driver, card: EmulatedCard) -> None:
    taking = driver.take_aside()
    bridge = Bridge(card, driver.port, reconnect=True)
    bridge.insert()
    taking.join()
    driver.close()
    assert not bridge.wait(0.2)
    bridge.remove()
    assert bridge.wait(0)


def test_what_the_card_raises_is_kept_and_pulls_the_card(driver: Driver, card: EmulatedCard) -> None:
    class Broken(EmulatedCard):
        def transmit(self, command: bytes) -> bytes:
            raise ZeroDivisionError

    taking = driver.take_aside()
    with Bridge(Broken(card.profile, card._memory), driver.port, reconnect=True) as bridge:
        taking.join()
        driver.tell(SELECT)
        assert bridge.wait(10)
        assert isinstance(bridge.failure, ZeroDivisionError)
        with pytest.raises(EOFError):
            driver.answer()


@pytest.mark.parametrize("answer", [b"", bytes(0x10000)], ids=["empty", "too long"])
def test_an_answer_that_fits_no_message_pulls_the_card_and_is_told(
    driver: Driver, card: EmulatedCard, answer: bytes
) -> None:
    class Odd(EmulatedCard):
        def transmit(self, command: bytes) -> bytes:
            return answer

    taking = driver.take_aside()
    with Bridge(Odd(card.profile, card._memory), driver.port) as bridge:
        taking.join()
        driver.tell(SELECT)
        assert bridge.wait(10)
        assert str(len(answer)) in str(bridge.failure)
        with pytest.raises(EOFError):
            driver.answer()


def test_a_message_that_breaks_off_is_no_command(driver: Driver, card: EmulatedCard) -> None:
    class Watched(EmulatedCard):
        commands: ClassVar[list[bytes]] = []

        def transmit(self, command: bytes) -> bytes:
            self.commands.append(command)
            return super().transmit(command)

    for sent in (b"\x00", b"\x00\x0f" + SELECT[:-1]):
        taking = driver.take_aside()
        with Bridge(Watched(card.profile, card._memory), driver.port) as bridge:
            taking.join()
            assert driver.card is not None
            driver.card.sendall(sent)
            driver.drop()
            assert bridge.wait(10)
            assert (Watched.commands, bridge.failure) == ([], None)


def test_a_card_that_waits_for_a_slot_that_is_taken_can_be_removed(
    driver: Driver, card: EmulatedCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    taking = driver.take_aside()
    bridge = Bridge(card, driver.port, reconnect=True)
    bridge.insert()
    taking.join()
    monkeypatch.setattr("emulator.bridge._PATIENCE", 3600.0)
    driver.drop()  # the driver goes on listening, and takes nobody in
    assert select.select([driver.listener], [], [], 10)[0], "the card did not come back"
    removing = threading.Thread(target=bridge.remove, daemon=True)
    removing.start()
    removing.join(10)
    assert bridge.wait(0)


def test_run_serves_until_the_card_is_removed(driver: Driver, card: EmulatedCard, profile: CardProfile) -> None:
    bridge = Bridge(card, driver.port)
    serving = threading.Thread(target=bridge.run)
    serving.start()
    assert driver.take() == profile.atr
    bridge.remove()
    serving.join(10)
    assert not serving.is_alive()


def test_no_driver_is_told_from_a_slot_that_is_taken(
    driver: Driver, card: EmulatedCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emulator.bridge._PATIENCE", 0.1)
    with pytest.raises(ReaderSlotTaken) as taken:
        Bridge(card, driver.port).insert()
    assert taken.value.ports == (driver.port,)
    driver.close()
    with pytest.raises(NoVirtualReader) as missing:
        Bridge(card, driver.port).insert()
    assert (missing.value.host, missing.value.port) == ("127.0.0.1", driver.port)


def test_the_first_free_slot_is_found(driver: Driver, card: EmulatedCard, monkeypatch: pytest.MonkeyPatch) -> None:
    free = Driver()
    ports = (driver.port, free.port)
    taking = free.take_aside()
    monkeypatch.setattr("emulator.bridge._PATIENCE", 1.0)
    bridge = insert_where_free(card, ports)
    taking.join()
    assert bridge.port == free.port
    bridge.remove()
    with pytest.raises(ReaderSlotTaken) as taken:
        insert_where_free(card, (free.port,))
    assert taken.value.ports == (free.port,)
    driver.close()
    free.close()
    with pytest.raises(NoVirtualReader):
        insert_where_free(card, ports)

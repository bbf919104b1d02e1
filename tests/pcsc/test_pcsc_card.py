"""A card in a reader of the real daemon: reading it, logging in, and which card is meant."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from certified_cards import SIGN_PASSWORD
from logins import SELECT_JPKI, SIGN
from readers_with_cards import Slot
from watched_cards import MY_NUMBER, Insert, OtherToken, WatchedCard, came_back_logged_out, log_in

from jpki.card import (
    AmbiguousReader,
    CardPrivateKey,
    ConnectionClosed,
    Encoded,
    Exchange,
    JpkiApplication,
    NoCard,
    NoSuchReader,
    NotAJpkiCard,
    Resolving,
    Traced,
    open_card_reader,
    open_reader,
    readers,
)
from jpki.terms import Role

pytestmark = pytest.mark.pcsc


def test_the_readers_are_listed_with_what_is_in_them(slot: Slot) -> None:
    listed = readers()
    assert [reader.number for reader in listed] == list(range(len(listed)))
    assert slot.reader.has_card
    assert slot.reader.atr == MY_NUMBER.atr
    assert not slot.reader.in_use


def test_a_reader_is_opened_by_part_of_its_name(slot: Slot) -> None:
    with open_reader(slot.name.removeprefix("Virtual ").lower()) as connection:
        assert connection.name == slot.name
        assert slot.reader.in_use


def test_an_unknown_reader_and_an_empty_one_are_told_apart(slot: Slot) -> None:
    with pytest.raises(NoSuchReader) as caught:
        open_reader("no such reader")
    assert slot.name in caught.value.choices
    slot.pull_and_wait()
    with pytest.raises(NoCard) as nothing:
        open_reader(slot.name)
    assert nothing.value.reader == slot.name


def test_a_login_takes_three_exchanges_and_ends_logged_out(slot: Slot) -> None:
    trace: list[Exchange] = []
    with open_reader(slot.name) as connection:
        card = Resolving(Traced(Encoded(connection), trace.append, lambda: 0.0))
        for _ in range(2):
            log_in(card)
        assert connection.transmit(SELECT_JPKI) == b"\x90\x00"
        assert connection.transmit(SIGN) == b"\x69\x82"
    assert [exchange.command.split()[0] for exchange in trace] == ["00A4040C", "00200098", "802A0097"] * 2
    assert came_back_logged_out(slot)


def test_a_login_that_ends_in_an_error_ends_logged_out(slot: Slot) -> None:
    def fail() -> None:
        with open_reader(slot.name) as connection, JpkiApplication.select(Encoded(connection), MY_NUMBER) as jpki:
            jpki.verify_pin(Role.SIGNATURE, SIGN_PASSWORD)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert came_back_logged_out(slot)


def test_a_login_outside_of_an_exclusive_block_ends_with_a_power_off(slot: Slot, device: WatchedCard) -> None:
    with open_reader(slot.name) as connection:
        connection.transmit(SELECT_JPKI)
        connection.transmit(bytes.fromhex("0020009B06") + SIGN_PASSWORD.reveal())
        device.lost_power.clear()
    assert device.lost_power.wait(5)
    assert came_back_logged_out(slot)


def test_a_forgotten_connection_ends_logged_out(slot: Slot, device: WatchedCard) -> None:
    connection = open_reader(slot.name)
    connection.transmit(SELECT_JPKI)
    connection.transmit(bytes.fromhex("0020009B06") + SIGN_PASSWORD.reveal())
    device.lost_power.clear()
    del connection
    gc.collect()
    assert device.lost_power.wait(5)
    assert came_back_logged_out(slot)


def test_the_first_command_after_a_power_off_may_answer_6f00(insert: Insert) -> None:
    slot = insert(WatchedCard(stumbles=True))
    with open_reader(slot.name) as connection:
        for _ in range(2):
            log_in(Encoded(connection))


def test_a_closed_connection_is_not_used(slot: Slot) -> None:
    connection = open_reader(slot.name)
    connection.close()
    connection.close()
    with pytest.raises(ConnectionClosed):
        connection.transmit(SELECT_JPKI)


def test_the_first_program_of_the_page_on_the_card_layer_runs(slot: Slot, monkeypatch: pytest.MonkeyPatch) -> None:
    if sum(reader.has_card for reader in readers()) > 1:
        pytest.skip("somebody's card is in the virtual reader's other slot")
    page = (Path(__file__).parents[2] / "docs" / "card.md").read_text("utf-8")
    asked: list[str] = []
    monkeypatch.setattr("builtins.input", lambda prompt: asked.append(prompt) or "1234")
    names: dict[str, object] = {}
    exec(page.split("```python\n")[1].split("```")[0], names)  # noqa: S102 - what it says is what is tried
    assert asked == ["PIN (3 tries left): "]
    assert isinstance(names["key"], CardPrivateKey)


# Which card is meant


def test_cards_of_other_kinds_are_passed_over(slot: Slot, insert: Insert) -> None:
    insert(OtherToken())
    with open_card_reader() as connection:
        assert connection.name == slot.name
        log_in(Encoded(connection))


def test_two_jpki_cards_are_ambiguous(slot: Slot, insert: Insert) -> None:
    other = insert(WatchedCard())
    with pytest.raises(AmbiguousReader) as caught:
        open_card_reader()
    assert {slot.name, other.name} <= set(caught.value.choices)


def test_two_cards_of_other_kinds_are_no_jpki_card(slot: Slot, insert: Insert) -> None:
    slot.pull_and_wait()
    insert(OtherToken())
    insert(OtherToken())
    with pytest.raises(NotAJpkiCard):
        open_card_reader()

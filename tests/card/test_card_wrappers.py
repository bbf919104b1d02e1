"""Wrappers round a card: long answers, long commands, faults, delays."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from card_profiles import CardProfile
from emulator import EmulatedCard
from jpki.card import (
    BadAnswer,
    Card,
    CardRemoved,
    Chaining,
    Completing,
    Encoded,
    Exchange,
    Faulty,
    LocalConnection,
    Resolving,
    Slow,
    answering,
    lost,
    pulled,
)
from jpki.formats import Command, Response, StatusWord
from jpki.terms import Secret

READ = Command(0x00, 0xB0, 0x8A, 0x00, le=256)


class Scripted:
    """A card that answers by a function and keeps what it was sent."""

    def __init__(self, answer: Callable[[Command], Response]) -> None:
        self.sent: list[Command] = []
        self._answer = answer

    def send(self, command: Command) -> Response:
        self.sent.append(command)
        return self._answer(command)

    def exclusive(self) -> AbstractContextManager[None]:
        return nullcontext()


def by_61xx(whole: bytes, block: int) -> Scripted:
    """A card that hands an answer out in blocks, each of which says how much is left."""
    rest = [whole]

    def answer(command: Command) -> Response:
        size = block if command.ins != 0xC0 else command.le or 0
        given, rest[0] = rest[0][:size], rest[0][size:]
        return Response(given, StatusWord(0x6100 | min(len(rest[0]), block) & 0xFF if rest[0] else 0x9000))

    return Scripted(answer)


@given(whole=st.binary(max_size=3000), block=st.integers(1, 256))
def test_a_long_answer_is_fetched_to_its_end(whole: bytes, block: int) -> None:
    card = by_61xx(whole, block)
    assert Completing(card).send(READ) == Response(whole)
    assert all(command.header == bytes.fromhex("00C00000") for command in card.sent[1:])


def test_get_response_keeps_the_logical_channel_and_nothing_else_of_the_class() -> None:
    card = by_61xx(bytes(300), 256)
    Completing(card).send(Command(0x86, 0xCA, le=256))
    assert card.sent[1] == Command(0x02, 0xC0, le=44)


def test_a_wrong_le_is_put_right_once() -> None:
    card = Scripted(lambda command: Response(bytes(17)) if command.le == 17 else Response(status=StatusWord(0x6C11)))
    assert Completing(card).send(READ).data == bytes(17)
    assert [command.le for command in card.sent] == [256, 17]


def test_a_card_that_asks_for_the_le_it_was_given_is_left_alone() -> None:
    card = Scripted(lambda command: Response(status=StatusWord(0x6C00)))
    assert Completing(card).send(READ).status == 0x6C00
    assert len(card.sent) == 1


def test_a_command_that_asks_for_nothing_is_never_sent_twice() -> None:
    card = Scripted(lambda command: Response(status=StatusWord(0x6C04)))
    assert Completing(card).send(Command(0x00, 0x20, 0x00, 0x98, Secret(b"1234"))).status == 0x6C04
    assert len(card.sent) == 1


def test_a_wrong_le_of_get_response_is_put_right() -> None:
    def answer(command: Command) -> Response:
        if command.ins != 0xC0:
            return Response(status=StatusWord(0x6120))
        return Response(b"done") if command.le == 4 else Response(status=StatusWord(0x6C04))

    assert Completing(Scripted(answer)).send(READ) == Response(b"done")


@pytest.mark.parametrize(
    ("data", "exchanges"),
    [(b"", 2), (b"x", 4_097), (bytes(256), 257)],
    ids=["empty", "a byte at a time, less than a minute at a reader", "more than any command can ask for"],
)
def test_an_answer_without_end_is_an_error(data: bytes, exchanges: int) -> None:
    card = Scripted(lambda command: Response(data, StatusWord(0x6101)))
    with pytest.raises(BadAnswer):
        Completing(card).send(READ)
    assert len(card.sent) <= exchanges


@given(body=st.binary(min_size=256, max_size=2000), le=st.none() | st.integers(1, 65_536), secret=st.booleans())
def test_a_long_body_goes_in_parts_that_make_it_up_again(body: bytes, le: int | None, secret: bool) -> None:
    card = Scripted(lambda command: Response())
    Chaining(card).send(Command(0x84, 0xDB, 0x3F, 0xFF, Secret(body) if secret else body, le))
    assert b"".join(command.body for command in card.sent) == body
    assert [command.cla for command in card.sent] == [0x94] * (len(card.sent) - 1) + [0x84]
    assert [command.le for command in card.sent[:-1]] == [None] * (len(card.sent) - 1)
    assert card.sent[-1].le == (None if le is None else min(le, 256))
    assert not any(command.extended for command in card.sent)
    assert {command.secret for command in card.sent} == {secret}
    assert {command.header[1:] for command in card.sent} == {bytes.fromhex("DB3FFF")}


@pytest.mark.parametrize(
    ("length", "parts"), [(256, [255, 1]), (509, [255, 254]), (510, [255, 255]), (511, [255, 255, 1]), (0, [0])]
)
def test_no_part_of_a_chain_is_empty_where_there_is_a_body(length: int, parts: list[int]) -> None:
    card = Scripted(lambda command: Response())
    Chaining(card).send(Command(0x00, 0xDB, data=bytes(length), le=65_536))
    assert [len(command.body) for command in card.sent] == parts
    assert [command.cla for command in card.sent] == [0x10] * (len(parts) - 1) + [0x00]
    assert card.sent[-1].le == 256


def test_a_short_command_goes_as_it_is() -> None:
    card = Scripted(lambda command: Response())
    command = Command(0x00, 0xD6, data=bytes(255), le=256)
    Chaining(card).send(command)
    assert card.sent == [command]


def test_a_chain_ends_where_the_card_refuses_it() -> None:
    card = Scripted(lambda command: Response(status=StatusWord(0x6884)))
    assert Chaining(card).send(Command(0x00, 0xDB, data=bytes(600))).status == 0x6884
    assert len(card.sent) == 1


@pytest.mark.parametrize("wrapper", [Completing, Resolving])
def test_a_whole_file_is_read_at_once_by_extended_length_or_in_parts(
    connection: LocalConnection, wrapper: Callable[[Card], Card]
) -> None:
    card = wrapper(Encoded(connection))
    assert card.send(Command(0x00, 0xA4, 0x04, 0x0C, bytes.fromhex("D392F000260100000001"))).ok
    answer = card.send(Command(0x00, 0xB0, 0x8A, 0x00, le=4096))
    assert answer.ok
    assert len(answer.data) == (4096 if wrapper is Completing else 256)


def test_a_response_without_a_status_word_is_an_error_that_does_not_show_it() -> None:
    class Broken:
        def transmit(self, command: bytes) -> bytes:
            return b"\x77"

        def power_on(self) -> bytes:
            return b""

        def power_off(self) -> None:
            pass

    with pytest.raises(BadAnswer) as caught:
        Encoded(LocalConnection(Broken())).send(READ)
    assert "77" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_fault_happens_at_its_exchange_only(card: Card) -> None:
    faulty = Faulty(card, at=2, fault=answering(0x6581, b"data"))
    answers = [faulty.send(READ).status for _ in range(3)]
    assert answers == [0x6986, 0x6581, 0x6986]


def test_a_card_that_is_pulled_has_not_seen_the_command(card: Card, trace: list[Exchange]) -> None:
    with pytest.raises(CardRemoved):
        Faulty(card, at=1, fault=pulled).send(READ)
    assert trace == []


def test_a_card_whose_answer_is_lost_has_carried_out_the_command(card: Card, trace: list[Exchange]) -> None:
    with pytest.raises(CardRemoved):
        Faulty(card, at=1, fault=lost).send(READ)
    assert len(trace) == 1


def test_a_slow_card_takes_its_time_at_every_exchange(card: Card) -> None:
    slept: list[float] = []
    slow = Slow(card, per_exchange=0.25, sleep=slept.append)
    slow.send(READ)
    slow.send(READ)
    assert slept == [0.25, 0.25]


def test_every_wrapper_hands_exclusive_access_through(device: EmulatedCard, profile: CardProfile) -> None:
    held: list[str] = []

    class Watched(LocalConnection):
        def _begin(self) -> None:
            held.append("begin")

    card = Slow(Faulty(Resolving(Encoded(Watched(device))), at=0), 0, lambda seconds: None)
    with card.exclusive():
        assert held == ["begin"]

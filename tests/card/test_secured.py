"""The host's end of the secure channel: what it refuses, and how it says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from issuing import MASTER, MASTERS, SERIAL, TRANSPORTS, any_card, counted_random, transported

from card_profiles import CardProfile
from emulator import EmulatedCard, blank_state
from jpki.card import (
    BadAnswer,
    Card,
    CardKeysBlocked,
    CardRefused,
    CardRemoved,
    ChannelBroken,
    Encoded,
    Faulty,
    IssuerChannel,
    LocalConnection,
    Resolving,
    Wrapped,
    WrongCardKeys,
    WrongLifeCycle,
    answering,
    issuer_session,
    open_issuer_channel,
    select_application,
)
from jpki.formats import Command, Response, StatusWord

GET_STATUS = Command(0x80, 0xF2, 0x80, 0x02, bytes.fromhex("4F00"), 256)


@pytest.fixture
def line(blank: EmulatedCard) -> Iterator[Card]:
    with LocalConnection(blank) as connection:
        yield Resolving(Encoded(connection))


@pytest.fixture
def owned(line: Card, profile: CardProfile) -> Card:
    """Returns a card with keys of its own."""
    with issuer_session(line, profile, MASTER, counted_random(), blank=any_card):
        return line


class Changed(Wrapped):
    """A card whose next answer is changed on its way."""

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        self.change: Callable[[Response], Response] | None = None

    def send(self, command: Command) -> Response:
        response = self._card.send(command)
        change, self.change = self.change, None
        return response if change is None else change(response)


@pytest.fixture
def wire(line: Card) -> Changed:
    return Changed(line)


@pytest.fixture
def channel(wire: Changed, profile: CardProfile) -> IssuerChannel:
    select_application(wire, profile.jpki.aid)
    return open_issuer_channel(wire, profile, MASTER, counted_random())


@pytest.mark.parametrize(
    "change",
    [
        lambda answer: Response(answer.data[:-1] + bytes((answer.data[-1] ^ 1,)), answer.status),
        lambda answer: Response(bytes((answer.data[0] ^ 1,)) + answer.data[1:], answer.status),
        lambda answer: Response(answer.data[8:], answer.status),
        lambda answer: Response(b"", answer.status),
        lambda answer: Response(answer.data, StatusWord(0x6282)),
    ],
    ids=["mac", "data", "cut", "gone", "status"],
)
def test_an_answer_that_is_not_the_cards_ends_the_channel(
    wire: Changed, channel: IssuerChannel, change: Callable[[Response], Response]
) -> None:
    wire.change = change
    with pytest.raises(ChannelBroken):
        channel.card.send(GET_STATUS)
    with pytest.raises(ChannelBroken):
        channel.card.send(GET_STATUS)


def test_the_answer_to_an_earlier_command_is_not_taken(wire: Changed, channel: IssuerChannel) -> None:
    kept: list[Response] = []

    def keep(answer: Response) -> Response:
        kept.append(answer)
        return answer

    wire.change = keep
    channel.card.send(GET_STATUS)
    wire.change = lambda answer: kept[0]
    with pytest.raises(ChannelBroken):
        channel.card.send(GET_STATUS)


@pytest.mark.parametrize("status", [0x6987, 0x6988])
def test_a_channel_that_the_card_has_ended_is_told(wire: Changed, channel: IssuerChannel, status: int) -> None:
    wire.change = lambda answer: Response(b"", StatusWord(status))
    with pytest.raises(ChannelBroken) as broken:
        channel.card.send(GET_STATUS)
    assert broken.value.problem == "the card ended it"


def test_an_error_of_the_card_leaves_the_channel_open(channel: IssuerChannel) -> None:
    assert channel.card.send(Command(0x00, 0xFE, 0, 0)).status == 0x6D00
    assert channel.card.send(GET_STATUS).ok


def test_a_channel_is_not_used_on_after_an_exchange_that_failed(line: Card, profile: CardProfile) -> None:
    channel = open_issuer_channel(Faulty(line, 3), profile, MASTER, counted_random())
    with pytest.raises(CardRemoved):
        channel.card.send(GET_STATUS)
    with pytest.raises(ChannelBroken):
        channel.card.send(GET_STATUS)


def test_no_more_is_given_than_was_asked_for(channel: IssuerChannel) -> None:
    assert len(channel.card.send(Command(0x00, 0x84, 0, 0, le=5)).data) == 5
    assert len(channel.card.send(Command(0x00, 0x84, 0, 0, le=256)).data) == 256


def test_a_card_that_says_it_is_blank_gets_no_keys_unasked(
    line: Card, blank: EmulatedCard, profile: CardProfile
) -> None:
    """It may be a false one that carries a real card's serial number, to be given that card's keys."""
    with pytest.raises(WrongLifeCycle) as wrong, issuer_session(line, profile, MASTER, counted_random()):
        pass
    assert wrong.value.found == "blank"
    assert blank.state.issuer_keys == blank_state(profile, SERIAL).issuer_keys


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_long_bodies_and_answers_cross_over(blank: EmulatedCard, profile: CardProfile, transport: str) -> None:
    with (
        LocalConnection(blank) as connection,
        issuer_session(
            transported(Encoded(connection), transport),
            profile,
            MASTER,
            counted_random(),
            blank=any_card,
            extended=transport == "extended",
        ) as session,
    ):
        session.write_file(0x000A, bytes(range(256)) * 16)
        read = b"".join(
            session.jpki._card.send(Command(0x00, 0xB0, at >> 8, at & 0xFF, le=256)).data for at in range(0, 4096, 256)
        )
        assert read == bytes(range(256)) * 16


def test_other_keys_show_before_anything_is_counted(owned: Card, blank: EmulatedCard, profile: CardProfile) -> None:
    for _ in range(7):
        with pytest.raises(WrongCardKeys) as wrong:
            open_issuer_channel(owned, profile, MASTERS[256], counted_random())
        assert not wrong.value.counted
        assert (wrong.value.serial, wrong.value.key_version) == (SERIAL.hex().upper(), "01")
    assert blank.state.failed_authentications == 0


def test_a_failure_that_the_card_counted_is_told(owned: Card, profile: CardProfile) -> None:
    with pytest.raises(WrongCardKeys) as wrong:
        open_issuer_channel(Faulty(owned, 2, answering(0x6300)), profile, MASTER, counted_random())
    assert wrong.value.counted


def test_a_locked_card_is_told_before_anything_is_tried(owned: Card, profile: CardProfile) -> None:
    fault = answering(0x6983)
    with pytest.raises(CardKeysBlocked):
        open_issuer_channel(Faulty(owned, 1, fault), profile, MASTER, counted_random())


@pytest.mark.parametrize(
    ("at", "fault", "error"),
    [
        (1, answering(0x6D00), CardRefused),
        (1, answering(0x9000), BadAnswer),
        (1, answering(0x9000, bytes(29)), BadAnswer),
        (2, answering(0x6985), CardRefused),
    ],
)
def test_a_card_without_such_a_channel_is_told(
    owned: Card, profile: CardProfile, at: int, fault: Callable[[Card, Command], Response], error: type[Exception]
) -> None:
    with pytest.raises(error):
        open_issuer_channel(Faulty(owned, at, fault), profile, MASTER, counted_random())


def test_keys_of_an_unknown_version_are_not_tried(owned: Card, profile: CardProfile) -> None:
    answer = SERIAL + bytes.fromhex("300360") + bytes(16)
    with pytest.raises(WrongCardKeys) as wrong:
        open_issuer_channel(Faulty(owned, 1, answering(0x9000, answer)), profile, MASTER, counted_random())
    assert wrong.value.key_version == "30"


def test_a_channel_does_not_show_its_keys(channel: IssuerChannel) -> None:
    assert "keys" not in repr(channel)
    assert "@" not in repr(channel)

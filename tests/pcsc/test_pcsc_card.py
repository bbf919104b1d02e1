"""A card in a reader of the real daemon: what goes right, and everything that can happen to it."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from certified_cards import AUTH_PIN, SIGN_PASSWORD, certified_state
from readers_with_cards import Meanwhile, OtherProgram, Pulling, Slot, Unplugged, other_program
from virtual_reader import reader_alone, until

from card_profiles import CardProfile, load_profile
from emulator import EmulatedCard, ReaderSlotTaken, VolatileMemory
from jpki.card import (
    AmbiguousReader,
    Card,
    CardBusy,
    CardChanged,
    CardMute,
    CardPrivateKey,
    CardRemoved,
    CardReset,
    ConnectionClosed,
    Encoded,
    Exchange,
    JpkiApplication,
    Limits,
    NoCard,
    NoSuchReader,
    NotAJpkiCard,
    PcscConnection,
    ReaderGone,
    Resolving,
    Traced,
    open_card_reader,
    open_reader,
    readers,
)
from jpki.card.scard import Code, load_scard
from jpki.formats import digest_info
from jpki.terms import Role

pytestmark = pytest.mark.pcsc

SIGNATURE, AUTHENTICATION = Role.SIGNATURE, Role.AUTHENTICATION
DIGEST_INFO = digest_info("sha256", bytes(32))
SELECT = bytes.fromhex("00A4040C0AD392F000260100000001")
SIGN = bytes.fromhex("802A009A33") + DIGEST_INFO + b"\x00"
IMPATIENT = Limits(busy=1.0, answer=2.0, end=0.5)
MY_NUMBER = load_profile("mynumber")


class WatchedCard(EmulatedCard):
    """An emulated card that keeps when it lost its power, and that can be told to stop answering."""

    def __init__(self, profile: CardProfile = MY_NUMBER, *, stumbles: bool = False) -> None:
        super().__init__(profile, VolatileMemory(certified_state(profile.name)), strict=True, stumbles=stumbles)
        self.lost_power = threading.Event()
        self.asked = threading.Event()
        self.answers = threading.Event()
        self.answers.set()

    def power_off(self) -> None:
        super().power_off()
        self.lost_power.set()

    def transmit(self, command: bytes) -> bytes:
        self.asked.set()
        self.answers.wait()
        return super().transmit(command)


class OtherToken(WatchedCard):
    """A card without the JPKI application."""

    def transmit(self, command: bytes) -> bytes:
        return b"\x6a\x82"


Insert = Callable[[WatchedCard], Slot]


@pytest.fixture(scope="module")
def shared_slot(pcsc_daemon: None) -> Iterator[Slot]:
    """One card for the whole module: to put one in and to take it out costs the daemon's two looks at the reader."""
    with reader_alone():
        slot = Slot(WatchedCard())
        yield slot
        slot.pull_and_wait()


@pytest.fixture
def slot(shared_slot: Slot) -> Iterator[Slot]:
    if not shared_slot.bridge.inserted:
        shared_slot.put_back()
    yield shared_slot
    watched(shared_slot).answers.set()
    assert until(lambda: not shared_slot.reader.in_use), "a connection was left open"


@pytest.fixture
def device(slot: Slot) -> WatchedCard:
    return watched(slot)


def watched(slot: Slot) -> WatchedCard:
    assert isinstance(slot.card, WatchedCard)
    return slot.card


@pytest.fixture
def insert(shared_slot: Slot) -> Iterator[Insert]:
    """Returns a function that puts one more card in; it is pulled after the test."""
    with ExitStack() as pulled_at_the_end:

        def put(card: WatchedCard) -> Slot:
            try:
                slot = Slot(card)
            except ReaderSlotTaken:
                pytest.skip("somebody's card is in the virtual reader's other slot")
            pulled_at_the_end.callback(slot.pull_and_wait)
            return slot

        yield put


def log_in(card: Card) -> None:
    with JpkiApplication.select(card, MY_NUMBER) as jpki:
        jpki.verify_pin(AUTHENTICATION, AUTH_PIN)
        assert len(jpki.sign(AUTHENTICATION, DIGEST_INFO)) == 256


def read_certificate(card: Card) -> None:
    with JpkiApplication.select(card, MY_NUMBER) as jpki:
        assert jpki.read_certificate(AUTHENTICATION).serial


def is_logged_out(slot: Slot) -> bool:
    """Asks through the daemon as the next program would."""
    with open_reader(slot.name) as connection:
        assert connection.transmit(SELECT)[-2:] == b"\x90\x00"
        return connection.transmit(SIGN) == b"\x69\x82"


# What goes right


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
        assert connection.transmit(SELECT) == b"\x90\x00"
        assert connection.transmit(SIGN) == b"\x69\x82"
    assert [exchange.command.split()[0] for exchange in trace] == ["00A4040C", "00200098", "802A0097"] * 2
    assert is_logged_out(slot)


def test_a_login_that_ends_in_an_error_ends_logged_out(slot: Slot) -> None:
    def fail() -> None:
        with open_reader(slot.name) as connection, JpkiApplication.select(Encoded(connection), MY_NUMBER) as jpki:
            jpki.verify_pin(SIGNATURE, SIGN_PASSWORD)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert is_logged_out(slot)


def test_a_login_outside_of_an_exclusive_block_ends_with_a_power_off(slot: Slot, device: WatchedCard) -> None:
    with open_reader(slot.name) as connection:
        connection.transmit(SELECT)
        connection.transmit(bytes.fromhex("0020009B06") + SIGN_PASSWORD.reveal())
        device.lost_power.clear()
    assert device.lost_power.wait(5)
    assert is_logged_out(slot)


def test_a_forgotten_connection_ends_logged_out(slot: Slot, device: WatchedCard) -> None:
    connection = open_reader(slot.name)
    connection.transmit(SELECT)
    connection.transmit(bytes.fromhex("0020009B06") + SIGN_PASSWORD.reveal())
    device.lost_power.clear()
    del connection
    gc.collect()
    assert device.lost_power.wait(5)
    assert is_logged_out(slot)


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
        connection.transmit(SELECT)


def test_the_first_program_of_the_page_on_the_card_layer_runs(slot: Slot, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "card.md").read_text("utf-8")
    asked: list[str] = []
    monkeypatch.setattr("builtins.input", lambda prompt: asked.append(prompt) or "1234")
    names: dict[str, object] = {}
    exec(page.split("```python\n")[1].split("```")[0], names)  # noqa: S102 - what it says is what is tried
    assert asked == ["PIN (3 tries left): "]
    assert isinstance(names["key"], CardPrivateKey)


# The card is pulled


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
        assert is_logged_out(slot)


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


# Another program


@pytest.mark.parametrize("how", ["SCARD_RESET_CARD", "SCARD_UNPOWER_CARD"])
def test_a_card_that_another_program_reset_while_a_person_types_is_used_on(slot: Slot, how: str) -> None:
    with open_reader(slot.name) as connection:
        read_certificate(Encoded(connection))
        with other_program(slot.name) as other:
            other.does(f"SCardDisconnect {how}")
        log_in(Encoded(connection))


def test_a_card_that_another_program_reset_outside_of_an_exclusive_block_is_an_error(slot: Slot) -> None:
    with open_reader(slot.name) as connection:
        connection.transmit(SELECT)
        with other_program(slot.name) as other:
            other.does("SCardDisconnect SCARD_RESET_CARD")
        with pytest.raises(CardReset):
            connection.transmit(SELECT)
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
            jpki.verify_pin(SIGNATURE, SIGN_PASSWORD)
            for _ in range(200):
                jpki.sign(SIGNATURE, DIGEST_INFO)
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


_LOGGED_IN = """
import sys
from certified_cards import SIGN_PASSWORD
from card_profiles import load_profile
from jpki.card import Encoded, JpkiApplication, open_reader
from jpki.terms import Role
connection = open_reader(sys.argv[1])
with JpkiApplication.select(Encoded(connection), load_profile("mynumber")) as jpki:
    jpki.verify_pin(Role.SIGNATURE, SIGN_PASSWORD)
    print("logged in", flush=True)
    sys.stdin.readline()
    jpki.sign(Role.SIGNATURE, bytes(20))
"""


def program(source: str, *arguments: str) -> subprocess.Popen[str]:
    """Starts a program that finds this toolkit and the modules of its tests."""
    here = Path(__file__).parents[1]
    run = f"import sys; sys.path[:0] = [{str(here)!r}, {str(here.parent)!r}]\n{source}"
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", run, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def test_a_program_that_is_killed_while_logged_in_leaves_a_card_that_is_not(slot: Slot, device: WatchedCard) -> None:
    with program(_LOGGED_IN, slot.name) as logged_in:
        assert logged_in.stdout is not None
        assert logged_in.stdout.readline() == "logged in\n"
        device.lost_power.clear()
        logged_in.send_signal(signal.SIGKILL)
    assert device.lost_power.wait(10)
    assert is_logged_out(slot)
    with open_reader(slot.name) as connection:
        log_in(Encoded(connection))


# A card that does not answer


def test_a_card_that_does_not_answer_is_not_waited_for_without_end(slot: Slot, device: WatchedCard) -> None:
    with open_reader(slot.name, IMPATIENT) as connection:
        read_certificate(Encoded(connection))
        device.answers.clear()
        for _ in range(2):
            with pytest.raises(CardMute) as caught:
                log_in(Encoded(connection))
            assert caught.value.reader == slot.name
    device.answers.set()
    with open_reader(slot.name) as connection:
        log_in(Encoded(connection))


def test_a_program_that_waits_for_a_card_can_be_interrupted(slot: Slot, device: WatchedCard) -> None:
    with program(_LOGGED_IN, slot.name) as waiting:
        assert waiting.stdin is not None
        assert waiting.stdout is not None
        assert waiting.stderr is not None
        assert waiting.stdout.readline() == "logged in\n"
        device.answers.clear()
        device.asked.clear()
        waiting.stdin.write("go on\n")
        waiting.stdin.flush()
        assert device.asked.wait(10)
        waiting.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in waiting.stderr.read()
    device.answers.set()


# A reader that goes away: the virtual one cannot, so PC/SC's answers are given here in its place.


@pytest.mark.parametrize("transmit", [0x80100017, 0x80100009, 0x80100011, 0x80100016])
def test_a_reader_that_is_unplugged_is_an_error_of_its_own(slot: Slot, transmit: int) -> None:
    scard = Unplugged(load_scard(), transmit, state=0x0C)
    with (
        PcscConnection(scard, slot.name, Limits()) as connection,  # type: ignore[arg-type]
        JpkiApplication.select(Encoded(connection), MY_NUMBER) as jpki,
    ):
        jpki.verify_pin(SIGNATURE, SIGN_PASSWORD)
        scard.gone = True
        with pytest.raises(ReaderGone) as caught:
            jpki.sign(SIGNATURE, DIGEST_INFO)
        assert caught.value.reader == slot.name
        scard.gone = False


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

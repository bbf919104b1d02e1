"""An emulated card in the virtual reader, used by plain pyscard through the real daemon."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from certified_cards import PINS, certified_state
from issuing import MASTER, SERIAL, TRANSPORTS, Issuer, any_card, transported
from prime_pool import PrimePool
from readers_with_cards import Slot
from smartcard.CardConnection import CardConnection
from smartcard.Exceptions import CardConnectionException, NoCardException, SmartcardException
from smartcard.scard import SCARD_LEAVE_CARD, SCARD_RESET_CARD, SCARD_UNPOWER_CARD
from smartcard.System import readers

from card_profiles import CardProfile, load_profile
from emulator import SLOT_PORTS, Bridge, EmulatedCard, ReaderSlotTaken, VolatileMemory, create_blank
from jpki.card import Encoded, issuer_session, open_reader
from jpki.formats import digest_info
from jpki.terms import Role

pytestmark = [pytest.mark.pcsc, pytest.mark.usefixtures("pcscd")]

SELECT = "00A4040C0AD392F000260100000001"
VERIFY = "0020009804" + PINS[Role.AUTHENTICATION].reveal().hex()
SIGN = "802A0097" + "33" + digest_info("sha256", hashlib.sha256(b"x").digest()).hex() + "00"
OUT_OF_BLOCK = "6982"

Open = Callable[..., CardConnection]
Insert = Callable[[EmulatedCard], Slot]


@pytest.fixture
def profile() -> CardProfile:
    return load_profile("mynumber")


@pytest.fixture
def card(profile: CardProfile) -> Iterator[EmulatedCard]:
    """Returns a sealed card with both certificates."""
    with EmulatedCard(profile, VolatileMemory(certified_state(profile.name)), keys=PrimePool(1)) as made:
        yield made


@pytest.fixture
def insert() -> Iterator[Insert]:
    """Returns a function that puts a card into a free slot; it is pulled after the test."""
    with ExitStack() as pulled_at_the_end:

        def put(card: EmulatedCard) -> Slot:
            slot = Slot(card)
            pulled_at_the_end.callback(slot.pull_and_wait)
            return slot

        yield put


@pytest.fixture
def slot(card: EmulatedCard, insert: Insert) -> Slot:
    """Returns where `card` was put in."""
    return insert(card)


@pytest.fixture
def connect() -> Iterator[Open]:
    opened: list[CardConnection] = []

    def open_connection(slot: Slot, disposition: int = SCARD_LEAVE_CARD) -> CardConnection:
        reader = next(reader for reader in readers() if reader.name == slot.name)
        connection = reader.createConnection()
        connection.connect(disposition=disposition)
        opened.append(connection)
        return connection

    yield open_connection
    for connection in opened:
        connection.release()


def send(connection: CardConnection, command: str) -> str:
    data, first, second = connection.transmit(list(bytes.fromhex(command)))
    return bytes((*data, first, second)).hex().upper()


def test_the_reader_shows_the_cards_atr(slot: Slot, connect: Open, profile: CardProfile) -> None:
    assert bytes(connect(slot).getATR()) == profile.atr


def test_a_command_and_its_answer_go_through(slot: Slot, connect: Open, card: EmulatedCard) -> None:
    connection = connect(slot)
    assert send(connection, SELECT) == "9000"
    content = card.state.applications["jpki"].files[0x000A]
    assert send(connection, "00B08A0000") == content[:256].hex().upper() + "9000"


def test_an_answer_of_a_whole_file_goes_through(slot: Slot, connect: Open, card: EmulatedCard) -> None:
    connection = connect(slot)
    send(connection, SELECT)
    content = card.state.applications["jpki"].files[0x000A]
    assert send(connection, "00B08A00000000") == content.hex().upper() + "9000"


@pytest.mark.parametrize("command", ["07", "00A4", "00A404", "00A4040C0AD392"])
def test_what_is_no_command_is_answered(slot: Slot, connect: Open, command: str) -> None:
    connection = connect(slot)
    assert send(connection, command) == "6700"
    assert send(connection, SELECT) == "9000"


def test_power_off_logs_out(slot: Slot, connect: Open) -> None:
    connection = connect(slot, SCARD_UNPOWER_CARD)
    assert send(connection, SELECT) == "9000"
    assert send(connection, VERIFY) == "9000"
    assert send(connection, SIGN).endswith("9000")
    connection.disconnect()
    connection = connect(slot)
    assert send(connection, SELECT) == "9000"
    assert send(connection, SIGN) == OUT_OF_BLOCK


def test_a_reset_leaves_the_card_logged_in(slot: Slot, connect: Open) -> None:
    connection = connect(slot, SCARD_RESET_CARD)
    send(connection, SELECT)
    assert send(connection, VERIFY) == "9000"
    connection.disconnect()
    assert send(connect(slot), SIGN).endswith("9000")


class PulledWhileItWorks(EmulatedCard):
    """A card that is pulled while it carries out its n-th command from now."""

    bridge: Bridge
    left: int

    def transmit(self, command: bytes) -> bytes:
        answer = super().transmit(command)
        self.left -= 1
        if self.left == 0:
            self.bridge.remove()
        return answer


def test_a_card_pulled_in_the_middle_of_an_exchange_is_gone(
    insert: Insert, connect: Open, profile: CardProfile, card: EmulatedCard
) -> None:
    pulled = PulledWhileItWorks(profile, card._memory)
    pulled.left = 3
    slot = insert(pulled)
    pulled.bridge = slot.bridge
    connection = connect(slot)
    send(connection, SELECT)
    send(connection, VERIFY)
    with pytest.raises(SmartcardException):
        send(connection, SIGN)
    assert slot.bridge.wait(5)
    assert not pulled.powered
    assert slot.bridge.failure is None
    slot.pull_and_wait()
    with pytest.raises((NoCardException, CardConnectionException)):
        connect(slot)


def test_a_pulled_card_can_be_put_in_again_and_is_logged_out(slot: Slot, connect: Open) -> None:
    connection = connect(slot)
    send(connection, SELECT)
    assert send(connection, VERIFY) == "9000"
    slot.pull_and_wait()
    slot.put_back()
    connection = connect(slot)
    assert send(connection, SELECT) == "9000"
    assert send(connection, SIGN) == OUT_OF_BLOCK


def test_a_slot_that_holds_a_card_is_told_from_a_free_one(slot: Slot, profile: CardProfile) -> None:
    other = Bridge(create_blank(profile, SERIAL), slot.bridge.port)
    with pytest.raises(ReaderSlotTaken) as taken:
        other.insert()
    assert taken.value.ports == (slot.bridge.port,)
    assert not other.inserted
    assert slot.bridge.port in SLOT_PORTS


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_blank_card_is_personalised_and_renewed_through_the_daemon(
    insert: Insert, profile: CardProfile, transport: str
) -> None:
    issuer = Issuer(profile)
    with create_blank(profile, SERIAL, keys=PrimePool(5)) as blank:
        reader = insert(blank).name
        for work in (issuer.personalise, lambda session: issuer.renew(session, Role.SIGNATURE)):
            with (
                open_reader(reader) as connection,
                issuer_session(
                    transported(Encoded(connection), transport),
                    profile,
                    MASTER,
                    os.urandom,
                    blank=any_card,
                    extended=transport == "extended",
                ) as session,
            ):
                work(session)
        certificate = blank.state.applications["jpki"].files[0x0001]
    assert certificate.startswith(issuer.issued[Role.SIGNATURE])

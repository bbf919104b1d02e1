"""The card's end of the secure channel: who gets in, what is counted, and what ends it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from issuing import MASTER, MASTERS, SERIAL, counted_random, session_with
from made_cards import Send, sender
from prime_pool import PrimePool

from card_profiles import CardProfile
from emulator import (
    CardFile,
    CardFileNotWritten,
    CardState,
    EmulatedCard,
    IssuerKeys,
    LifeCycle,
    VolatileMemory,
    blank_state,
    create_blank,
    open_card,
)
from jpki.card import CardKeysBlocked, Encoded, LocalConnection, Resolving, WrongCardKeys, open_issuer_channel
from jpki.formats import (
    WELL_KNOWN_KEYS,
    CardKeys,
    Command,
    Handshake,
    HostSession,
    InitializeUpdateAnswer,
    Response,
    SecurityLevel,
)
from jpki.terms import Secret

SELECT = "00A4040C0AD392F000260100000001"
INITIALIZE_UPDATE = "8050000008010203040506070800"
WRONG_AUTHENTICATION = "8482330010" + "00" * 16
GET_STATUS = Command(0x80, 0xF2, 0x80, 0x02, bytes.fromhex("4F00"), 256)
VERIFY = Command(0x00, 0x20, 0x00, 0x98, Secret(b"1234"))


def own_state(profile: CardProfile) -> CardState:
    keys = MASTER.keys_of(SERIAL)
    return replace(
        blank_state(profile, SERIAL),
        issuer_keys=IssuerKeys(profile.issuer.own_version, keys.encryption, keys.mac, keys.data),
        life_cycle=LifeCycle.OWN_KEYS,
    )


@pytest.fixture
def state(profile: CardProfile) -> CardState:
    return own_state(profile)


@pytest.fixture
def host(card: EmulatedCard) -> RawHost:
    return RawHost(card, MASTER.keys_of(SERIAL))


class RawHost:
    """A host that sends bytes, and holds its end of the channel in its own hands."""

    def __init__(self, card: EmulatedCard, keys: CardKeys) -> None:
        self.card = card
        self.keys = keys

    def initialize(self) -> Handshake:
        raw = self.card.transmit(bytes.fromhex(INITIALIZE_UPDATE))
        assert raw[-2:] == b"\x90\x00"
        answer = InitializeUpdateAnswer.parse(raw[:-2])
        return Handshake.of(self.keys, bytes(range(1, 9)), answer.card_challenge)

    def open(self, level: int = 0x33) -> Response:
        self.session = HostSession(self.initialize(), SecurityLevel.of(level))
        return self.plain(self.session.external_authenticate())

    def plain(self, command: Command) -> Response:
        return Response.decode(self.card.transmit(command.encode()))

    def inside(self, command: Command) -> Response:
        return self.session.unwrap(self.plain(self.session.wrap(command)))


def test_initialize_update_tells_serial_number_key_version_protocol_and_options(card: EmulatedCard) -> None:
    raw = card.transmit(bytes.fromhex(INITIALIZE_UPDATE))
    assert raw[:13] == SERIAL + bytes.fromhex("010360")
    assert len(raw) == 31


def test_two_challenges_differ(card: EmulatedCard) -> None:
    first, second = (card.transmit(bytes.fromhex(INITIALIZE_UPDATE))[13:21] for _ in range(2))
    assert first != second


@pytest.mark.parametrize("application", ["00A4040C07A0000001510000", SELECT])
def test_the_channel_opens_whatever_is_selected(host: RawHost, send: Send, application: str) -> None:
    assert send(application) == "9000"
    assert host.open().status == 0x9000
    assert host.inside(GET_STATUS).data == bytes.fromhex("E30D4F07A00000015100009F700107")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("8050FF0008010203040506070800", "6A88"),
        ("80500100080102030405060708", "611D"),
        ("80500001080102030405060708", "6A86"),
        ("805000000701020304050607", "6700"),
        ("80500000", "6D00"),
    ],
)
def test_initialize_update_is_refused(send: Send, command: str, answer: str) -> None:
    assert send(command) == answer


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("8482330010" + "00" * 16, "6300"),
        ("8482010010" + "00" * 16, "6A86"),
        ("8482330110" + "00" * 16, "6A86"),
        ("848233000F" + "00" * 15, "6700"),
    ],
)
def test_external_authenticate_is_refused_and_has_one_attempt(send: Send, command: str, answer: str) -> None:
    assert send(INITIALIZE_UPDATE)[-4:] == "9000"
    assert send(command) == answer
    assert send(command) == "6985"


def test_external_authenticate_alone_is_out_of_order_and_not_counted(card: EmulatedCard, send: Send) -> None:
    assert send(WRONG_AUTHENTICATION) == "6985"
    assert card.state.failed_authentications == 0


@pytest.mark.parametrize("level", [0x01, 0x03, 0x11, 0x13])
def test_no_lower_level_is_opened(host: RawHost, card: EmulatedCard, level: int) -> None:
    assert host.open(level).status == 0x6A86
    assert card.state.failed_authentications == 0


def fail(send: Send) -> str:
    assert send(INITIALIZE_UPDATE)[-4:] == "9000"
    return send(WRONG_AUTHENTICATION)


def test_five_failures_in_a_row_lock_the_channel_for_good(card: EmulatedCard, send: Send, profile: CardProfile) -> None:
    for _ in range(5):
        assert fail(send) == "6300"
    assert send(INITIALIZE_UPDATE) == "6983"
    card.power_off()
    assert send(INITIALIZE_UPDATE) == "6983"
    with pytest.raises(CardKeysBlocked), session_with(card, profile):
        pass


def test_a_locked_channel_leaves_the_holders_commands_alone(card: EmulatedCard, send: Send) -> None:
    for _ in range(5):
        fail(send)
    assert send(SELECT) == "9000"


def test_a_good_authentication_clears_four_failures(host: RawHost, send: Send, card: EmulatedCard) -> None:
    for _ in range(4):
        fail(send)
    assert host.open().status == 0x9000
    assert card.state.failed_authentications == 0
    for _ in range(4):
        fail(send)
    assert host.open().status == 0x9000


def test_a_right_cryptogram_under_a_wrong_mac_is_counted(host: RawHost, card: EmulatedCard) -> None:
    opening = HostSession(host.initialize(), SecurityLevel.of(0x33)).external_authenticate()
    assert host.plain(opening.with_data(opening.body[:8] + bytes(8))).status == 0x6300
    assert card.state.failed_authentications == 1


def test_failures_are_in_the_card_file_and_count_on_in_another_process(profile: CardProfile, tmp_path: Path) -> None:
    path = tmp_path / "card"
    with create_blank(profile, SERIAL, path) as card:
        for _ in range(3):
            fail(sender(card))
        assert b'"failed_authentications": 3' in path.read_bytes()
    with open_card(path) as card:
        assert card.state.failed_authentications == 3
        for _ in range(2):
            fail(sender(card))
    with open_card(path) as card:
        assert sender(card)(INITIALIZE_UPDATE) == "6983"


def test_a_failure_is_on_disk_before_the_cryptogram_is_compared(profile: CardProfile, tmp_path: Path) -> None:
    class CutAfterTheFirstWrite(CardFile):
        def write(self, state: CardState) -> None:
            super().write(state)
            if state.failed_authentications:
                raise KeyboardInterrupt

    CardFile.create(tmp_path / "card", own_state(profile)).close()
    with EmulatedCard(profile, CutAfterTheFirstWrite.open(tmp_path / "card"), strict=True) as card:
        host = RawHost(card, MASTER.keys_of(SERIAL))
        with pytest.raises(KeyboardInterrupt):
            host.open()
    with open_card(tmp_path / "card") as card:
        assert card.state.failed_authentications == 1


def test_no_channel_opens_where_the_failure_cannot_be_stored(profile: CardProfile, state: CardState) -> None:
    class Full(VolatileMemory):
        def write(self, state: CardState) -> None:
            raise CardFileNotWritten(path="card", problem="disk full")

    with EmulatedCard(profile, Full(state), strict=True) as card:
        host = RawHost(card, MASTER.keys_of(SERIAL))
        assert host.open().status == 0x6581
        assert host.plain(host.session.wrap(GET_STATUS)).status == 0x6985


def test_the_well_known_keys_open_a_blank_card_and_no_other(profile: CardProfile, card: EmulatedCard) -> None:
    with create_blank(profile, SERIAL, strict=True) as blank:
        assert RawHost(blank, WELL_KNOWN_KEYS).open().status == 0x9000
    assert RawHost(card, WELL_KNOWN_KEYS).open().status == 0x6300


class TestAnOpenChannel:
    @pytest.fixture(autouse=True)
    def opened(self, send: Send, host: RawHost) -> None:
        assert send(SELECT) == "9000"
        assert host.open().status == 0x9000

    def assert_closed(self, host: RawHost) -> None:
        assert host.plain(host.session.wrap(GET_STATUS)).status == 0x6985

    def test_stays_open_after_a_refused_command(self, host: RawHost) -> None:
        assert host.inside(Command(0x80, 0xF2, 0x80, 0x02, b"wrong", 256)).status == 0x6A80
        assert host.inside(Command(0x00, 0xFE, 0x00, 0x00)).status == 0x6D00
        assert host.inside(GET_STATUS).status == 0x9000

    def test_ends_with_a_wrong_mac(self, host: RawHost) -> None:
        sent = host.session.wrap(GET_STATUS)
        assert host.plain(sent.with_data(sent.body[:-1] + b"\x00")).status == 0x6988
        self.assert_closed(host)

    def test_ends_with_a_replayed_command(self, host: RawHost) -> None:
        sent = host.session.wrap(GET_STATUS)
        assert host.plain(sent).status == 0x9000
        assert host.plain(sent).status == 0x6988
        self.assert_closed(host)

    def test_ends_with_a_truncated_command(self, host: RawHost) -> None:
        sent = host.session.wrap(GET_STATUS)
        assert host.plain(sent.with_data(sent.body[:6])).status == 0x6988
        self.assert_closed(host)

    def test_ends_with_a_plain_command_which_is_judged_as_one(self, host: RawHost) -> None:
        assert host.plain(GET_STATUS).status == 0x6982
        self.assert_closed(host)

    @pytest.mark.parametrize(
        ("command", "status"),
        [
            (Command(0x00, 0x20, 0x00, 0x98), 0x6984),
            (Command(0x00, 0x24, 0x01, 0x98, b"4321"), 0x6982),
            (Command(0x00, 0x84, 0x00, 0x00, le=8), 0x9000),
            (Command(0x00, 0xA4, 0x02, 0x0C, b"\x00\x17"), 0x9000),
            (Command(0x00, 0xB0, 0x86, 0x00, le=4), 0x6A82),
            (Command(0x80, 0x2A, 0x00, 0x97, b"\x01", 256), 0x6982),
        ],
        ids=["tries", "change", "challenge", "select a file", "read", "sign"],
    )
    def test_ends_with_a_plain_command_of_the_holders(self, host: RawHost, command: Command, status: int) -> None:
        assert host.plain(command).status == status
        self.assert_closed(host)

    def test_ends_with_the_beginning_of_a_plain_chain(self, host: RawHost) -> None:
        assert host.plain(Command(0x10, 0x20, 0x00, 0x98, b"12")).status == 0x9000
        self.assert_closed(host)

    @pytest.mark.parametrize("application", ["00A4040C07A0000001510000", SELECT])
    def test_ends_with_a_selected_application(self, host: RawHost, send: Send, application: str) -> None:
        assert send(application) == "9000"
        self.assert_closed(host)

    def test_ends_with_an_application_selected_inside_it(self, host: RawHost) -> None:
        select = Command.decode(bytes.fromhex(SELECT))
        assert host.plain(host.session.wrap(select)) == Response()
        self.assert_closed(host)

    def test_goes_on_over_a_file_selected_inside_it(self, host: RawHost) -> None:
        assert host.inside(Command(0x00, 0xA4, 0x02, 0x0C, bytes.fromhex("001A"))).status == 0x9000
        assert host.inside(GET_STATUS).status == 0x9000

    def test_ends_with_a_reset(self, host: RawHost, card: EmulatedCard) -> None:
        card.reset()
        self.assert_closed(host)

    def test_ends_with_the_power(self, host: RawHost, card: EmulatedCard) -> None:
        card.power_off()
        self.assert_closed(host)

    def test_ends_with_the_next_initialize_update(self, host: RawHost, send: Send) -> None:
        assert send(INITIALIZE_UPDATE)[-4:] == "9000"
        self.assert_closed(host)

    def test_takes_a_command_of_which_the_wrapped_form_was_split(self, host: RawHost) -> None:
        sent = host.session.wrap(GET_STATUS)
        first = replace(sent, cla=sent.cla | 0x10, data=sent.body[:5], le=None)
        assert host.plain(first) == Response()
        rest = host.plain(sent.with_data(sent.body[5:]))
        assert host.session.unwrap(rest).data.startswith(b"\xe3")

    def test_gives_a_long_answer_in_parts_that_are_not_wrapped_themselves(self, host: RawHost) -> None:
        host.inside(Command(0x00, 0x47, 0x80, 0x00, bytes.fromhex("AC048402001A"), 256))
        answer = host.plain(host.session.wrap(Command(0x00, 0x47, 0x81, 0x00, bytes.fromhex("AC048402001A"), 256)))
        assert answer.status == 0x6118
        rest = host.plain(Command(0x00, 0xC0, 0x00, 0x00, le=0x18))
        whole = host.session.unwrap(Response(answer.data + rest.data, rest.status))
        assert whole.data.startswith(bytes.fromhex("7F49820109"))
        assert host.inside(GET_STATUS).status == 0x9000

    def test_gives_a_long_answer_whole_by_extended_length(self, host: RawHost) -> None:
        host.inside(Command(0x00, 0x47, 0x80, 0x00, bytes.fromhex("AC048402001A"), 65_536))
        answer = host.inside(Command(0x00, 0x47, 0x81, 0x00, bytes.fromhex("AC048402001A"), 65_536))
        assert len(answer.data) == 270

    def test_protects_a_warning_and_leaves_an_error_bare(self, host: RawHost) -> None:
        host.inside(Command(0x00, 0x24, 0x01, 0x98, b"1234"))
        wrong = host.plain(host.session.wrap(VERIFY.with_data(b"0000")))
        assert (wrong.status, len(wrong.data)) == (0x63C2, 8)
        assert host.session.unwrap(wrong) == Response(b"", wrong.status)
        missing = host.plain(host.session.wrap(Command(0x00, 0xA4, 0x02, 0x0C, b"\x12\x34")))
        assert (missing.status, missing.data) == (0x6A82, b"")

    def test_takes_verify_inside_and_keeps_what_was_verified_outside(self, host: RawHost, send: Send) -> None:
        host.inside(Command(0x00, 0x47, 0x80, 0x00, bytes.fromhex("AC0484020017"), 65_536))
        host.inside(Command(0x00, 0x24, 0x01, 0x98, b"1234"))
        sign = Command(0x80, 0x2A, 0x00, 0x97, b"data", 65_536)
        assert host.inside(sign).status == 0x6982
        assert host.inside(VERIFY).status == 0x9000
        assert host.inside(sign).status == 0x9000
        assert host.plain(sign).status == 0x9000
        assert host.open().status == 0x9000
        assert host.inside(sign).status == 0x9000


def test_8050_with_a_body_and_8482_are_globalplatforms_and_802a_signs_whatever_is_selected(
    card: EmulatedCard, send: Send
) -> None:
    for application in ("00A4040C07A0000001510000", SELECT):
        send(application)
        assert send(INITIALIZE_UPDATE)[-4:] == "9000"
        assert send(WRONG_AUTHENTICATION) == "6300"
        assert send("802A0097" + "04" + "01020304" + "00") in {"6986", "6982"}


def test_a_host_with_other_keys_sees_it_before_the_card_counts(card: EmulatedCard, profile: CardProfile) -> None:
    with LocalConnection(card) as connection:
        line = Resolving(Encoded(connection))
        for keys in (MASTERS[256], WELL_KNOWN_KEYS, CardKeys(*WELL_KNOWN_KEYS.in_order)):
            with pytest.raises(WrongCardKeys) as wrong:
                open_issuer_channel(line, profile, keys, counted_random())
            assert not wrong.value.counted
            assert wrong.value.serial == SERIAL.hex().upper()
            assert wrong.value.key_version == "01"
    assert card.state.failed_authentications == 0


@pytest.fixture
def card(profile: CardProfile, state: CardState) -> Iterator[EmulatedCard]:
    with EmulatedCard(profile, VolatileMemory(state), keys=PrimePool(1), strict=True) as made:
        yield made

"""yubikey-manager's client opens a channel to our card and sends commands in it: somebody else's idea of SCP03."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from issuing import SERIAL
from prime_pool import PrimePool
from yubikit.core import TRANSPORT
from yubikit.core.smartcard import ApduError, SmartCardConnection, SmartCardProtocol
from yubikit.core.smartcard.scp import KeyRef, Scp03KeyParams, ScpKid, StaticKeys

from card_profiles import CardProfile
from emulator import EmulatedCard, LifeCycle, create_blank
from jpki.formats import WELL_KNOWN_KEYS, CardKeys, put_key_body
from jpki.terms import Secret

KEYS = StaticKeys(bytes(range(16)), bytes(range(16, 32)), bytes(range(32, 48)))
CARD_KEYS = CardKeys(*(Secret(key) for key in KEYS if key is not None))
GET_STATUS = (0x80, 0xF2, 0x80, 0x02, bytes.fromhex("4F00"))


class Connection(SmartCardConnection):
    """A card in this process, as yubikey-manager sees one."""

    def __init__(self, card: EmulatedCard) -> None:
        self.card = card

    @property
    def transport(self) -> TRANSPORT:
        return TRANSPORT.NFC

    def send_and_receive(self, apdu: bytes) -> tuple[bytes, int]:
        answer = self.card.transmit(apdu)
        return answer[:-2], int.from_bytes(answer[-2:], "big")

    def close(self) -> None:
        self.card.power_off()


@pytest.fixture
def card(profile: CardProfile) -> Iterator[EmulatedCard]:
    with create_blank(profile, SERIAL, keys=PrimePool(4), strict=True) as made:
        yield made


@pytest.fixture
def client(card: EmulatedCard, profile: CardProfile) -> SmartCardProtocol:
    made = SmartCardProtocol(Connection(card))
    made.select(profile.jpki.aid)
    return made


def parameters(keys: StaticKeys, version: int = 0) -> Scp03KeyParams:
    return Scp03KeyParams(KeyRef(ScpKid.SCP03, version), keys)


@pytest.fixture
def own(client: SmartCardProtocol) -> SmartCardProtocol:
    """Returns the client inside a channel of keys that it has put on the card."""
    client.init_scp(parameters(StaticKeys.default(), 0xFF))
    body = put_key_body(0x01, CARD_KEYS, WELL_KNOWN_KEYS.data).reveal()
    assert client.send_apdu(0x80, 0xD8, 0xFF, 0x81, body)[0] == 0x01
    client.init_scp(parameters(KEYS, 0x01))
    return client


def refused(client: SmartCardProtocol, *command: object) -> int:
    with pytest.raises(ApduError) as error:
        client.send_apdu(*command)
    return int(error.value.sw)


def test_it_opens_a_blank_card_and_changes_its_keys(own: SmartCardProtocol, card: EmulatedCard) -> None:
    assert own.send_apdu(*GET_STATUS) == bytes.fromhex("E30D4F07A00000015100009F700107")
    assert card.state.issuer_keys.mac.reveal() == KEYS.key_mac


def test_wrong_keys_are_seen_by_it_and_cost_no_attempt(own: SmartCardProtocol, card: EmulatedCard) -> None:
    with pytest.raises(ValueError, match="SCP"):
        own.init_scp(parameters(StaticKeys.default()))
    assert card.state.failed_authentications == 0


def test_a_key_version_that_is_not_there_is_told(own: SmartCardProtocol) -> None:
    with pytest.raises(ValueError, match="SCP"):
        own.init_scp(parameters(KEYS, 0xFF))


def test_bodies_up_to_a_chain_of_commands_arrive(own: SmartCardProtocol, card: EmulatedCard) -> None:
    own.send_apdu(0x00, 0xE0, 0x00, 0x00, bytes.fromhex("620883020002 80020800"))
    for length in (1, 15, 16, 223, 224, 239, 240, 247, 248, 255, 256, 1_310, 2_048):
        content = bytes(at * 7 & 0xFF for at in range(length))
        own.send_apdu(0x00, 0xD6, 0x82, 0x00, content)
        assert card.state.applications["jpki"].files[0x0002].startswith(content)


def test_a_long_answer_comes_back(own: SmartCardProtocol, card: EmulatedCard) -> None:
    answer = own.send_apdu(0x00, 0x47, 0x80, 0x00, bytes.fromhex("AC048402001A"))
    assert card.state.applications["jpki"].keys[0x001A].n.to_bytes(256, "big") in answer
    assert len(answer) == 270


def test_warnings_and_errors_come_through_and_the_channel_stays(own: SmartCardProtocol) -> None:
    own.send_apdu(0x00, 0x24, 0x01, 0x98, b"1234")
    assert refused(own, 0x00, 0x20, 0x00, 0x98, b"0000") == 0x63C2
    assert refused(own, 0x00, 0xA4, 0x02, 0x0C, b"\x12\x34") == 0x6A82
    own.send_apdu(0x00, 0x20, 0x00, 0x98, b"1234")


def test_an_empty_body_may_be_padded_and_encrypted(own: SmartCardProtocol, card: EmulatedCard) -> None:
    own.send_apdu(0x80, 0xF0, 0x80, 0x0F)
    assert card.state.life_cycle is LifeCycle.SEALED
    assert own.send_apdu(*GET_STATUS)[-1] == 0x0F

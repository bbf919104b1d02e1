"""COMPUTE DIGITAL SIGNATURE: six schemes, two keys, each behind its PIN."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from made_cards import Send, sender

from card_profiles import load_profile
from emulator import CardMemory, CardState, EmulatedCard, RsaKey, VolatileMemory

SIGN_RIGHT, AUTH_RIGHT = "0020009B06414243313233", "002000980431323334"
SELECT_JPKI = "00A4040C0AD392F000260100000001"
DIGEST_INFO = bytes.fromhex("3031300D060960864801650304020105000420")
DOCUMENT = b"the quick brown fox"
DIGEST = hashlib.sha256(DOCUMENT).digest()


def sign(send: Send, p1: int, key: int, data: bytes) -> bytes:
    long = len(data) > 255
    lc = b"\x00" + len(data).to_bytes(2, "big") if long else bytes((len(data),))
    command = bytes((0x80, 0x2A, p1, 0x80 | key)) + lc + data + (b"\x00\x00" if long else b"\x00")
    answer = bytes.fromhex(send(command.hex()))
    assert answer[-2:] == b"\x90\x00"
    return answer[:-2]


def opened(signature: bytes, key: RsaKey) -> bytes:
    """Returns what the public key makes of a signature, without PKCS#1 padding, which must be whole."""
    block = pow(int.from_bytes(signature, "big"), 65_537, key.p * key.q).to_bytes(256, "big")
    filler, _, content = block[2:].partition(b"\x00")
    assert block[:2] == b"\x00\x01"
    assert len(filler) >= 8
    assert set(filler) == {0xFF}
    return content


@pytest.fixture
def keys(memory: CardMemory) -> dict[int, RsaKey]:
    return dict(memory.state.applications["jpki"].keys)


@pytest.fixture
def unlocked(jpki: Send) -> Send:
    assert jpki(SIGN_RIGHT) == "9000"
    assert jpki(AUTH_RIGHT) == "9000"
    return jpki


@pytest.mark.parametrize(
    ("p1", "data", "content"),
    [
        (0x00, DIGEST_INFO + DIGEST, DIGEST_INFO + DIGEST),
        (0x00, b"\x01", b"\x01"),
        (0x00, b"\x00" * 245, b"\x00" * 245),
        (0x00, DIGEST[:20], DIGEST[:20]),
        (0x01, DOCUMENT, DIGEST),
        (0x02, DIGEST, DIGEST_INFO + DIGEST),
        (0x03, DOCUMENT, DIGEST_INFO + DIGEST),
        (0x03, DOCUMENT * 100, DIGEST_INFO + hashlib.sha256(DOCUMENT * 100).digest()),
    ],
)
def test_each_pkcs1_scheme_pads_what_it_should(
    unlocked: Send, keys: dict[int, RsaKey], p1: int, data: bytes, content: bytes
) -> None:
    for key in (0x17, 0x1A):
        assert opened(sign(unlocked, p1, key, data), keys[key]) == content


@pytest.mark.parametrize(("p1", "data"), [(0x04, DIGEST), (0x05, DOCUMENT)])
def test_each_pss_scheme_verifies_and_is_salted(unlocked: Send, keys: dict[int, RsaKey], p1: int, data: bytes) -> None:
    public = rsa.RSAPublicNumbers(65_537, keys[0x1A].n).public_key()
    first, second = (sign(unlocked, p1, 0x1A, data) for _ in range(2))
    for signature in (first, second):
        public.verify(signature, DOCUMENT, padding.PSS(padding.MGF1(SHA256()), 32), SHA256())
    assert first != second


def test_the_current_key_file_signs(unlocked: Send, keys: dict[int, RsaKey]) -> None:
    assert unlocked("00A4020C020017") == "9000"
    assert opened(sign(unlocked, 0, 0, DIGEST), keys[0x17]) == DIGEST


def test_one_verification_allows_several_signatures(unlocked: Send) -> None:
    assert len({sign(unlocked, 0, 0x1A, bytes((mark,))) for mark in range(5)}) == 5


@pytest.mark.parametrize(
    ("pin", "command"),
    [("", "802A00970101"), ("", "802A009A0101"), (SIGN_RIGHT, "802A00970101"), (AUTH_RIGHT, "802A009A0101")],
)
def test_no_key_signs_without_its_own_pin(jpki: Send, pin: str, command: str) -> None:
    if pin:
        assert jpki(pin) == "9000"
    assert jpki(command) == "6982"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("802A06970101", "6A86"),
        ("802AFF970101", "6A86"),
        ("802A00170101", "6A86"),
        ("802A00800101", "6986"),
        ("802A00980101", "6981"),
        ("802A008A0101", "6981"),
        ("802A00830101", "6A82"),
        ("802A0097", "6700"),
        ("802A009700", "6700"),
        ("802A0097F6" + "01" * 246, "6700"),
        ("802A02971F" + "01" * 31, "6985"),
        ("802A029721" + "01" * 33, "6985"),
        ("802A04971F" + "01" * 31, "6985"),
    ],
)
def test_what_cannot_be_signed_is_refused(unlocked: Send, command: str, answer: str) -> None:
    assert unlocked(SELECT_JPKI) == "9000"
    assert unlocked(command) == answer


def test_a_waiting_successor_does_not_sign_outside_the_cards_own_channel(state: CardState) -> None:
    contents = state.applications["jpki"]
    waiting = state.with_application("jpki", contents.with_key(0x0057, contents.keys[0x001A]))
    send = sender(EmulatedCard(load_profile("mynumber"), VolatileMemory(waiting), strict=True))
    assert send(SELECT_JPKI) == "9000"
    assert send(AUTH_RIGHT) == "9000"
    assert send("00A4020C020057") == "9000"
    assert send("802A00800101") == "6982"


def test_a_key_file_without_a_key_says_so(state: CardState) -> None:
    without = state.with_application("jpki", state.applications["jpki"].with_key(0x0017, None))
    send = sender(EmulatedCard(load_profile("mynumber"), VolatileMemory(without), strict=True))
    send(SELECT_JPKI)
    assert send(AUTH_RIGHT) == "9000"
    assert send("00A4020C020017") == "9000"
    assert send("802A00800101") == "6A88"


def test_a_key_whose_signature_does_not_verify_gives_none_away(state: CardState) -> None:
    contents = state.applications["jpki"]
    good = contents.keys[0x0017]
    spoilt = RsaKey(p=good.p, q=good.q + 2)  # as if a bit of the memory had fallen over
    broken = state.with_application("jpki", contents.with_key(0x0017, spoilt))
    send = sender(EmulatedCard(load_profile("mynumber"), VolatileMemory(broken)))
    send(SELECT_JPKI)
    assert send(AUTH_RIGHT) == "9000"
    assert send("802A0097010100") in {"6400", "6F00"}


def test_the_android_token_reads_its_authentication_certificate_behind_the_pin(state: CardState) -> None:
    send = sender(EmulatedCard(load_profile("android"), VolatileMemory(state), strict=True))
    send(SELECT_JPKI)
    assert send("00B08A0001") == "6982"
    assert send(AUTH_RIGHT) == "9000"
    assert send("00B08A0001") == "309000"

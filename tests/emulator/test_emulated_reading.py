"""READ BINARY: offsets, lengths, short identifiers, and who may read."""

from __future__ import annotations

import pytest
from made_cards import FILES, Send

AUTH_CERTIFICATE = (FILES[0x000A][0].ljust(4096, b"\xff")).hex().upper()
TOKEN = (FILES[0x0006][0].ljust(160, b"\xff")).hex().upper()


def test_a_file_is_read_in_blocks_at_a_15_bit_offset(jpki: Send) -> None:
    assert jpki("00A4020C02000A") == "9000"
    read = ""
    for offset in range(0, 4096, 256):
        answer = jpki(f"00B0{offset:04X}00")
        assert answer.endswith("9000")
        read += answer[:-4]
    assert read == AUTH_CERTIFICATE


def test_a_short_identifier_names_the_file_and_makes_it_current(jpki: Send) -> None:
    assert jpki("00B08A0004") == AUTH_CERTIFICATE[:8] + "9000"
    assert jpki("00B08A1001") == AUTH_CERTIFICATE[32:34] + "9000"
    assert jpki("00B0000404") == AUTH_CERTIFICATE[8:16] + "9000"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("00B0000000", TOKEN + "9000"),
        ("00B00000A0", TOKEN + "9000"),
        ("00B00000FF", TOKEN + "9000"),
        ("00B0000001", TOKEN[:2] + "9000"),
        ("00B0009F00", TOKEN[-2:] + "9000"),
        ("00B0009FFF", TOKEN[-2:] + "9000"),
        ("00B000A000", "6B00"),
        ("00B0010000", "6B00"),
        ("00B07FFF00", "6B00"),
        ("00B0000000FFFF", TOKEN + "9000"),
        ("00B00000000000", TOKEN + "9000"),
        ("00B00000000001", TOKEN[:2] + "9000"),
        ("00B00000", "6700"),
        ("00B000000100", "6700"),
        ("00B000000101FF", "6700"),
    ],
)
def test_an_answer_is_as_long_as_le_and_the_file_allow(jpki: Send, command: str, answer: str) -> None:
    jpki("00A4020C020006")
    assert jpki(command) == answer


def test_an_extended_le_brings_a_file_in_one_answer(jpki: Send) -> None:
    assert jpki("00B08A00000000") == AUTH_CERTIFICATE + "9000"
    assert jpki("00B08A00000800") == AUTH_CERTIFICATE[:4096] + "9000"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("00B0800000", "6A86"),  # no short identifier
        ("00B09F0000", "6A86"),  # 31 is none
        ("00B0CA0000", "6A86"),  # reserved bits
        ("00B0AA0000", "6A86"),
        ("00B0830000", "6A82"),  # not a file of this application
        ("00B0970000", "6981"),  # a key
        ("00B0980000", "6981"),  # a PIN
        ("00B0960000", "6981"),  # internal
        ("00B0810000", "6982"),  # behind the PIN
        ("00B0890000", "6982"),  # never
    ],
)
def test_what_cannot_be_read_is_refused(jpki: Send, command: str, answer: str) -> None:
    assert jpki(command) == answer


@pytest.mark.parametrize("file", ["0017", "0018", "001A", "001B", "0057", "005A", "0016"])
def test_a_selected_key_or_pin_is_not_read(jpki: Send, file: str) -> None:
    jpki("0020009B06414243313233")
    jpki("002000980431323334")
    assert jpki(f"00A4020C02{file}") == "9000"
    assert jpki("00B0000000") == "6981"


def test_the_signature_certificate_opens_with_its_own_pin_only(jpki: Send) -> None:
    assert jpki("002000980431323334") == "9000"
    assert jpki("00B0810000") == "6982"
    assert jpki("0020009B06414243313233") == "9000"
    assert jpki("00B0810004").endswith("9000")


def test_no_pin_opens_a_file_that_is_never_read(jpki: Send) -> None:
    jpki("002000980431323334")
    jpki("0020009B06414243313233")
    for file in ("0009", "0041", "004A"):
        assert jpki(f"00A4020C02{file}") == "9000"
        assert jpki("00B0000000") == "6982"

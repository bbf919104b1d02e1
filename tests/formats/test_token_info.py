"""EF 0006 and EF 0008 of the JPKI application."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpki.formats import FormatError, TokenInfo, encode_presence, parse_presence, token_label
from jpki.terms import Role

# Laid out by hand from the published description of the file.
RAW = (
    b"JPKIAPICCTOKEN2".ljust(32)
    + b"0" * 31
    + b"1"
    + b"E16R01NJ".ljust(16)
    + b"0000000000000001"
    + bytes.fromhex("0000040D000000010000000000000001000000000000001000000006")
    + b"\xff" * 16
    + b"0301"
    + b"9" * 16
)


def test_each_field_is_read_from_its_place() -> None:
    info = TokenInfo.parse(RAW)
    assert (info.label, info.manufacturer, info.model) == ("JPKIAPICCTOKEN2", "0" * 31 + "1", "E16R01NJ")
    assert (info.serial, info.flags) == ("0000000000000001", 0x0000040D)
    assert (info.max_sessions, info.sessions, info.max_write_sessions, info.write_sessions) == (1, 0, 1, 0)
    assert (info.max_pin, info.min_pin) == (16, 6)
    memory = (info.public_memory, info.free_public_memory, info.private_memory, info.free_private_memory)
    assert memory == (0xFFFFFFFF,) * 4
    assert (info.hardware_version, info.firmware_version, info.utc_time) == ("03", "01", "9" * 16)
    assert info.raw == RAW


def test_a_new_token_is_written_as_a_card_has_it() -> None:
    made = TokenInfo.of(
        label="JPKIAPICCTOKEN2",
        manufacturer="0" * 31 + "1",
        model="E16R01NJ",
        serial="0000000000000001",
        flags=0x40D,
        max_pin=16,
        min_pin=6,
    )
    assert made.raw == RAW


@given(st.binary(max_size=400))
def test_any_bytes_are_token_information_or_refused(raw: bytes) -> None:
    if len(raw) < 160:
        with pytest.raises(FormatError):
            TokenInfo.parse(raw)
    else:
        assert TokenInfo.parse(raw).raw == raw[:160]


@pytest.mark.parametrize("label", ["A" * 33, "カード"])
def test_a_text_that_does_not_fit_is_refused(label: str) -> None:
    with pytest.raises(FormatError):
        TokenInfo.of(label=label, manufacturer="", model="", serial="", flags=0, max_pin=4, min_pin=4)


@pytest.mark.parametrize(("field", "longest"), [("label", 32), ("manufacturer", 32), ("model", 16), ("serial", 16)])
def test_a_text_may_fill_its_place_and_no_more(field: str, longest: int) -> None:
    texts = dict.fromkeys(("label", "manufacturer", "model", "serial"), "")
    written = TokenInfo.of(**texts | {field: "A" * longest}, flags=0, max_pin=4, min_pin=4)
    assert getattr(written, field) == "A" * longest
    with pytest.raises(FormatError):
        TokenInfo.of(**texts | {field: "A" * (longest + 1)}, flags=0, max_pin=4, min_pin=4)


def test_the_label_is_read_from_the_first_32_bytes_alone() -> None:
    assert token_label(RAW[:32]) == "JPKIAPICCTOKEN2"
    assert token_label(RAW[:31]) == ""


BOTH = frozenset(Role)
PRESENCE = {
    "8F8F00": BOTH,
    "8F0000": {Role.SIGNATURE},
    "008F00": {Role.AUTHENTICATION},
    "000000": set(),
    "8F8F": BOTH,
    "8F8FFF": BOTH,
    "FFFFFF": set(),
}


@pytest.mark.parametrize("raw", PRESENCE)
def test_8f_says_that_a_certificate_is_there(raw: str) -> None:
    assert parse_presence(bytes.fromhex(raw)) == PRESENCE[raw]


@pytest.mark.parametrize("raw", [b"", b"\x8f"])
def test_a_presence_file_that_is_too_short_is_refused(raw: bytes) -> None:
    with pytest.raises(FormatError):
        parse_presence(raw)


@pytest.mark.parametrize("roles", [[], [Role.SIGNATURE], [Role.AUTHENTICATION], list(Role)])
def test_what_is_written_is_read_again(roles: list[Role]) -> None:
    written = encode_presence(roles)
    assert parse_presence(written) == set(roles)
    assert PRESENCE[written.hex().upper()] == set(roles)

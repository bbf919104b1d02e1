"""Commands in all four cases, short and extended, and what status words mean."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jpki.formats import MAX_EXTENDED, Command, FormatError, Response, StatusWord
from jpki.terms import HIDDEN, Pin, Secret

OCTETS = st.integers(0, 255)
COMMANDS = st.builds(
    Command,
    OCTETS,
    OCTETS,
    OCTETS,
    OCTETS,
    st.one_of(st.binary(max_size=300), st.binary(min_size=254, max_size=258)),
    st.one_of(st.none(), st.integers(1, 65_536), st.sampled_from([1, 255, 256, 257, 65_535, 65_536])),
)


@pytest.mark.parametrize(
    ("command", "encoded"),
    [
        (Command(0x00, 0x20, 0x00, 0x80), "00200080"),
        (Command(0x00, 0xB0, le=1), "00B0000001"),
        (Command(0x00, 0xB0, le=256), "00B0000000"),
        (Command(0x00, 0xA4, 0x02, 0x0C, b"\x00\x0a"), "00A4020C02000A"),
        (Command(0x80, 0x2A, 0x00, 0x80, b"\x01\x02\x03", 256), "802A00800301020300"),
        (Command(0x00, 0xB0, le=257), "00B00000000101"),
        (Command(0x00, 0xB0, le=65_536), "00B00000000000"),
        (Command(0x80, 0xA2, data=bytes(256)), "80A20000000100" + "00" * 256),
        (Command(0x80, 0xA2, data=b"\x01", le=257), "80A20000000001010101"),
        (Command(0x80, 0xA2, data=b"\x01", le=65_536), "80A20000000001010000"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 30 else "",
)
def test_each_case_has_its_bytes(command: Command, encoded: str) -> None:
    assert command.encode() == bytes.fromhex(encoded)
    assert Command.decode(bytes.fromhex(encoded)) == command


@given(COMMANDS)
@example(Command(0, 0, data=bytes(MAX_EXTENDED), le=65_536))
def test_an_encoded_command_is_read_as_the_same_command(command: Command) -> None:
    assert Command.decode(command.encode()) == command


@given(st.binary(max_size=300))
@example(bytes.fromhex("00B0000000"))
@example(bytes.fromhex("00B000000000"))
@example(bytes.fromhex("00B00000000001"))
def test_any_bytes_are_a_command_or_are_refused(raw: bytes) -> None:
    with contextlib.suppress(FormatError):
        command = Command.decode(raw)
        # The shortest form may be shorter than what was read, but never longer, and means the same.
        assert len(command.encode()) <= len(raw)
        assert Command.decode(command.encode()) == command


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "00B000",  # shorter than its header
        "00A4020C0200",  # data cut short
        "00A4020C02000A0000",  # something after Le
        "00B000000000",  # half an extended Lc
        "00A4020C0000000A",  # an extended Lc of none
        "00A4020C00000200",  # extended data cut short
        "00A4020C000002000A00",  # half an extended Le
    ],
)
def test_a_command_whose_lengths_do_not_fit_is_refused(raw: str) -> None:
    with pytest.raises(FormatError) as caught:
        Command.decode(bytes.fromhex(raw))
    assert caught.value.what == "command"
    assert caught.value.problem


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Command(256, 0),
        lambda: Command(0, -1),
        lambda: Command(0, 0, p2=256),
        lambda: Command(0, 0, le=0),
        lambda: Command(0, 0, le=65_537),
        lambda: Command(0, 0, data=bytes(65_536)),
    ],
)
def test_a_command_that_cannot_be_encoded_cannot_be_made(wrong: object) -> None:
    assert callable(wrong)
    with pytest.raises(FormatError):
        wrong()


def test_a_command_with_a_secret_travels_in_clear_and_prints_without_it() -> None:
    command = Command(0x00, 0x20, 0x00, 0x80, Pin("1234"))
    assert command.encode() == bytes.fromhex("002000800431323334")
    assert command.secret
    assert repr(command) == f"Command(00200080 {HIDDEN})"


def test_a_command_without_a_secret_prints_whole() -> None:
    assert repr(Command(0x00, 0xB0, 0x81, 0x00, le=256)) == "Command(00B08100 Le=256)"
    assert repr(Command(0x00, 0xA4, 0x02, 0x0C, b"\x00\x0a")) == "Command(00A4020C 000A)"


def test_replaced_data_keeps_the_header_and_le() -> None:
    command = Command(0x80, 0x2A, 0x00, 0x80, b"\x01", 256).with_data(Secret(b"\x02"))
    assert command.header == bytes.fromhex("802A0080")
    assert command.le == 256
    assert command.body == b"\x02"


@given(st.binary(max_size=300))
def test_a_response_is_data_and_a_status_word(raw: bytes) -> None:
    if len(raw) < 2:
        with pytest.raises(FormatError):
            Response.decode(raw)
    else:
        assert Response.decode(raw).data == raw[:-2]
        assert Response.decode(raw).encode() == raw


@pytest.mark.parametrize(
    ("word", "tries_left", "more", "right_le"),
    [
        (0x63C0, 0, None, None),
        (0x63C5, 5, None, None),
        (0x6300, None, None, None),
        (0x6100, None, 256, None),
        (0x6110, None, 16, None),
        (0x6C00, None, None, 256),
        (0x6CFF, None, None, 255),
        (0x9000, None, None, None),
    ],
)
def test_a_status_word_tells_its_numbers(
    word: int, tries_left: int | None, more: int | None, right_le: int | None
) -> None:
    status = StatusWord(word)
    assert (status.tries_left, status.more, status.right_le) == (tries_left, more, right_le)


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        (0x9000, "done"),
        (0x6984, "referenced IEF locked"),
        (0x63C3, "3 tries left"),
        (0x6105, "5 more bytes available"),
        (0x6C07, "wrong Le, 7 bytes available"),
        (0x66F1, ""),
        (0x1234, ""),
    ],
)
def test_a_status_word_has_jicsap_s_meaning_or_none(word: int, meaning: str) -> None:
    assert StatusWord(word).meaning == meaning


@given(st.integers(0, 0xFFFF))
def test_every_status_word_stays_what_it_is(word: int) -> None:
    status = StatusWord(word)
    assert Response(b"", status).encode() == word.to_bytes(2, "big")
    assert str(status) == f"{word:04X}"
    assert status.ok == (word == 0x9000)

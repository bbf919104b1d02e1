"""Data objects in BER-TLV."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpki.formats import FormatError, encode_length, find_tlv, parse_tlvs, tlv

ONE_OCTET = st.integers(1, 0xFE).filter(lambda tag: tag & 0x1F != 0x1F)
TWO_OCTETS = st.builds(lambda first, last: (first | 0x1F) << 8 | last, st.integers(0, 0xFF), st.integers(0, 0x7F))
THREE_OCTETS = st.builds(
    lambda first, middle, last: (first | 0x1F) << 16 | (middle | 0x80) << 8 | last,
    st.integers(0, 0xFF),
    st.integers(0, 0x7F),
    st.integers(0, 0x7F),
)
TAGS = st.one_of(ONE_OCTET, TWO_OCTETS, THREE_OCTETS)


@pytest.mark.parametrize(
    ("length", "encoded"),
    [(0, "00"), (127, "7F"), (128, "8180"), (255, "81FF"), (256, "820100"), (65_535, "82FFFF"), (65_536, "83010000")],
)
def test_a_length_takes_the_shortest_form(length: int, encoded: str) -> None:
    assert encode_length(length) == bytes.fromhex(encoded)


@pytest.mark.parametrize(
    ("tag", "value", "encoded"),
    [
        (0x4F, b"\xa0\x00", "4F02A000"),
        (0x7F49, b"", "7F4900"),
        (0xFF20, b"\x01", "FF200101"),
        (0x9F70, b"\x0f", "9F70010F"),
    ],
)
def test_a_data_object_is_tag_length_value(tag: int, value: bytes, encoded: str) -> None:
    assert tlv(tag, value) == bytes.fromhex(encoded)


@given(st.lists(st.tuples(TAGS, st.binary(max_size=300))))
def test_written_data_objects_are_read_as_the_same(objects: list[tuple[int, bytes]]) -> None:
    raw = b"".join(tlv(tag, value) for tag, value in objects)
    found = list(parse_tlvs(raw))
    assert [(item.tag, item.value) for item in found] == objects
    assert b"".join(item.raw for item in found) == raw


@pytest.mark.parametrize("length", [0, 1, 126, 127, 128, 129, 255, 256, 257, 65_535, 65_536])
def test_a_value_of_any_length_is_read_to_its_last_byte(length: int) -> None:
    value = bytes(at & 0xFF for at in range(length))
    raw = tlv(0x81, value) + tlv(0x82, b"next")
    assert [(item.tag, item.value) for item in parse_tlvs(raw)] == [(0x81, value), (0x82, b"next")]
    with pytest.raises(FormatError):
        list(parse_tlvs(raw[:-1]))


def test_a_length_in_a_longer_form_than_needed_is_read_too() -> None:
    (found,) = parse_tlvs(bytes.fromhex("8184000000020102"))
    assert found.value == b"\x01\x02"


@given(st.binary(max_size=100))
def test_any_bytes_are_data_objects_or_are_refused(raw: bytes) -> None:
    with contextlib.suppress(FormatError):
        found = list(parse_tlvs(raw))
        assert b"".join(item.raw for item in found) == raw


@given(st.binary(max_size=60), st.lists(TAGS, max_size=3))
def test_a_path_into_any_bytes_finds_a_value_or_none_or_is_refused(raw: bytes, path: list[int]) -> None:
    with contextlib.suppress(FormatError):
        found = find_tlv(raw, *path)
        assert found is None or found in raw


@pytest.mark.parametrize(
    "raw",
    [
        "4F",  # no length
        "4F02A0",  # a value cut short
        "4F80",  # indefinite length
        "4F85000000000100",  # a length of five octets
        "4F8201",  # a length cut short
        "7F",  # a tag cut short
        "7F8080",  # the same, later
        "7F80800100",  # a tag of four octets
        "7F80808000",  # of five
        "4F80" + "00" * 128,  # indefinite length, and what it would be as a number
        "7F4981",  # a length cut short after a longer tag
        "4F00FF",  # a good one, then half of another
    ],
)
def test_what_is_no_whole_data_object_is_refused(raw: str) -> None:
    with pytest.raises(FormatError):
        list(parse_tlvs(bytes.fromhex(raw)))


def test_an_iterable_becomes_a_constructed_value() -> None:
    raw = tlv(0x7F49, [tlv(0x81, b"\x01"), tlv(0x82, b"\x02\x03")])
    (outer,) = parse_tlvs(raw)
    assert outer.constructed
    assert [(item.tag, item.value, item.constructed) for item in outer.children] == [
        (0x81, b"\x01", False),
        (0x82, b"\x02\x03", False),
    ]


def test_a_path_leads_to_the_value_inside() -> None:
    raw = tlv(0x02, b"\x07") + tlv(0xE3, [tlv(0x4F, b"\xa0"), tlv(0x9F70, b"\x01")])
    assert find_tlv(raw, 0xE3, 0x9F70) == b"\x01"
    assert find_tlv(raw, 0x02) == b"\x07"
    assert find_tlv(raw, 0xE3, 0x5F) is None
    assert find_tlv(raw, 0x30, 0x4F) is None

"""DER is read strictly and written in its one form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from asn1crypto import core
from hypothesis import given
from hypothesis import strategies as st

from jpki.formats import DerReader, FormatError
from jpki.formats.der import (
    PRINTABLE_STRING,
    SEQUENCE,
    check_nested,
    encode,
    encode_integer,
    encode_named_bits,
    encode_oid,
    encode_text,
    encode_time,
)

MOMENTS = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59), timezones=st.just(UTC))  # noqa: DTZ001


def reader(octets: str) -> DerReader:
    return DerReader(bytes.fromhex(octets), "test")


@given(st.integers(-(1 << 200), 1 << 200))
def test_an_integer_is_written_as_another_library_writes_it_and_read_back(number: int) -> None:
    assert encode_integer(number) == core.Integer(number).dump()
    assert DerReader(encode_integer(number), "test").integer() == number


@given(st.lists(st.integers(0, 1 << 70), max_size=5), st.integers(0, 39))
def test_an_object_identifier_is_written_as_another_library_writes_it_and_read_back(
    arcs: list[int], second: int
) -> None:
    dotted = ".".join(map(str, (1, second, *arcs)))
    assert encode_oid(dotted) == core.ObjectIdentifier(dotted).dump()
    assert DerReader(encode_oid(dotted), "test").oid() == dotted


@pytest.mark.parametrize(
    ("dotted", "octets"), [("2.999.1", "0603883701"), ("0.39", "060127"), ("2.5.29.15", "0603551D0F")]
)
def test_the_first_two_arcs_share_an_octet(dotted: str, octets: str) -> None:
    assert encode_oid(dotted) == bytes.fromhex(octets)
    assert reader(octets).oid() == dotted


@pytest.mark.parametrize("dotted", ["", "1", "3.1", "1.40", "1.-2", "1..2", "1.2.x", "1.２", "1." + "9" * 5000])
def test_what_is_no_object_identifier_is_not_written(dotted: str) -> None:
    with pytest.raises(FormatError):
        encode_oid(dotted)


@given(st.binary(max_size=300), st.sampled_from([0x04, 0x30, 0xA0]))
def test_an_element_is_read_back_whole(content: bytes, tag: int) -> None:
    assert DerReader(encode(tag, content), "test").value(tag) == content


@pytest.mark.parametrize(
    ("length", "header"),
    [
        (0, "0400"),
        (127, "047F"),
        (128, "048180"),
        (255, "0481FF"),
        (256, "04820100"),
        (65_535, "0482FFFF"),
        (65_536, "0483010000"),
    ],
)
def test_a_length_is_written_in_as_few_octets_as_it_needs(length: int, header: str) -> None:
    assert encode(0x04, bytes(length)) == bytes.fromhex(header) + bytes(length)


@given(MOMENTS)
def test_a_moment_is_read_back_to_the_second(moment: datetime) -> None:
    assert DerReader(encode_time(moment), "test").time() == moment.replace(microsecond=0)


@pytest.mark.parametrize(
    ("moment", "octets"),
    [
        (datetime(2049, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), b"\x17\x0d491231235959Z"),
        (datetime(2050, 1, 1, tzinfo=UTC), b"\x18\x0f20500101000000Z"),
        (datetime(1950, 1, 1, tzinfo=UTC), b"\x17\x0d500101000000Z"),
        (datetime(1949, 12, 31, tzinfo=UTC), b"\x18\x0f19491231000000Z"),
        (datetime(2026, 1, 1, 8, 59, 59, tzinfo=timezone(timedelta(hours=9))), b"\x17\x0d251231235959Z"),
    ],
)
def test_a_moment_is_a_utc_time_until_2049(moment: datetime, octets: bytes) -> None:
    assert encode_time(moment) == octets


def test_a_moment_without_time_zone_is_not_written() -> None:
    with pytest.raises(ValueError, match="time zone"):
        encode_time(datetime(2026, 1, 1))  # noqa: DTZ001 - on purpose


@pytest.mark.parametrize(
    "content",
    [
        b"\x17\x0d260230000000Z",  # 30 February
        b"\x17\x0d260229000000Z",  # 29 February in a common year
        b"\x17\x0d261301000000Z",
        b"\x17\x0d260101240000Z",
        b"\x17\x0d260101006000Z",
        b"\x17\x0d260101000060Z",
        b"\x17\x0b2601010000Z",
        b"\x17\x11260101000000+0900",
        b"\x17\x0d26010100000 Z",
        b"\x17\x0d26010100000\xb2Z",
        b"\x17\x0d260101000000z",
        b"\x18\x0f00000101000000Z",
        b"\x18\x1120260101000000.1Z",
        b"\x18\x0d2601010000000Z"[:15],
        b"\x04\x0d260101000000Z",
    ],
)
def test_a_time_that_is_none_is_refused(content: bytes) -> None:
    with pytest.raises(FormatError):
        DerReader(content, "test").time()


@given(st.frozensets(st.integers(0, 20)))
def test_named_bits_are_read_back_and_end_with_a_set_bit(bits: frozenset[int]) -> None:
    encoded = encode_named_bits(bits)
    assert DerReader(encoded, "test").named_bits() == bits
    assert not bits or encoded[-1]


@pytest.mark.parametrize("octets", ["0300", "030108", "030101", "03020800", "030207C0", "03020540", "03020700"])
def test_named_bits_in_another_form_are_refused(octets: str) -> None:
    with pytest.raises(FormatError):
        reader(octets).named_bits()


@pytest.mark.parametrize(
    ("octets", "method"),
    [
        ("", "integer"),
        ("02", "integer"),
        ("0201", "integer"),
        ("0200", "integer"),
        ("02020001", "integer"),
        ("0202FF80", "integer"),
        ("02820001", "integer"),
        ("02810101", "integer"),
        ("0280010000", "integer"),
        ("02FF01", "integer"),
        ("0285000000000101", "integer"),
        ("01010001", "integer"),
        ("010101", "boolean"),
        ("0100", "boolean"),
        ("01020000", "boolean"),
        ("010100", "flag"),
        ("050100", "null"),
        ("0600", "oid"),
        ("060188", "oid"),
        ("06028001", "oid"),
        ("0641" + "81" * 64 + "01", "oid"),
        ("03020100", "octet_bits"),
        ("0300", "octet_bits"),
        ("0C01FF", "text"),
        ("13012A", "text"),
        ("130140", "text"),
        ("1601C3", "text"),
        ("1E0141", "text"),
        ("0401FF", "text"),
        ("1F8101" + "00", "any"),
        ("", "any"),
        ("0000", "any"),
        ("0F00", "any"),
        ("1000", "any"),
        ("2403040100", "any"),
        ("30020000", "any"),
        ("3003240100", "any"),
        ("300330800000", "any"),
    ],
)
def test_what_is_not_der_is_refused(octets: str, method: str) -> None:
    with pytest.raises(FormatError):
        getattr(reader(octets), method)()


def test_octets_left_over_are_refused() -> None:
    with pytest.raises(FormatError) as caught:
        DerReader.whole(b"\x30\x00\x00", "test")
    assert caught.value.facts == {"what": "test", "problem": "octets left over"}


def test_an_element_does_not_reach_beyond_the_one_around_it() -> None:
    inner = DerReader(bytes.fromhex("3002020401020304"), "test").enter()
    with pytest.raises(FormatError):
        inner.integer()


def test_an_integer_of_many_octets_is_refused() -> None:
    with pytest.raises(FormatError):
        DerReader(encode_integer(1 << 9000), "test").integer()


@pytest.mark.parametrize("depth", [33, 20_000])
def test_deep_nesting_is_refused_without_recursion(depth: int) -> None:
    nested = b""
    for _ in range(depth):
        nested = encode(SEQUENCE, nested)
    with pytest.raises(FormatError) as caught:
        check_nested(nested, "test")
    assert caught.value.problem == "nested too deep"


def test_nesting_of_32_is_read() -> None:
    nested = b""
    for _ in range(32):
        nested = encode(SEQUENCE, nested)
    check_nested(nested, "test")


@pytest.mark.parametrize(
    ("tag", "text"), [(PRINTABLE_STRING, "a_b"), (PRINTABLE_STRING, "é"), (0x16, "あ"), (0x0C, "\ud800")]
)
def test_text_that_its_type_cannot_hold_is_not_written(tag: int, text: str) -> None:
    with pytest.raises(FormatError):
        encode_text(text, tag)


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        ("0C03E38182", "あ"),
        ("1302412E", "A."),
        ("1E023042", "あ"),
        ("1401E9", "é"),
        ("1C0400003042", "あ"),
        ("1603406162", "@ab"),
    ],
)
def test_character_strings_of_every_type_are_read(octets: str, text: str) -> None:
    assert reader(octets).text() == text

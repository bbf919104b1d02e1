"""A list read as a stream is refused exactly where a list read whole is, or where its numbers do not rise."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from small_pki import (
    NOW,
    SHA256_RSA,
    SHA384_RSA,
    SIGN_CA,
    bits,
    directory,
    element,
    extension,
    integer,
    moment,
    name,
    revoked,
    sequence,
)

from jpki.formats import CertificateList, FormatError, RevocationReason, ScannedList, scan_certificate_list
from jpki.formats import rising_entries as module

INDIRECT = b"\x84\x01\xff"
LONGEST = 1 << 16


def facts_of(found: CertificateList | ScannedList) -> tuple[object, ...]:
    return (
        (found.version, found.signature_algorithm, found.issuer, found.this_update, found.next_update),
        (found.extensions, found.signature, found.number, found.delta_base, found.authority_key_id),
        (found.issuing_distribution_point, found.freshest, found.unknown_critical_extensions),
        found.unknown_critical_entry_extensions,
    )


def read_whole(raw: bytes) -> object:
    """Returns all that a list with rising numbers says, or that it is none."""
    try:
        found = CertificateList.parse(raw)
    except FormatError:
        return "no list"
    entries = list(found)
    if any(one.serial >= other.serial for one, other in pairwise(entries)):
        return "no list"
    removals = sum(entry.reason is RevocationReason.REMOVE_FROM_CRL for entry in entries)
    digests = (hashlib.sha256(found.tbs).digest(), hashlib.sha256(raw).digest())
    return (*facts_of(found), len(entries), removals, *digests, len(raw))


def read_as_stream(*chunks: bytes) -> object:
    try:
        found = scan_certificate_list(chunks)
    except FormatError:
        return "no list"
    return (*facts_of(found), found.entries, found.removals, found.tbs_digest, found.digest, found.length)


@contextmanager
def only_the_long_way() -> Iterator[None]:
    """Has every entry read by itself, octet for octet."""
    before, nothing = module._patterns, re.compile(rb"(?!)")
    module._patterns = lambda _: module._Patterns(nothing, nothing, nothing)  # type: ignore[assignment]
    try:
        yield
    finally:
        module._patterns = before


def of_another(number: int, issuer: str) -> bytes:
    return revoked(number, more=[extension("2.5.29.29", sequence(directory(name(("CN", issuer)))), critical=True)])


# What looks like the end of an entry, put into a number.
MOMENT_IN_A_NUMBER = int.from_bytes(moment(NOW), "big")
NUMBERS = st.one_of(
    st.integers(1, 300),
    st.integers(0x0100_0000, 0x0100_0100),
    st.integers(-(1 << 40), 1 << 159),
    st.sampled_from([0, 127, 128, 255, 256, (1 << 159) - 1, 1 << 159, MOMENT_IN_A_NUMBER, MOMENT_IN_A_NUMBER << 24]),
)
MOMENTS = st.sampled_from(
    [
        NOW,
        datetime(2024, 2, 29, tzinfo=UTC),
        datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2050, 1, 1, tzinfo=UTC),
        datetime(2052, 2, 29, tzinfo=UTC),
        datetime(2150, 6, 30, tzinfo=UTC),
    ]
)
MORE = st.sampled_from(
    [
        [],
        [],
        [],
        [extension("1.2.3", b"x", critical=True)],
        [extension("1.2.4", b"y")],
        [extension("2.5.29.29", sequence(directory(name(("CN", "other")))), critical=True)],
    ]
)
ROWS = st.tuples(
    NUMBERS,
    MOMENTS,
    st.sampled_from([None, *map(int, RevocationReason)]),
    st.sampled_from([None, NOW - timedelta(days=1), datetime(2024, 2, 29, tzinfo=UTC)]),
    MORE,
)


def entry_of(row: tuple[int, datetime, int | None, datetime | None, list[bytes]]) -> bytes:
    number, at, reason, invalid, more = row
    return revoked(number, at, reason, invalid_since=invalid, more=more)


@st.composite
def lists(draw: st.DrawFn) -> bytes:
    """A list, nearly always with rising numbers, of which up to two octets are others than they were."""
    rows = draw(st.lists(ROWS, max_size=8))
    if draw(st.integers(0, 9)):
        rows = list({row[0]: row for row in sorted(rows, key=lambda row: row[0])}.values())
    point = draw(st.sampled_from([None, b"\x81\x01\xff", INDIRECT]))
    base = draw(st.sampled_from([None, None, 40]))
    octets = bytearray(SIGN_CA.revocation_list(*map(entry_of, rows), point=point, delta_base=base))
    for _ in range(draw(st.integers(0, 2))):
        octets[draw(st.integers(0, len(octets) - 1))] = draw(st.integers(0, 255))
    return bytes(octets)


@settings(max_examples=400)
@given(lists(), st.lists(st.integers(0, 600), max_size=5))
@example(SIGN_CA.revocation_list(), [])
@example(b"", [])
@example(b"\x30\x00", [])
@example(b"\x30\x02\x30\x00", [])
def test_any_list_reads_alike_whole_and_in_pieces_cut_anywhere(raw: bytes, cuts: list[int]) -> None:
    at = [0, *sorted(cuts), max(len(raw), 600)]
    assert read_as_stream(*(raw[start:end] for start, end in pairwise(at))) == read_whole(raw)


@settings(max_examples=200)
@given(lists())
def test_any_list_reads_alike_on_the_quick_way_and_on_the_long_one(raw: bytes) -> None:
    quick = read_as_stream(raw)
    with only_the_long_way():
        assert read_as_stream(raw) == quick


@given(lists(), st.data())
def test_a_list_cut_short_or_followed_by_something_is_refused(raw: bytes, data: st.DataObject) -> None:
    end = data.draw(st.integers(0, len(raw) - 1))
    assert read_as_stream(raw[:end]) == "no list"
    assert read_as_stream(raw, b"", b"\x00") == "no list"


@pytest.mark.parametrize(
    "entry",
    [
        sequence(integer(5), moment(NOW)),
        sequence(integer(5), moment(NOW), sequence(extension("2.5.29.21", integer(7, 0x0A)))),
        sequence(integer(5), moment(NOW), sequence(extension("2.5.29.21", integer(11, 0x0A)))),
        sequence(integer(5), moment(NOW), sequence(extension("2.5.29.21", integer(4)))),
        sequence(integer(5), moment(NOW), sequence(extension("2.5.29.21", integer(4, 0x0A) + b"\x00"))),
        sequence(integer(5), moment(NOW), sequence(*[extension("2.5.29.21", integer(4, 0x0A))] * 2)),
        sequence(integer(5), moment(NOW), sequence(extension("2.5.29.24", moment(NOW)))),
        sequence(integer(5), moment(NOW), sequence()),
        sequence(integer(5), moment(NOW), b"\x05\x00"),
        sequence(integer(5)),
        sequence(moment(NOW)),
        sequence(),
        b"\x05\x00",
        b"\x00",
        sequence(b"\x02\x02\x00\x05", moment(NOW)),
        sequence(b"\x02\x02\xff\xff", moment(NOW)),
        sequence(b"\x02\x00", moment(NOW)),
        sequence(b"\x02\x02\x05", moment(NOW)),
        sequence(integer(5), b"\x17\x0d261122240000Z"),
        sequence(integer(5), b"\x17\x0d261122236000Z"),
        sequence(integer(5), b"\x17\x0d261122235960Z"),
        sequence(integer(5), b"\x17\x0d260229000000Z"),
        sequence(integer(5), b"\x17\x0d240229000000Z"),
        sequence(integer(5), b"\x17\x0d000229000000Z"),
        sequence(integer(5), b"\x17\x0d500229000000Z"),
        sequence(integer(5), b"\x17\x0d520229000000Z"),
        sequence(integer(5), b"\x17\x0d260230000000Z"),
        sequence(integer(5), b"\x17\x0d260431000000Z"),
        sequence(integer(5), b"\x17\x0d261131000000Z"),
        sequence(integer(5), b"\x17\x0d261231000000Z"),
        sequence(integer(5), b"\x17\x0d260031000000Z"),
        sequence(integer(5), b"\x17\x0d261301000000Z"),
        sequence(integer(5), b"\x17\x0d260100000000Z"),
        sequence(integer(5), b"\x17\x0d260132000000Z"),
        sequence(integer(5), b"\x17\x0b2611220000Z"),
        sequence(integer(5), b"\x18\x0f00000101000000Z"),
        sequence(integer(5), b"\x18\x0f19000229000000Z"),
        sequence(integer(5), b"\x18\x0f19000228000000Z"),
        sequence(integer(5), b"\x18\x0f20000229000000Z"),
        sequence(integer(5), b"\x18\x0f21000228000000Z"),
        sequence(integer(5), b"\x18\x0f21000229000000Z"),
        b"\x30\x81\x12" + integer(5) + moment(NOW),
        b"\x30\x13" + integer(5) + moment(NOW),
        b"\x30\x11" + integer(5) + moment(NOW),
        revoked(5)[:-1],
        revoked(5) + b"\x00",
        revoked(3),
        revoked(4),
        revoked(7),
        revoked(8),
        of_another(5, "other"),
        revoked(5, more=[extension("2.5.29.29", sequence(extension("1.2.3", b"")), critical=True)]),
    ],
    ids=range(52),
)
def test_an_entry_at_the_edge_reads_alike_whole_and_as_a_stream(entry: bytes) -> None:
    for before, after in (([], []), ([revoked(3), revoked(4)], []), ([], [revoked(7)]), ([revoked(4)], [revoked(7)])):
        for point in (None, INDIRECT):
            raw = SIGN_CA.revocation_list(*before, entry, *after, point=point)
            assert read_as_stream(raw) == read_whole(raw)


ENTRIES_NONE = SIGN_CA.revocation_list(b"\x30\x00").replace(b"\x30\x02\x30\x00", b"\x30\x00\x05\x00")


@pytest.mark.parametrize(
    "raw",
    [
        SIGN_CA.revocation_list(revoked(), version=b""),
        SIGN_CA.revocation_list(revoked(), version=b"", point=None, number=None, without=["authority_key_id"]),
        SIGN_CA.revocation_list(revoked(), version=b"\x02\x01\x02"),
        SIGN_CA.revocation_list(revoked(), next_update=None),
        SIGN_CA.revocation_list(revoked(), point=None, number=None, without=["authority_key_id"]),
        SIGN_CA.revocation_list(revoked(), algorithm=SHA384_RSA),
        SIGN_CA.revocation_list(revoked(), more=[extension("1.2.3", b"", critical=True)]),
        SIGN_CA.revocation_list(revoked(), more=[extension("2.5.29.20", integer(5))]),
        SIGN_CA.revocation_list(revoked(), more=[extension("2.5.29.46", sequence())]),
        SIGN_CA.revocation_list(revoked(), number=-1),
        SIGN_CA.revocation_list(revoked(), point=b"\x81\x01\x00"),
        SIGN_CA.revocation_list(b""),
        ENTRIES_NONE,
    ],
    ids=range(13),
)
def test_a_list_at_the_edge_reads_alike_whole_and_as_a_stream(raw: bytes) -> None:
    assert read_as_stream(raw) == read_whole(raw)


def test_two_signature_algorithms_are_refused() -> None:
    raw = SIGN_CA.revocation_list(revoked())
    first, last = raw.find(SHA384_RSA[:3]), raw.rfind(SHA384_RSA[:3])
    for at in (first, last):
        changed = bytearray(raw)
        changed[at + 12] ^= 1
        assert read_as_stream(bytes(changed)) == read_whole(bytes(changed)) == "no list"


@pytest.mark.parametrize("numbers", [(1, 1), (2, 1), (1, 3, 2), (255, 254), (256, 255), (1 << 24, 1), (1, -1), (5, 5)])
def test_numbers_that_do_not_rise_are_refused(numbers: tuple[int, ...]) -> None:
    good = SIGN_CA.revocation_list(*(revoked(number) for number in sorted(set(numbers))))
    assert read_as_stream(good) != "no list"
    with pytest.raises(FormatError) as caught:
        scan_certificate_list([SIGN_CA.revocation_list(*map(revoked, numbers))])
    assert (caught.value.what, caught.value.problem) == (
        "certificate revocation list",
        "serial numbers that do not rise",
    )


@pytest.mark.parametrize("number", [2, 5, 8, 9])
def test_a_number_that_an_entry_of_another_form_comes_back_to_is_refused(number: int) -> None:
    run = [revoked(1), revoked(5), revoked(9)]
    other = revoked(number, more=[extension("1.2.4", b"")])
    assert read_as_stream(SIGN_CA.revocation_list(*run, other)) == "no list"
    assert read_as_stream(SIGN_CA.revocation_list(other, *run)) == "no list"


def test_a_number_that_comes_back_thousands_of_entries_later_is_refused() -> None:
    numbers = [*range(1 << 16, (1 << 16) + 9_000), (1 << 16) + 3]
    assert read_as_stream(SIGN_CA.revocation_list(*map(revoked, numbers[:-1]))) != "no list"
    assert read_as_stream(SIGN_CA.revocation_list(*map(revoked, numbers))) == "no list"


def test_numbers_of_every_length_and_entries_of_every_form_follow_one_another_over_a_long_stream() -> None:
    moments = [NOW, datetime(2024, 2, 29, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)]
    rows = []
    for octets in range(1, 21):
        first = 1 << max(0, 8 * octets - 9)
        for step in range(100 if octets == 1 else 900):
            reason = (None, 1, 4, 8)[step % 4]
            invalid = NOW if step % 7 < 2 else None
            rows.append(revoked(first + step, moments[step % 3], reason, invalid_since=invalid))
    rows.insert(9_000, b"")
    raw = SIGN_CA.revocation_list(*rows)
    assert len(raw) > 1 << 19
    whole = read_whole(raw)
    assert whole != "no list"
    assert read_as_stream(raw) == whole
    assert read_as_stream(*(raw[at : at + 1_000] for at in range(0, len(raw), 1_000))) == whole


def long_entry(length: int) -> bytes:
    """Returns an entry of so many octets."""
    rest = length - len(revoked(5, more=[extension("1.2.3", bytes(LONGEST - 400))])) + LONGEST - 400
    entry = revoked(5, more=[extension("1.2.3", bytes(rest))])
    assert len(entry) == length
    return entry


@pytest.mark.parametrize("chunk", [1_000, 1 << 20])
def test_an_entry_longer_than_64_kib_is_refused_wherever_the_stream_is_cut(chunk: int) -> None:
    for length, good in ((LONGEST, True), (LONGEST + 1, False)):
        raw = SIGN_CA.revocation_list(revoked(1), long_entry(length), *(revoked(9 + number) for number in range(9_000)))
        pieces = [raw[at : at + chunk] for at in range(0, len(raw), chunk)]
        assert (read_as_stream(*pieces) == read_whole(raw)) is good


def test_extensions_of_a_list_longer_than_64_kib_are_refused() -> None:
    for length, good in ((LONGEST - 500, True), (LONGEST, False)):
        raw = SIGN_CA.revocation_list(revoked(1), more=[extension("1.2.3", bytes(length))])
        assert (read_as_stream(raw) == read_whole(raw)) is good


def test_a_signature_inside_of_what_is_signed_is_none_however_long_the_extensions_are() -> None:
    good = SIGN_CA.revocation_list(point=None, number=None, without=["authority_key_id"])
    before = CertificateList.parse(good).tbs[3:]  # after a length of two octets
    for length in range(LONGEST - 24, LONGEST - 16):
        extensions = element(0xA0, sequence(extension("1.2.3", bytes(length))))
        signature = SHA256_RSA + bits(bytes(256))
        assert read_whole(sequence(sequence(before, extensions), signature)) != "no list"
        assert read_as_stream(sequence(sequence(before, extensions, signature))) == "no list"


def test_a_length_that_nothing_follows_is_refused_without_waiting_for_it() -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        yield b"\x30\x84\xff\xff\xff\xff\x30\x84\xff\xff\xff\x00"
        while True:
            taken += 1
            yield bytes(1_000)

    assert read_as_stream_of(endless()) == "no list"
    assert taken < 1_000


def read_as_stream_of(chunks: Iterator[bytes]) -> object:
    try:
        return scan_certificate_list(chunks)
    except FormatError:
        return "no list"

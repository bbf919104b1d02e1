"""The entries of revocation lists: read one by one, found by number, refused where one is bad."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from issued import DAY, LIST_ISSUER, list_of, parsed_list

from jpki.formats import (
    CertificateList,
    FormatError,
    IssuingDistributionPoint,
    Name,
    RevocationReason,
    RevokedEntry,
    encode_revoked,
)
from jpki.formats.der import SEQUENCE, encode, encode_integer, encode_time
from jpki.formats.extensions import encode_extension
from jpki.formats.names import GeneralName

OTHER = Name.of(("C", "JP"), ("O", "OTHER-TEST"))
INDIRECT = IssuingDistributionPoint(indirect=True)
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
ENTRIES = st.builds(
    RevokedEntry,
    st.integers(-(1 << 100), (1 << 167) - 1),
    MOMENTS.map(lambda moment: moment.replace(microsecond=0)),
    st.sampled_from(RevocationReason),
    st.none() | MOMENTS.map(lambda moment: moment.replace(microsecond=0)),
)


@settings(max_examples=200)
@given(st.lists(ENTRIES, unique_by=lambda entry: entry.serial, max_size=60))
def test_any_entries_are_read_back_and_found(entries: list[RevokedEntry]) -> None:
    found = parsed_list(b"".join(entry.encode() for entry in entries))
    assert list(found) == entries
    assert len(found) == len(entries)
    for entry in entries:
        assert found.find(entry.serial) == entry
        assert found.find(entry.serial + (1 << 168)) is None


def test_a_long_list_is_read_back_over_its_whole_length() -> None:
    kinds = [
        lambda number: RevokedEntry(number * 7 + 1, DAY),
        lambda number: RevokedEntry(number * 7 + 1, DAY, RevocationReason.SUPERSEDED),
        lambda number: RevokedEntry((1 << 90) + number, DAY, RevocationReason.KEY_COMPROMISE, DAY),
        lambda number: RevokedEntry(number * 7 + 1, datetime(2028, 2, 29, tzinfo=UTC), invalidity_date=DAY),
    ]
    entries = [kinds[number * number % 11 % 4](number) for number in range(20_000)]
    found = parsed_list(b"".join(entry.encode() for entry in entries))
    assert list(found) == entries
    assert all(found.find(entries[at].serial) == entries[at] for at in range(0, 20_000, 37))


def test_a_serial_number_that_looks_like_a_time_does_not_mislead_the_reader() -> None:
    looks = int.from_bytes(b"\x01\x17\x0d261122010203Z\x30\x0c\x30", "big")
    entries = [RevokedEntry(looks, DAY), RevokedEntry(1, DAY, RevocationReason.SUPERSEDED), RevokedEntry(2, DAY)]
    found = parsed_list(b"".join(entry.encode() for entry in entries))
    assert list(found) == entries
    assert [found.find(entry.serial) for entry in entries] == entries


def between(*odd: bytes) -> bytes:
    """Returns good entries with others in their middle."""
    many = encode_revoked((1_000 + number, DAY, RevocationReason.SUPERSEDED) for number in range(3_000))
    more = encode_revoked((9_000 + number, DAY, RevocationReason.UNSPECIFIED) for number in range(3_000))
    return many + b"".join(odd) + more


GOOD = RevokedEntry(5, DAY, RevocationReason.SUPERSEDED, DAY).encode()
OWN_EXTENSION = encode(
    SEQUENCE,
    encode_integer(5),
    encode_time(DAY),
    encode(SEQUENCE, encode_extension("1.2.3", b"x", critical=True), encode_extension("1.2.4", b"y")),
)


def test_the_entries_that_the_refused_ones_vary_are_good() -> None:
    assert len(parsed_list(between(GOOD))) == 6_001


@pytest.mark.parametrize(
    "odd",
    [
        encode_revoked([(1_234, DAY, RevocationReason.SUPERSEDED)]),  # twice
        b"\x30\x00",
        b"\x00",
        b"\x05\x00",
        GOOD[:-1],
        GOOD + b"\x00",
        GOOD.replace(b"\x02\x01\x05", b"\x02\x02\x00\x05"),
        GOOD.replace(b"\x02\x01\x05", b"\x02\x01\x05\x05\x00"),
        GOOD.replace(b"261122010203Z", b"261131010203Z"),  # 31 November
        GOOD.replace(b"261122010203Z", b"260229010203Z"),  # 29 February in a common year
        GOOD.replace(b"261122010203Z", b"261122240000Z"),
        GOOD.replace(b"20261122010203Z", b"20260230010203Z"),
        GOOD.replace(b"\x0a\x01\x04", b"\x0a\x01\x07"),  # a reason without a meaning
        GOOD.replace(b"\x0a\x01\x04", b"\x0a\x01\x0b"),
        GOOD.replace(b"\x0a\x01\x04", b"\x02\x01\x04"),
        RevokedEntry(5, DAY).encode()[:-15] + b"\x05\x00",
        encode(SEQUENCE, encode_integer(5), encode_time(DAY), encode(SEQUENCE)),
        encode(
            SEQUENCE,
            encode_integer(5),
            encode_time(DAY),
            encode(SEQUENCE, *[encode_extension("2.5.29.21", b"\x0a\x01\x04")] * 2),
        ),
        encode(
            SEQUENCE,
            encode_integer(5),
            encode_time(DAY),
            encode(SEQUENCE, encode_extension("2.5.29.24", b"\x17\x0d261122010203Z")),
        ),
        encode(
            SEQUENCE,
            encode_integer(5),
            encode_time(DAY),
            encode(SEQUENCE, encode_extension("2.5.29.21", b"\x0a\x01\x04\x00")),
        ),
        RevokedEntry(5, DAY, certificate_issuer=OTHER).encode(),  # in a list that is not indirect
    ],
)
def test_one_bad_entry_among_many_refuses_the_list(odd: bytes) -> None:
    assert odd != GOOD
    raw = list_of(between(odd))
    with pytest.raises(FormatError):
        CertificateList.parse(raw)


def test_critical_extensions_of_entries_that_nothing_reads_are_listed() -> None:
    found = parsed_list(between(OWN_EXTENSION))
    assert found.unknown_critical_entry_extensions == ("1.2.3",)
    entry = found.find(5)
    assert entry is not None
    assert entry.unknown_critical_extensions == ("1.2.3",)
    assert found.unknown_critical_extensions == ()


def test_negative_numbers_and_zero_are_entries_like_others() -> None:
    found = parsed_list(b"".join(RevokedEntry(serial, DAY).encode() for serial in (-1, 0, 255)))
    assert [found.find(serial) is not None for serial in (-1, 0, 255, 1, -255)] == [True, True, True, False, False]


def test_in_an_indirect_list_an_entry_belongs_to_the_issuer_named_last() -> None:
    entries = [
        RevokedEntry(1, DAY),
        RevokedEntry(2, DAY, certificate_issuer=OTHER),
        RevokedEntry(1, DAY, RevocationReason.SUPERSEDED),
        RevokedEntry(3, DAY, certificate_issuer=LIST_ISSUER),
    ]
    found = parsed_list(b"".join(entry.encode() for entry in entries), INDIRECT)
    assert found.is_indirect
    assert list(found) == entries
    assert (found.find(1), found.find(1, OTHER)) == (entries[0], entries[2])
    assert (found.find(2), found.find(2, OTHER)) == (None, entries[1])
    assert (found.find(3), found.find(3, OTHER)) == (entries[3], None)


def test_in_an_indirect_list_a_number_twice_for_one_issuer_is_refused() -> None:
    entries = [RevokedEntry(1, DAY, certificate_issuer=OTHER), RevokedEntry(1, DAY)]
    with pytest.raises(FormatError):
        parsed_list(b"".join(entry.encode() for entry in entries), INDIRECT)


def test_in_an_indirect_list_that_comes_back_to_its_own_issuer_a_number_twice_is_refused() -> None:
    entries = [RevokedEntry(1, DAY), RevokedEntry(2, DAY, certificate_issuer=OTHER)]
    again = RevokedEntry(1, DAY, certificate_issuer=LIST_ISSUER)
    with pytest.raises(FormatError):
        parsed_list(b"".join(entry.encode() for entry in [*entries, again]), INDIRECT)


def test_a_certificate_issuer_without_a_directory_name_is_refused() -> None:
    names = encode(SEQUENCE, GeneralName.uri("http://a.example").raw)
    extension = encode_extension("2.5.29.29", names, critical=True)
    entry = encode(SEQUENCE, encode_integer(5), encode_time(DAY), encode(SEQUENCE, extension))
    with pytest.raises(FormatError):
        parsed_list(entry, INDIRECT)

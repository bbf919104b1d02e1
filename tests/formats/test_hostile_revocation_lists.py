"""Lists made to cost a reader time or memory, or to be read in two ways. No signature protects a reader from them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_pki import NOW, SIGN_CA, directory, extension, integer, moment, name, revoked, sequence

from jpki.formats import CertificateList, FormatError, Name, RevocationReason
from jpki.formats import revoked_entries as module

INDIRECT = b"\x84\x01\xff"


def odd_entry(number: int) -> bytes:
    return revoked(number, more=[extension(f"1.2.3.{number}", b"", critical=True)])


def of_another(number: int, issuer: str) -> bytes:
    return revoked(number, more=[extension("2.5.29.29", sequence(directory(name(("CN", issuer)))), critical=True)])


def test_a_list_in_which_each_entry_has_another_unknown_extension_names_a_few_of_them() -> None:
    found = CertificateList.parse(SIGN_CA.revocation_list(*map(odd_entry, range(1, 3000))))
    assert found.unknown_critical_entry_extensions == tuple(f"1.2.3.{number}" for number in range(1, 17))
    assert len(found) == 2999
    assert found.find(2999) is not None


def test_an_unknown_extension_of_the_last_entry_is_named() -> None:
    entries = [revoked(number) for number in range(1, 3000)]
    found = CertificateList.parse(SIGN_CA.revocation_list(*entries, odd_entry(3000)))
    assert found.unknown_critical_entry_extensions == ("1.2.3.3000",)


def test_one_number_under_a_thousand_issuers_is_a_thousand_entries() -> None:
    entries = [of_another(7, f"{number}") for number in range(1000)]
    found = CertificateList.parse(SIGN_CA.revocation_list(*entries, point=INDIRECT))
    assert len(found) == 1000
    assert found.find(7) is None
    assert found.find(7, Name.parse(name(("CN", "999")))) is not None


def test_an_issuer_holds_for_the_entries_after_it_and_a_number_is_listed_once_for_each() -> None:
    listed = (revoked(1), of_another(1, "one"), revoked(2), of_another(3, "other"), revoked(1))
    found = CertificateList.parse(SIGN_CA.revocation_list(*listed, point=INDIRECT))
    own = {number for number in range(5) if found.find(number)}
    one = {number for number in range(5) if found.find(number, Name.parse(name(("CN", "one"))))}
    other = {number for number in range(5) if found.find(number, Name.parse(name(("CN", "other"))))}
    assert (own, one, other) == ({1}, {1, 2}, {1, 3})
    with pytest.raises(FormatError):
        CertificateList.parse(SIGN_CA.revocation_list(*listed, revoked(3), point=INDIRECT))


# --- the quick way and the long way -----------------------------------------------------------------------------------


@contextmanager
def only_the_long_way() -> Iterator[None]:
    """Has every entry read by itself, octet for octet."""
    before = module._PLAIN
    module._PLAIN = re.compile(rb"(?!)(.)(.)")
    try:
        yield
    finally:
        module._PLAIN = before


def reading(entries: bytes) -> object:
    """Returns all that a list with these entries says, or that it is none."""
    try:
        found = CertificateList.parse(SIGN_CA.revocation_list(entries))
    except FormatError:
        return "no list"
    return (list(found), found.unknown_critical_entry_extensions, [found.find(entry.serial) for entry in found])


# What looks like the end of an entry, put into a number.
MOMENT_IN_A_NUMBER = int.from_bytes(moment(NOW), "big")
NUMBERS = st.one_of(
    st.integers(-(1 << 40), 1 << 159),
    st.sampled_from([0, 1, 127, 128, 255, 256, (1 << 159) - 1, MOMENT_IN_A_NUMBER, MOMENT_IN_A_NUMBER << 24]),
)
MOMENTS = st.sampled_from(
    [
        NOW,
        datetime(2024, 2, 29, tzinfo=UTC),
        datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2050, 1, 1, tzinfo=UTC),
    ]
)
ENTRIES = st.builds(
    lambda number, at, reason, invalid: revoked(number, at, reason, invalid_since=invalid),
    NUMBERS,
    MOMENTS,
    st.sampled_from([None, *map(int, RevocationReason)]),
    st.sampled_from([None, NOW - timedelta(days=1)]),
)


@given(st.lists(ENTRIES, min_size=1, max_size=8), st.data())
def test_a_changed_list_reads_alike_on_the_quick_way_and_on_the_long_one(
    entries: list[bytes], data: st.DataObject
) -> None:
    octets = bytearray(b"".join(entries))
    for _ in range(data.draw(st.integers(0, 2))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    quick = reading(bytes(octets))
    with only_the_long_way():
        assert reading(bytes(octets)) == quick


@pytest.mark.parametrize(
    "entry",
    [
        sequence(integer(5), moment(NOW)),
        sequence(integer(5), moment(NOW), sequence(extension("2.5.29.21", integer(7, 0x0A)))),
        sequence(integer(5), moment(NOW), sequence(extension("2.5.29.21", integer(11, 0x0A)))),
        sequence(integer(5), moment(NOW), sequence()),
        sequence(b"\x02\x02\x00\x05", moment(NOW)),
        sequence(b"\x02\x02\xff\xff", moment(NOW)),
        sequence(b"\x02\x00", moment(NOW)),
        sequence(integer(5), b"\x17\x0d261122240000Z"),
        sequence(integer(5), b"\x17\x0d260229000000Z"),
        sequence(integer(5), b"\x17\x0d240229000000Z"),
        sequence(integer(5), b"\x17\x0d261131000000Z"),
        sequence(integer(5), b"\x18\x0f00000101000000Z"),
        sequence(integer(5), b"\x18\x0f21000228000000Z"),
        sequence(integer(5), moment(NOW), b"\x05\x00"),
        b"\x30\x81\x12" + integer(5) + moment(NOW),
    ],
    ids=range(15),
)
def test_an_entry_at_the_edge_reads_alike_on_the_quick_way_and_on_the_long_one(entry: bytes) -> None:
    for entries in (entry, revoked(1) + entry, entry + revoked(1)):
        quick = reading(entries)
        with only_the_long_way():
            assert reading(entries) == quick

"""Distinguished names as LDAP writes them. Source: RFC 4514, its section 4 and what its rules say beyond that."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography import x509
from directory_server import DirectoryServer
from hypothesis import given
from hypothesis import strategies as st
from published_copies import municipal
from small_pki import element, oid, sequence, utf8

from jpki.formats import Name
from jpki.outlets import directory_name

NAMES = {
    "": (),
    "UID=jsmith,DC=example,DC=net": (("DC", "net"), ("DC", "example"), ("UID", "jsmith")),
    'CN=James \\"Jim\\" Smith\\, III,DC=net': (("DC", "net"), ("CN", 'James "Jim" Smith, III')),
    "CN=\\ a b\\ ": (("CN", " a b "),),
    "CN=\\ ": (("CN", " "),),
    "CN=\\#1 a#b": (("CN", "#1 a#b"),),
    "CN=a\\+b\\;c\\<d\\>e\\\\f=g": (("CN", "a+b;c<d>e\\f=g"),),
    "CN=a\\00b": (("CN", "a\0b"),),
    "CN=清瀬市,C=JP": (("C", "JP"), ("CN", "清瀬市")),
    "1.2.3.4=#0c026869,C=JP": (("C", "JP"), ("1.2.3.4", "hi")),
    "serialNumber=12,C=JP": (("C", "JP"), ("serialNumber", "12")),
}


@pytest.mark.parametrize("written", NAMES)
def test_a_name_is_written_as_ldap_writes_it(written: str) -> None:
    assert directory_name(Name.of(*NAMES[written])) == written


def test_a_part_of_two_attributes_is_joined() -> None:
    pairs = sorted([sequence(oid("2.5.4.3"), utf8("a")), sequence(oid("2.5.4.11"), utf8("b+c"))])
    name = Name.parse(sequence(element(0x31, *pairs)))
    assert directory_name(name) == "CN=a+OU=b\\+c"


def test_a_value_that_is_no_text_is_written_in_hexadecimal() -> None:
    name = Name.parse(sequence(element(0x31, sequence(oid("2.5.4.3"), b"\x04\x02hi"))))
    assert directory_name(name) == "CN=#04026869"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12))
def test_another_library_reads_the_value_that_was_meant(text: str) -> None:
    read = x509.Name.from_rfc4514_string(directory_name(Name.of(("C", "JP"), ("CN", text))))
    assert [attribute.value for attribute in read] == ["JP", text]


@pytest.mark.parametrize("city", ["A, B+C", " #;<>\\ ", '"', "清瀬市", "a=b"])
def test_a_directory_keeps_an_entry_of_any_name(directory: DirectoryServer, city: str) -> None:
    name = Name.of(("C", "JP"), ("O", "JPKI-TEST"), ("OU", city), ("CN", city))
    with directory.outlet() as outlet:
        outlet.put(replace(municipal(), entry=name))
        assert outlet.held(replace(municipal(), entry=name)) is not None
    entry = directory.search(directory_name(name))
    assert entry is not None
    assert [value.strip() for value in entry["cn"]] == [city.strip().encode()]

"""An LDAP directory as an outlet, Debian's slapd; what is in it is read with ldapsearch."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from directory_server import DirectoryServer, MakeDirectory
from published_copies import NEXT_SIGN_CA, complete, delta, municipal, raw_of
from small_pki import AUTH_CA

from jpki.formats import Name
from jpki.outlets import (
    EntryMixed,
    Held,
    ListBytesWrong,
    NoSuchSuffix,
    Outcome,
    bring_up_to_date,
    directory_name,
)

PAGE = Path(__file__).parent.parent.parent / "docs" / "publishing.md"
AGENCY = "OU=Japan Agency for Local Authority Information Systems,OU=JPKI for digital signature,O=JPKI-TEST,C=JP"
POINT = "CN=Kiyose-shi CRLDP,OU=Tokyo-to,OU=CRL Distribution Points,OU=JPKI for digital signature,O=JPKI-TEST,C=JP"
LIST, DELTA = "certificateRevocationList;binary", "deltaRevocationList;binary"


def classes(entry: dict[str, list[bytes]] | None) -> set[bytes]:
    assert entry is not None
    return set(entry["objectClass"])


def test_a_municipality_s_list_stands_under_the_distribution_point_of_its_certificates(
    directory: DirectoryServer,
) -> None:
    with directory.outlet() as outlet:
        assert outlet.put(municipal()) is Outcome.PUT
    entry = directory.search(POINT)
    assert entry is not None
    assert entry[LIST] == [raw_of(municipal())]
    assert classes(entry) == {b"cRLDistributionPoint"}


def test_the_entries_above_are_made(directory: DirectoryServer) -> None:
    with directory.outlet() as outlet:
        outlet.put(municipal())
    parts = POINT.split(",")
    found = [classes(directory.search(",".join(parts[depth:]))) for depth in range(1, 5)]
    assert found == [{b"organizationalUnit"}] * 3 + [{b"organization"}]


def test_a_country_is_made_where_the_directory_is_a_country_s(make_directory: MakeDirectory) -> None:
    server = make_directory(suffix="c=JP")
    with server.outlet() as outlet:
        assert outlet.put(municipal()) is Outcome.PUT
    assert classes(server.search("c=JP")) == {b"country"}


def test_the_list_of_everything_stands_under_the_authority_s_own_name(directory: DirectoryServer) -> None:
    with directory.outlet() as outlet:
        assert outlet.put(complete()) is Outcome.PUT
    entry = directory.search(AGENCY)
    assert entry is not None
    assert entry[LIST] == [raw_of(complete())]
    assert classes(entry) == {b"organizationalUnit", b"pkiCA"}


def test_an_entry_that_is_there_becomes_one_of_an_authority(directory: DirectoryServer) -> None:
    parent = Name.of(("C", "JP"), ("O", "JPKI-TEST"), ("OU", "JPKI for digital signature"))
    at_parent = replace(complete(), entry=parent)
    with directory.outlet() as outlet:
        outlet.put(municipal())
        assert outlet.put(at_parent) is Outcome.PUT
    entry = directory.search(directory_name(parent))
    assert classes(entry) == {b"organizationalUnit", b"pkiCA"}


def test_a_delta_stands_in_an_entry_and_an_attribute_of_its_own(directory: DirectoryServer) -> None:
    with directory.outlet() as outlet:
        outlet.put(municipal(41))
        assert outlet.put(delta(42)) is Outcome.PUT
        assert outlet.held(delta()) == Held(42, delta(42).digest)
    entry, base = directory.search(f"CN=Delta CRL,{POINT}"), directory.search(POINT)
    assert entry is not None
    assert base is not None
    assert entry[DELTA] == [raw_of(delta())]
    assert LIST not in entry
    assert DELTA not in base
    assert classes(entry) == {b"cRLDistributionPoint", b"deltaCRL"}


def test_a_delta_and_a_complete_list_never_come_together(directory: DirectoryServer) -> None:
    point = municipal().entry
    with directory.outlet() as outlet:
        outlet.put(municipal())
        with pytest.raises(EntryMixed) as caught:
            outlet.put(delta(entry=point))
        outlet.put(delta())
        with pytest.raises(EntryMixed):
            outlet.put(replace(municipal(), entry=delta().entry))
    assert caught.value.place == POINT


def test_each_generation_of_a_key_has_its_list_in_the_one_entry(directory: DirectoryServer) -> None:
    with directory.outlet() as outlet:
        outlet.put(municipal(41))
        outlet.put(municipal(42, NEXT_SIGN_CA))
        outlet.put(municipal(43))
        assert outlet.held(municipal()) == Held(43, municipal(43).digest)
        assert outlet.held(municipal(ca=NEXT_SIGN_CA)) == Held(42, municipal(42, NEXT_SIGN_CA).digest)
    entry = directory.search(POINT)
    assert entry is not None
    assert sorted(entry[LIST]) == sorted([raw_of(municipal(43)), raw_of(municipal(42, NEXT_SIGN_CA))])


def test_what_is_there_already_is_not_written_again(directory: DirectoryServer) -> None:
    with directory.outlet() as outlet:
        outlet.put(municipal())
        before = directory.search(POINT, "entryCSN")
        assert outlet.put(municipal()) is Outcome.HELD
    assert directory.search(POINT, "entryCSN") == before


def test_a_lower_number_never_takes_the_place_of_a_higher_one(directory: DirectoryServer) -> None:
    with directory.outlet() as outlet:
        outlet.put(municipal(42))
        assert outlet.put(municipal(41)) is Outcome.NEWER_HELD
        assert outlet.held(municipal()) == Held(42, municipal(42).digest)


def test_nothing_is_held_before_something_is_put(directory: DirectoryServer) -> None:
    with directory.outlet() as outlet:
        assert outlet.held(municipal()) is None
        outlet.put(municipal())
        assert outlet.held(municipal(ca=NEXT_SIGN_CA)) is None


def test_a_list_that_is_not_what_its_number_says_is_put_again(directory: DirectoryServer) -> None:
    """A number that is higher, in a list whose signature is none."""
    forged = raw_of(municipal(41)).replace(b"\x55\x1d\x14\x04\x03\x02\x01\x29", b"\x55\x1d\x14\x04\x03\x02\x01\x69")
    with directory.outlet() as outlet:
        outlet.put(municipal(40))
        assert directory.modify(POINT, LIST, forged) == 0
        found = outlet.held(municipal())
        assert found is not None
        assert found.number == 0x69
        assert outlet.put(municipal(41)) is Outcome.PUT
        assert outlet.held(municipal()) == Held(41, municipal(41).digest)


def test_bytes_that_are_not_the_recorded_ones_are_not_sent(directory: DirectoryServer) -> None:
    wrong = replace(municipal(42), pieces=lambda: [raw_of(municipal(43))])
    with directory.outlet() as outlet:
        outlet.put(municipal(41))
        with pytest.raises(ListBytesWrong):
            outlet.put(wrong)
        assert outlet.held(municipal()) == Held(41, municipal(41).digest)
        assert outlet.put(replace(municipal(42), pieces=list)) is Outcome.OVERTAKEN


def test_a_slow_publisher_of_an_older_list_does_not_come_last(directory: DirectoryServer) -> None:
    """Between a publisher's look at the entry and its change, another one changes it."""
    with directory.outlet() as outlet, directory.outlet() as other:
        outlet.put(municipal(40))

        def pieces() -> Iterator[bytes]:
            other.put(municipal(42))
            yield raw_of(municipal(41))

        assert outlet.put(replace(municipal(41), pieces=pieces)) is Outcome.NEWER_HELD
        assert outlet.held(municipal()) == Held(42, municipal(42).digest)


def test_two_publishers_of_a_new_entry_both_come_through(directory: DirectoryServer) -> None:
    with directory.outlet() as outlet, directory.outlet() as other:

        def pieces() -> Iterator[bytes]:
            other.put(municipal(42, NEXT_SIGN_CA))
            yield raw_of(municipal(41))

        assert outlet.put(replace(municipal(41), pieces=pieces)) is Outcome.PUT
    entry = directory.search(POINT)
    assert entry is not None
    assert len(entry[LIST]) == 2


def test_generations_that_publish_at_the_same_time_lose_nothing(directory: DirectoryServer) -> None:
    def publish(*numbers: int, ca: object) -> None:
        with directory.outlet() as outlet:
            for number in numbers:
                assert outlet.put(municipal(number, ca)) is Outcome.PUT  # type: ignore[arg-type]

    other = threading.Thread(target=publish, args=range(100, 130), kwargs={"ca": NEXT_SIGN_CA})
    other.start()
    publish(*range(30, 60), ca=AUTH_CA)
    other.join()
    with directory.outlet() as outlet:
        assert outlet.held(municipal(ca=NEXT_SIGN_CA)) == Held(129, municipal(129, NEXT_SIGN_CA).digest)
        assert outlet.held(municipal(ca=AUTH_CA)) == Held(59, municipal(59, AUTH_CA).digest)


@pytest.mark.parametrize("way", ["secure", "plain", "socket"])
def test_every_way_to_the_server_is_encrypted_or_local(directory: DirectoryServer, way: str) -> None:
    with directory.outlet(getattr(directory, way), authorities=directory.certificate) as outlet:
        assert outlet.name == getattr(directory, way)
        assert outlet.put(municipal()) is Outcome.PUT


def test_a_server_that_takes_no_login_in_the_clear_is_content_with_startTLS(make_directory: MakeDirectory) -> None:
    server = make_directory(more="security simple_bind=112\nlocalssf 128")
    with server.outlet(server.plain, authorities=server.certificate) as outlet:
        assert outlet.put(municipal()) is Outcome.PUT


def test_the_newest_lists_come_into_the_directory_and_a_second_round_finds_them(directory: DirectoryServer) -> None:
    copies = [municipal(city=f"{name}-shi", code=str(code)) for code, name in enumerate("ABCDEFGHIJ", start=13201)]
    copies += [complete(), delta()]
    with directory.outlet() as outlet:
        (first,) = bring_up_to_date([outlet], copies)
        (second,) = bring_up_to_date([outlet], copies)
    assert (first.number_of(Outcome.PUT), second.number_of(Outcome.HELD)) == (12, 12)
    assert first.errors == second.errors == ()


def test_the_configuration_that_the_page_prints_serves(make_directory: MakeDirectory) -> None:
    printed = re.findall(r"```slapd\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[0]
    placed = {
        "/etc/ldap/server": "<folder>/server",
        "/var/lib/ldap/jpki": "<folder>/database",
        "{SSHA}the-output-of-slappasswd": '"correct horse"',
    }
    for old, new in placed.items():
        assert old in printed
        printed = printed.replace(old, new)
    server = make_directory(configuration=printed.replace("{", "{{").replace("}", "}}").replace("<folder>", "{folder}"))
    with server.outlet(server.secure, authorities=server.certificate) as outlet:
        reports = bring_up_to_date([outlet], [complete(), municipal(), delta(), complete(ca=AUTH_CA)])
    assert reports[0].number_of(Outcome.PUT) == 4


def test_a_directory_for_other_names_says_which(make_directory: MakeDirectory) -> None:
    server = make_directory(suffix="o=Another,c=JP")
    with server.outlet() as outlet:
        with pytest.raises(NoSuchSuffix) as caught:
            outlet.put(municipal())
        assert outlet.held(municipal()) is None
    assert caught.value.facts == {"outlet": server.socket, "place": POINT, "suffixes": ("o=Another,c=JP",)}

"""Rounds of revocation lists: of everything, of each municipality, and deltas, all of one moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from authorities import BOTH, NOW, Applicants, PoolKeys, certificate_of, issue_one, issued, name_in, new_authority

from jpki.ca import (
    Authority,
    AuthoritySettings,
    ClockBehind,
    Issued,
    ListOrder,
    ListRefused,
    LoadedKey,
    delta_name,
    list_name,
    make_lists,
)
from jpki.formats import Certificate, CertificateList, Name, RevocationReason
from jpki.store import PublishedList, Scope, Store
from jpki.terms import Role

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SIGN, AUTH = BOTH
EVERYTHING = ListOrder(municipal=True)
DELTAS = replace(EVERYTHING, delta=True)
TOWNS = (
    ("13101", "Tokyo-to", "Chiyoda-ku"),
    ("13221", "Tokyo-to", "Kiyose-shi"),
    ("47348", "Okinawa-ken", "Aguni-son"),
)


@pytest.fixture
def people(authority: Authority, applicants: Applicants) -> list[Issued]:
    """One person in each of three municipalities, with both certificates."""
    wanted = [
        applicants.asks(
            applicants.person(municipality_code=code, prefecture_romaji=prefecture, municipality_romaji=name)
        )
        for code, prefecture, name in TOWNS
    ]
    return [issued(one) for one in authority.issue(wanted, NOW)]


def content(authority: Authority, published: PublishedList) -> CertificateList:
    with authority.store.snapshot() as view:
        return CertificateList.parse(b"".join(view.list_content(published)))


def of_role(authority: Authority, lists: tuple[PublishedList, ...], role: Role = SIGN) -> dict[str, PublishedList]:
    """Returns the lists of one authority by their municipality; "" is everything."""
    with authority.store.snapshot() as view:
        towns = {0: ""} | {point.id: point.municipality for point in view.points(role)}
    return {towns[one.scope.point]: one for one in lists if one.authority is role}


def numbers(authority: Authority, published: PublishedList) -> dict[int, RevocationReason]:
    return {entry.serial: entry.reason for entry in content(authority, published)}


def test_a_round_has_a_list_of_everything_and_one_of_each_municipality(
    authority: Authority, people: list[Issued]
) -> None:
    authority.revoke(name_in(people[1], SIGN), RevocationReason.KEY_COMPROMISE, NOW + HOUR)
    made = make_lists(authority, EVERYTHING, NOW + DAY)
    assert len(made) == 2 * (1 + len(TOWNS))
    assert {(one.number, one.this_update, one.base, one.urgent) for one in made} == {(1, NOW + DAY, 0, False)}
    found = {code: numbers(authority, one) for code, one in of_role(authority, made).items()}
    revoked = {name_in(people[1], SIGN).number: RevocationReason.KEY_COMPROMISE}
    assert found == {"": revoked, "13101": {}, "13221": revoked, "47348": {}}


@pytest.mark.parametrize("role", BOTH)
def test_a_municipalitys_list_names_the_point_of_its_certificates_octet_for_octet(
    authority: Authority, people: list[Issued], role: Role
) -> None:
    made = make_lists(authority, EVERYTHING, NOW + DAY)
    points = {content(authority, one).issuing_distribution_point for one in made if one.authority is role}
    names = {None if point is None or point.name is None else point.name.raw for point in points}
    own = {Certificate.parse(certificate_of(one, role).encoded).distribution_points[0].name for one in people}
    assert names == {None} | {name.raw for name in own if name is not None}
    assert all(point is not None and point.only_user_certificates for point in points)


def test_complete_lists_say_where_their_deltas_are_and_deltas_do_not(
    authority: Authority, people: list[Issued]
) -> None:
    subject = Certificate.parse(authority.certificates[SIGN].encoded).subject
    made = of_role(authority, make_lists(authority, EVERYTHING, NOW + DAY))
    for code, one in made.items():
        found = content(authority, one)
        point = found.issuing_distribution_point
        assert point is not None
        name = point.name.directory_names[0] if point.name is not None else subject
        assert [each.directory_names for each in found.freshest] == [(delta_name(name),)], code
    deltas = of_role(authority, make_lists(authority, DELTAS, NOW + 2 * DAY))
    assert all(content(authority, one).freshest == () for one in deltas.values())


def test_a_delta_tells_what_changed_since_the_newest_complete_list(authority: Authority, people: list[Issued]) -> None:
    held, kept = name_in(people[0], AUTH), name_in(people[1], AUTH)
    for name in (held, kept):
        authority.revoke(name, RevocationReason.CERTIFICATE_HOLD, NOW + HOUR)
    base = of_role(authority, make_lists(authority, EVERYTHING, NOW + DAY), AUTH)
    authority.release(held, NOW + DAY + HOUR)
    authority.revoke(name_in(people[2], AUTH), RevocationReason.KEY_COMPROMISE, NOW + DAY + HOUR)
    made = of_role(authority, make_lists(authority, DELTAS, NOW + DAY + 2 * HOUR), AUTH)
    ended = {held.number: RevocationReason.REMOVE_FROM_CRL}
    new = {name_in(people[2], AUTH).number: RevocationReason.KEY_COMPROMISE}
    assert {code: numbers(authority, one) for code, one in made.items()} == {
        "": ended | new,
        "13101": ended,
        "13221": {},
        "47348": new,
    }
    for code, one in made.items():
        found = content(authority, one)
        assert (found.number, found.delta_base, found.is_delta) == (base[code].number + 1, base[code].number, True)
        assert found.issuing_distribution_point == content(authority, base[code]).issuing_distribution_point
        assert (found.this_update, found.next_update) == (NOW + DAY + 2 * HOUR, NOW + 2 * DAY + 2 * HOUR)
    # The next complete list says the same, and the next delta goes on from there.
    again = of_role(authority, make_lists(authority, EVERYTHING, NOW + 2 * DAY), AUTH)
    assert numbers(authority, again[""]) == {kept.number: RevocationReason.CERTIFICATE_HOLD} | new
    assert numbers(authority, of_role(authority, make_lists(authority, DELTAS, NOW + 2 * DAY), AUTH)[""]) == {}


def test_an_empty_round_leaves_the_octets_of_the_newest_lists_alone(authority: Authority, people: list[Issued]) -> None:
    first = make_lists(authority, EVERYTHING, NOW + DAY)
    second = make_lists(authority, DELTAS, NOW + DAY)
    third = make_lists(authority, EVERYTHING, NOW + DAY)
    with authority.store.snapshot() as view:
        assert all(b"".join(view.list_content(one)) for one in (*second, *third))
        assert not any(list(view.list_content(one)) for one in first)
        newest = [one for role in BOTH for one in view.newest_lists(authority.certificates[role].name)]
    assert sorted(newest, key=str) == sorted((*second, *third), key=str)


def test_where_there_is_no_complete_list_yet_it_is_made_before_any_delta(
    authority: Authority, people: list[Issued], applicants: Applicants
) -> None:
    make_lists(authority, ListOrder(full=True), NOW + DAY)
    made = of_role(authority, make_lists(authority, DELTAS, NOW + DAY + HOUR))
    assert {code: one.base for code, one in made.items()} == {"": 1, "13101": 0, "13221": 0, "47348": 0}


def test_a_round_out_of_turn_is_marked_and_nothing_leaves_the_lists_by_it(
    authority: Authority, people: list[Issued]
) -> None:
    name = name_in(people[0], SIGN)
    authority.revoke(name, RevocationReason.KEY_COMPROMISE, NOW + HOUR)
    end = Certificate.parse(certificate_of(people[0], SIGN).encoded).not_after
    moments = [end + HOUR, end + 2 * HOUR, end + 3 * HOUR, end + 4 * HOUR]
    rounds = [make_lists(authority, replace(EVERYTHING, urgent=at < 2), moment) for at, moment in enumerate(moments)]
    for code in ("", "13101"):
        found = [of_role(authority, made)[code] for made in rounds]
        assert [one.urgent for one in found] == [True, True, False, False]
        assert [one.entries for one in found] == [1, 1, 1, 0]


def test_every_key_of_an_authority_has_its_lists_under_one_number(
    authority: Authority, keys: PoolKeys, people: list[Issued], applicants: Applicants
) -> None:
    keys._keys[SIGN, 2] = LoadedKey(applicants.keys.generate().private_key)
    authority.new_generation(SIGN, NOW + HOUR)
    second = certificate_of(issue_one(authority, applicants.asks(), NOW + HOUR), SIGN).name
    for name in (second, name_in(people[0], SIGN)):
        authority.revoke(name, RevocationReason.KEY_COMPROMISE, NOW + HOUR)
    made = [one for one in make_lists(authority, EVERYTHING, NOW + DAY) if one.authority is SIGN]
    assert {one.number for one in made} == {1}
    first_key, second_key = (own.name for own in authority.generations[SIGN])
    by_scope = {one.scope: numbers(authority, one).keys() for one in made}
    point = next(one.scope.point for one in made if one.entries and one.scope.point)
    assert by_scope[Scope(first_key)] == by_scope[Scope(first_key, point)] == {name_in(people[0], SIGN).number}
    assert by_scope[Scope(second_key)] == by_scope[Scope(second_key, point)] == {second.number}


def test_a_key_whose_certificate_has_ended_signs_no_lists(authority: Authority) -> None:
    end = authority.certificates[SIGN].not_after
    made = make_lists(authority, ListOrder(), end + HOUR)
    assert [one for one in made if one.authority is SIGN] == []


def test_a_moment_before_any_of_the_newest_lists_is_refused(authority: Authority, people: list[Issued]) -> None:
    made = make_lists(authority, ListOrder(full=False, municipal=True, roles=(AUTH,)), NOW + DAY)
    assert {one.authority for one in made} == {AUTH}
    with pytest.raises(ClockBehind) as caught:
        make_lists(authority, ListOrder(), NOW + DAY - HOUR)
    assert (caught.value.role, caught.value.last) == (AUTH, NOW + DAY)
    assert {one.number for one in make_lists(authority, ListOrder(roles=(SIGN,)), NOW + DAY - HOUR)} == {1}


def test_an_authority_without_deltas_makes_none_and_does_not_speak_of_any(
    tmp_path: Path, keys: PoolKeys, applicants: Applicants
) -> None:
    with new_authority(tmp_path, keys, AuthoritySettings(deltas=False)) as authority:
        issue_one(authority, applicants.asks())
        made = make_lists(authority, EVERYTHING, NOW + DAY)
        assert all(content(authority, one).freshest == () for one in made)
        with pytest.raises(ListRefused):
            make_lists(authority, DELTAS, NOW + DAY)
        assert not authority.settings.deltas
    with Authority(Store.open(tmp_path / "authority.sqlite3"), keys) as authority:
        assert not authority.settings.deltas


def test_an_interrupted_round_leaves_whole_lists_and_the_next_one_makes_all(
    authority: Authority, people: list[Issued], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jpki.ca.list_rounds._LISTS_AT_ONCE", 3)
    sign = authority.issuer(AUTH).sign_digest
    signed = []

    def killed(_: object, digest: bytes) -> bytes:
        if len(signed) == 3:
            raise KeyboardInterrupt
        signed.append(digest)
        return sign(digest)

    with monkeypatch.context() as patch:
        patch.setattr("jpki.ca.issuer.Issuer.sign_digest", killed)
        with pytest.raises(KeyboardInterrupt):
            make_lists(authority, replace(EVERYTHING, roles=(AUTH,)), NOW + DAY)
    # Four lists there are: three were recorded, the fourth was not, and nothing was signed behind it.
    with authority.store.snapshot() as view:
        left = view.newest_lists(authority.certificates[AUTH].name)
    assert [one.number for one in left] == [1, 1, 1]
    again = make_lists(authority, EVERYTHING, NOW + DAY)
    assert {one.number for one in again if one.authority is AUTH} == {2}
    assert len(again) == 2 * (1 + len(TOWNS))


def test_a_list_that_does_not_say_what_was_meant_stops_the_round(
    authority: Authority, people: list[Issued], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jpki.ca.issuer.Issuer.sign_digest", lambda _, digest: bytes(256))
    with pytest.raises(ListRefused):
        make_lists(authority, EVERYTHING, NOW + DAY)
    monkeypatch.undo()
    with authority.store.snapshot() as view:
        assert view.newest_lists(authority.certificates[SIGN].name) == ()


def test_no_room_for_the_entries_of_a_long_list_is_an_error_and_nothing_is_recorded(
    authority: Authority, people: list[Issued], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    authority.revoke(name_in(people[0], SIGN), RevocationReason.KEY_COMPROMISE, NOW + HOUR)
    monkeypatch.setattr("jpki.ca.list_octets.Spool.add", full)
    with pytest.raises(ListRefused) as caught:
        make_lists(authority, EVERYTHING, NOW + DAY)
    assert caught.value.problem == "No space left on device"
    monkeypatch.undo()
    assert {one.number for one in make_lists(authority, EVERYTHING, NOW + DAY)} == {2}


def test_the_name_of_deltas_stands_below_the_name_of_their_lists() -> None:
    issuer = Name.of(("C", "JP"), ("O", "JPKI-TEST"))
    assert str(delta_name(issuer)) == "C=JP, O=JPKI-TEST, CN=Delta CRL"
    assert delta_name(issuer).raw == Name.of(("C", "JP"), ("O", "JPKI-TEST"), ("CN", "Delta CRL")).raw


def test_lists_are_looked_for_under_the_point_or_else_the_authority(authority: Authority) -> None:
    issuer = Certificate.parse(authority.certificates[SIGN].encoded)
    point = Name.of(("C", "JP"), ("CN", "Kiyose-shi CRLDP"))
    assert list_name(issuer, None, delta=False) == issuer.subject
    assert list_name(issuer, None, delta=True) == delta_name(issuer.subject)
    assert list_name(issuer, point, delta=False) == point
    assert list_name(issuer, point, delta=True) == delta_name(point)

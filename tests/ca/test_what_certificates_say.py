"""What a certificate says that the authority issued: of its holder's municipality, of the office, of the authority."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from authorities import BOTH, NOW, Applicants, PoolKeys, certificate_of, issue_one

from jpki.ca import Authority, AuthoritySettings
from jpki.formats import Certificate
from jpki.store import Store
from jpki.terms import JST, Role

SETTINGS = AuthoritySettings(
    ocsp_sign_host="ocsp.sign.example", ocsp_auth_host="ocsp.auth.example:8080", cps_host="cps.example", counter="A1Z9"
)
PLACE = {
    "municipality_code": "14103",
    "prefecture": "神奈川県",
    "municipality": "横浜市西区",
    "prefecture_romaji": "Kanagawa-ken",
    "municipality_romaji": "Yokohama-shi Nishi-ku",
}
PURPOSE = {Role.SIGNATURE: "JPKI for digital signature", Role.AUTHENTICATION: "JPKI for user authentication"}
OCSP = {Role.SIGNATURE: "http://ocsp.sign.example", Role.AUTHENTICATION: "http://ocsp.auth.example:8080"}
RANDOM = bytes.fromhex("0123456789ABCD"), bytes.fromhex("FEDCBA98765432")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Authority]:
    """An office of its own hosts and counter, and with a source of randomness that is known."""
    given = itertools.cycle(RANDOM)
    store = Store.create(tmp_path / "office.sqlite3")
    with Authority.create(store, PoolKeys(), SETTINGS, NOW, random=lambda count: next(given)[:count]) as made:
        yield made


def issued(
    authority: Authority, applicants: Applicants, role: Role, at: datetime = NOW, **different: object
) -> Certificate:
    """Returns the certificate of another person."""
    outcome = issue_one(authority, applicants.asks(applicants.person(**different), [role]), at)
    return Certificate.parse(certificate_of(outcome, role).encoded)


def test_a_signature_certificate_names_prefecture_municipality_moment_number_and_office(
    office: Authority, applicants: Applicants
) -> None:
    # Half past seven in the evening in London is the next morning in Japan.
    at = datetime(2026, 12, 31, 19, 30, 15, tzinfo=UTC)
    found = issued(office, applicants, Role.SIGNATURE, at, **PLACE)
    # 01000002 in hexadecimal is 16777218.
    assert str(found.subject) == "C=JP, L=Kanagawa-ken, L=Yokohama-shi Nishi-ku, CN=202701010430157721814103A1Z9"
    assert issued(office, applicants, Role.SIGNATURE, at.astimezone(JST)).subject.common_name == (
        "202701010430157721913101A1Z9"
    )


def test_an_authentication_certificate_names_chance_municipality_and_office(
    office: Authority, applicants: Applicants
) -> None:
    names = [str(issued(office, applicants, Role.AUTHENTICATION, **PLACE).subject) for _ in range(2)]
    assert names == ["C=JP, CN=0123456789ABCD14103A1Z9", "C=JP, CN=FEDCBA9876543214103A1Z9"]


def test_chance_is_another_for_each_certificate(authority: Authority, applicants: Applicants) -> None:
    found = {issued(authority, applicants, Role.AUTHENTICATION).subject.common_name for _ in range(20)}
    assert len({name[:14] for name in found if name}) == 20


@pytest.mark.parametrize("role", BOTH)
def test_distribution_point_and_addresses_are_those_of_municipality_and_settings(
    office: Authority, applicants: Applicants, role: Role
) -> None:
    for place, city in ((PLACE, "OU=Kanagawa-ken, CN=Yokohama-shi Nishi-ku"), ({}, "OU=Tokyo-to, CN=Chiyoda-ku")):
        found = issued(office, applicants, role, **place)
        (point,) = found.distribution_points
        assert [str(name) for name in point.directory_names] == [
            f"C=JP, O=JPKI-TEST, OU={PURPOSE[role]}, OU=CRL Distribution Points, {city} CRLDP"
        ]
        assert (found.ocsp_urls, found.cps_urls) == ((OCSP[role],), ("http://cps.example/cps.html",))


@pytest.mark.parametrize("role", BOTH)
def test_the_authority_is_named_by_name_key_and_number(office: Authority, applicants: Applicants, role: Role) -> None:
    own = Certificate.parse(office.certificates[role].encoded)
    found = issued(office, applicants, role)
    assert found.issuer == own.subject
    assert found.authority_key_id is not None
    assert (found.authority_key_id.key_id, found.authority_key_id.issuer, found.authority_key_id.serial) == (
        own.subject_key_id,
        own.subject,
        0x0100_0001,
    )


def test_nothing_in_a_certificate_names_the_real_authority(office: Authority, applicants: Applicants) -> None:
    for role in BOTH:
        for written in (issued(office, applicants, role).raw, office.certificates[role].encoded):
            assert b"jpki.go.jp" not in written
            assert b"\x0c\x04JPKI" not in written  # as an organisation
            assert b"JPKI-TEST" in written
            assert "公的個人認証サービス（テスト）".encode() in written
            assert bytes.fromhex("2A83088C9B55080501 01".replace(" ", "")) not in written  # Japan's signature policies
            assert bytes.fromhex("2A83088C9B5508050103") not in written  # and for authentication

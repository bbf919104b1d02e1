"""What may stand in a certificate: names, hosts, numbers, attributes of any length."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from issued import COMMON_NAMES, DAY, HANAKO, OTHER_KEY, holder, holder_tbs, key

from jpki.formats import BadHost, FormatError, Hosts, load_certificate_profile
from jpki.terms import FourAttributes, Role


@pytest.mark.parametrize(
    ("role", "different"),
    [
        (Role.SIGNATURE, {"attributes": None}),
        (Role.AUTHENTICATION, {"attributes": HANAKO}),
        (Role.SIGNATURE, {"common_name": COMMON_NAMES[Role.AUTHENTICATION]}),
        (Role.AUTHENTICATION, {"common_name": COMMON_NAMES[Role.SIGNATURE]}),
        (Role.AUTHENTICATION, {"common_name": COMMON_NAMES[Role.AUTHENTICATION] + "\n"}),
        (Role.AUTHENTICATION, {"serial": 0}),
        (Role.AUTHENTICATION, {"serial": -1}),
        (Role.AUTHENTICATION, {"serial": 1 << 159}),
        (Role.AUTHENTICATION, {"public_key_info": b""}),
        (Role.AUTHENTICATION, {"public_key_info": key(OTHER_KEY).public_key_info + b"\0"}),
        (
            Role.SIGNATURE,
            {"attributes": FourAttributes("\ud800", "0", HANAKO.address, "0", HANAKO.birth_date, HANAKO.sex)},
        ),
    ],
)
def test_a_certificate_that_does_not_fit_its_profile_is_not_made(role: Role, different: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        holder_tbs(role, **different)


def test_the_largest_serial_number_has_20_octets() -> None:
    assert holder(Role.AUTHENTICATION, serial=(1 << 159) - 1).serial == (1 << 159) - 1


@pytest.mark.parametrize("length", [1, 36, 37, 42, 43, 84, 85, 200, 4000])
def test_an_attribute_of_any_length_is_written_and_read(length: int) -> None:
    long = FourAttributes("名" * length, "0" * length, "所" * length, "1" * length, HANAKO.birth_date, HANAKO.sex)
    assert holder(Role.SIGNATURE, attributes=long).attributes == long


@pytest.mark.parametrize(
    ("host", "problem"),
    [
        ("jpki.go.jp", "live"),
        ("ocspauthnorm.jpki.go.jp", "live"),
        ("WWW.JPKI.GO.JP", "live"),
        ("www.jpki.go.jp:80", "live"),
        ("www.jpki.go.jp.", "form"),
        ("", "form"),
        ("-a.example", "form"),
        ("a..example", "form"),
        ("a.example/path", "form"),
        ("user@a.example", "form"),
        ("a.example:", "form"),
        ("a.example:port", "form"),
        ("a.example\n", "form"),
        ("例.example", "form"),
        ("a." * 130 + "example", "form"),
    ],
)
def test_a_host_that_may_not_stand_in_a_certificate_is_refused(host: str, problem: str) -> None:
    for make in (lambda: Hosts(ocsp=host, cps="a.example"), lambda: Hosts(ocsp="a.example", cps=host)):
        with pytest.raises(BadHost) as caught:
            make()
        assert caught.value.facts == {"host": host, "problem": problem}


@pytest.mark.parametrize("host", ["notjpki.go.jp", "localhost", "127.0.0.1:8080", "jpki.go.jp.example"])
def test_another_host_is_taken(host: str) -> None:
    assert Hosts(ocsp=host, cps=host).ocsp == host


def test_a_common_name_for_signing_is_made_of_the_time_in_japan_sequence_and_office() -> None:
    profile = load_certificate_profile("sign")
    name = profile.common_name(
        requested_at=datetime(2026, 11, 21, 15, 0, 1, tzinfo=UTC), sequence=42, office="131010001"
    )
    assert name == "2026112200000100042131010001"


def test_a_common_name_for_authentication_is_made_of_chance_municipality_and_four_more() -> None:
    profile = load_certificate_profile("auth")
    name = profile.common_name(random="A1B2C3D4E5F6G7", municipality_code="13101", suffix="001Z")
    assert name == "A1B2C3D4E5F6G713101001Z"
    assert len(name) == 23


@pytest.mark.parametrize(
    ("profile", "parts"),
    [
        ("sign", {"requested_at": DAY, "sequence": 100_000, "office": "131010001"}),
        ("sign", {"requested_at": DAY, "sequence": 1, "office": "13101000"}),
        ("sign", {"requested_at": DAY, "sequence": "1", "office": "131010001"}),
        ("sign", {"requested_at": DAY, "sequence": 1}),
        ("auth", {"random": "a1b2c3d4e5f6g7", "municipality_code": "13101", "suffix": "0001"}),
        ("auth", {"random": "A" * 13, "municipality_code": "131012", "suffix": "0001"}),
        ("ca-auth", {}),
    ],
)
def test_a_common_name_of_another_form_is_not_made(profile: str, parts: dict[str, str | int | datetime]) -> None:
    with pytest.raises(FormatError):
        load_certificate_profile(profile).common_name(**parts)


def test_former_name_and_alias_are_written_by_the_signature_profile_s_forms() -> None:
    profile = load_certificate_profile("sign")
    assert profile.former_name_format.format(family="公的", former="認証", given="花子") == "公的［認証］　花子"
    assert profile.alias_format.format(name="SMITH JOHN", alias="須美　譲") == "SMITH JOHN（須美　譲）"

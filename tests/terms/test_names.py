"""Roles, and certificates by authority and number."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpki.errors import BadInput
from jpki.terms import BadCertificateName, CertificateName, Role


@pytest.mark.parametrize(
    ("text", "authority", "number"),
    [
        ("sign:06D18006", Role.SIGNATURE, 0x06D18006),
        ("auth:0133C349", Role.AUTHENTICATION, 0x0133C349),
        ("auth:133c349", Role.AUTHENTICATION, 0x0133C349),
        (" sign:1 ", Role.SIGNATURE, 1),
    ],
)
def test_a_certificate_is_named_by_authority_and_number(text: str, authority: Role, number: int) -> None:
    assert CertificateName.parse(text) == CertificateName(authority, number)


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, "sign:00000001"), (0x06D18006, "sign:06D18006"), (0x1_0000_0000, "sign:0100000000")],
)
def test_a_number_is_written_in_whole_octets_at_least_four(number: int, text: str) -> None:
    assert str(CertificateName(Role.SIGNATURE, number)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "06D18006",
        "sign:",
        "sign:06D1800G",
        "signature:06D18006",
        "sign:06D18006,auth:1",
        "sign:-1",
        "sign:" + "0" * 41,
    ],
)
def test_what_names_no_certificate_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(BadCertificateName) as caught:
        CertificateName.parse(text)
    assert caught.value.text == text
    assert isinstance(caught.value, BadInput)


@given(st.sampled_from(Role), st.integers(0, 2**160 - 1))
def test_a_written_name_is_read_as_the_same_certificate(authority: Role, number: int) -> None:
    assert CertificateName.parse(str(CertificateName(authority, number))) == CertificateName(authority, number)


@given(st.text())
def test_any_text_is_a_name_or_is_refused(text: str) -> None:
    with contextlib.suppress(BadCertificateName):
        name = CertificateName.parse(text)
        assert CertificateName.parse(str(name)) == name


def test_the_same_number_of_the_other_authority_is_another_certificate() -> None:
    assert CertificateName(Role.SIGNATURE, 7) != CertificateName(Role.AUTHENTICATION, 7)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_is_found_by_its_short_and_its_long_word(role: Role) -> None:
    assert Role.from_short(role.short) is role
    assert Role.from_short(role.value) is role
    assert role.other.other is role
    assert role.other is not role


def test_no_role_has_another_word() -> None:
    with pytest.raises(ValueError, match="seal"):
        Role.from_short("seal")

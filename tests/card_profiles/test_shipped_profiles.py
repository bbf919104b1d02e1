"""The profiles that ship with the toolkit."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from card_profiles import (
    Access,
    CardProfile,
    NoSuchProfile,
    SigningScheme,
    Write,
    load_profile,
    load_profile_file,
    profile_names,
)
from jpki.terms import Pin, Role

FOLDER = Path(__file__).parent.parent.parent / "card_profiles"


def differences(one: object, other: object, where: str = "") -> set[str]:
    """Names every value that differs, by its place in the profile."""
    if one == other:
        return set()
    if isinstance(one, Access):
        return {where}
    if hasattr(one, "__dataclass_fields__"):
        parts = [(field.name, getattr(one, field.name), getattr(other, field.name)) for field in fields(one)]  # type: ignore[arg-type]
    elif isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        parts = [(str(getattr(key, "value", key)), one[key], other[key]) for key in one]
    elif isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        names = [getattr(item, "name", None) or f"{getattr(item, 'id', 0):04X}" for item in one]
        parts = list(zip(names, one, other, strict=True))
    else:
        return {where}
    return set().union(*(differences(a, b, f"{where}.{name}".lstrip(".")) for name, a, b in parts))


def test_both_kinds_of_card_ship() -> None:
    assert profile_names() == ("android", "mynumber")


@pytest.mark.parametrize("name", profile_names())
def test_a_shipped_profile_loads_under_its_own_name_with_titles_in_two_languages(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    assert profile.titles.keys() == {"ja", "en"}


@pytest.mark.parametrize("name", profile_names())
def test_a_shipped_profile_reads_the_same_as_a_file_of_ones_own(name: str) -> None:
    assert load_profile_file(FOLDER / f"{name}.toml") == load_profile(name)


def test_an_unknown_name_is_answered_with_those_that_are_known() -> None:
    with pytest.raises(NoSuchProfile) as caught:
        load_profile("jpki-next")
    assert caught.value.facts == {"name": "jpki-next", "known": ("android", "mynumber")}


def test_a_path_is_no_name_of_a_profile() -> None:
    with pytest.raises(NoSuchProfile):
        load_profile("../card_profiles/mynumber")


def test_the_card_has_five_applications_and_the_phone_one() -> None:
    names = {name: [application.name for application in load_profile(name).applications] for name in profile_names()}
    assert names == {"mynumber": ["jpki", "common", "residents", "surface", "input_helper"], "android": ["jpki"]}


def test_the_phone_differs_besides_in_its_label_its_atr_and_the_reading_of_one_file() -> None:
    card, phone = load_profile("mynumber"), load_profile("android")
    assert differences(replace(card, applications=(card.jpki,)), phone) == {
        "name",
        "titles.ja",
        "titles.en",
        "atr",
        "applications.jpki.token.label",
        "applications.jpki.files.000A.read",
        "applications.jpki.roles.authentication.certificate.read",
    }


@pytest.mark.parametrize(
    ("name", "label", "access"),
    [
        ("mynumber", "JPKIAPICCTOKEN2", Access(free=True)),
        ("android", "JPKIAPGPSETOKEN", Access(free=False, pins=("authentication",))),
    ],
)
def test_label_and_access_tell_card_and_phone_apart(name: str, label: str, access: Access) -> None:
    jpki = load_profile(name).jpki
    assert jpki.token is not None
    assert jpki.token.label == label
    assert jpki.roles[Role.AUTHENTICATION].certificate.read == access


@pytest.fixture(params=profile_names())
def profile(request: pytest.FixtureRequest) -> CardProfile:
    return load_profile(request.param)


@pytest.mark.parametrize(
    ("role", "ids", "tries"),
    [(Role.SIGNATURE, (0x001A, 0x001B, 0x0001, 0x0002), 5), (Role.AUTHENTICATION, (0x0017, 0x0018, 0x000A, 0x000B), 3)],
)
def test_a_role_has_its_key_pin_and_files(profile: CardProfile, role: Role, ids: tuple[int, ...], tries: int) -> None:
    files = profile.jpki.roles[role]
    assert files.role is role
    assert (files.key.file, files.pin.file, files.certificate.id, files.authority_certificate.id) == ids
    assert files.pin.tries == tries
    assert files.key.pins == (role.value,)
    assert files.pin.blocked == 0x6984


@pytest.mark.parametrize(
    ("role", "pin", "accepted"),
    [
        (Role.SIGNATURE, "ABC123", True),
        (Role.SIGNATURE, "A" * 16, True),
        (Role.SIGNATURE, "ABC12", False),
        (Role.SIGNATURE, "A" * 17, False),
        (Role.SIGNATURE, "abc123", False),
        (Role.SIGNATURE, "ＡＢＣ１２３", False),
        (Role.SIGNATURE, "ABC123\n", False),
        (Role.AUTHENTICATION, "1234", True),
        (Role.AUTHENTICATION, "123", False),
        (Role.AUTHENTICATION, "12345", False),
        (Role.AUTHENTICATION, "12A4", False),
        (Role.AUTHENTICATION, "", False),
    ],
)
def test_a_pin_has_the_form_that_the_card_asks_for(profile: CardProfile, role: Role, pin: str, accepted: bool) -> None:
    assert profile.jpki.roles[role].pin.accepts(Pin(pin)) is accepted


def test_short_identifiers_reach_up_to_1e(profile: CardProfile) -> None:
    for file_id, file in profile.jpki.by_id.items():
        own = getattr(file, "file", None) or getattr(file, "id", None)
        if hasattr(file, "short_id") and own == file_id:
            assert file.short_id == (file_id if file_id <= 0x1E else None)


def test_a_waiting_key_stands_at_its_own_identifier(profile: CardProfile) -> None:
    for key in profile.jpki.keys.values():
        assert profile.jpki.by_id[key.file] is key
        assert profile.jpki.by_id[key.next_file] is key
        assert key.next_file > 0x1E


def test_no_transparent_file_with_a_private_purpose_is_open(profile: CardProfile) -> None:
    jpki = profile.jpki
    assert jpki.roles[Role.SIGNATURE].certificate.read == Access(free=False, pins=("signature",))
    for role in Role:
        assert jpki.roles[role].next_certificate.read.never
        assert jpki.roles[role].certificate.write is Write.PERSONALISATION
        assert jpki.roles[role].next_certificate.write is Write.ISSUER


def test_every_signing_scheme_has_its_parameter(profile: CardProfile) -> None:
    assert {scheme: profile.jpki.parameter_of(scheme) for scheme in SigningScheme} == {
        SigningScheme.PKCS1: 0,
        SigningScheme.PKCS1_BARE_SHA256: 1,
        SigningScheme.PKCS1_SHA256_PREHASHED: 2,
        SigningScheme.PKCS1_SHA256: 3,
        SigningScheme.PSS_SHA256_PREHASHED: 4,
        SigningScheme.PSS_SHA256: 5,
    }


def test_an_application_that_a_card_lacks_is_a_key_error(profile: CardProfile) -> None:
    with pytest.raises(KeyError, match="driving"):
        profile.application("driving")

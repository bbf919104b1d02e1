"""Certificates over keys that are none, as a spoilt or false card may show them: an error, and no traceback."""

from __future__ import annotations

from dataclasses import replace

import pytest
from certified_cards import AUTH_PIN, LENGTHS, certified_state
from issuing import CHALLENGE, SERIAL, session_with
from odd_certificates import with_public_key
from prime_pool import PrimePool

from card_profiles import CardProfile
from emulator import EmulatedCard, VolatileMemory, create_blank
from jpki.card import (
    CardPrivateKey,
    Encoded,
    JpkiApplication,
    KeyMismatch,
    LocalConnection,
    Resolving,
    certified_key,
)
from jpki.formats import Certificate, FormatError, rsa_public_key_info
from jpki.terms import Role

ROLE = Role.AUTHENTICATION
RIGHT = certified_state().applications["jpki"].files[0x000A][: LENGTHS[ROLE]]
MODULUS = Certificate.parse(RIGHT).public_key.modulus
NO_KEYS = {
    "exponent 1": (MODULUS, 1),
    "an even exponent": (MODULUS, 65_536),
    "an exponent above the modulus": (MODULUS, MODULUS + 2),
    "modulus 1": (1, 1),
}
EC_KEY = bytes.fromhex("3059301306072A8648CE3D020106082A8648CE3D03010703420004") + bytes(64)


def card_with(profile: CardProfile, certificate: bytes) -> EmulatedCard:
    state = certified_state()
    contents = state.applications["jpki"]
    files = {**contents.files, 0x000A: certificate.ljust(4096, b"\xff")}
    return EmulatedCard(profile, VolatileMemory(state.with_application("jpki", replace(contents, files=files))))


@pytest.mark.parametrize("numbers", NO_KEYS.values(), ids=NO_KEYS.keys())
def test_a_certificate_of_no_key_makes_no_private_key(profile: CardProfile, numbers: tuple[int, int]) -> None:
    device = card_with(profile, with_public_key(RIGHT, rsa_public_key_info(*numbers)))
    with (
        LocalConnection(device) as connection,
        JpkiApplication.select(Resolving(Encoded(connection)), profile) as jpki,
        pytest.raises(KeyMismatch) as caught,
    ):
        CardPrivateKey.of(jpki, ROLE)
    assert caught.value.role is ROLE


def test_a_certificate_of_another_kind_of_key_is_told(profile: CardProfile) -> None:
    device = card_with(profile, with_public_key(RIGHT, EC_KEY))
    with (
        LocalConnection(device) as connection,
        JpkiApplication.select(Resolving(Encoded(connection)), profile) as jpki,
        pytest.raises(FormatError, match="not RSA"),
    ):
        CardPrivateKey.of(jpki, ROLE)


@pytest.mark.parametrize("numbers", NO_KEYS.values(), ids=NO_KEYS.keys())
def test_a_certificate_of_no_key_is_not_proved(profile: CardProfile, numbers: tuple[int, int]) -> None:
    with (
        create_blank(profile, SERIAL, keys=PrimePool(5), strict=True) as blank,
        session_with(blank, profile) as session,
    ):
        session.generate_key(ROLE)
        session.set_initial_pin(ROLE, AUTH_PIN)
        with pytest.raises(KeyMismatch):
            session.prove(ROLE, with_public_key(RIGHT, rsa_public_key_info(*numbers)), AUTH_PIN, CHALLENGE)


def test_the_certified_key_is_the_one_of_the_certificate() -> None:
    numbers = certified_key(Certificate.parse(RIGHT), ROLE).public_numbers()
    assert (numbers.n, numbers.e) == (MODULUS, 65_537)

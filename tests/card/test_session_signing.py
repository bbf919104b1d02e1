"""Signing in a session."""

from __future__ import annotations

from dataclasses import replace

import pytest
from certified_cards import BOTH, PINS, SIGN_PASSWORD
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from logins import SELECT_JPKI
from session_cards import DIGEST_INFO, public_key

from card_profiles import CardProfile, SigningScheme
from emulator import EmulatedCard
from jpki.card import (
    BadAnswer,
    Card,
    CardRefused,
    Exchange,
    Faulty,
    JpkiApplication,
    PinNeeded,
    SchemeMissing,
    answering,
)
from jpki.formats import StatusWord, digest_info
from jpki.terms import Role

SIGNATURE, AUTHENTICATION = Role.SIGNATURE, Role.AUTHENTICATION


def sha256(data: bytes) -> bytes:
    digest = Hash(SHA256())
    digest.update(data)
    return digest.finalize()


MESSAGE = "署名する文書".encode()
PSS = padding.PSS(padding.MGF1(SHA256()), 32)
SCHEMES = {
    SigningScheme.PKCS1: (digest_info("sha256", sha256(MESSAGE)), padding.PKCS1v15()),
    SigningScheme.PKCS1_SHA256_PREHASHED: (sha256(MESSAGE), padding.PKCS1v15()),
    SigningScheme.PKCS1_SHA256: (MESSAGE, padding.PKCS1v15()),
    SigningScheme.PSS_SHA256_PREHASHED: (sha256(MESSAGE), PSS),
    SigningScheme.PSS_SHA256: (MESSAGE, PSS),
}


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.value)
def test_each_scheme_signs_the_message_with_the_key_of_the_role(
    card: Card, profile: CardProfile, scheme: SigningScheme, role: Role
) -> None:
    data, pad = SCHEMES[scheme]
    with JpkiApplication.select(card, profile) as jpki:
        jpki.verify_pin(role, PINS[role])
        signature = jpki.sign(role, data, scheme)
    public_key(role).verify(signature, MESSAGE, pad, SHA256())


def test_a_bare_hash_is_signed_without_a_digest_info(card: Card, profile: CardProfile) -> None:
    with JpkiApplication.select(card, profile) as jpki:
        jpki.verify_pin(SIGNATURE, SIGN_PASSWORD)
        signature = jpki.sign(SIGNATURE, MESSAGE, SigningScheme.PKCS1_BARE_SHA256)
    public_key(SIGNATURE).verify(signature, sha256(MESSAGE), padding.PKCS1v15(), NoDigestInfo())


@pytest.mark.parametrize("role", BOTH)
def test_the_pin_of_one_role_does_not_sign_for_the_other(card: Card, profile: CardProfile, role: Role) -> None:
    with JpkiApplication.select(card, profile) as jpki:
        jpki.verify_pin(role.other, PINS[role.other])
        with pytest.raises(PinNeeded) as caught:
            jpki.sign(role, DIGEST_INFO)
    assert caught.value.role is role


def test_a_scheme_that_the_card_does_not_have_is_refused_here(
    card: Card, profile: CardProfile, trace: list[Exchange]
) -> None:
    schemes = {p1: scheme for p1, scheme in profile.jpki.schemes.items() if scheme is not SigningScheme.PSS_SHA256}
    poorer = replace(profile, applications=(replace(profile.jpki, schemes=schemes),))
    with JpkiApplication.select(card, poorer) as jpki:
        jpki.verify_pin(SIGNATURE, SIGN_PASSWORD)
        trace.clear()
        with pytest.raises(SchemeMissing) as caught:
            jpki.sign(SIGNATURE, MESSAGE, SigningScheme.PSS_SHA256)
    assert caught.value.scheme == "pss-sha256"
    assert trace == []


def test_a_refused_command_is_named_with_its_status(card: Card, profile: CardProfile) -> None:
    with JpkiApplication.select(card, profile) as jpki:
        jpki.verify_pin(SIGNATURE, SIGN_PASSWORD)
        with pytest.raises(CardRefused) as caught:
            jpki.sign(SIGNATURE, bytes(246))
    assert (caught.value.command, caught.value.status) == ("COMPUTE DIGITAL SIGNATURE", StatusWord(0x6700))


def test_a_signature_of_another_length_is_not_taken(card: Card, profile: CardProfile) -> None:
    with JpkiApplication.select(Faulty(card, at=3, fault=answering(0x9000, bytes(255))), profile) as jpki:
        jpki.verify_pin(SIGNATURE, SIGN_PASSWORD)
        with pytest.raises(BadAnswer):
            jpki.sign(SIGNATURE, DIGEST_INFO)


def test_a_login_that_the_card_lost_is_noticed(device: EmulatedCard, card: Card, profile: CardProfile) -> None:
    with JpkiApplication.select(card, profile) as jpki:
        jpki.verify_pin(SIGNATURE, SIGN_PASSWORD)
        device.power_off()
        device.transmit(SELECT_JPKI)
        with pytest.raises(PinNeeded):
            jpki.sign(SIGNATURE, DIGEST_INFO)
        assert not jpki.verified(SIGNATURE)

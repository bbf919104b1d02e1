"""PINs in a session: tries left, verification and change."""

from __future__ import annotations

import pytest
from cards_in_files import with_tries
from certified_cards import AUTH_PIN, BOTH, PINS, SIGN_PASSWORD, certified_state
from session_cards import DIGEST_INFO, WRONG, card_of

from card_profiles import CardProfile
from emulator import EmulatedCard
from jpki.card import (
    BadPinForm,
    Card,
    CardRemoved,
    Exchange,
    Faulty,
    JpkiApplication,
    LastTry,
    PinBlocked,
    PinNeeded,
    WrongPin,
    answering,
    lost,
)
from jpki.terms import Pin, Role

SIGNATURE, AUTHENTICATION = Role.SIGNATURE, Role.AUTHENTICATION


BAD_FORMS = [
    (SIGNATURE, "abc123"),
    (SIGNATURE, "ABC12"),
    (SIGNATURE, "A" * 17),
    (SIGNATURE, "ABC 123"),
    (SIGNATURE, "ABC123\n"),
    (SIGNATURE, "ＡＢＣ１２３"),
    (AUTHENTICATION, ""),
    (AUTHENTICATION, "123"),
    (AUTHENTICATION, "12345"),
    (AUTHENTICATION, "12a4"),
    (AUTHENTICATION, "１２３４"),
]


@pytest.mark.parametrize(("role", "text"), BAD_FORMS)
def test_a_pin_of_the_wrong_form_never_reaches_the_card(
    card: Card, profile: CardProfile, trace: list[Exchange], role: Role, text: str
) -> None:
    with JpkiApplication.select(card, profile) as jpki:
        trace.clear()
        with pytest.raises(BadPinForm) as caught:
            jpki.verify_pin(role, Pin(text))
    assert trace == []
    assert caught.value.role is role
    assert (caught.value.shortest, caught.value.longest) == ((6, 16) if role is SIGNATURE else (4, 4))
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize("role", BOTH)
def test_wrong_pins_count_down_to_blocked_and_leave_the_other_pin_alone(
    card: Card, profile: CardProfile, role: Role
) -> None:
    tries = profile.jpki.roles[role].pin.tries
    with JpkiApplication.select(card, profile) as jpki:
        for left in reversed(range(tries)):
            with pytest.raises(WrongPin) as caught:
                jpki.verify_pin(role, WRONG[role])
            assert (caught.value.role, caught.value.tries_left) == (role, left)
        with pytest.raises(PinBlocked) as blocked:
            jpki.verify_pin(role, PINS[role])
        assert blocked.value.role is role
        assert jpki.tries_left(role) == 0
        jpki.verify_pin(role.other, PINS[role.other])
        assert jpki.sign(role.other, DIGEST_INFO)


def test_isos_word_for_blocked_is_understood_too(card: Card, profile: CardProfile) -> None:
    with (
        JpkiApplication.select(Faulty(card, at=2, fault=answering(0x6983)), profile) as jpki,
        pytest.raises(PinBlocked),
    ):
        jpki.verify_pin(SIGNATURE, SIGN_PASSWORD)


def test_a_wrong_pin_without_a_count_is_a_wrong_pin(card: Card, profile: CardProfile) -> None:
    with (
        JpkiApplication.select(Faulty(card, at=2, fault=answering(0x6300)), profile) as jpki,
        pytest.raises(WrongPin) as caught,
    ):
        jpki.verify_pin(SIGNATURE, SIGN_PASSWORD)
    assert caught.value.tries_left is None


def test_the_tries_left_are_told_after_a_good_pin_too(card: Card, profile: CardProfile) -> None:
    with JpkiApplication.select(card, profile) as jpki:
        with pytest.raises(WrongPin):
            jpki.verify_pin(SIGNATURE, WRONG[SIGNATURE])
        assert jpki.tries_left(SIGNATURE) == 4
        jpki.verify_pin(SIGNATURE, SIGN_PASSWORD)
        assert jpki.tries_left(SIGNATURE) == 5
        assert jpki.verified(SIGNATURE)
        assert jpki.sign(SIGNATURE, DIGEST_INFO)


@pytest.mark.parametrize(("status", "tries"), [(0x9000, 5), (0x6300, None), (0x6984, 0), (0x6983, 0), (0x63C2, 2)])
def test_every_answer_to_an_empty_verify_has_a_meaning(
    card: Card, profile: CardProfile, status: int, tries: int | None
) -> None:
    with JpkiApplication.select(Faulty(card, at=2, fault=answering(status)), profile) as jpki:
        assert jpki.tries_left(SIGNATURE) == tries


def test_the_last_try_is_kept_unless_it_is_allowed(profile: CardProfile) -> None:
    card = card_of(with_tries(certified_state(), AUTHENTICATION.value, 1))
    with JpkiApplication.select(card, profile) as jpki:
        with pytest.raises(LastTry) as caught:
            jpki.verify_pin(AUTHENTICATION, WRONG[AUTHENTICATION], allow_last_try=False)
        assert caught.value.role is AUTHENTICATION
        assert jpki.tries_left(AUTHENTICATION) == 1
        with pytest.raises(WrongPin):
            jpki.verify_pin(AUTHENTICATION, WRONG[AUTHENTICATION], allow_last_try=True)
        assert jpki.tries_left(AUTHENTICATION) == 0


def test_the_last_try_is_kept_without_an_exchange_where_the_count_is_known(
    card: Card, profile: CardProfile, trace: list[Exchange]
) -> None:
    with JpkiApplication.select(card, profile) as jpki:
        trace.clear()
        with pytest.raises(LastTry):
            jpki.verify_pin(AUTHENTICATION, AUTH_PIN, allow_last_try=False, tries_left=1)
        assert trace == []
        for left in (2, 1):
            with pytest.raises(WrongPin) as caught:
                jpki.verify_pin(AUTHENTICATION, WRONG[AUTHENTICATION])
            assert caught.value.tries_left == left
        trace.clear()
        with pytest.raises(LastTry):
            jpki.verify_pin(AUTHENTICATION, AUTH_PIN, allow_last_try=False)
        assert trace == []


def test_a_pin_is_changed_after_it_was_verified(device: EmulatedCard, card: Card, profile: CardProfile) -> None:
    new = Pin("NEWPASS2026")
    with JpkiApplication.select(card, profile) as jpki:
        with pytest.raises(PinNeeded):
            jpki.change_pin(SIGNATURE, new)
        jpki.verify_pin(SIGNATURE, SIGN_PASSWORD)
        with pytest.raises(BadPinForm):
            jpki.change_pin(SIGNATURE, Pin("short"))
        jpki.change_pin(SIGNATURE, new)
    with JpkiApplication.select(card, profile) as jpki:
        with pytest.raises(WrongPin):
            jpki.verify_pin(SIGNATURE, SIGN_PASSWORD)
        jpki.verify_pin(SIGNATURE, new)


def test_a_pin_whose_answer_was_lost_counts_as_not_verified(card: Card, profile: CardProfile) -> None:
    faulty = Faulty(card, at=2, fault=lost)
    with JpkiApplication.select(faulty, profile) as jpki:
        with pytest.raises(CardRemoved):
            jpki.verify_pin(SIGNATURE, SIGN_PASSWORD)
        assert not jpki.verified(SIGNATURE)
        with pytest.raises(PinNeeded):
            jpki.sign(SIGNATURE, DIGEST_INFO)


def test_a_wrong_pin_after_a_good_one_ends_the_login(card: Card, profile: CardProfile, trace: list[Exchange]) -> None:
    with JpkiApplication.select(card, profile) as jpki:
        jpki.verify_pin(SIGNATURE, SIGN_PASSWORD)
        with pytest.raises(WrongPin):
            jpki.verify_pin(SIGNATURE, WRONG[SIGNATURE])
        trace.clear()
        with pytest.raises(PinNeeded):
            jpki.sign(SIGNATURE, DIGEST_INFO)
    assert trace == []


def test_the_tries_are_asked_for_again_after_an_answer_that_was_lost(card: Card, profile: CardProfile) -> None:
    with JpkiApplication.select(Faulty(card, at=3, fault=lost), profile) as jpki:
        with pytest.raises(WrongPin) as caught:
            jpki.verify_pin(AUTHENTICATION, WRONG[AUTHENTICATION])
        assert caught.value.tries_left == 2
        with pytest.raises(CardRemoved):
            jpki.verify_pin(AUTHENTICATION, WRONG[AUTHENTICATION], allow_last_try=False)
        with pytest.raises(LastTry):
            jpki.verify_pin(AUTHENTICATION, WRONG[AUTHENTICATION], allow_last_try=False)
        assert jpki.tries_left(AUTHENTICATION) == 1


def test_a_good_pin_tells_that_all_tries_are_back(card: Card, profile: CardProfile, trace: list[Exchange]) -> None:
    with JpkiApplication.select(card, profile) as jpki:
        jpki.verify_pin(AUTHENTICATION, AUTH_PIN)
        trace.clear()
        jpki.verify_pin(AUTHENTICATION, AUTH_PIN, allow_last_try=False)
    assert len(trace) == 1, "the card is not asked how many there are"


def test_the_last_try_is_kept_without_an_exchange_once_the_tries_were_asked_for(
    profile: CardProfile, trace: list[Exchange]
) -> None:
    card = card_of(with_tries(certified_state(), AUTHENTICATION.value, 1), trace)
    with JpkiApplication.select(card, profile) as jpki:
        assert jpki.tries_left(AUTHENTICATION) == 1
        trace.clear()
        with pytest.raises(LastTry):
            jpki.verify_pin(AUTHENTICATION, AUTH_PIN, allow_last_try=False)
    assert trace == []


def test_a_count_that_the_card_no_longer_tells_is_not_remembered(card: Card, profile: CardProfile) -> None:
    silent = Faulty(card, at=3, fault=answering(0x6300))
    with JpkiApplication.select(silent, profile) as jpki:
        with pytest.raises(WrongPin):
            jpki.verify_pin(AUTHENTICATION, WRONG[AUTHENTICATION])
        assert jpki.tries_left(AUTHENTICATION) is None
        with pytest.raises(WrongPin) as caught:
            jpki.verify_pin(AUTHENTICATION, WRONG[AUTHENTICATION], allow_last_try=False)
        assert caught.value.tries_left == 1
        with pytest.raises(LastTry):
            jpki.verify_pin(AUTHENTICATION, AUTH_PIN, allow_last_try=False)


def test_another_programs_login_changes_no_pin(
    device: EmulatedCard, card: Card, profile: CardProfile, trace: list[Exchange]
) -> None:
    with JpkiApplication.select(card, profile) as jpki:
        assert device.transmit(bytes.fromhex("0020009804") + AUTH_PIN.reveal()) == b"\x90\x00"
        trace.clear()
        with pytest.raises(PinNeeded):
            jpki.change_pin(AUTHENTICATION, Pin("9876"))
    assert trace == []

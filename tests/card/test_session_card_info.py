"""What a card tells of itself in a session, finished or not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cards_in_files import with_tries
from certified_cards import AUTH_PIN, certified_state
from session_cards import card_of, with_file

from card_profiles import CardProfile, load_profile
from emulator import ApplicationState, CardState
from jpki.card import (
    BadCardFile,
    Card,
    Exchange,
    Faulty,
    JpkiApplication,
    NoCertificate,
    PinBlocked,
    answering,
    read_card_info,
)
from jpki.terms import Role

SIGNATURE, AUTHENTICATION = Role.SIGNATURE, Role.AUTHENTICATION


def test_the_token_information_is_read_in_one_exchange(card: Card, profile: CardProfile, trace: list[Exchange]) -> None:
    with JpkiApplication.select(card, profile) as jpki:
        trace.clear()
        info = jpki.token_info()
    assert (info.label, info.flags, info.min_pin, info.max_pin) == ("JPKIAPICCTOKEN2", 0x40D, 6, 16)
    assert len(trace) == 1


def test_token_information_that_is_cut_short_is_an_error_that_names_the_file() -> None:
    card = card_of(with_file(certified_state(), 0x0006, b"JPKIAPICCTOKEN2".ljust(32)))
    with JpkiApplication.select(card, load_profile("mynumber")) as jpki, pytest.raises(BadCardFile) as caught:
        jpki.token_info()
    assert caught.value.file == "0006"


def test_card_info_holds_what_a_card_tells_without_a_pin(card: Card, profile: CardProfile) -> None:
    with JpkiApplication.select(card, profile) as jpki:
        info = read_card_info(jpki)
    assert info.profile == "mynumber"
    assert info.token is not None
    assert info.token.label == "JPKIAPICCTOKEN2"
    assert info.present == {SIGNATURE, AUTHENTICATION}
    assert info.tries_left == {SIGNATURE: 5, AUTHENTICATION: 3}


@pytest.mark.parametrize("file", [0x0006, 0x0008])
def test_card_info_of_a_card_without_one_of_the_optional_files_is_no_error(file: int) -> None:
    state = with_file(certified_state(), file, None)
    with JpkiApplication.select(card_of(state), load_profile("mynumber")) as jpki:
        info = read_card_info(jpki)
    assert (info.token is None) == (file == 0x0006)
    assert info.present == {SIGNATURE, AUTHENTICATION}
    assert info.tries_left == {SIGNATURE: 5, AUTHENTICATION: 3}


def blank_state() -> CardState:
    return certified_state().with_application("jpki", ApplicationState())


def begun_state() -> CardState:
    """Returns a card with its keys and one PIN, to which no file was written yet."""
    contents = certified_state().applications["jpki"]
    begun = replace(contents, files={}, pins={SIGNATURE.value: contents.pins[SIGNATURE.value]})
    return certified_state().with_application("jpki", begun)


@pytest.mark.parametrize("state", [blank_state(), begun_state()], ids=["blank", "begun"])
def test_card_info_of_a_card_that_is_not_issued_yet_has_neither_certificates_nor_pins(state: CardState) -> None:
    with JpkiApplication.select(card_of(state), load_profile("mynumber")) as jpki:
        info = read_card_info(jpki)
    assert (info.token, info.present, info.tries_left) == (None, frozenset(), {})


@pytest.mark.parametrize("state", [blank_state(), begun_state()], ids=["blank", "begun"])
def test_a_pin_that_was_never_set_is_no_blocked_one(state: CardState) -> None:
    with JpkiApplication.select(card_of(state), load_profile("mynumber")) as jpki:
        for operation in (lambda: jpki.tries_left(AUTHENTICATION), lambda: jpki.verify_pin(AUTHENTICATION, AUTH_PIN)):
            with pytest.raises(NoCertificate) as caught:
                operation()
            assert caught.value.role is AUTHENTICATION


@pytest.mark.parametrize("file", [0x0006, 0x0008])
def test_a_blocked_pin_stays_blocked_where_one_of_the_optional_files_is_missing(file: int) -> None:
    state = with_file(with_tries(certified_state(), AUTHENTICATION.value, 0), file, None)
    with JpkiApplication.select(card_of(state), load_profile("mynumber")) as jpki:
        assert jpki.tries_left(AUTHENTICATION) == 0
        with pytest.raises(PinBlocked):
            jpki.verify_pin(AUTHENTICATION, AUTH_PIN)


def test_token_information_that_the_card_keeps_to_itself_is_there() -> None:
    card = card_of(with_file(certified_state(), 0x0008, None))
    with JpkiApplication.select(Faulty(card, at=3, fault=answering(0x6982)), load_profile("mynumber")) as jpki:
        assert jpki.certificates_present() == {SIGNATURE, AUTHENTICATION}


def test_card_info_of_a_card_with_one_certificate_has_one_pin() -> None:
    with JpkiApplication.select(card_of(certified_state(roles=(AUTHENTICATION,))), load_profile("mynumber")) as jpki:
        info = read_card_info(jpki)
    assert info.present == {AUTHENTICATION}
    assert info.tries_left == {AUTHENTICATION: 3}

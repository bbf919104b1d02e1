"""Which kind of card it is: by its application and token label."""

from __future__ import annotations

import pytest
from certified_cards import AUTH_PIN, certified_state
from session_cards import DIGEST_INFO, card_of, headers, with_file

from card_profiles import load_profile, profile_names
from jpki.card import (
    Card,
    Exchange,
    Faulty,
    NotAJpkiCard,
    SessionEnded,
    UnknownToken,
    answering,
    find_application,
    shipped_profiles,
)
from jpki.terms import Role


def card_labelled(label: bytes | None, name: str = "mynumber", trace: list[Exchange] | None = None) -> Card:
    token = None if label is None else label.ljust(160)
    return card_of(with_file(certified_state(name), 0x0006, token), trace)


@pytest.mark.parametrize("name", profile_names())
def test_the_label_tells_the_profile(name: str) -> None:
    with find_application(card_of(certified_state(name))) as jpki:
        assert jpki.profile is load_profile(name)


def test_finding_out_costs_one_exchange() -> None:
    trace: list[Exchange] = []
    with find_application(card_labelled(b"JPKIAPICCTOKEN2", trace=trace)) as jpki:
        jpki.verify_pin(Role.AUTHENTICATION, AUTH_PIN)
        jpki.sign(Role.AUTHENTICATION, DIGEST_INFO)
    assert headers(trace) == ["00A4040C", "00B08600", "00200098", "802A0097"]


def test_a_session_that_was_found_ends_like_any() -> None:
    trace: list[Exchange] = []
    with find_application(card_labelled(b"JPKIAPICCTOKEN2", trace=trace)) as jpki:
        jpki.verify_pin(Role.AUTHENTICATION, AUTH_PIN)
    trace.clear()
    with pytest.raises(SessionEnded):
        jpki.sign(Role.AUTHENTICATION, DIGEST_INFO)
    assert trace == []


def test_a_label_that_no_profile_has_is_shown() -> None:
    with pytest.raises(UnknownToken) as caught, find_application(card_labelled(b"JPKIAPIOSTOKEN")):
        pass
    assert caught.value.label == "JPKIAPIOSTOKEN"
    assert caught.value.known == profile_names()


def test_a_token_without_a_label_is_unknown() -> None:
    with pytest.raises(UnknownToken) as caught, find_application(card_labelled(None)):
        pass
    assert caught.value.label == ""


def test_a_label_with_odd_bytes_is_shown_escaped() -> None:
    with pytest.raises(UnknownToken) as caught, find_application(card_labelled(b"\xffTOKEN\x1b[31m")):
        pass
    assert caught.value.label == "\\xffTOKEN\x1b[31m"


def test_a_card_without_the_application_is_no_jpki_card() -> None:
    card = Faulty(card_labelled(b"JPKIAPICCTOKEN2"), at=1, fault=answering(0x6A82))
    with pytest.raises(NotAJpkiCard), find_application(card):
        pass


def test_only_the_profiles_that_are_handed_in_are_looked_at() -> None:
    android = [profile for profile in shipped_profiles() if profile.name == "android"]
    with pytest.raises(UnknownToken), find_application(card_labelled(b"JPKIAPICCTOKEN2"), android):
        pass

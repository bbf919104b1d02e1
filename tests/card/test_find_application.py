"""Which kind of card it is: by its application and token label."""

from __future__ import annotations

from dataclasses import replace

import pytest
from certified_cards import AUTH_PIN, certified_state

from card_profiles import load_profile, profile_names
from emulator import EmulatedCard, VolatileMemory
from jpki.card import (
    Card,
    Encoded,
    Exchange,
    Faulty,
    LocalConnection,
    NotAJpkiCard,
    Resolving,
    Traced,
    UnknownToken,
    answering,
    find_application,
    shipped_profiles,
)
from jpki.formats import digest_info
from jpki.terms import Role


def card_labelled(label: bytes | None, name: str = "mynumber", trace: list[Exchange] | None = None) -> Card:
    state = certified_state(name)
    contents = state.applications["jpki"]
    files = {file: content for file, content in contents.files.items() if file != 0x0006}
    files |= {} if label is None else {0x0006: label.ljust(160)}
    state = state.with_application("jpki", replace(contents, files=files))
    device = EmulatedCard(load_profile(name), VolatileMemory(state), strict=True)
    log = [] if trace is None else trace
    return Resolving(Traced(Encoded(LocalConnection(device)), log.append, lambda: 0.0))


@pytest.mark.parametrize("name", profile_names())
def test_the_label_tells_the_profile(name: str) -> None:
    device = EmulatedCard(load_profile(name), VolatileMemory(certified_state(name)), strict=True)
    with find_application(Encoded(LocalConnection(device))) as jpki:
        assert jpki.profile is load_profile(name)


def test_finding_out_costs_one_exchange() -> None:
    trace: list[Exchange] = []
    with find_application(card_labelled(b"JPKIAPICCTOKEN2", trace=trace)) as jpki:
        jpki.verify_pin(Role.AUTHENTICATION, AUTH_PIN)
        jpki.sign(Role.AUTHENTICATION, digest_info("sha256", bytes(32)))
    assert [exchange.command.split()[0] for exchange in trace] == ["00A4040C", "00B08600", "00200098", "802A0097"]


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

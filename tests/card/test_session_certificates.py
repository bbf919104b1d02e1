"""Reading certificates in a session."""

from __future__ import annotations

import pytest
from certified_cards import AUTH_PIN, BOTH, LENGTHS, PINS, certified_state
from session_cards import DIGEST_INFO, card_of, with_file

from card_profiles import CardProfile, load_profile
from jpki.card import (
    BadCardFile,
    Card,
    Exchange,
    Faulty,
    JpkiApplication,
    NoAuthorityCertificate,
    NoCertificate,
    PinNeeded,
    answering,
)
from jpki.formats import Command, Response
from jpki.terms import Role

SIGNATURE, AUTHENTICATION = Role.SIGNATURE, Role.AUTHENTICATION


@pytest.mark.parametrize("role", BOTH)
def test_all_four_certificates_are_read_as_they_were_written(card: Card, profile: CardProfile, role: Role) -> None:
    files = certified_state().applications["jpki"].files
    found = profile.jpki.roles[role]
    with JpkiApplication.select(card, profile) as jpki:
        jpki.verify_pin(role, PINS[role])
        certificate = jpki.read_certificate(role).raw
        authority = jpki.read_authority_certificate(role).raw
    assert files[found.certificate.id].rstrip(b"\xff").startswith(certificate)
    assert len(certificate) == LENGTHS[role]
    assert files[found.authority_certificate.id].startswith(authority)


def test_the_signature_certificate_waits_for_its_pin_without_asking_the_card(
    card: Card, profile: CardProfile, trace: list[Exchange]
) -> None:
    with JpkiApplication.select(card, profile) as jpki:
        trace.clear()
        with pytest.raises(PinNeeded) as caught:
            jpki.read_certificate(SIGNATURE)
    assert caught.value.role is SIGNATURE
    assert trace == []


@pytest.mark.parametrize(("name", "free"), [("mynumber", True), ("android", False)])
def test_the_profile_says_whether_the_authentication_certificate_needs_its_pin(name: str, free: bool) -> None:
    with JpkiApplication.select(card_of(certified_state(name)), load_profile(name)) as jpki:
        if free:
            assert jpki.read_certificate(AUTHENTICATION).serial
        else:
            with pytest.raises(PinNeeded):
                jpki.read_certificate(AUTHENTICATION)
            jpki.verify_pin(AUTHENTICATION, AUTH_PIN)
            assert jpki.read_certificate(AUTHENTICATION).serial


def test_a_card_that_wants_a_pin_where_its_profile_does_not_is_no_broken_card() -> None:
    card = card_of(certified_state("android"))
    with JpkiApplication.select(card, load_profile("mynumber")) as jpki, pytest.raises(PinNeeded):
        jpki.read_certificate(AUTHENTICATION)


@pytest.mark.parametrize("role", BOTH)
def test_a_card_with_one_certificate_says_so_for_the_other(role: Role) -> None:
    card = card_of(certified_state(roles=(role.other,)))
    with JpkiApplication.select(card, load_profile("mynumber")) as jpki:
        assert jpki.certificates_present() == {role.other}
        assert jpki.tries_left(role.other) == load_profile("mynumber").jpki.roles[role.other].pin.tries
        for operation in (lambda: jpki.tries_left(role), lambda: jpki.verify_pin(role, PINS[role])):
            with pytest.raises(NoCertificate) as caught:
                operation()
            assert caught.value.role is role
        with pytest.raises(NoAuthorityCertificate):
            jpki.read_authority_certificate(role)
        jpki.verify_pin(role.other, PINS[role.other])
        assert jpki.sign(role.other, DIGEST_INFO)
        assert jpki.read_certificate(role.other).serial


@pytest.mark.parametrize("content", [None, b"\xff" * 4096, bytes(4096)], ids=["no file", "FF", "00"])
def test_a_certificate_file_that_nothing_was_written_to_holds_no_certificate(content: bytes | None) -> None:
    card = card_of(with_file(certified_state(), 0x000A, content))
    with JpkiApplication.select(card, load_profile("mynumber")) as jpki, pytest.raises(NoCertificate):
        jpki.read_certificate(AUTHENTICATION)


GOOD = certified_state().applications["jpki"].files[0x000A]
DAMAGED = {
    "text": b"this is no certificate at all".ljust(4096, b"\xff"),
    "one byte": b"\x30",
    "indefinite length": b"\x30\x80" + bytes(4094),
    "a length of three octets": b"\x30\x83\x00\x10\x00" + bytes(4091),
    "longer than its file": b"\x30\x82\x10\x00" + bytes(4092),
    "file cut short": GOOD[:700],
    "a bit turned in its structure": GOOD[:5] + bytes((GOOD[5] ^ 0x40,)) + GOOD[6:],
    "a short object": b"\x30\x02\x05\x00".ljust(4096, b"\xff"),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_certificate_is_an_error_that_names_its_file(content: bytes) -> None:
    card = card_of(with_file(certified_state(), 0x000A, content))
    with JpkiApplication.select(card, load_profile("mynumber")) as jpki, pytest.raises(BadCardFile) as caught:
        jpki.read_certificate(AUTHENTICATION)
    assert caught.value.file == "000A"


def test_nothing_is_read_of_a_certificate_that_cannot_fit_its_file() -> None:
    trace: list[Exchange] = []
    card = card_of(with_file(certified_state(), 0x000A, DAMAGED["longer than its file"]), trace)
    with JpkiApplication.select(card, load_profile("mynumber")) as jpki, pytest.raises(BadCardFile):
        jpki.read_certificate(AUTHENTICATION)
    assert len(trace) == 2


def test_a_card_that_gives_less_than_it_was_asked_for_is_read_to_the_end() -> None:
    class Stingy:
        """A card that never gives more than 100 bytes at once."""

        def __init__(self, card: Card) -> None:
            self._card = card
            self.exclusive = card.exclusive

        def send(self, command: Command) -> Response:
            response = self._card.send(command)
            return Response(response.data[:100], response.status)

    card = Stingy(card_of(certified_state()))
    with JpkiApplication.select(card, load_profile("mynumber")) as jpki:
        assert len(jpki.read_certificate(AUTHENTICATION).raw) == LENGTHS[AUTHENTICATION]


def test_a_card_that_runs_dry_in_a_certificate_is_an_error_that_names_the_file(
    card: Card, profile: CardProfile
) -> None:
    with (
        JpkiApplication.select(Faulty(card, at=4, fault=answering(0x9000)), profile) as jpki,
        pytest.raises(BadCardFile) as caught,
    ):
        jpki.read_certificate(AUTHENTICATION)
    assert caught.value.file == "000A"

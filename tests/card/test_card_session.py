"""A session with the JPKI application of a card: its exchanges, how it begins and how it ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from certified_cards import AUTH_PIN, LENGTHS, SIGN_PASSWORD, certified_state
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo
from logins import SELECT_JPKI, is_logged_out
from session_cards import DIGEST_INFO, card_of, device_of, headers, public_key

from card_profiles import CardProfile, load_profile, load_profile_file
from emulator import EmulatedCard
from jpki.card import (
    Card,
    CardRefused,
    CardRemoved,
    Encoded,
    Exchange,
    Faulty,
    JpkiApplication,
    LocalConnection,
    NotAJpkiCard,
    PinNeeded,
    SessionEnded,
    Traced,
    answering,
    lost,
    pulled,
)
from jpki.formats import Command, Response, StatusWord
from jpki.terms import Pin, Role, Secret

SIGNATURE, AUTHENTICATION = Role.SIGNATURE, Role.AUTHENTICATION


def test_a_login_takes_three_exchanges(card: Card, profile: CardProfile, trace: list[Exchange]) -> None:
    with JpkiApplication.select(card, profile) as jpki:
        jpki.verify_pin(AUTHENTICATION, AUTH_PIN)
        jpki.sign(AUTHENTICATION, DIGEST_INFO)
    assert headers(trace) == ["00A4040C", "00200098", "802A0097"]


def test_a_login_with_a_prompt_after_the_tries_takes_five_exchanges(
    card: Card, profile: CardProfile, trace: list[Exchange]
) -> None:
    with JpkiApplication.select(card, profile) as jpki:
        tries = jpki.tries_left(SIGNATURE)
    with JpkiApplication.select(card, profile) as jpki:
        jpki.verify_pin(SIGNATURE, SIGN_PASSWORD, allow_last_try=False, tries_left=tries)
        jpki.sign(SIGNATURE, DIGEST_INFO)
    assert headers(trace) == ["00A4040C", "0020009B", "00A4040C", "0020009B", "802A009A"]


@pytest.mark.parametrize(("length", "exchanges"), [(1583, 8), (1792, 8), (1793, 9), (1536, 7)])
def test_a_certificate_is_read_in_whole_blocks_and_no_exchange_is_spent_on_its_length(
    length: int, exchanges: int
) -> None:
    trace: list[Exchange] = []
    state = certified_state(authentication_length=length)
    with JpkiApplication.select(card_of(state, trace), load_profile("mynumber")) as jpki:
        raw = jpki.read_certificate(AUTHENTICATION).raw
    assert len(raw) == length
    assert len(trace) == exchanges
    assert sum(exchange.length for exchange in trace) == length


def test_signing_several_times_after_one_pin_takes_one_exchange_each(
    card: Card, profile: CardProfile, trace: list[Exchange]
) -> None:
    with JpkiApplication.select(card, profile) as jpki:
        jpki.verify_pin(SIGNATURE, SIGN_PASSWORD)
        trace.clear()
        for _ in range(3):
            jpki.sign(SIGNATURE, DIGEST_INFO)
    assert len(trace) == 3


def test_a_file_without_a_short_identifier_is_selected_first(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "card_profiles" / "mynumber.toml").read_text("utf-8")
    for short, long in (('"0017"', '"0117"'), ('"0018"', '"0118"'), ('"000A"', '"010A"')):
        text = text.replace(short, long)
    (tmp_path / "long.toml").write_text(text, "utf-8")
    profile = load_profile_file(tmp_path / "long.toml")
    state = certified_state()
    contents = state.applications["jpki"]
    moved = replace(
        contents,
        files={0x010A if file == 0x000A else file: content for file, content in contents.files.items()},
        keys={0x0117 if file == 0x0017 else file: key for file, key in contents.keys.items()},
    )
    trace: list[Exchange] = []
    card = card_of(state.with_application("jpki", moved), trace, profile)
    with JpkiApplication.select(card, profile) as jpki:
        certificate = jpki.read_certificate(AUTHENTICATION)
        jpki.verify_pin(AUTHENTICATION, AUTH_PIN)
        signature = jpki.sign(AUTHENTICATION, DIGEST_INFO)
    public_key(AUTHENTICATION, state).verify(signature, DIGEST_INFO, padding.PKCS1v15(), NoDigestInfo())
    assert len(certificate.raw) == LENGTHS[AUTHENTICATION]
    shown = [exchange.command for exchange in trace]
    assert shown[1:3] == ["00A4020C 010A", "00B00000"]
    assert shown[9:] == ["00A4020C 0118", "00200080 •••", "00A4020C 0117", "802A0080 (51 bytes)"]


def test_the_first_command_after_a_power_off_is_sent_again_when_the_card_stumbles(profile: CardProfile) -> None:
    trace: list[Exchange] = []
    device = device_of(certified_state(), stumbles=True)
    with LocalConnection(device) as connection:
        card = Traced(Encoded(connection), trace.append, lambda: 0.0)
        for _ in range(2):
            with JpkiApplication.select(card, profile) as jpki:
                jpki.verify_pin(AUTHENTICATION, AUTH_PIN)
                assert jpki.sign(AUTHENTICATION, DIGEST_INFO)
    login = ["00A4040C", "00200098", "802A0097"]
    assert headers(trace) == [*login, "00A4040C", *login]


def test_a_card_that_goes_on_stumbling_is_refused(card: Card, profile: CardProfile) -> None:
    class Confused:
        def __init__(self) -> None:
            self.exclusive = card.exclusive

        def send(self, command: Command) -> Response:
            return Response(status=StatusWord(0x6F00))

    with pytest.raises(CardRefused) as caught, JpkiApplication.select(Confused(), profile):
        pass
    assert (caught.value.command, caught.value.status) == ("SELECT", StatusWord(0x6F00))


def test_a_card_without_the_application_is_no_jpki_card(card: Card, profile: CardProfile) -> None:
    with pytest.raises(NotAJpkiCard), JpkiApplication.select(Faulty(card, at=1, fault=answering(0x6A82)), profile):
        pass


def test_a_session_ends_logged_out(device: EmulatedCard, card: Card, profile: CardProfile) -> None:
    with JpkiApplication.select(card, profile) as jpki:
        jpki.verify_pin(SIGNATURE, SIGN_PASSWORD)
    assert is_logged_out(device)


def test_a_session_that_ends_in_an_error_ends_logged_out(
    device: EmulatedCard, card: Card, profile: CardProfile
) -> None:
    with pytest.raises(ZeroDivisionError), JpkiApplication.select(card, profile) as jpki:  # noqa: PT012
        jpki.verify_pin(SIGNATURE, SIGN_PASSWORD)
        raise ZeroDivisionError
    assert is_logged_out(device)


@pytest.mark.parametrize("fault", [pulled, lost])
@pytest.mark.parametrize("at", range(1, 5))
def test_a_fault_at_any_exchange_of_a_signature_leaves_the_card_logged_out(
    device: EmulatedCard, connection: LocalConnection, profile: CardProfile, at: int, fault: object
) -> None:
    card = Faulty(Encoded(connection), at=at, fault=fault)  # type: ignore[arg-type]
    with pytest.raises(CardRemoved), JpkiApplication.select(card, profile) as jpki:  # noqa: PT012
        jpki.verify_pin(SIGNATURE, SIGN_PASSWORD)
        jpki.sign(SIGNATURE, DIGEST_INFO)
        jpki.sign(SIGNATURE, DIGEST_INFO)
    assert is_logged_out(device)


def test_a_session_cannot_be_used_after_its_end(card: Card, profile: CardProfile, trace: list[Exchange]) -> None:
    with JpkiApplication.select(card, profile) as jpki:
        jpki.verify_pin(SIGNATURE, SIGN_PASSWORD)
    trace.clear()
    for operation in (
        jpki.token_info,
        jpki.certificates_present,
        lambda: jpki.tries_left(SIGNATURE),
        lambda: jpki.verify_pin(SIGNATURE, SIGN_PASSWORD),
        lambda: jpki.change_pin(SIGNATURE, SIGN_PASSWORD),
        lambda: jpki.read_certificate(AUTHENTICATION),
        lambda: jpki.read_certificate(SIGNATURE),
        lambda: jpki.read_authority_certificate(SIGNATURE),
        lambda: jpki.sign(SIGNATURE, DIGEST_INFO),
    ):
        with pytest.raises(SessionEnded):
            operation()
    assert trace == []


def test_a_login_of_another_program_is_not_taken_for_ones_own(
    device: EmulatedCard, card: Card, profile: CardProfile
) -> None:
    device.transmit(SELECT_JPKI)
    device.transmit(bytes.fromhex("0020009B06") + SIGN_PASSWORD.reveal())
    with JpkiApplication.select(card, profile) as jpki, pytest.raises(PinNeeded):
        jpki.sign(SIGNATURE, DIGEST_INFO)


def test_the_pins_are_secrets_in_every_command(connection: LocalConnection, profile: CardProfile) -> None:
    sent: list[Command] = []

    class Watching:
        exclusive = connection.exclusive

        def send(self, command: Command) -> Response:
            sent.append(command)
            return Encoded(connection).send(command)

    with JpkiApplication.select(Watching(), profile) as jpki:
        jpki.verify_pin(SIGNATURE, SIGN_PASSWORD)
        jpki.change_pin(SIGNATURE, Pin("NEWPASS2026"))
    assert [isinstance(command.data, Secret) for command in sent] == [False, True, True]
    assert "NEWPASS" not in repr(sent)

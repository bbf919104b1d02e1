"""A blank card becomes somebody's, is renewed and gets a new PIN: the host's steps, on an emulated card."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import pytest
from certified_cards import BOTH, PINS, made_certificate
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from issuing import CHALLENGE, MASTER, MASTERS, SERIAL, TRANSPORTS, Issuer, session_with
from prime_pool import PrimePool

from card_profiles import CardProfile, load_profile, profile_names
from emulator import EmulatedCard, VolatileMemory, create_blank
from emulator import LifeCycle as CardLifeCycle
from jpki.card import (
    BadPinForm,
    CardRefused,
    CardRemoved,
    Encoded,
    Fault,
    Faulty,
    IssuerSession,
    JpkiApplication,
    KeyMismatch,
    KeyMissing,
    LifeCycle,
    LocalConnection,
    NoCertificate,
    PinBlocked,
    Resolving,
    Traced,
    WrongLifeCycle,
    WrongPin,
    lost,
    pulled,
)
from jpki.formats import Certificate, Name, digest_info
from jpki.terms import Pin, Role

SIGNATURE, AUTHENTICATION = Role.SIGNATURE, Role.AUTHENTICATION


@pytest.fixture
def issuer(profile: CardProfile) -> Issuer:
    return Issuer(profile)


@pytest.fixture
def finished(blank: EmulatedCard, profile: CardProfile, issuer: Issuer) -> EmulatedCard:
    with session_with(blank, profile) as session:
        issuer.personalise(session)
    return blank


def assert_works(device: EmulatedCard, profile: CardProfile, issuer: Issuer, roles: tuple[Role, ...] = BOTH) -> None:
    """Reads, verifies and signs as a holder does; the signature must verify under the certificate on the card."""
    with (
        LocalConnection(device) as connection,
        JpkiApplication.select(Resolving(Encoded(connection)), profile) as jpki,
    ):
        assert jpki.certificates_present() == frozenset(roles)
        for role in roles:
            jpki.verify_pin(role, PINS[role])
            shown = jpki.read_certificate(role)
            signature = jpki.sign(role, digest_info("sha256", hashlib.sha256(b"document").digest()))
            numbers = shown.public_key
            key = rsa.RSAPublicNumbers(numbers.exponent, numbers.modulus).public_key()
            key.verify(signature, b"document", padding.PKCS1v15(), SHA256())
            assert jpki.read_authority_certificate(role).raw == issuer.authority_certificate()


class TestABlankCard:
    @pytest.mark.parametrize("transport", TRANSPORTS)
    @pytest.mark.parametrize("size", MASTERS)
    @pytest.mark.parametrize("name", profile_names())
    def test_is_personalised_whole(self, name: str, size: int, transport: str) -> None:
        profile = load_profile(name)
        issuer = Issuer(profile)
        with create_blank(profile, SERIAL, keys=PrimePool(5), strict=True) as card:
            with session_with(card, profile, MASTERS[size], transport) as session:
                issuer.personalise(session)
            assert card.state.life_cycle is CardLifeCycle.SEALED
            assert len(card.state.issuer_keys.mac.reveal()) == size // 8
            assert_works(card, profile, issuer)
            with session_with(card, profile, MASTERS[size], transport) as session:
                issuer.renew(session, SIGNATURE)
            assert_works(card, profile, issuer)

    def test_can_be_given_keys_that_were_made_elsewhere(
        self, blank: EmulatedCard, profile: CardProfile, issuer: Issuer
    ) -> None:
        pool = PrimePool(7)
        issuer.imported = {role: pool.generate().private_key for role in BOTH}
        with session_with(blank, profile) as session:
            issuer.personalise(session)
        assert_works(blank, profile, issuer)
        certified = Certificate.parse(issuer.issued[SIGNATURE]).public_key
        assert certified.modulus == issuer.imported[SIGNATURE].public_key().public_numbers().n

    @pytest.mark.parametrize("role", BOTH)
    def test_can_be_given_one_certificate_only(self, blank: EmulatedCard, profile: CardProfile, role: Role) -> None:
        issuer = Issuer(profile, roles=(role,))
        with session_with(blank, profile) as session:
            issuer.personalise(session)
        assert_works(blank, profile, issuer, (role,))

    def test_gets_keys_of_its_own(self, blank: EmulatedCard, profile: CardProfile) -> None:
        with session_with(blank, profile) as session:
            assert session.life_cycle is LifeCycle.PERSONALISED
            assert session.serial == SERIAL
        keys = blank.state.issuer_keys
        assert (keys.enc, keys.mac, keys.dek) == MASTER.keys_of(SERIAL).in_order
        assert keys.version == profile.issuer.own_version

    def test_is_not_sealed_without_the_key_of_a_certificate(
        self, blank: EmulatedCard, profile: CardProfile, issuer: Issuer
    ) -> None:
        other = PrimePool(8).generate().private_key
        with session_with(blank, profile) as session:
            session.generate_key(SIGNATURE)
            session.set_initial_pin(SIGNATURE, PINS[SIGNATURE])
            certificate = made_certificate("x", other.public_key(), "authority", issuer.authority_key, 1583)
            session.write_certificate(SIGNATURE, certificate)
            with pytest.raises(KeyMismatch):
                session.prove(SIGNATURE, certificate, PINS[SIGNATURE], CHALLENGE)
            with pytest.raises(CardRefused):
                session.seal()
            assert not session.sealed

    def test_makes_no_request_without_a_key(self, blank: EmulatedCard, profile: CardProfile) -> None:
        with session_with(blank, profile) as session, pytest.raises(KeyMissing):
            session.request(SIGNATURE, Name.of(("CN", "x")), PINS[SIGNATURE])

    def test_makes_no_request_without_its_pin(self, blank: EmulatedCard, profile: CardProfile) -> None:
        with session_with(blank, profile) as session:
            session.generate_key(SIGNATURE)
            session.set_initial_pin(SIGNATURE, PINS[SIGNATURE])
            with pytest.raises(WrongPin) as wrong:
                session.request(SIGNATURE, Name.of(("CN", "x")), Pin("WRONG1"))
            assert wrong.value.tries_left == 4

    def test_never_sees_a_pin_of_the_wrong_form(self, blank: EmulatedCard, profile: CardProfile) -> None:
        with session_with(blank, profile) as session, pytest.raises(BadPinForm):
            session.set_initial_pin(AUTHENTICATION, Pin("12345"))

    @pytest.mark.parametrize("role", BOTH)
    def test_is_refused_what_is_for_sealed_cards(
        self, blank: EmulatedCard, profile: CardProfile, issuer: Issuer, role: Role
    ) -> None:
        with session_with(blank, profile) as session:
            for step in sealed_steps(session, role):
                with pytest.raises(WrongLifeCycle) as wrong:
                    step()
                assert wrong.value.found == "personalised"


def sealed_steps(session: IssuerSession, role: Role) -> list[Callable[[], object]]:
    return [
        lambda: session.generate_key(role, waiting=True),
        lambda: session.reset_pin(role, PINS[role]),
        lambda: session.activate(role, b""),
        lambda: session.write_certificate(role, b"0", waiting=True),
        lambda: session.replace_file(0x0002, b"0"),
    ]


class TestASealedCard:
    def test_is_refused_what_is_for_blank_cards(self, finished: EmulatedCard, profile: CardProfile) -> None:
        key = PrimePool(7).generate().private_key
        with session_with(finished, profile) as session:
            steps: list[Callable[[], object]] = [
                lambda: session.generate_key(SIGNATURE),
                lambda: session.import_key(SIGNATURE, key),
                lambda: session.set_initial_pin(SIGNATURE, PINS[SIGNATURE]),
                lambda: session.create_file(0x0006),
                lambda: session.write_file(0x0008, b"\x00\x00\x00"),
                lambda: session.write_certificate(SIGNATURE, b"0"),
            ]
            for step in steps:
                with pytest.raises(WrongLifeCycle) as wrong:
                    step()
                assert wrong.value.found == "sealed"

    def test_may_be_sealed_again(self, finished: EmulatedCard, profile: CardProfile) -> None:
        with session_with(finished, profile) as session:
            session.seal()
            assert session.life_cycle is LifeCycle.SEALED

    def test_takes_another_certificate_of_its_authority(self, finished: EmulatedCard, profile: CardProfile) -> None:
        issuer = Issuer(profile, keys=PrimePool(41))
        with session_with(finished, profile) as session:
            session.replace_file(profile.jpki.roles[SIGNATURE].authority_certificate.id, issuer.authority_certificate())
        content = finished.state.applications["jpki"].files[0x0002]
        assert content == issuer.authority_certificate().ljust(2048, b"\xff")

    def test_gets_a_new_pin_and_all_its_tries(
        self, finished: EmulatedCard, profile: CardProfile, issuer: Issuer
    ) -> None:
        block(finished, profile)
        with session_with(finished, profile) as session:
            session.reset_pin(AUTHENTICATION, Pin("9876"))
        with (
            LocalConnection(finished) as connection,
            JpkiApplication.select(Resolving(Encoded(connection)), profile) as jpki,
        ):
            assert jpki.tries_left(AUTHENTICATION) == 3
            jpki.verify_pin(AUTHENTICATION, Pin("9876"))

    def test_gets_other_keys_of_its_issuer(self, finished: EmulatedCard, profile: CardProfile) -> None:
        with session_with(finished, profile) as session:
            session.replace_card_keys(MASTERS[256].keys_of(SERIAL))
            assert session.sealed
            session.reset_pin(AUTHENTICATION, Pin("9876"))
        with session_with(finished, profile, MASTERS[256]) as session:
            assert session.sealed

    def test_has_no_role_that_its_profile_does_not_have(self, finished: EmulatedCard, profile: CardProfile) -> None:
        with session_with(finished, profile) as session:
            session.profile = without_role(profile, SIGNATURE)
            with pytest.raises(NoCertificate):
                session.public_key(SIGNATURE)


def without_role(profile: CardProfile, role: Role) -> CardProfile:
    roles = {known: files for known, files in profile.jpki.roles.items() if known is not role}
    return replace(profile, applications=(replace(profile.jpki, roles=roles),))


def block(device: EmulatedCard, profile: CardProfile) -> None:
    with (
        LocalConnection(device) as connection,
        JpkiApplication.select(Resolving(Encoded(connection)), profile) as jpki,
    ):
        for _ in range(3):
            with pytest.raises(WrongPin):
                jpki.verify_pin(AUTHENTICATION, Pin("0000"))
        with pytest.raises(PinBlocked):
            jpki.verify_pin(AUTHENTICATION, PINS[AUTHENTICATION])


class TestARenewal:
    def test_leaves_the_old_key_in_use_until_the_end(
        self, finished: EmulatedCard, profile: CardProfile, issuer: Issuer
    ) -> None:
        old = issuer.issued[SIGNATURE]
        with session_with(finished, profile) as session:
            old_key = session.public_key(SIGNATURE)
            new_key = session.generate_key(SIGNATURE, waiting=True)
            new = issuer.issue(session.request(SIGNATURE, Name.of(("CN", "x")), PINS[SIGNATURE], waiting=True))
            session.write_certificate(SIGNATURE, new, waiting=True)
            session.prove(SIGNATURE, new, PINS[SIGNATURE], CHALLENGE, waiting=True)
            session.prove(SIGNATURE, old, PINS[SIGNATURE], CHALLENGE)
            assert session.public_key(SIGNATURE) == old_key
            assert session.jpki.read_certificate(SIGNATURE).raw == old
            session.activate(SIGNATURE, new)
            assert session.public_key(SIGNATURE) == new_key
            assert session.public_key(SIGNATURE, waiting=True) is None
            assert session.jpki.read_certificate(SIGNATURE).raw == new
            session.prove(SIGNATURE, new, PINS[SIGNATURE], CHALLENGE)

    def test_leaves_nothing_in_the_waiting_places(
        self, finished: EmulatedCard, profile: CardProfile, issuer: Issuer
    ) -> None:
        with session_with(finished, profile) as session:
            issuer.renew(session, AUTHENTICATION)
        contents = finished.state.applications["jpki"]
        assert contents.files[0x004A] == b"\xff" * 4096
        assert set(contents.keys) == {0x0017, 0x001A}

    def test_may_be_activated_again(self, finished: EmulatedCard, profile: CardProfile, issuer: Issuer) -> None:
        with session_with(finished, profile) as session:
            issuer.renew(session, AUTHENTICATION)
            session.activate(AUTHENTICATION, issuer.issued[AUTHENTICATION])

    def test_without_a_waiting_key_is_no_renewal(
        self, finished: EmulatedCard, profile: CardProfile, issuer: Issuer
    ) -> None:
        other = made_certificate("x", PrimePool(8).generate().private_key.public_key(), "a", issuer.authority_key, 1583)
        with session_with(finished, profile) as session, pytest.raises(KeyMissing):
            session.activate(AUTHENTICATION, other)

    def test_with_a_certificate_of_another_key_is_refused(
        self, finished: EmulatedCard, profile: CardProfile, issuer: Issuer
    ) -> None:
        with session_with(finished, profile) as session:
            session.generate_key(AUTHENTICATION, waiting=True)
            session.write_certificate(AUTHENTICATION, issuer.issued[AUTHENTICATION], waiting=True)
            with pytest.raises(KeyMismatch):
                session.activate(AUTHENTICATION, issuer.issued[AUTHENTICATION])
        assert_works(finished, profile, issuer)

    def test_a_shorter_certificate_leaves_nothing_of_a_longer_one(
        self, finished: EmulatedCard, profile: CardProfile, issuer: Issuer
    ) -> None:
        with session_with(finished, profile) as session:
            key = session.generate_key(AUTHENTICATION, waiting=True)
            public = rsa.RSAPublicNumbers(key.exponent, key.modulus).public_key()
            for length in (2000, 1400):
                certificate = made_certificate("x", public, "authority", issuer.authority_key, length)
                session.write_certificate(AUTHENTICATION, certificate, waiting=True)
            session.activate(AUTHENTICATION, certificate)
        assert finished.state.applications["jpki"].files[0x000A] == certificate.ljust(4096, b"\xff")


def cut_anywhere(
    start: EmulatedCard, fault: Fault, transport: str, work: Callable[[IssuerSession], None]
) -> Iterator[EmulatedCard]:
    """Does the work on a copy of a card, pulled at the first, second, … exchange, until the cut comes after the end.

    Yields each card as the cut has left it.
    """
    for at in itertools.count(1):
        memory = VolatileMemory(start.state)
        card = EmulatedCard(start.profile, memory, keys=PrimePool(1000 + at), strict=True)
        pull = partial(Faulty, at=at, fault=fault)
        try:
            with session_with(card, start.profile, transport=transport, wrap=pull) as session:
                work(session)
        except CardRemoved:
            yield card
        else:
            return


@pytest.mark.parametrize(("transport", "fault"), [("chaining", pulled), ("chaining", lost), ("extended", lost)])
def test_personalisation_is_taken_up_again_after_the_card_was_pulled_anywhere(
    blank: EmulatedCard, profile: CardProfile, fault: Fault, transport: str
) -> None:
    issuers = [Issuer(profile)]

    def work(session: IssuerSession) -> None:
        issuers[-1].personalise(session)

    for card in cut_anywhere(blank, fault, transport, work):
        with session_with(card, profile, transport=transport) as session:
            work(session)
        assert_works(card, profile, issuers[-1])
        issuers.append(Issuer(profile))
    assert len(issuers) > 30


@pytest.mark.parametrize(("transport", "fault"), [("chaining", pulled), ("chaining", lost), ("extended", lost)])
def test_a_renewal_cut_off_anywhere_leaves_a_working_card_and_can_be_run_again(
    finished: EmulatedCard, profile: CardProfile, issuer: Issuer, fault: Fault, transport: str
) -> None:
    before = dict(issuer.issued)
    cuts = 0
    for card in cut_anywhere(finished, fault, transport, lambda session: issuer.renew(session, SIGNATURE)):
        assert_works(card, profile, issuer)
        with session_with(card, profile, transport=transport) as session:
            issuer.renew(session, SIGNATURE)
        assert_works(card, profile, issuer)
        assert issuer.issued[SIGNATURE] != before[SIGNATURE]
        issuer.issued = dict(before)
        issuer.renewed.clear()
        cuts += 1
    assert cuts > 10


def test_the_trace_of_a_personalisation_shows_no_secret(blank: EmulatedCard, profile: CardProfile) -> None:
    lines: list[str] = []
    with session_with(
        blank, profile, wrap=lambda card: Traced(card, lambda exchange: lines.append(str(exchange)), lambda: 0.0)
    ) as session:
        session.set_initial_pin(SIGNATURE, PINS[SIGNATURE])
        printed = repr(session._channel) + repr(vars(session))
    shown = "".join(lines) + printed
    assert len(lines) > 5
    assert PINS[SIGNATURE].reveal().hex().upper() not in shown.upper()
    for key in MASTER.keys_of(SERIAL).in_order:
        assert key.reveal().hex().upper() not in shown.upper()

"""The session with the JPKI application of a card."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from certified_cards import AUTH_PIN, BOTH, LENGTHS, PINS, SIGN_PASSWORD, certified_state
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo
from cryptography.hazmat.primitives.hashes import SHA256, Hash

from card_profiles import CardProfile, SigningScheme, load_profile, load_profile_file
from emulator import ApplicationState, CardState, EmulatedCard, PinState, VolatileMemory
from jpki.card import (
    BadAnswer,
    BadCardFile,
    BadPinForm,
    Card,
    CardRefused,
    CardRemoved,
    Encoded,
    Exchange,
    Faulty,
    JpkiApplication,
    LastTry,
    LocalConnection,
    NoAuthorityCertificate,
    NoCertificate,
    NotAJpkiCard,
    PinBlocked,
    PinNeeded,
    Resolving,
    SchemeMissing,
    SessionEnded,
    Traced,
    WrongPin,
    answering,
    lost,
    pulled,
    read_card_info,
)
from jpki.formats import Command, Response, StatusWord, digest_info
from jpki.terms import Pin, Role, Secret

SIGNATURE, AUTHENTICATION = Role.SIGNATURE, Role.AUTHENTICATION
DIGEST_INFO = digest_info("sha256", bytes(32))
WRONG = {SIGNATURE: Pin("WRONG1"), AUTHENTICATION: Pin("9999")}


def card_of(state: CardState, profile: CardProfile | None = None, **kinds: bool) -> EmulatedCard:
    return EmulatedCard(profile or load_profile(state.profile), VolatileMemory(state), strict=True, **kinds)


def on(device: EmulatedCard, trace: list[Exchange] | None = None) -> Card:
    log = [] if trace is None else trace
    return Resolving(Traced(Encoded(LocalConnection(device)), log.append, lambda: 0.0))


def with_file(state: CardState, file: int, content: bytes | None) -> CardState:
    contents = state.applications["jpki"]
    files = {known: value for known, value in contents.files.items() if known != file}
    files |= {} if content is None else {file: content}
    return state.with_application("jpki", replace(contents, files=files))


def with_tries(state: CardState, role: Role, tries: int) -> CardState:
    contents = state.applications["jpki"]
    pin = PinState(contents.pins[role.value].pin, tries)
    return state.with_application("jpki", contents.with_pin(role.value, pin))


def headers(trace: list[Exchange]) -> list[str]:
    return [exchange.command.split()[0] for exchange in trace]


def public_key(state: CardState, role: Role) -> rsa.RSAPublicKey:
    file = load_profile(state.profile).jpki.roles[role].key.file
    return state.applications["jpki"].keys[file].private_key.public_key()


# Exchanges


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
    with JpkiApplication.select(on(card_of(state), trace), load_profile("mynumber")) as jpki:
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
    card = on(card_of(state.with_application("jpki", moved), profile), trace)
    with JpkiApplication.select(card, profile) as jpki:
        certificate = jpki.read_certificate(AUTHENTICATION)
        jpki.verify_pin(AUTHENTICATION, AUTH_PIN)
        signature = jpki.sign(AUTHENTICATION, DIGEST_INFO)
    public_key(state, AUTHENTICATION).verify(signature, DIGEST_INFO, padding.PKCS1v15(), NoDigestInfo())
    assert len(certificate.raw) == LENGTHS[AUTHENTICATION]
    shown = [exchange.command for exchange in trace]
    assert shown[1:3] == ["00A4020C 010A", "00B00000"]
    assert shown[9:] == ["00A4020C 0118", "00200080 •••", "00A4020C 0117", "802A0080 (51 bytes)"]


# What is read


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
    with JpkiApplication.select(on(card_of(certified_state(name))), load_profile(name)) as jpki:
        if free:
            assert jpki.read_certificate(AUTHENTICATION).serial
        else:
            with pytest.raises(PinNeeded):
                jpki.read_certificate(AUTHENTICATION)
            jpki.verify_pin(AUTHENTICATION, AUTH_PIN)
            assert jpki.read_certificate(AUTHENTICATION).serial


def test_a_card_that_wants_a_pin_where_its_profile_does_not_is_no_broken_card() -> None:
    card = on(card_of(certified_state("android")))
    with JpkiApplication.select(card, load_profile("mynumber")) as jpki, pytest.raises(PinNeeded):
        jpki.read_certificate(AUTHENTICATION)


@pytest.mark.parametrize("role", BOTH)
def test_a_card_with_one_certificate_says_so_for_the_other(role: Role) -> None:
    card = on(card_of(certified_state(roles=(role.other,))))
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
    card = on(card_of(with_file(certified_state(), 0x000A, content)))
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
    card = on(card_of(with_file(certified_state(), 0x000A, content)))
    with JpkiApplication.select(card, load_profile("mynumber")) as jpki, pytest.raises(BadCardFile) as caught:
        jpki.read_certificate(AUTHENTICATION)
    assert caught.value.file == "000A"


def test_nothing_is_read_of_a_certificate_that_cannot_fit_its_file() -> None:
    trace: list[Exchange] = []
    card = on(card_of(with_file(certified_state(), 0x000A, DAMAGED["longer than its file"])), trace)
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

    card = Stingy(on(card_of(certified_state())))
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


def test_the_token_information_is_read_in_one_exchange(card: Card, profile: CardProfile, trace: list[Exchange]) -> None:
    with JpkiApplication.select(card, profile) as jpki:
        trace.clear()
        info = jpki.token_info()
    assert (info.label, info.flags, info.min_pin, info.max_pin) == ("JPKIAPICCTOKEN2", 0x40D, 6, 16)
    assert len(trace) == 1


def test_token_information_that_is_cut_short_is_an_error_that_names_the_file() -> None:
    card = on(card_of(with_file(certified_state(), 0x0006, b"JPKIAPICCTOKEN2".ljust(32))))
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
    with JpkiApplication.select(on(card_of(state)), load_profile("mynumber")) as jpki:
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
    with JpkiApplication.select(on(card_of(state)), load_profile("mynumber")) as jpki:
        info = read_card_info(jpki)
    assert (info.token, info.present, info.tries_left) == (None, frozenset(), {})


@pytest.mark.parametrize("state", [blank_state(), begun_state()], ids=["blank", "begun"])
def test_a_pin_that_was_never_set_is_no_blocked_one(state: CardState) -> None:
    with JpkiApplication.select(on(card_of(state)), load_profile("mynumber")) as jpki:
        for operation in (
            lambda: jpki.tries_left(AUTHENTICATION),
            lambda: jpki.verify_pin(AUTHENTICATION, AUTH_PIN),
        ):
            with pytest.raises(NoCertificate) as caught:
                operation()
            assert caught.value.role is AUTHENTICATION


@pytest.mark.parametrize("file", [0x0006, 0x0008])
def test_a_blocked_pin_stays_blocked_where_one_of_the_optional_files_is_missing(file: int) -> None:
    state = with_file(with_tries(certified_state(), AUTHENTICATION, 0), file, None)
    with JpkiApplication.select(on(card_of(state)), load_profile("mynumber")) as jpki:
        assert jpki.tries_left(AUTHENTICATION) == 0
        with pytest.raises(PinBlocked):
            jpki.verify_pin(AUTHENTICATION, AUTH_PIN)


def test_token_information_that_the_card_keeps_to_itself_is_there() -> None:
    card = on(card_of(with_file(certified_state(), 0x0008, None)))
    with JpkiApplication.select(Faulty(card, at=3, fault=answering(0x6982)), load_profile("mynumber")) as jpki:
        assert jpki.certificates_present() == {SIGNATURE, AUTHENTICATION}


def test_card_info_of_a_card_with_one_certificate_has_one_pin() -> None:
    with JpkiApplication.select(
        on(card_of(certified_state(roles=(AUTHENTICATION,)))), load_profile("mynumber")
    ) as jpki:
        info = read_card_info(jpki)
    assert info.present == {AUTHENTICATION}
    assert info.tries_left == {AUTHENTICATION: 3}


# PINs


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
    device = card_of(with_tries(certified_state(), AUTHENTICATION, 1))
    with JpkiApplication.select(on(device), profile) as jpki:
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


# Signing


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
    public_key(certified_state(), role).verify(signature, MESSAGE, pad, SHA256())


def test_a_bare_hash_is_signed_without_a_digest_info(card: Card, profile: CardProfile) -> None:
    with JpkiApplication.select(card, profile) as jpki:
        jpki.verify_pin(SIGNATURE, SIGN_PASSWORD)
        signature = jpki.sign(SIGNATURE, MESSAGE, SigningScheme.PKCS1_BARE_SHA256)
    public_key(certified_state(), SIGNATURE).verify(signature, sha256(MESSAGE), padding.PKCS1v15(), NoDigestInfo())


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
        device.transmit(bytes.fromhex("00A4040C0AD392F000260100000001"))
        with pytest.raises(PinNeeded):
            jpki.sign(SIGNATURE, DIGEST_INFO)
        assert not jpki.verified(SIGNATURE)


# Beginning and end


def test_the_first_command_after_a_power_off_is_sent_again_when_the_card_stumbles(profile: CardProfile) -> None:
    trace: list[Exchange] = []
    device = card_of(certified_state(), stumbles=True)
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
    with (
        pytest.raises(NotAJpkiCard),
        JpkiApplication.select(Faulty(card, at=1, fault=answering(0x6A82)), profile),
    ):
        pass


def is_logged_out(device: EmulatedCard) -> bool:
    """Asks the card as the next program would, whatever power it has."""
    select, sign = "00A4040C0AD392F000260100000001", "802A009A33" + DIGEST_INFO.hex() + "00"
    assert device.transmit(bytes.fromhex(select)) == b"\x90\x00"
    return device.transmit(bytes.fromhex(sign)) == b"\x69\x82"


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
    device.transmit(bytes.fromhex("00A4040C0AD392F000260100000001"))
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

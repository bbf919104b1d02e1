"""A false card that knows its issuer's keys: whatever it answers inside the channel, no step fails but by an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from certified_cards import LENGTHS, PINS, certified_state
from hypothesis import given
from hypothesis import strategies as st
from issuing import CHALLENGE, MASTER, SERIAL, TRANSPORTS, counted_random, transported
from prime_pool import PrimePool

from card_profiles import load_profile
from jpki.card import (
    BadAnswer,
    Encoded,
    IssuerSession,
    KeyMismatch,
    LocalConnection,
    WrongCardKeys,
    issuer_session,
    open_issuer_channel,
)
from jpki.errors import JpkiError
from jpki.formats import (
    WELL_KNOWN_KEYS,
    CardKeys,
    CardSession,
    Certificate,
    Command,
    FormatError,
    Handshake,
    InitializeUpdateAnswer,
    Response,
    StatusWord,
    tlv,
)
from jpki.terms import Role

PROFILE = load_profile("mynumber")
CERTIFICATE = certified_state().applications["jpki"].files[0x000A][: LENGTHS[Role.AUTHENTICATION]]
SUBJECT = Certificate.parse(CERTIFICATE).subject
KEY = PrimePool(11).generate().private_key
MOST_EXCHANGES = 5_000


class FalseCard:
    """A card that opens the channel as it should, and inside it answers what comes next, protected or bare."""

    def __init__(
        self,
        life_cycle: bytes,
        answers: Iterator[tuple[bool, Response]],
        version: int = 0x01,
        keys: CardKeys = MASTER.keys_of(SERIAL),  # noqa: B008 - a value
    ) -> None:
        self._life_cycle = tlv(0xE3, tlv(0x9F70, life_cycle))
        self._answers = answers
        self._version = version
        self._keys = keys
        self._channel: CardSession | None = None
        self.exchanges = 0

    def power_on(self) -> bytes:
        return b""

    def power_off(self) -> None:
        self._channel = None

    def transmit(self, raw: bytes) -> bytes:
        self.exchanges += 1
        assert self.exchanges < MOST_EXCHANGES
        return self.answer(Command.decode(raw)).encode()

    def answer(self, command: Command) -> Response:
        if command.ins == 0x50:
            handshake = Handshake.of(self._keys, command.body, b"cardcard")
            self._channel = CardSession(handshake)
            answer = InitializeUpdateAnswer(SERIAL, self._version, 0x60, b"cardcard", handshake.card_cryptogram)
            return Response(answer.encode())
        if command.ins == 0x82 and self._channel is not None:
            self._channel.authenticate(command)
            return Response()
        if self._channel is None or command.ins == 0xC0:
            return Response()
        try:
            plain = self._channel.unwrap(command)
        except FormatError:  # a part of a chain
            return Response()
        if plain.ins == 0xF2:
            return self._channel.wrap(Response(self._life_cycle))
        protected, response = next(self._answers, (True, Response()))
        return self._channel.wrap(response) if protected else response


STEPS: list[Callable[[IssuerSession, Role], object]] = [
    lambda session, role: session.public_key(role),
    lambda session, role: session.public_key(role, waiting=True),
    lambda session, role: session.generate_key(role, waiting=session.sealed),
    lambda session, role: session.import_key(role, KEY),
    lambda session, role: session.set_initial_pin(role, PINS[role]),
    lambda session, role: session.reset_pin(role, PINS[role]),
    lambda session, role: session.write_certificate(role, CERTIFICATE, waiting=session.sealed),
    lambda session, role: session.request(role, SUBJECT, PINS[role], waiting=session.sealed),
    lambda session, role: session.prove(role, CERTIFICATE, PINS[role], CHALLENGE),
    lambda session, role: session.activate(role, CERTIFICATE),
    lambda session, role: session.replace_card_keys(MASTER.keys_of(bytes(10))),
    lambda session, role: session.jpki.read_certificate(role),
    lambda session, role: session.seal(),
]

NUMBERS = st.sampled_from([b"", b"\x00", b"\x01", b"\x03", b"\x01\x00\x01", b"\xff" * 256])
PUBLIC_KEYS = st.builds(lambda n, e: tlv(0x7F49, [tlv(0x81, n), tlv(0x82, e)]), NUMBERS, NUMBERS)
NO_KEYS = st.sampled_from([b"\x7f\x49", b"\x7f\x49\x80", b"\x7f\x49\x84\xff\xff\xff\xff", b""])
STATUSES = st.just(0x9000) | st.sampled_from(
    [0x6282, 0x6300, 0x63C2, 0x6105, 0x6C05, 0x6982, 0x6984, 0x6985, 0x6987, 0x6A80, 0x6A88]
)
RESPONSES = st.builds(Response, PUBLIC_KEYS | NO_KEYS | st.binary(), STATUSES.map(StatusWord))


@contextmanager
def session_with(
    answers: list[tuple[bool, Response]], life_cycle: bytes = b"\x07", transport: str = "chaining"
) -> Iterator[IssuerSession]:
    with LocalConnection(FalseCard(life_cycle, iter(answers))) as connection:
        card = transported(Encoded(connection), transport)
        with issuer_session(card, PROFILE, MASTER, counted_random(), extended=transport == "extended") as session:
            yield session


@given(
    answers=st.lists(st.tuples(st.booleans(), RESPONSES), max_size=6),
    step=st.sampled_from(STEPS),
    role=st.sampled_from(Role),
    life_cycle=st.sampled_from([b"\x01", b"\x07", b"\x0f"]),
    transport=st.sampled_from(TRANSPORTS),
)
def test_every_step_ends_in_a_result_or_an_error(
    answers: list[tuple[bool, Response]],
    step: Callable[[IssuerSession, Role], object],
    role: Role,
    life_cycle: bytes,
    transport: str,
) -> None:
    with session_with(answers, life_cycle, transport) as session, suppress(JpkiError):
        step(session, role)


@pytest.mark.parametrize("life_cycle", [b"", b"\x00", b"\x03", b"\x07\x00", bytes(300)])
def test_a_life_cycle_without_meaning_is_a_bad_answer(life_cycle: bytes) -> None:
    with pytest.raises(BadAnswer), session_with([], life_cycle):
        pass


@pytest.mark.parametrize(("modulus", "exponent"), [(b"", b"\x03"), (b"\x00", b"\x03"), (b"\xff" * 256, b"\x00")])
def test_a_public_key_of_nothing_is_a_bad_answer(modulus: bytes, exponent: bytes) -> None:
    answer = Response(tlv(0x7F49, [tlv(0x81, modulus), tlv(0x82, exponent)]))
    with session_with([(True, answer)]) as session, pytest.raises(BadAnswer):
        session.generate_key(Role.SIGNATURE)


@pytest.mark.parametrize(
    ("version", "keys"),
    [(0x02, MASTER.keys_of(SERIAL)), (0x00, MASTER.keys_of(SERIAL)), (0x01, WELL_KNOWN_KEYS)],
    ids=["an unknown version", "no version", "the well-known keys as its own"],
)
def test_keys_that_no_card_of_the_issuers_has_open_nothing_although_they_fit(version: int, keys: CardKeys) -> None:
    device = FalseCard(b"\x07", iter([]), version, keys)
    with LocalConnection(device) as connection, pytest.raises(WrongCardKeys) as caught:
        open_issuer_channel(transported(Encoded(connection), "chaining"), PROFILE, keys, counted_random())
    assert (caught.value.key_version, caught.value.counted) == (f"{version:02X}", False)
    assert device.exchanges == 1


def test_other_keys_than_it_was_given_are_a_bad_answer() -> None:
    with session_with([(True, Response(b"\x01" + bytes(9)))]) as session, pytest.raises(BadAnswer):
        session.replace_card_keys(MASTER.keys_of(bytes(10)))


def test_a_signature_of_another_key_proves_nothing() -> None:
    answers = [(True, Response()), (True, Response(b"\x01" * 256))]
    with session_with(answers) as session, pytest.raises(KeyMismatch):
        session.prove(Role.AUTHENTICATION, CERTIFICATE, PINS[Role.AUTHENTICATION], CHALLENGE)

"""A hundred thousand spoilt commands: nothing private comes out, no signature without its PIN, every try is counted.

A third on delivered cards, a third on delivered cards after a good PIN, a third on cards that are not sealed. Only
spoilt commands count, and only while the card is in that state; the good ones between them keep it going.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from made_cards import AUTH_PIN, FILES, OWN_KEYS, SIGN_PIN, finished_state
from mutated_commands import DELIVERED, Mutator, PrivateValues, opens, personalising
from plain_card import AUTH_PIN as AUTH_FILE
from plain_card import SIGN_PIN as SIGN_FILE
from plain_card import PlainCard
from prime_pool import PrimePool

from card_profiles import load_profile
from emulator import CardState, EmulatedCard, LifeCycle, PinState, RsaKey, VolatileMemory, blank_state
from emulator.card_format import decode_card, encode_card
from jpki.formats import (
    CardKeys,
    Command,
    FormatError,
    Handshake,
    HostSession,
    InitializeUpdateAnswer,
    Response,
    SecurityLevel,
    put_key_body,
)

THIRD = 33_334
RUN = 60  # commands until the next card
PROFILE = load_profile("mynumber")
VERIFY = 0x20
SELECT = bytes.fromhex("00A4040C0AD392F000260100000001")
VERIFY_SIGN = bytes.fromhex("0020009B06") + SIGN_PIN
VERIFY_AUTH = bytes.fromhex("0020009804") + AUTH_PIN
KEY_PINS = {0x001A: "signature", 0x005A: "signature", 0x0017: "authentication", 0x0057: "authentication"}
PIN_FILES = {"signature": SIGN_FILE, "authentication": AUTH_FILE}
TRIES = {"signature": 5, "authentication": 3}


Say = Callable[[str, object], None]


@dataclass
class Tally:
    """How many spoilt commands were sent to a card in the state that is looked at, and answered 9000."""

    spoilt: int = 0
    done: int = 0

    def add(self, answer: bytes) -> None:
        self.spoilt += 1
        self.done += answer[-2:] == b"\x90\x00"

    def __str__(self) -> str:
        return f"{self.spoilt:,} spoilt commands, {self.done:,} answered 9000"


class Lasting(VolatileMemory):
    """A memory that takes only what a card file would give back."""

    def write(self, state: CardState) -> None:
        assert decode_card(encode_card(state), lambda _: PROFILE) == state
        super().write(state)


class Keys:
    """A key source that tells what it gave."""

    def __init__(self, secrets: PrivateValues) -> None:
        self.pool = PrimePool(2)
        self.secrets = secrets

    def generate(self) -> RsaKey:
        key = self.pool.generate()
        self.secrets.add_keys([key])
        return key


class Watch:
    """One card and everything that must hold of it, whatever it is sent."""

    def __init__(self, state: CardState, secrets: PrivateValues, keys: Keys) -> None:
        self.card = EmulatedCard(PROFILE, Lasting(state), keys=keys, strict=True)
        self.secrets = secrets
        secrets.add_state(state)
        self.unlocked: set[str] = set()
        self.sent = 0
        self.partial = b""

    def transmit(self, raw: bytes) -> bytes:
        before = self.card.state
        answer = self.card.transmit(raw)
        self.sent += 1
        self.judge(before, answer)
        return answer

    def judge(self, before: CardState, answer: bytes) -> None:
        after, data, status = self.card.state, answer[:-2], answer[-2:]
        if after is not before:
            self.count(before, after, status)
        self.partial += data
        if status[0] != 0x61:
            self.look_at(self.partial)
            self.partial = b""

    def look_at(self, data: bytes) -> None:
        """Looks for what must not come out in data that came whole, in clear or as it travelled."""
        self.secrets.look_for(data)
        if len(data) == 256:
            for file, key in self.card.state.applications["jpki"].keys.items():
                assert KEY_PINS[file] in self.unlocked or not opens(data, key.n), "a signature without its PIN"

    def count(self, before: CardState, after: CardState, status: bytes) -> None:
        old, new = (state.applications["jpki"].pins for state in (before, after))
        for name, pin in new.items():
            if name not in old or pin.pin != old[name].pin:
                assert status[0] in (0x90, 0x61), "a PIN was set by a command that was not done"
                assert pin.tries_left == TRIES[name]
            elif pin.tries_left < old[name].tries_left:
                assert pin.tries_left == old[name].tries_left - 1
                # Inside the channel the answer with a warning is protected, and the status word the same.
                assert status == bytes((0x63, 0xC0 | pin.tries_left))
                self.unlocked.discard(name)
            elif pin.tries_left > old[name].tries_left:
                assert status[0] in (0x90, 0x61), "tries came back without the right PIN"
        assert set(old) <= set(new), "a PIN went away"
        assert after.life_cycle >= before.life_cycle


def plain_card() -> PlainCard:
    return PlainCard(
        pins={SIGN_FILE: SIGN_PIN, AUTH_FILE: AUTH_PIN},
        files={file: content.ljust(size, b"\xff") for file, (content, size) in FILES.items()},
        keys={0x1A, 0x17},
    )


def spoilt_delivered(mutator: Mutator) -> Iterator[tuple[bytes, bool]]:
    """Yields one good sequence after another, most of their commands spoilt, and whether each is."""
    chance = mutator.random
    while True:
        for command in chance.choice(DELIVERED):
            spoilt = chance.random() < 0.7
            yield (mutator.spoil(command) if spoilt else command), spoilt


def deliver(pins: bool, mutator: Mutator, secrets: PrivateValues) -> Tally:
    """Sends a third to delivered cards, and to the plain model beside each; with `pins` while one is verified."""
    state, tally = finished_state(PROFILE, PrimePool()), Tally()
    commands = spoilt_delivered(mutator)
    while tally.spoilt < THIRD:
        watch, model = Watch(state, secrets, Keys(secrets)), plain_card()
        opening = [SELECT, VERIFY_SIGN, VERIFY_AUTH] if pins else []
        for number in range(RUN):
            raw, spoilt = (opening[number], False) if number < len(opening) else next(commands)
            if pins and number >= len(opening) and not model.verified:
                break
            expected = model.answer(raw)
            watch.unlocked = {name for name, file in PIN_FILES.items() if file in model.verified}
            answer = watch.transmit(raw)
            if spoilt:
                tally.add(answer)
            assert expected.fits(answer), f"{raw.hex()}: expected {expected}, got {answer.hex()}"
            found = watch.card.state.applications["jpki"]
            assert {PIN_FILES[name]: pin.tries_left for name, pin in found.pins.items()} == model.tries
            assert found.files is state.applications["jpki"].files, "a delivered card was written to"
            assert found.keys is state.applications["jpki"].keys
            assert watch.card.state.failed_authentications == model.failed_authentications
    return tally


@pytest.mark.parametrize("sequence", DELIVERED, ids=[str(number) for number in range(len(DELIVERED))])
def test_what_is_spoilt_was_good(sequence: list[bytes]) -> None:
    card = EmulatedCard(PROFILE, VolatileMemory(finished_state(PROFILE, PrimePool())), strict=True)
    answers = {raw: card.transmit(raw)[-2:].hex() for raw in sequence}
    # Tries left, the rest of an answer; the change of a PIN that was not verified, and the issuer's door, stay shut.
    assert {answer for answer in answers.values() if answer[:2] not in ("90", "61", "63")} <= {"6982", "6700", "6a86"}
    assert "9000" in answers.values()


@pytest.mark.parametrize("pins", [False, True], ids=["without a PIN", "after a good PIN"])
def test_spoilt_commands_get_nothing_out_of_a_delivered_card(pins: bool, record_property: Say) -> None:
    tally = deliver(pins, Mutator(3 + pins), PrivateValues())
    record_property("says", str(tally))
    assert tally.done > tally.spoilt // 20


class Issuer:
    """A host with the right keys whose commands are spoilt, before they are wrapped or after."""

    def __init__(self, watch: Watch, mutator: Mutator, tally: Tally) -> None:
        self.watch = watch
        self.mutator = mutator
        self.tally = tally
        self.session: HostSession | None = None

    def open(self) -> None:
        """Opens a channel with the keys the card has just now, unless it is locked."""
        issuer = self.watch.card.state.issuer_keys
        challenge = self.mutator.random.randbytes(8)
        answer = Response.decode(self.transmit(Command(0x80, 0x50, 0x00, 0x00, challenge, 256).encode()))
        self.session = None
        if not answer.ok:
            return
        parsed = InitializeUpdateAnswer.parse(answer.data)
        keys = CardKeys(issuer.enc, issuer.mac, issuer.dek)
        session = HostSession(Handshake.of(keys, challenge, parsed.card_challenge), SecurityLevel.of(0x33))
        if self.transmit(session.external_authenticate().encode()) == b"\x90\x00":
            self.session = session

    def send(self, plain: bytes) -> None:
        """Sends a command through the channel, or as it is, spoilt or not."""
        chance = self.mutator.random.random()
        inside = chance < 0.65
        if inside:
            plain = self.mutator.spoil(plain)
        if chance > 0.95 or self.session is None:
            self.transmit(plain, spoilt=inside)
            self.open()
            return
        try:
            command = Command.decode(plain)
        except FormatError:
            self.transmit(plain, spoilt=inside)
            return
        wrapped = self.session.wrap(command).encode()
        outside = 0.65 < chance < 0.75
        self.read(self.transmit(self.mutator.spoil(wrapped) if outside else wrapped, command, inside or outside))

    def read(self, answer: bytes) -> None:
        """Opens the answer, its rest fetched, and looks into it; opens a new channel where this one ended."""
        while answer[-2] == 0x61:
            rest = self.transmit(bytes((0x00, 0xC0, 0x00, 0x00, answer[-1])))
            answer = answer[:-2] + rest
        try:
            assert self.session is not None
            self.watch.look_at(self.session.unwrap(Response.decode(answer)).data)
        except FormatError:
            self.open()
        if answer[-2:] in (b"\x69\x88", b"\x69\x85", b"\x67\x00"):
            self.open()

    def transmit(self, raw: bytes, inner: Command | None = None, spoilt: bool = False) -> bytes:
        """Sends bytes, and tells the watch beforehand which PIN they may verify."""
        sealed = self.watch.card.state.life_cycle is LifeCycle.SEALED
        pins = self.watch.card.state.applications["jpki"].pins
        instruction, body = (inner.ins, inner.body) if inner is not None else (raw[1] if len(raw) > 1 else None, raw)
        # Which bytes are the PIN's may be spoilt: every VERIFY that holds the value counts as one of the right PIN.
        may = {name for name, pin in pins.items() if instruction == VERIFY and pin.pin.reveal() in body}
        before = set(self.watch.unlocked)
        self.watch.unlocked |= may
        answer = self.watch.transmit(raw)
        if spoilt and not sealed:
            self.tally.add(answer)
        if answer[-2] not in (0x90, 0x61):
            self.watch.unlocked &= before
        return answer


def unsealed_states() -> list[CardState]:
    """Returns a card as it left manufacture, one with its own keys, and one that only waits for its seal."""
    blank = blank_state(PROFILE, bytes(10))
    owned = replace(blank, life_cycle=LifeCycle.OWN_KEYS, issuer_keys=OWN_KEYS)
    ready = finished_state(PROFILE, PrimePool(5))
    contents = ready.applications["jpki"]
    pin = PinState(contents.pins["signature"].pin, tries_left=2)
    few = replace(contents, files={0x0006: contents.files[0x0006]}, pins={"signature": pin})
    return [blank, owned, replace(ready, life_cycle=LifeCycle.OWN_KEYS), owned.with_application("jpki", few)]


def test_spoilt_commands_get_nothing_out_of_a_card_that_is_being_personalised(record_property: Say) -> None:
    mutator, secrets, tally = Mutator(5), PrivateValues(), Tally()
    keys, imported = Keys(secrets), PrimePool(7).generate()
    secrets.add_keys([imported])
    sequences, states = personalising(imported), unsealed_states()
    while tally.spoilt < THIRD:
        watch = Watch(mutator.random.choice(states), secrets, keys)
        issuer = Issuer(watch, mutator, tally)
        watch.transmit(SELECT)
        issuer.open()
        if watch.card.state.life_cycle is LifeCycle.BLANK and mutator.random.random() < 0.5:
            own = CardKeys(OWN_KEYS.enc, OWN_KEYS.mac, OWN_KEYS.dek)
            body = put_key_body(0x01, own, watch.card.state.issuer_keys.dek).reveal()
            issuer.send(Command(0x80, 0xD8, watch.card.state.issuer_keys.version, 0x81, body, 256).encode())
            issuer.open()
        while watch.sent < RUN:
            for command in mutator.random.choice(sequences):
                issuer.send(command)
    record_property("says", str(tally))
    assert tally.done > tally.spoilt // 8

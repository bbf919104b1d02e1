"""The emulator beside a plain model of counters and access rules: both answer alike, whatever the order of commands."""

from __future__ import annotations

import ast
import tempfile
from pathlib import Path

import plain_card as plain_card_module
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from made_cards import AUTH_PIN, FILES, SIGN_PIN, finished_state
from plain_card import AUTH_PIN as AUTH_FILE
from plain_card import SIGN_PIN as SIGN_FILE
from plain_card import PlainCard
from prime_pool import PrimePool

from card_profiles import load_profile
from emulator import CardFile, EmulatedCard, open_card

STATE = finished_state(load_profile("mynumber"), PrimePool())
PINS = {SIGN_FILE: SIGN_PIN, AUTH_FILE: AUTH_PIN}
KEY_OF = {SIGN_FILE: 0x1A, AUTH_FILE: 0x17}
PIN_NAMES = {SIGN_FILE: "signature", AUTH_FILE: "authentication"}

pins = st.sampled_from([SIGN_FILE, AUTH_FILE])
keys = st.sampled_from([0x1A, 0x17])
known_files = st.sampled_from([*FILES, 0x0016, 0x0017, 0x0018, 0x001A, 0x001B, 0x0057, 0x005A, 0x0003, 0x3F00])
jpki_names = st.sampled_from(["D392F000260100000001", "D392F0", "D392", "D392F000260100000002"])
other_names = st.sampled_from(
    ["A0000001510000", "", "D3921000310001010100", "D39210003100010104", "D3921000310001010408"]
)
short_files = st.integers(0, 0x1F)
references = st.sampled_from([0x80, 0x97, 0x98, 0x9A, 0x9B]) | st.integers(0, 0xFF)


def plain_card() -> PlainCard:
    return PlainCard(
        pins=dict(PINS),
        files={file: content.ljust(size, b"\xff") for file, (content, size) in FILES.items()},
        keys={0x1A, 0x17},
    )


def command(head: tuple[int, int, int, int], data: bytes = b"", le: int | None = None) -> bytes:
    """Encodes a short command; Le 256 is 00."""
    return bytes(head) + (bytes((len(data),)) + data if data else b"") + (b"" if le is None else bytes((le & 0xFF,)))


class CardAndModel(RuleBasedStateMachine):
    """Sends the same to both."""

    card: EmulatedCard

    @initialize()
    def put_in(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "card"
        CardFile.create(self.path, STATE).close()
        self.card = open_card(self.path, strict=True)
        self.model = plain_card()
        self.select_application("D392F000260100000001")

    def teardown(self) -> None:
        if hasattr(self, "card"):
            self.card.close()
            self.folder.cleanup()

    def both(self, raw: bytes) -> None:
        expected = self.model.answer(raw)
        answer = self.card.transmit(raw)
        assert expected.fits(answer), f"{raw.hex()}: expected {expected}, got {answer.hex()}"

    @rule(name=jpki_names | other_names)
    def select_application(self, name: str) -> None:
        self.both(command((0x00, 0xA4, 0x04, 0x0C), bytes.fromhex(name)))

    @rule(name=st.sampled_from(["A0000001510000", "D392F000260100000001", "D3921000310001010408"]))
    def leave_and_come_back(self, name: str) -> None:
        self.select_application(name)
        self.select_application("D392F000260100000001")
        for key in KEY_OF.values():
            self.both(command((0x80, 0x2A, 0x00, 0x80 | key), b"\x01", 256))

    @rule(file=known_files)
    def select_file(self, file: int) -> None:
        self.both(command((0x00, 0xA4, 0x02, 0x0C), file.to_bytes(2, "big")))

    @rule()
    def select_master_file(self) -> None:
        self.both(bytes.fromhex("00A40000"))

    @rule(pin=pins, current=st.booleans())
    def verify_right(self, pin: int, current: bool) -> None:
        self.both(command((0x00, 0x20, 0x00, 0x80 if current else 0x80 | pin), self.model.pins[pin]))

    @rule(pin=pins, value=st.sampled_from([b"9999", b"", b"X" * 17, b"Y" * 255]))
    def verify_another_value(self, pin: int, value: bytes) -> None:
        self.both(command((0x00, 0x20, 0x00, 0x80 | pin), value))

    @rule(pin=pins, tries=st.sampled_from([1, 1, 1, 1, 2, 5]))
    def guess(self, pin: int, tries: int) -> None:
        for _ in range(tries):
            self.both(command((0x00, 0x20, 0x00, 0x80 | pin), b"GUESS"))
        self.both(command((0x80, 0x2A, 0x00, 0x80 | KEY_OF[pin]), b"\x01", 256))

    @rule(pin=pins)
    def verify_and_sign(self, pin: int) -> None:
        self.verify_right(pin, current=False)
        self.both(command((0x80, 0x2A, 0x00, 0x80 | KEY_OF[pin]), b"\x01", 256))

    @rule(reference=references, value=st.binary(max_size=18))
    def verify_anything(self, reference: int, value: bytes) -> None:
        self.both(command((0x00, 0x20, 0x00, reference), value))

    @rule(pin=pins, value=st.sampled_from([b"5678", b"NEWPIN", b"", b"lower1", b"12345", b"A" * 17]))
    def change(self, pin: int, value: bytes) -> None:
        self.both(command((0x00, 0x24, 0x01, 0x80 | pin), value))

    @rule(short=short_files, offset=st.integers(0, 0xFF), le=st.integers(1, 256))
    def read_by_short_identifier(self, short: int, offset: int, le: int) -> None:
        self.both(command((0x00, 0xB0, 0x80 | short, offset), le=le))

    @rule(offset=st.sampled_from([0, 1, 255, 2047, 2048, 4095, 4096, 0x7FFF]), le=st.sampled_from([1, 255, 256]))
    def read_current(self, offset: int, le: int) -> None:
        self.both(command((0x00, 0xB0, offset >> 8, offset & 0xFF), le=le))

    @rule(
        key=keys,
        scheme=st.integers(0, 6),
        length=st.sampled_from([1, 32, 51, 245, 246]),
        le=st.sampled_from([1, 256]),
    )
    def sign(self, key: int, scheme: int, length: int, le: int) -> None:
        self.both(command((0x80, 0x2A, scheme, 0x80 | key), bytes(length), le))

    @rule(key=st.sampled_from([0x0017, 0x001A, 0x0057, 0x005A]))
    def sign_with_current_file(self, key: int) -> None:
        self.both(command((0x00, 0xA4, 0x02, 0x0C), key.to_bytes(2, "big")))
        self.both(command((0x80, 0x2A, 0x00, 0x80), b"\x01", 256))

    @rule(reference=references, chained=st.booleans())
    def sign_with_anything(self, reference: int, chained: bool) -> None:
        self.both(command((0x90 if chained else 0x80, 0x2A, 0x00, reference), b"\x01", 256))

    @rule(le=st.integers(1, 256))
    def get_response(self, le: int) -> None:
        self.both(command((0x00, 0xC0, 0x00, 0x00), le=le))

    @rule(raw=st.binary(max_size=24))
    def send_nonsense(self, raw: bytes) -> None:
        self.both(raw)

    @rule()
    def reset(self) -> None:
        self.card.reset()
        self.model.reset()

    @rule()
    def power_off_and_on(self) -> None:
        self.card.power_off()
        self.card.power_on()
        self.model.power_off()

    @rule()
    def take_out_and_put_in(self) -> None:
        self.card.close()
        self.card = open_card(self.path, strict=True)
        self.model.power_off()

    @invariant()
    def the_file_has_the_models_pins_and_counters(self) -> None:
        if hasattr(self, "card"):
            found = self.card.state.applications["jpki"].pins
            for file, name in PIN_NAMES.items():
                assert found[name].tries_left == self.model.tries[file]
                assert found[name].pin.reveal() == self.model.pins[file]


TestCardAndModel = CardAndModel.TestCase
TestCardAndModel.settings = settings(max_examples=150)


def test_the_model_imports_nothing_of_the_project() -> None:
    assert plain_card_module.__file__ is not None
    imports = [
        node
        for node in ast.walk(ast.parse(Path(plain_card_module.__file__).read_text("utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    found = {node.module if isinstance(node, ast.ImportFrom) else node.names[0].name for node in imports}
    assert found == {"__future__", "re", "dataclasses"}

"""What a delivered My Number Card answers, worked out plainly from docs/facts.md and docs/emulator.md.

The model the emulator is held against. It imports nothing of the project, knows one application with fixed tables and
four with nothing in them, and favours the obvious over the quick. A signature, a challenge and the card's cryptogram it
cannot foresee: there it tells the length only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

JPKI = bytes.fromhex("D392F000260100000001")
ISSUER = bytes.fromhex("A0000001510000")
OTHERS = [bytes.fromhex("D392100031000101" + last) for last in ("0100", "0401", "0402", "0408")]

SIGN_PIN, AUTH_PIN = 0x1B, 0x18
PIN_FORMS = {SIGN_PIN: rb"[A-Z0-9]{6,16}", AUTH_PIN: rb"[0-9]{4}"}
TRIES = {SIGN_PIN: 5, AUTH_PIN: 3}
KEY_PINS = {0x1A: SIGN_PIN, 0x17: AUTH_PIN, 0x5A: SIGN_PIN, 0x57: AUTH_PIN}
WAITING_KEYS = {0x5A, 0x57}
INTERNAL = {0x16}
FREE, NEVER = 0, -1
READ = {
    0x0001: SIGN_PIN,
    0x0002: FREE,
    0x0006: FREE,
    0x0008: FREE,
    0x0009: NEVER,
    0x000A: FREE,
    0x000B: FREE,
    0x0041: NEVER,
    0x004A: NEVER,
}
PREHASHED = {0x02, 0x04}
ISSUERS_COMMANDS = {0x002C, 0x0044, 0x0047, 0x00D6, 0x00DB, 0x00E0, 0x80D8, 0x80F0, 0x80F2}
KEY_VERSION = 0x01


@dataclass(frozen=True)
class Expected:
    """An answer: its status word, its data, or (None) only how long the data is."""

    status: int
    data: bytes | None = b""
    length: int = 0

    def __post_init__(self) -> None:
        if self.data is not None:
            object.__setattr__(self, "length", len(self.data))

    def fits(self, answer: bytes) -> bool:
        data, status = answer[:-2], int.from_bytes(answer[-2:], "big")
        return status == self.status and len(data) == self.length and self.data in (None, data)

    def __str__(self) -> str:
        data = f"<{self.length}>" if self.data is None else self.data.hex()
        return f"{data} {self.status:04X}"


class Refused(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(f"{status:04X}")
        self.status = status


@dataclass
class Sent:
    """One command, taken apart."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes
    le: int | None


def take_apart(raw: bytes) -> Sent:
    """Reads the four cases of ISO/IEC 7816-4, 5.1, short and extended."""
    if len(raw) < 4:
        raise Refused(0x6700)
    head, rest = raw[:4], raw[4:]
    if not rest:
        return Sent(*head, b"", None)
    if len(rest) == 1:
        return Sent(*head, b"", rest[0] or 256)
    if rest[0]:
        size, width, at = rest[0], 1, 1
    elif len(rest) == 3:
        return Sent(*head, b"", int.from_bytes(rest[1:], "big") or 65_536)
    else:
        size, width, at = int.from_bytes(rest[1:3], "big"), 2, 3
        if len(rest) < 3 or not size:
            raise Refused(0x6700)
    data, tail = rest[at : at + size], rest[at + size :]
    if len(data) != size or len(tail) not in (0, width):
        raise Refused(0x6700)
    return Sent(*head, data, (int.from_bytes(tail, "big") or 1 << 8 * width) if tail else None)


@dataclass
class PlainCard:
    """A sealed card: `pins` by their files, `files` with FF up to their size, `keys` (the key files that hold one)."""

    pins: dict[int, bytes]
    files: dict[int, bytes]
    keys: set[int]
    tries: dict[int, int] = field(default_factory=lambda: dict(TRIES))
    failed_authentications: int = 0

    application: bytes = ISSUER
    file: int | None = None
    verified: set[int] = field(default_factory=set)
    handshake: bool = False
    chain: Sent | None = None
    waiting: Expected | None = None

    def power_off(self) -> None:
        self.application, self.file = ISSUER, None
        self.verified.clear()
        self.reset()

    def reset(self) -> None:
        self.chain, self.waiting, self.handshake = None, None, False

    def answer(self, raw: bytes) -> Expected:
        try:
            sent = take_apart(raw)
        except Refused as refused:
            self.chain = self.waiting = None
            return Expected(refused.status)
        try:
            whole = self.carry_out(sent)
        except Refused as refused:
            return Expected(refused.status)
        return self.hand_out(whole, sent.le or 0)

    def hand_out(self, whole: Expected, le: int) -> Expected:
        if whole.length <= le:
            return whole
        left = whole.length - le
        status = 0x6100 | (left if left < 256 else 0)
        if whole.data is None:
            self.waiting = Expected(whole.status, None, left)
            return Expected(status, None, le)
        self.waiting = Expected(whole.status, whole.data[le:])
        return Expected(status, whole.data[:le])

    def carry_out(self, sent: Sent) -> Expected:
        waiting, self.waiting = self.waiting, None
        chain, self.chain = self.chain, None
        if sent.cla & 0x20:
            raise Refused(0x6E00)
        if sent.cla & 0x43:
            raise Refused(0x6881)
        if sent.cla & 0x08:
            raise Refused(0x6882)
        if chain and (chain.cla & 0xEF, chain.ins, chain.p1, chain.p2) == (sent.cla & 0xEF, sent.ins, sent.p1, sent.p2):
            sent = Sent(sent.cla, sent.ins, sent.p1, sent.p2, chain.data + sent.data, sent.le)
            if len(sent.data) > 65_535:
                raise Refused(0x6700)
        if sent.cla & 0x10:
            if not sent.cla & 0x04:
                self.handshake = False
            self.chain = sent
            return Expected(0x9000)
        return self.command(sent, waiting)

    def command(self, sent: Sent, waiting: Expected | None) -> Expected:
        name = sent.cla << 8 | sent.ins
        if name in (0x00C0, 0x80C0):
            return self.get_response(sent, waiting)
        if name == 0x8482:
            return self.external_authenticate(sent)
        if sent.cla & 0x04:
            raise Refused(0x6985)
        known = {
            0x0020: self.verify,
            0x0024: self.change,
            0x0084: self.challenge,
            0x00A4: self.select,
            0x00B0: self.read,
            0x802A: self.sign,
            0x8050: self.initialize_update,
        }
        if name in known:
            return known[name](sent)
        raise Refused(0x6982 if name in ISSUERS_COMMANDS else 0x6D00)

    def get_response(self, sent: Sent, waiting: Expected | None) -> Expected:
        if sent.p1 or sent.p2:
            raise Refused(0x6A86)
        if waiting is None:
            raise Refused(0x6985)
        if sent.data or sent.le is None:
            self.waiting = waiting
            raise Refused(0x6700)
        return waiting

    def select(self, sent: Sent) -> Expected:
        if sent.p1 == 0x02 and sent.p2 in (0x00, 0x0C):
            if len(sent.data) != 2:
                raise Refused(0x6700)
            self.file = self.there(int.from_bytes(sent.data, "big"))
        elif sent.p1 == 0x04 and sent.p2 in (0x00, 0x0C):
            named = [name for name in (ISSUER, JPKI, *OTHERS) if name[: len(sent.data)] == sent.data]
            if not named:
                raise Refused(0x6A82)
            self.enter(named[0])
        elif sent.p1 == 0x00:
            if sent.data:
                raise Refused(0x6A82)
            if self.application == ISSUER:
                raise Refused(0x6A86)
        else:
            raise Refused(0x6A86)
        return Expected(0x9000)

    def enter(self, application: bytes) -> None:
        if self.application != application:
            self.verified.clear()
        self.application, self.file, self.handshake = application, None, False

    def there(self, file: int) -> int:
        if self.application != JPKI or file not in {*self.files, *KEY_PINS, *TRIES, *INTERNAL}:
            raise Refused(0x6A82)
        return file

    def named(self, p2: int) -> int:
        if p2 < 0x80 or p2 > 0x9E:
            raise Refused(0x6A86)
        file = p2 - 0x80 or self.file
        if file is None or self.application == ISSUER:
            raise Refused(0x6986)
        self.file = self.there(file)
        return file

    def read(self, sent: Sent) -> Expected:
        if sent.le is None or sent.data:
            raise Refused(0x6700)
        offset = sent.p1 << 8 | sent.p2
        if sent.p1 & 0x80:
            if not 0x81 <= sent.p1 <= 0x9E:
                raise Refused(0x6A86)
            offset = sent.p2
            file = self.named(sent.p1)
        elif self.file is None:
            raise Refused(0x6986)
        else:
            file = self.file
        if file not in READ:
            raise Refused(0x6981)
        if READ[file] != FREE and READ[file] not in self.verified:
            raise Refused(0x6982)
        if offset >= len(self.files[file]):
            raise Refused(0x6B00)
        return Expected(0x9000, self.files[file][offset : offset + sent.le])

    def verify(self, sent: Sent) -> Expected:
        if sent.p1:
            raise Refused(0x6A86)
        pin = self.named(sent.p2)
        if pin not in TRIES:
            raise Refused(0x6981)
        if not sent.data:
            raise Refused(0x63C0 + self.tries[pin])
        if len(sent.data) > 16:
            raise Refused(0x6700)
        if self.tries[pin] == 0:
            raise Refused(0x6984)
        if sent.data != self.pins[pin]:
            self.tries[pin] -= 1
            self.verified.discard(pin)
            raise Refused(0x63C0 + self.tries[pin])
        self.tries[pin] = TRIES[pin]
        self.verified.add(pin)
        return Expected(0x9000)

    def change(self, sent: Sent) -> Expected:
        if sent.p1 != 0x01:
            raise Refused(0x6A86)
        pin = self.named(sent.p2)
        if pin not in TRIES:
            raise Refused(0x6981)
        if pin not in self.verified:
            raise Refused(0x6982)
        if not 1 <= len(sent.data) <= 16:
            raise Refused(0x6700)
        if not re.fullmatch(PIN_FORMS[pin], sent.data):
            raise Refused(0x6A80)
        self.pins[pin] = sent.data
        self.tries[pin] = TRIES[pin]
        return Expected(0x9000)

    def sign(self, sent: Sent) -> Expected:
        if self.application == ISSUER:
            raise Refused(0x6986 if 0x80 <= sent.p2 <= 0x9E else 0x6A86)
        if self.application != JPKI or sent.p1 > 0x05:
            raise Refused(0x6A86)
        key = self.named(sent.p2)
        if key not in KEY_PINS:
            raise Refused(0x6981)
        if KEY_PINS[key] not in self.verified or key in WAITING_KEYS:
            raise Refused(0x6982)
        if key not in self.keys:
            raise Refused(0x6A88)
        if not sent.data or (sent.p1 == 0x00 and len(sent.data) > 245):
            raise Refused(0x6700)
        if sent.p1 in PREHASHED and len(sent.data) != 32:
            raise Refused(0x6985)
        return Expected(0x9000, None, 256)

    def challenge(self, sent: Sent) -> Expected:
        if sent.p1 or sent.p2:
            raise Refused(0x6A86)
        if sent.le is None or sent.data:
            raise Refused(0x6700)
        if sent.le > 256:
            raise Refused(0x6985)
        return Expected(0x9000, None, sent.le)

    def initialize_update(self, sent: Sent) -> Expected:
        self.handshake = False
        if not sent.data:
            raise Refused(0x6D00)
        if sent.p2:
            raise Refused(0x6A86)
        if len(sent.data) != 8:
            raise Refused(0x6700)
        if self.failed_authentications >= 5:
            raise Refused(0x6983)
        if sent.p1 not in (0x00, KEY_VERSION):
            raise Refused(0x6A88)
        self.handshake = True
        return Expected(0x9000, None, 29)

    def external_authenticate(self, sent: Sent) -> Expected:
        if not self.handshake:
            raise Refused(0x6985)
        self.handshake = False
        if sent.p1 != 0x33 or sent.p2:
            raise Refused(0x6A86)
        if len(sent.data) != 16:
            raise Refused(0x6700)
        self.failed_authentications += 1
        raise Refused(0x6300)  # nobody without the card's keys guesses sixteen bytes

"""What the test with mutated commands needs: good sequences, ways to spoil a command, and what must never come out."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable

from emulator import CardState, LifeCycle, RsaKey

__all__ = ["DELIVERED", "Leak", "Mutator", "PrivateValues", "opens", "personalising"]

WINDOW = 8


def _commands(text: str) -> list[bytes]:
    return [bytes.fromhex(line.partition("#")[0]) for line in text.splitlines() if line.partition("#")[0].strip()]


# Recorded with a delivered card: what hosts send, in the order in which they send it.
DELIVERED = [
    _commands(sequence)
    for sequence in (
        """
        00A4040C0AD392F000260100000001  # what card is this
        00B0860020
        00B08600A0
        00B0880003
        00200098
        0020009B
        """,
        """
        00A4040C0AD392F000260100000001  # login
        002000980431323334
        802A0097333031300D060960864801650304020105000420000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F00
        """,
        """
        00A4040C0AD392F000260100000001  # signatures, by the current file
        00A4020C02001B
        00200080
        0020008006414243313233
        00A4020C02001A
        802A0080333031300D060960864801650304020105000420000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F00
        802A02802000112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF00
        802A038003616263
        00C0000000
        802A04802000112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF00
        902A058003616263
        802A05800364656600
        """,
        """
        00A4040C05D392F00026  # certificates
        00A4020C02000A
        00B0000004
        00B0000000
        00B0010000
        00B08B00000800
        0020009B06414243313233
        00B0810000
        00B0810100
        00A4020C020001
        00B00FF000
        """,
        """
        00A4040C0AD392F000260100000001  # another PIN
        002000980431323334
        00A4020C020018
        002401800434333231
        0024019B065A5A5A5A5A5A
        00200098
        0084000008
        """,
        """
        00A4040C07A0000001510000  # somebody tries the issuer's door
        80500000080102030405060708
        00
        8482330010000102030405060708090A0B0C0D0E0F
        80F28002024F0000
        00D6000003303132
        00A40000
        0084000000
        """,
    )
]


def personalising(key: RsaKey) -> list[list[bytes]]:
    """Returns the issuer's commands before they are wrapped; the key is one to import."""
    p, q = (value.to_bytes(128, "big").hex() for value in (key.p, key.q))
    imported = f"7F48820112840200179103010001928180{p}938180{q}"
    certificate = "308205D8" + bytes(range(200)).hex()
    files = ("0001 1000", "0002 0800", "0006 00A0", "0008 0003", "0009 0010", "000A 1000", "000B 0800", "0041 1000")
    created = [f"00E000000A6208 8302{name} 8002{size}" for name, size in (file.split() for file in files)]
    return [
        _commands("80F28002024F0000"),
        _commands("\n".join(created)),
        _commands("0047800006AC048402001A00\n0047800006AC048402001700\n0047810006AC048402001A00"),
        _commands(f"00DB3FFF{len(bytes.fromhex(imported)):06X}{imported}"),
        _commands("0024019B06414243313233\n002401980431323334"),
        _commands("0020009B06414243313233\n802A009A0401020304\n002000980431323334\n802A03970401020304"),
        _commands(f"00D68100{len(certificate) // 2:02X}{certificate}\n00A4020C02000A\n00D60000{204:02X}{certificate}"),
        _commands("00D68600A0" + "20" * 160 + "\n00D68800038F8F00\n00B0880000\n00B0860000"),
        _commands("80F0800F\n80F28002024F0000\n0047800006AC048402005A00\n0047800006AC048402005700"),
        _commands("002C029B064E4557313233\n002C02980439393939\n00440000048402005A"),
        _commands("00A4020C02005A\n802A00800101\n00A4020C020057\n802A00800101"),
    ]


class Mutator:
    """Spoils commands; the same seed spoils them alike."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - no secret depends on it

    def spoil(self, command: bytes) -> bytes:
        """Returns the command with one to three things changed."""
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            command = self.random.choice(self.WAYS)(self, command)
        return command

    def _at(self, command: bytes) -> int:
        # Headers decide most: half of the changes hit one.
        return self.random.randrange(min(len(command), self.random.choice((5, 1 << 16)))) if command else 0

    def _flip(self, command: bytes) -> bytes:
        at = self._at(command)
        flipped = bytes(byte ^ 1 << self.random.randrange(8) for byte in command[at : at + 1])
        return command[:at] + flipped + command[at + 1 :]

    def _replace(self, command: bytes) -> bytes:
        at = self._at(command)
        telling = (0x00, 0x01, 0x7F, 0x80, 0x97, 0x98, 0x9A, 0x9B, 0xFF, self.random.randrange(256))
        return command[:at] + bytes((self.random.choice(telling),)) + command[at + 1 :]

    def _cut(self, command: bytes) -> bytes:
        return command[: self._at(command)]

    def _drop(self, command: bytes) -> bytes:
        at = self._at(command)
        return command[:at] + command[at + 1 :]

    def _grow(self, command: bytes) -> bytes:
        at = self.random.randrange(len(command) + 1)
        return command[:at] + self.random.randbytes(self.random.choice((1, 1, 2, 16, 300))) + command[at:]

    def _chain(self, command: bytes) -> bytes:
        return bytes((command[0] ^ 0x10,)) + command[1:] if command else command

    def _reference(self, command: bytes) -> bytes:
        return command[:3] + bytes((0x80 | self.random.randrange(0x1F),)) + command[4:]

    def _file(self, command: bytes) -> bytes:
        file = self.random.choice((1, 2, 6, 8, 9, 10, 22, 23, 24, 26, 27, 87, 90))
        return b"\x00\xa4\x02\x0c\x02\x00" + bytes((file,))

    def _extend(self, command: bytes) -> bytes:
        return command[:4] + b"\x00\x00" + command[4:] + self.random.choice((b"", b"\x00", b"\x00\x00"))

    def _body(self, command: bytes) -> bytes:
        body = self.random.randbytes(self.random.choice((1, 4, 6, 8, 16, 17, 32, 64, 245, 255)))
        return command[:4] + bytes((len(body),)) + body + self.random.choice((b"", b"\x00", b"\x10"))

    WAYS = (_flip, _flip, _replace, _replace, _cut, _drop, _grow, _chain, _reference, _file, _extend, _body)


class Leak(AssertionError):
    """A card gave away what it must keep."""


class PrivateValues:
    """Every eight successive bytes of what must not leave a card: private numbers of its keys, issuer keys."""

    def __init__(self) -> None:
        self._windows: set[bytes] = set()
        self._known: set[int] = set()

    def add_keys(self, keys: Iterable[RsaKey]) -> None:
        for key in keys:
            if key.n not in self._known:
                self._known.add(key.n)
                numbers = key.private_key.private_numbers()
                for value in (key.p, key.q, numbers.d, numbers.dmp1, numbers.dmq1, numbers.iqmp):
                    self.add(value.to_bytes((value.bit_length() + 7) // 8, "big"))

    def add(self, value: bytes) -> None:
        self._windows |= {value[at : at + WINDOW] for at in range(len(value) - WINDOW + 1)}

    def add_state(self, state: CardState) -> None:
        if state.life_cycle is not LifeCycle.BLANK:  # a blank card's keys are in every book
            for key in (state.issuer_keys.enc, state.issuer_keys.mac, state.issuer_keys.dek):
                self.add(key.reveal())
        for contents in state.applications.values():
            self.add_keys(contents.keys.values())

    def look_for(self, answer: bytes) -> None:
        """Raises Leak where eight successive bytes of a private value stand in an answer."""
        if any(answer[at : at + WINDOW] in self._windows for at in range(len(answer) - WINDOW + 1)):
            raise Leak(answer.hex())


def opens(data: bytes, modulus: int) -> bool:
    """Returns whether 256 bytes are a signature, PKCS#1 v1.5 or PSS with SHA-256, that this key made over anything."""
    value = int.from_bytes(data, "big")
    if len(data) != 256 or value >= modulus:
        return False
    block = pow(value, 65_537, modulus).to_bytes(256, "big")
    return block.startswith(b"\x00\x01" + b"\xff" * 8) or _is_pss(block)


def _is_pss(block: bytes) -> bool:
    masked, digest, last = block[:223], block[223:255], block[255]
    if last != 0xBC:
        return False
    mask = b"".join(hashlib.sha256(digest + counter.to_bytes(4, "big")).digest() for counter in range(7))
    plain = bytes(left ^ right for left, right in zip(masked, mask, strict=False))
    return plain[1:191] == bytes(189) + b"\x01"

"""The three keys of a card's issuer domain: their derivation, and the body of PUT KEY that carries them.

Source: NIST SP 800-108, 4.1; GlobalPlatform Card Specification 2.3, 11.8, and Amendment D, 7.2;
docs/personalisation.md, "Card keys".
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from jpki.terms import Secret

from .errors import FormatError

__all__ = [
    "BLOCK",
    "SERIAL_LENGTH",
    "WELL_KNOWN_KEYS",
    "CardKeys",
    "IssuerMasterKey",
    "check_value",
    "counter_mode_kdf",
    "derive",
    "put_key_body",
    "read_put_key_body",
]

BLOCK = 16
SERIAL_LENGTH = 10

_AES_LENGTHS = (16, 24, 32)
_MASTER_LENGTHS = (16, 32)
_LABEL = b"JPKI"
_AES = 0x88
_CHECK_LENGTH = 3


def counter_mode_kdf(key: bytes, before: bytes, after: bytes, bits: int) -> bytes:
    """Returns `bits`/8 bytes of AES-CMAC blocks over before ‖ counter ‖ after; the counter is one byte and starts at 1.

    Source: NIST SP 800-108, 4.1, counter in the middle of the fixed input.
    """
    derived = b""
    for counter in range(1, -(-bits // (BLOCK * 8)) + 1):
        mac = CMAC(algorithms.AES(key))
        mac.update(before + bytes((counter,)) + after)
        derived += mac.finalize()
    return derived[: bits // 8]


def derive(key: bytes, label: bytes, context: bytes, bits: int) -> bytes:
    """Returns `bits`/8 bytes derived as SCP03 does: label ‖ 00 ‖ bits (two bytes) ‖ counter ‖ context.

    Source: GlobalPlatform's Amendment D, 4.1.5.
    """
    return counter_mode_kdf(key, label + b"\x00" + bits.to_bytes(2, "big"), context, bits)


@dataclass(frozen=True, slots=True)
class CardKeys:
    """A card's key set: ENC, MAC and DEK, all AES keys of one length (16, 24 or 32 bytes; else FormatError)."""

    encryption: Secret
    mac: Secret
    data: Secret

    def __post_init__(self) -> None:
        lengths = {len(key.reveal()) for key in self.in_order}
        if len(lengths) != 1 or not lengths <= set(_AES_LENGTHS):
            raise FormatError(what="card keys", problem="not three AES keys of one length")

    @property
    def in_order(self) -> tuple[Secret, Secret, Secret]:
        """Returns the keys in the order of their numbers 01, 02, 03."""
        return (self.encryption, self.mac, self.data)

    @property
    def length(self) -> int:
        """Returns the length of each key in bytes."""
        return len(self.mac.reveal())


_WELL_KNOWN = Secret(bytes(range(0x40, 0x50)))
WELL_KNOWN_KEYS = CardKeys(_WELL_KNOWN, _WELL_KNOWN, _WELL_KNOWN)
"""What a card leaves its manufacturer with: 40 41 … 4F three times."""


class IssuerMasterKey(Secret):
    """The key from which the keys of all cards of an issuer derive: 16 or 32 bytes (else FormatError)."""

    __slots__ = ()

    def __init__(self, value: bytes) -> None:
        if len(value) not in _MASTER_LENGTHS:
            raise FormatError(what="issuer master key", problem="not 16 or 32 bytes")
        super().__init__(value)

    def keys_of(self, serial: bytes) -> CardKeys:
        """Returns the keys of the card with this serial number (10 bytes), as long as the master key.

        Source: docs/personalisation.md, "Card keys".
        """
        if len(serial) != SERIAL_LENGTH:
            raise FormatError(what="card serial number", problem="not 10 bytes")
        bits = len(self.reveal()) * 8
        derived = (derive(self.reveal(), _LABEL + bytes((number,)), serial, bits) for number in (1, 2, 3))
        return CardKeys(*(Secret(key) for key in derived))


def check_value(key: Secret) -> bytes:
    """Returns the first three bytes of a block of sixteen 01, encrypted with the key (AES, ECB)."""
    encryptor = Cipher(algorithms.AES(key.reveal()), modes.ECB()).encryptor()  # noqa: S305 - as the standard says
    return encryptor.update(b"\x01" * BLOCK)[:_CHECK_LENGTH]


def put_key_body(version: int, keys: CardKeys, data_key: Secret) -> Secret:
    """Returns the body of PUT KEY: the new version, then each key under the present DEK with its check value.

    Source: docs/personalisation.md, "Card keys"; an AES-192 key is filled up with zeros to whole blocks.
    """
    body = bytes((version,))
    for key in keys.in_order:
        clear = key.reveal()
        hidden = _under(data_key).encryptor().update(clear + bytes(-len(clear) % BLOCK))
        component = bytes((len(clear),)) + hidden
        body += bytes((_AES, len(component))) + component + bytes((_CHECK_LENGTH,)) + check_value(key)
    return Secret(body)


def read_put_key_body(body: bytes, data_key: Secret) -> tuple[int, CardKeys]:
    """Returns the new version and keys; raises FormatError for another shape, or a check value that does not fit."""
    if not body:
        raise FormatError(what="PUT KEY", problem="empty")
    keys, at = [], 1
    for _ in range(3):
        key, at = _read_key(body, at, data_key)
        keys.append(key)
    if at != len(body):
        raise FormatError(what="PUT KEY", problem="more than three keys")
    return body[0], CardKeys(*keys)


def _read_key(body: bytes, at: int, data_key: Secret) -> tuple[Secret, int]:
    kind, total, length = (body[at : at + 3] + bytes(3))[:3]
    padded = -(-length // BLOCK) * BLOCK
    end = at + 3 + padded
    if kind != _AES or length not in _AES_LENGTHS or total != 1 + padded or len(body) < end + 1 + _CHECK_LENGTH:
        raise FormatError(what="PUT KEY", problem="not an AES key with its check value")
    key = Secret(_under(data_key).decryptor().update(body[at + 3 : end])[:length])
    after = end + 1 + _CHECK_LENGTH
    if body[end:after] != bytes((_CHECK_LENGTH,)) + check_value(key):
        raise FormatError(what="PUT KEY", problem="the check value does not fit")
    return key, after


def _under(data_key: Secret) -> Cipher[modes.CBC]:
    return Cipher(algorithms.AES(data_key.reveal()), modes.CBC(bytes(BLOCK)))

"""The issuer's commands inside the secure channel, one method each, as docs/personalisation.md has their bytes."""

from __future__ import annotations

from enum import IntEnum

from cryptography.hazmat.primitives.asymmetric import rsa

from card_profiles import PinPolicy, TransparentFile
from jpki.formats import (
    MAX_EXTENDED,
    MAX_SHORT_LE,
    CardKeys,
    Command,
    FormatError,
    Response,
    RsaPublicKey,
    StatusWord,
    check_value,
    find_tlv,
    put_key_body,
    tlv,
)
from jpki.terms import Pin, Secret

from .channel import Card
from .errors import BadAnswer, CardRefused
from .files import select_file

__all__ = ["IssuerCommands", "LifeCycle"]

_NOT_FOUND = StatusWord(0x6A88)
_ISSUER_DOMAIN, _AS_TLV, _ALL_THREE_KEYS = 0x80, 0x02, 0x81
_GENERATE, _READ = 0x80, 0x81
_CURRENT_FILE = 0x80
_EVERY_NAME = bytes.fromhex("4F00")
_KEY_PAIR = "GENERATE ASYMMETRIC KEY PAIR"


class LifeCycle(IntEnum):
    """How far a card has come; the values are GlobalPlatform's."""

    BLANK = 0x01
    PERSONALISED = 0x07
    SEALED = 0x0F


class IssuerCommands:
    """What an issuer can tell a card inside its channel. Each method raises CardRefused where the card refuses."""

    def __init__(self, card: Card) -> None:
        self._card = card

    def life_cycle(self) -> LifeCycle:
        """Asks how far the card has come (GET STATUS); raises BadAnswer for a state without meaning."""
        command = Command(0x80, 0xF2, _ISSUER_DOMAIN, _AS_TLV, _EVERY_NAME, MAX_SHORT_LE)
        value = _found(self._done("GET STATUS", command).data, 0xE3, 0x9F70)
        try:
            return LifeCycle(int.from_bytes(value, "big"))
        except ValueError:
            raise BadAnswer(problem="a life cycle state without meaning") from None

    def put_keys(self, old_version: int, version: int, keys: CardKeys, data_key: Secret) -> None:
        """Replaces the card's key set (PUT KEY); raises BadAnswer where the card took other keys than these."""
        body = put_key_body(version, keys, data_key)
        response = self._done("PUT KEY", Command(0x80, 0xD8, old_version, _ALL_THREE_KEYS, body, MAX_SHORT_LE))
        if response.data != bytes((version,)) + b"".join(check_value(key) for key in keys.in_order):
            raise BadAnswer(problem="check values of other keys")

    def generate_key(self, file: int) -> RsaPublicKey:
        """Makes the card generate a key in a key file, and returns the public key."""
        return self._public_key(self._key_pair(_GENERATE, file))

    def public_key(self, file: int) -> RsaPublicKey | None:
        """Returns the public key of the key in a key file, or None where there is none."""
        response = self._key_pair(_READ, file)
        return None if response.status == _NOT_FOUND else self._public_key(response)

    def import_key(self, file: int, key: rsa.RSAPrivateNumbers) -> None:
        """Puts a key that was made elsewhere into a key file (PUT DATA)."""
        numbers = ((0x91, key.public_numbers.e), (0x92, key.p), (0x93, key.q))
        parts = [tlv(0x84, _identifier(file)), *(tlv(tag, _octets(number)) for tag, number in numbers)]
        self._done("PUT DATA", Command(0x00, 0xDB, 0x3F, 0xFF, Secret(tlv(0x7F48, parts))))

    def set_initial_pin(self, policy: PinPolicy, pin: Pin) -> None:
        """Sets a PIN and all its tries before sealing (CHANGE REFERENCE DATA)."""
        self._done("CHANGE REFERENCE DATA", Command(0x00, 0x24, 0x01, self._reference(policy), pin))

    def reset_pin(self, policy: PinPolicy, pin: Pin) -> None:
        """Sets a PIN and all its tries on a sealed card (RESET RETRY COUNTER)."""
        self._done("RESET RETRY COUNTER", Command(0x00, 0x2C, 0x02, self._reference(policy), pin))

    def create_file(self, file: TransparentFile) -> None:
        """Creates a transparent file at its whole size (CREATE FILE); one that is there is emptied."""
        parts = [tlv(0x83, _identifier(file.id)), tlv(0x80, file.size.to_bytes(2, "big"))]
        self._done("CREATE FILE", Command(0x00, 0xE0, 0x00, 0x00, tlv(0x62, parts)))

    def update_binary(self, file: TransparentFile, content: bytes) -> None:
        """Writes a file from its beginning (UPDATE BINARY)."""
        p1, p2 = 0x00, 0x00
        if file.short_id is None:
            select_file(self._card, file.id)
        else:
            p1 = _CURRENT_FILE | file.short_id
        self._done("UPDATE BINARY", Command(0x00, 0xD6, p1, p2, content))

    def sign(self, file: int, parameter: int, data: bytes) -> bytes:
        """Returns a signature by the key in a key file that has no short identifier (COMPUTE DIGITAL SIGNATURE)."""
        select_file(self._card, file)
        command = Command(0x80, 0x2A, parameter, _CURRENT_FILE, data, MAX_SHORT_LE)
        return self._done("COMPUTE DIGITAL SIGNATURE", command).data

    def activate(self, file: int) -> None:
        """Makes the key that waits in this key file, and its certificate, the current ones (ACTIVATE FILE)."""
        self._done("ACTIVATE FILE", Command(0x00, 0x44, 0x00, 0x00, tlv(0x84, _identifier(file))))

    def seal(self) -> None:
        """Ends personalisation for good (SET STATUS)."""
        self._done("SET STATUS", Command(0x80, 0xF0, _ISSUER_DOMAIN, LifeCycle.SEALED))

    def _key_pair(self, what: int, file: int) -> Response:
        body = tlv(0xAC, tlv(0x84, _identifier(file)))
        return self._card.send(Command(0x00, 0x47, what, 0x00, body, MAX_EXTENDED))

    def _public_key(self, response: Response) -> RsaPublicKey:
        data = _checked(_KEY_PAIR, response).data
        modulus, exponent = (int.from_bytes(_found(data, 0x7F49, tag), "big") for tag in (0x81, 0x82))
        if not modulus or not exponent:
            raise BadAnswer(problem="a number that is not positive")
        return RsaPublicKey(modulus, exponent)

    def _reference(self, policy: PinPolicy) -> int:
        if policy.short_id is not None:
            return _CURRENT_FILE | policy.short_id
        select_file(self._card, policy.file)
        return _CURRENT_FILE

    def _done(self, name: str, command: Command) -> Response:
        return _checked(name, self._card.send(command))


def _checked(name: str, response: Response) -> Response:
    if not response.ok:
        raise CardRefused(command=name, status=response.status)
    return response


def _found(data: bytes, *path: int) -> bytes:
    try:
        value = find_tlv(data, *path)
    except FormatError as error:
        raise BadAnswer(problem=error.problem) from None
    if value is None:
        raise BadAnswer(problem=f"data object {path[-1]:X} is missing")
    return value


def _identifier(file: int) -> bytes:
    return file.to_bytes(2, "big")


def _octets(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")

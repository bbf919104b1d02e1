"""GlobalPlatform's secure channel protocol 03: derivation, cryptograms, and both ends of a session, in S8 mode.

Source: GlobalPlatform Card Specification 2.3, Amendment D; docs/personalisation.md, "The secure channel".
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from enum import IntFlag

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from jpki.terms import Secret

from .apdu import MAX_SHORT_DATA, MAX_SHORT_LE, Command, Response, StatusWord
from .card_keys import BLOCK, CardKeys, derive
from .errors import FormatError

__all__ = [
    "CHALLENGE_LENGTH",
    "EXTERNAL_AUTHENTICATE",
    "INITIALIZE_UPDATE",
    "MAC_LENGTH",
    "SCP03",
    "CardSession",
    "Handshake",
    "HostSession",
    "InitializeUpdateAnswer",
    "SecurityLevel",
    "SessionKeys",
]

SCP03 = 0x03
INITIALIZE_UPDATE = 0x50
EXTERNAL_AUTHENTICATE = 0x82
CHALLENGE_LENGTH = 8
MAC_LENGTH = 8

_GLOBALPLATFORM = 0x80
_SECURE = 0x04
_CHAINED = 0x10
_FRESH_CHAIN = bytes(BLOCK)
_RESPONSE_FLAG = 0x80
_CARD_CRYPTOGRAM, _HOST_CRYPTOGRAM = 0x00, 0x01
_S_ENC, _S_MAC, _S_RMAC = 0x04, 0x06, 0x07


class SecurityLevel(IntFlag):
    """What a session protects: P1 of EXTERNAL AUTHENTICATE."""

    C_MAC = 0x01
    C_DECRYPTION = 0x02
    R_MAC = 0x10
    R_ENCRYPTION = 0x20

    @classmethod
    def of(cls, octet: int) -> SecurityLevel:
        """Returns the level for 01, 03, 11, 13 or 33; raises FormatError for a combination that SCP03 does not have."""
        if octet not in (0x01, 0x03, 0x11, 0x13, 0x33):
            raise FormatError(what="security level", problem="not 01, 03, 11, 13 or 33")
        return cls(octet)


@dataclass(frozen=True, slots=True)
class InitializeUpdateAnswer:
    """What a card answers to INITIALIZE UPDATE with random challenges: 29 bytes."""

    serial: bytes
    key_version: int
    options: int
    card_challenge: bytes
    card_cryptogram: bytes

    @classmethod
    def parse(cls, raw: bytes) -> InitializeUpdateAnswer:
        """Reads the answer; raises FormatError for another length or another protocol than SCP03."""
        if len(raw) != 29:
            raise FormatError(what="answer to INITIALIZE UPDATE", problem="not 29 bytes")
        if raw[11] != SCP03:
            raise FormatError(what="answer to INITIALIZE UPDATE", problem="not SCP03")
        return cls(raw[:10], raw[10], raw[12], raw[13:21], raw[21:29])

    def encode(self) -> bytes:
        """Returns the 29 bytes: serial number, key version, 03, options, card challenge, card cryptogram."""
        return self.serial + bytes((self.key_version, SCP03, self.options)) + self.card_challenge + self.card_cryptogram


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """The three keys of one session. The data encryption key is the card's own: SCP03 derives none for a session."""

    encryption: Secret
    mac: Secret
    response_mac: Secret


@dataclass(frozen=True, slots=True)
class Handshake:
    """What both ends work out from the card's keys and the two challenges of eight bytes."""

    keys: SessionKeys
    card_cryptogram: bytes
    host_cryptogram: bytes

    @classmethod
    def of(cls, keys: CardKeys, host_challenge: bytes, card_challenge: bytes) -> Handshake:
        """Derives session keys and cryptograms; raises FormatError for a challenge of another length."""
        if len(host_challenge) != CHALLENGE_LENGTH or len(card_challenge) != CHALLENGE_LENGTH:
            raise FormatError(what="challenge", problem="not 8 bytes")
        context = host_challenge + card_challenge
        size = keys.length * 8
        mac_key = keys.mac.reveal()
        s_mac = _derive(mac_key, _S_MAC, context, size)
        return cls(
            SessionKeys(
                encryption=Secret(_derive(keys.encryption.reveal(), _S_ENC, context, size)),
                mac=Secret(s_mac),
                response_mac=Secret(_derive(mac_key, _S_RMAC, context, size)),
            ),
            card_cryptogram=_derive(s_mac, _CARD_CRYPTOGRAM, context, MAC_LENGTH * 8),
            host_cryptogram=_derive(s_mac, _HOST_CRYPTOGRAM, context, MAC_LENGTH * 8),
        )


def _derive(key: bytes, constant: int, context: bytes, bits: int) -> bytes:
    return derive(key, bytes(11) + bytes((constant,)), context, bits)


class _Session:
    """What both ends keep: keys, level, the MAC chaining value, and the counter that makes each ICV new."""

    def __init__(self, handshake: Handshake) -> None:
        self._handshake = handshake
        self._level = SecurityLevel.C_MAC
        self._chain = _FRESH_CHAIN
        self._counter = 0

    def _command_mac(self, command: Command, body: bytes, extended: bool) -> bytes:
        length = len(body) + MAC_LENGTH
        lc = b"\x00" + length.to_bytes(2, "big") if extended else bytes((length,))
        # The header is the one without the chaining bit: what a transport splits is the protected command.
        header = bytes(((command.cla & ~_CHAINED) | _SECURE,)) + command.header[1:]
        return _cmac(self._handshake.keys.mac, self._chain, header, lc, body)

    def _response_mac(self, data: bytes, status: StatusWord) -> bytes:
        full = _cmac(self._handshake.keys.response_mac, self._chain, data, status.to_bytes(2, "big"))
        return full[:MAC_LENGTH]

    def _cipher(self, *, response: bool) -> Cipher[modes.CBC]:
        flag = bytes((_RESPONSE_FLAG if response else 0,))
        key = algorithms.AES(self._handshake.keys.encryption.reveal())
        block = Cipher(key, modes.ECB()).encryptor()  # noqa: S305 - one block, as the protocol makes its ICV
        return Cipher(key, modes.CBC(block.update(flag + self._counter.to_bytes(BLOCK - 1, "big"))))

    def _encrypted(self, data: bytes, *, response: bool) -> bytes:
        padded = data + b"\x80" + bytes(-(len(data) + 1) % BLOCK)
        encryptor = self._cipher(response=response).encryptor()
        return encryptor.update(padded) + encryptor.finalize()

    def _decrypted(self, data: bytes, *, response: bool) -> bytes:
        if not data or len(data) % BLOCK:
            raise FormatError(what="secure messaging", problem="the body is not whole blocks")
        decryptor = self._cipher(response=response).decryptor()
        padded = decryptor.update(data) + decryptor.finalize()
        clear = padded.rstrip(b"\x00")
        if clear[-1:] != b"\x80" or len(padded) - len(clear) >= BLOCK:
            raise FormatError(what="secure messaging", problem="wrong padding")
        return clear[:-1]


class HostSession(_Session):
    """The host's end: `external_authenticate()` once, then `wrap` each command and `unwrap` its response."""

    def __init__(self, handshake: Handshake, level: SecurityLevel) -> None:
        super().__init__(handshake)
        self._wanted = level

    def external_authenticate(self) -> Command:
        """Returns the command that proves the host and opens the session at its level."""
        command = Command(_GLOBALPLATFORM, EXTERNAL_AUTHENTICATE, self._wanted, 0x00)
        body = self._handshake.host_cryptogram
        self._chain = self._command_mac(command, body, extended=False)
        self._level = self._wanted
        return replace(command, cla=_GLOBALPLATFORM | _SECURE, data=body + self._chain[:MAC_LENGTH])

    def wrap(self, command: Command) -> Command:
        """Returns the protected command: an empty body stays empty, any other is padded and encrypted; then the C-MAC.

        Le asks for all there is when answers are protected too. The data stays Secret where it was.
        """
        self._counter += 1  # for every command, with a body or without one
        body = command.body
        if body and SecurityLevel.C_DECRYPTION in self._level:
            body = self._encrypted(body, response=False)
        le = command.le
        if SecurityLevel.R_MAC in self._level:
            le = max(le or 0, MAX_SHORT_LE)
        extended = len(body) + MAC_LENGTH > MAX_SHORT_DATA or (le or 0) > MAX_SHORT_LE
        self._chain = self._command_mac(command, body, extended)
        data = body + self._chain[:MAC_LENGTH]
        return replace(command, cla=command.cla | _SECURE, data=Secret(data) if command.secret else data, le=le)

    def unwrap(self, response: Response) -> Response:
        """Returns the answer in clear; raises FormatError where its MAC or its padding is wrong.

        An error answer carries no MAC: it is passed on without its data, and cannot be trusted further than that.
        """
        if SecurityLevel.R_MAC not in self._level:
            return response
        if not _protected(response.status):
            return replace(response, data=b"")
        data, mac = response.data[:-MAC_LENGTH], response.data[-MAC_LENGTH:]
        if not hmac.compare_digest(mac, self._response_mac(data, response.status)):
            raise FormatError(what="secure messaging", problem="wrong R-MAC")
        if data and SecurityLevel.R_ENCRYPTION in self._level:
            data = self._decrypted(data, response=True)
        return replace(response, data=data)


class CardSession(_Session):
    """The card's end: `authenticate` once, then `unwrap` each command and `wrap` its response."""

    def authenticate(self, command: Command) -> None:
        """Checks EXTERNAL AUTHENTICATE; raises FormatError for a wrong cryptogram or MAC, or an unknown level."""
        level = SecurityLevel.of(command.p1)
        cryptogram = self._verified(command)
        if not hmac.compare_digest(cryptogram, self._handshake.host_cryptogram):
            raise FormatError(what="secure messaging", problem="wrong host cryptogram")
        self._level = level

    def unwrap(self, command: Command) -> Command:
        """Returns the command in clear; raises FormatError for a wrong MAC or padding: then the session is over.

        A body that decrypts to nothing counts as an empty one, although the protocol leaves empty bodies alone:
        some hosts pad and encrypt those too. Le is what the protected answer may take.
        """
        self._counter += 1
        body = self._verified(command)
        if body and SecurityLevel.C_DECRYPTION in self._level:
            body = self._decrypted(body, response=False)
        return replace(command, cla=command.cla & ~(_SECURE | _CHAINED), data=body)

    def wrap(self, response: Response) -> Response:
        """Returns the protected answer. An error answer is its two status bytes alone."""
        if SecurityLevel.R_MAC not in self._level:
            return response
        if not _protected(response.status):
            return replace(response, data=b"")
        data = response.data
        if data and SecurityLevel.R_ENCRYPTION in self._level:
            data = self._encrypted(data, response=True)
        return replace(response, data=data + self._response_mac(data, response.status))

    def _verified(self, command: Command) -> bytes:
        sent = command.body
        if not command.cla & _SECURE or len(sent) < MAC_LENGTH:
            raise FormatError(what="secure messaging", problem="no C-MAC")
        body, mac = sent[:-MAC_LENGTH], sent[-MAC_LENGTH:]
        # A short body may have travelled with an extended length field, which the C-MAC covers as it was sent.
        for extended in (False, True) if len(sent) <= MAX_SHORT_DATA else (True,):
            chain = self._command_mac(command, body, extended)
            if hmac.compare_digest(mac, chain[:MAC_LENGTH]):
                self._chain = chain
                return body
        raise FormatError(what="secure messaging", problem="wrong C-MAC")


def _protected(status: StatusWord) -> bool:
    return status.ok or status >> 8 in (0x62, 0x63)


def _cmac(key: Secret, *parts: bytes) -> bytes:
    mac = CMAC(algorithms.AES(key.reveal()))
    for part in parts:
        mac.update(part)
    return mac.finalize()

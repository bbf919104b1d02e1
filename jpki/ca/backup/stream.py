"""A stream under a passphrase, in the form of age: version 1, with the passphrase's own recipient (scrypt).

    age-encryption.org/v1
    -> scrypt SALT LOG2_N
    FILE KEY, UNDER THE PASSPHRASE
    --- HMAC OF THE LINES BEFORE
    16 random octets, then chunks of 64 KiB, each ChaCha20-Poly1305; the nonce counts them and marks the last one

`age --decrypt` opens it. Whatever is cut off, altered, moved or added shows: no octet is given out that was not
verified, and the end is verified too.

Source: C2SP, age-encryption.org/v1, https://age-encryption.org/v1
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from jpki.terms import Secret

from ..sealing import Random
from .errors import BackupDamaged, BackupForeign, BackupLocked

__all__ = ["DecryptingReader", "EncryptingWriter"]

_VERSION = b"age-encryption.org/v1\n"
_FAMILY = b"age-encryption.org/"
_SCRYPT_LABEL = b"age-encryption.org/v1/scrypt"
# 128 MiB for a moment; N = 2 to the 20th, which takes 1 GiB, is the most that is tried.
_LOG_N, _MOST_LOG_N = 17, 20
_SCRYPT_R, _SCRYPT_P = 8, 1
_CHUNK, _TAG = 64 * 1024, 16
_KEY, _FILE_KEY, _SALT, _NONCE = 32, 16, 16, 16
_ZERO_NONCE = bytes(12)
_STANZA = re.compile(rb"-> scrypt ([A-Za-z0-9+/]{22}) ([1-9][0-9]?)\n")
_BODY_LINE, _MAC_LINE = re.compile(rb"[A-Za-z0-9+/]{43}\n"), re.compile(rb"--- ([A-Za-z0-9+/]{43})\n")
_LONGEST_LINE = 128


class EncryptingWriter:
    """Takes octets and writes them encrypted; holds one chunk. Nothing is whole before `finish`.

    `log_n` is the cost of each try of a passphrase, as a power of two; each step up doubles its time and its memory.
    """

    def __init__(self, sink: BinaryIO, passphrase: Secret, random: Random, *, log_n: int = _LOG_N) -> None:
        file_key, salt, nonce = Secret(random(_FILE_KEY)), random(_SALT), random(_NONCE)
        wrapped = _wrapping(passphrase, salt, log_n).encrypt(_ZERO_NONCE, file_key.reveal(), None)
        header = _VERSION + b"-> scrypt %b %d\n%b\n---" % (_text(salt), log_n, _text(wrapped))
        sink.write(header + b" " + _text(_mac(file_key, header)) + b"\n" + nonce)
        self._sink = sink
        self._cipher = _payload(file_key, nonce)
        self._buffer = bytearray()
        self._count = 0

    def write(self, data: bytes) -> int:
        """Takes octets."""
        self._buffer += data
        # The last chunk is marked, so a full one waits until it is known that another one follows.
        while len(self._buffer) > _CHUNK:
            self._put(bytes(self._buffer[:_CHUNK]), last=False)
            del self._buffer[:_CHUNK]
        return len(data)

    def finish(self) -> None:
        """Writes the end."""
        self._put(bytes(self._buffer), last=True)
        self._buffer.clear()

    def _put(self, chunk: bytes, *, last: bool) -> None:
        self._sink.write(self._cipher.encrypt(_nonce(self._count, last=last), chunk, None))
        self._count += 1


class DecryptingReader:
    """Gives the octets of an encrypted stream, each verified before it is given; holds two chunks.

    Raises BackupForeign for what is no such file, BackupLocked where the passphrase does not open it, BackupDamaged.
    `name` stands for the file in errors.
    """

    def __init__(self, source: BinaryIO, passphrase: Secret, name: str) -> None:
        self._source = source
        self._name = name
        file_key = self._file_key(passphrase)
        nonce = source.read(_NONCE)
        if len(nonce) != _NONCE:
            raise BackupDamaged(file=name, problem="cut off")
        self._cipher = _payload(file_key, nonce)
        self._next: bytes | None = source.read(_CHUNK + _TAG)
        self._buffer = b""
        self._count = 0

    def read(self, size: int) -> bytes:
        """Returns the next octets: `size` of them, fewer only at the verified end."""
        parts: list[bytes] = []
        wanted = size
        while wanted and (self._buffer or self._fill()):
            parts.append(self._buffer[:wanted])
            self._buffer = self._buffer[wanted:]
            wanted -= len(parts[-1])
        return b"".join(parts)

    def finish(self) -> None:
        """Reads what is left: only then is it known that nothing was cut off or added."""
        while self._buffer or self._fill():
            self._buffer = b""

    def _fill(self) -> bool:
        """Takes the next chunk in, and returns whether there was one."""
        if self._next is None:
            return False
        following = self._source.read(_CHUNK + _TAG)
        last = not following
        try:
            self._buffer = self._cipher.decrypt(_nonce(self._count, last=last), self._next, None)
        except (InvalidTag, ValueError):
            raise BackupDamaged(file=self._name, problem="altered or cut off") from None
        if last and not self._buffer and self._count:
            raise BackupDamaged(file=self._name, problem="altered or cut off")
        self._next = None if last else following
        self._count += 1
        return True

    def _file_key(self, passphrase: Secret) -> Secret:
        version = self._line()
        if version != _VERSION:
            # A later form of age is told from a file that is none.
            raise BackupForeign(file=self._name, problem="another form" if version.startswith(_FAMILY) else "no backup")
        lines = [self._line() for _ in range(3)]
        stanza = _STANZA.fullmatch(lines[0])
        mac = _MAC_LINE.fullmatch(lines[2])
        if stanza is None or mac is None or not _BODY_LINE.fullmatch(lines[1]) or int(stanza[2]) > _MOST_LOG_N:
            raise BackupDamaged(file=self._name, problem="not encrypted with a passphrase, or altered")
        salt, wrapped, code = (self._octets(text) for text in (stanza[1], lines[1].rstrip(), mac[1]))
        try:
            key = Secret(_wrapping(passphrase, salt, int(stanza[2])).decrypt(_ZERO_NONCE, wrapped, None))
        except InvalidTag:
            raise BackupLocked(file=self._name) from None
        header = version + lines[0] + lines[1] + b"---"
        if not hmac.compare_digest(_mac(key, header), code):
            raise BackupDamaged(file=self._name, problem="altered or cut off")
        return key

    def _line(self) -> bytes:
        line = bytearray()
        while not line.endswith(b"\n") and len(line) < _LONGEST_LINE and (octet := self._source.read(1)):
            line += octet
        return bytes(line)

    def _octets(self, text: bytes) -> bytes:
        try:
            octets = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
        except binascii.Error:
            octets = b""
        if _text(octets) != text:
            raise BackupDamaged(file=self._name, problem="altered or cut off")
        return octets


def _wrapping(passphrase: Secret, salt: bytes, log_n: int) -> ChaCha20Poly1305:
    kdf = Scrypt(salt=_SCRYPT_LABEL + salt, length=_KEY, n=1 << log_n, r=_SCRYPT_R, p=_SCRYPT_P)
    return ChaCha20Poly1305(kdf.derive(passphrase.reveal()))


def _mac(file_key: Secret, header: bytes) -> bytes:
    key = HKDF(hashes.SHA256(), _KEY, salt=None, info=b"header").derive(file_key.reveal())
    return hmac.digest(key, header, "sha256")


def _payload(file_key: Secret, nonce: bytes) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(HKDF(hashes.SHA256(), _KEY, salt=nonce, info=b"payload").derive(file_key.reveal()))


def _nonce(count: int, *, last: bool) -> bytes:
    return count.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def _text(octets: bytes) -> bytes:
    return base64.b64encode(octets).rstrip(b"=")

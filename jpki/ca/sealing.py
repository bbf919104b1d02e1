"""Keys under a passphrase: PKCS#8 for the authorities' key pairs, a JSON Web Encryption for the issuer master key.

Both are standard forms that other programs open: `openssl pkey` the first, any JOSE library the second. Each file
begins with a line that holds the SHA-256 of the rest, so that a damaged file is not taken for a wrong passphrase.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable

from cryptography.exceptions import InternalError, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from jpki.formats import FormatError, from_pem, tlv, to_pem
from jpki.terms import Secret

from .errors import DamagedKey, WrongPassphrase

__all__ = ["Random", "open_private_key", "open_secret", "seal_private_key", "seal_secret"]

Random = Callable[[int], bytes]
"""Gives so many random bytes: `secrets.token_bytes`."""

_LABEL = "ENCRYPTED PRIVATE KEY"
_CHECK = b"SHA-256 "

# What OpenSSL opens without being told more memory (32 MiB), five times over.
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 1 << 14, 8, 5
_PBKDF2_ROUNDS = 210_000
_MOST_ROUNDS = 10_000_000

_JWE_KEY, _JWE_CONTENT = "PBES2-HS512+A256KW", "A256GCM"
_PBES2 = bytes.fromhex("06092A864886F70D01050D")
_SCRYPT = bytes.fromhex("06092B06010401DA47040B")
_AES_256_CBC = bytes.fromhex("060960864801650304012A")
_INTEGER, _OCTETS, _SEQUENCE = 0x02, 0x04, 0x30


def seal_private_key(key: RSAPrivateKey, passphrase: Secret, random: Random) -> bytes:
    """Returns the content of a file that holds a private key: PKCS#8, PBES2 with scrypt and AES-256-CBC, in PEM.

    Source: RFC 5958, 3; RFC 8018, 6.2; RFC 7914, 7.
    """
    # Secret, as every key here that has a name: what a function held may be printed with an error.
    clear = Secret(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    salt, iv = random(16), random(16)
    kdf = Scrypt(salt=salt, length=32, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P)
    filler = padding.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(kdf.derive(passphrase.reveal())), modes.CBC(iv)).encryptor()
    hidden = encryptor.update(filler.update(clear.reveal()) + filler.finalize()) + encryptor.finalize()
    costs = [tlv(_INTEGER, number.to_bytes(2, "big").lstrip(b"\x00")) for number in (_SCRYPT_N, _SCRYPT_R, _SCRYPT_P)]
    derivation = tlv(_SEQUENCE, [_SCRYPT, tlv(_SEQUENCE, [tlv(_OCTETS, salt), *costs])])
    scheme = tlv(_SEQUENCE, [_AES_256_CBC, tlv(_OCTETS, iv)])
    algorithm = tlv(_SEQUENCE, [_PBES2, tlv(_SEQUENCE, [derivation, scheme])])
    return _checked(to_pem(_LABEL, tlv(_SEQUENCE, [algorithm, tlv(_OCTETS, hidden)])).encode())


def open_private_key(content: bytes, passphrase: Secret, file: str) -> RSAPrivateKey:
    """Returns the private key that `seal_private_key` sealed into `file`; raises DamagedKey, WrongPassphrase."""
    text = _unchecked(content, file)
    try:
        blocks = from_pem(text.decode("ascii"), _LABEL)
    except (FormatError, UnicodeDecodeError):
        raise DamagedKey(file=file) from None
    if len(blocks) != 1:
        raise DamagedKey(file=file)
    try:
        key = load_der_private_key(blocks[0], passphrase.reveal())
    except ValueError:
        # The file is what was written, as its first line shows: so it is the passphrase.
        raise WrongPassphrase(file=file) from None
    except (TypeError, InternalError, UnsupportedAlgorithm, MemoryError):
        # It is not sealed, or in a way that nobody here seals: somebody wrote another file and a first line for it.
        raise DamagedKey(file=file) from None
    if not isinstance(key, RSAPrivateKey):
        raise DamagedKey(file=file)
    return key


def seal_secret(secret: Secret, passphrase: Secret, random: Random) -> bytes:
    """Returns the content of a file that holds a secret: a compact JWE, PBES2-HS512+A256KW and A256GCM.

    Source: RFC 7516, 5.1; RFC 7518, 4.8 and 5.3.
    """
    salt, content_key, iv = random(16), Secret(random(32)), random(12)
    header = {"alg": _JWE_KEY, "enc": _JWE_CONTENT, "p2s": _text(salt), "p2c": _PBKDF2_ROUNDS}
    protected = _text(json.dumps(header, separators=(",", ":")).encode())
    wrapped = aes_key_wrap(_wrapping_key(passphrase, salt, _PBKDF2_ROUNDS), content_key.reveal())
    sealed = AESGCM(content_key.reveal()).encrypt(iv, secret.reveal(), protected.encode())
    parts = (protected, _text(wrapped), _text(iv), _text(sealed[:-16]), _text(sealed[-16:]))
    return _checked(".".join(parts).encode() + b"\n")


def open_secret(content: bytes, passphrase: Secret, file: str) -> Secret:
    """Returns the secret that `seal_secret` sealed into `file`; raises DamagedKey, WrongPassphrase."""
    try:
        protected, wrapped, iv, hidden, tag = _unchecked(content, file).decode("ascii").rstrip("\n").split(".")
        header = json.loads(_octets(protected))
        rounds, salt = header["p2c"], _octets(header["p2s"])
        octets = [_octets(part) for part in (wrapped, iv, hidden, tag)]
        known = header["alg"] == _JWE_KEY and header["enc"] == _JWE_CONTENT
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DamagedKey(file=file) from None
    if not known or type(rounds) is not int or not 1 <= rounds <= _MOST_ROUNDS:
        raise DamagedKey(file=file)
    try:
        content_key = Secret(aes_key_unwrap(_wrapping_key(passphrase, salt, rounds), octets[0]))
    except (InvalidUnwrap, ValueError):
        raise WrongPassphrase(file=file) from None
    try:
        return Secret(AESGCM(content_key.reveal()).decrypt(octets[1], octets[2] + octets[3], protected.encode()))
    except (InvalidTag, ValueError):
        raise DamagedKey(file=file) from None


def _wrapping_key(passphrase: Secret, salt: bytes, rounds: int) -> bytes:
    kdf = PBKDF2HMAC(hashes.SHA512(), 32, _JWE_KEY.encode() + b"\x00" + salt, rounds)
    return kdf.derive(passphrase.reveal())


def _checked(rest: bytes) -> bytes:
    return _CHECK + hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest


def _unchecked(content: bytes, file: str) -> bytes:
    line, _, rest = content.partition(b"\n")
    if not hmac.compare_digest(line, _CHECK + hashlib.sha256(rest).hexdigest().encode()):
        raise DamagedKey(file=file)
    return rest


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _octets(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None

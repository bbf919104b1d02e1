"""Where the authority's keys come from: one seam, and a folder of sealed files behind it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from jpki.formats import FormatError, IssuerMasterKey
from jpki.terms import Role, Secret

from .errors import DamagedKey, EmptyPassphrase, KeyFileFailed, KeyMissing, PassphraseNeeded
from .files import write_new_file
from .sealing import Random, open_private_key, open_secret, seal_private_key, seal_secret

__all__ = ["KeyFolder", "KeySource", "LoadedKey", "SigningKey", "new_rsa_key"]

_PADDING = padding.PKCS1v15()
_HASH = hashes.SHA256()
_MASTER_KEY_LENGTH = 32


class SigningKey(Protocol):
    """A private key of an authority, wherever it is."""

    @property
    def public_key_info(self) -> bytes:
        """Returns the public key (SubjectPublicKeyInfo, DER)."""
        ...

    def sign(self, content: bytes) -> bytes:
        """Returns the sha256WithRSAEncryption signature of `content`."""
        ...


class KeySource(Protocol):
    """The authority's keys: in sealed files now, in a security module behind the same three questions later.

    Each raises KeysUnusable where a key cannot be had.
    """

    def place(self, role: Role, generation: int) -> str:
        """Returns where the key of this authority and generation is kept, in words for people."""
        ...

    def signing_key(self, role: Role, generation: int, *, make: bool = False) -> SigningKey:
        """Returns the key of this authority and generation; with `make`, a new one where there is none."""
        ...

    def master_key(self, *, make: bool = False) -> IssuerMasterKey:
        """Returns the key that the keys of all cards derive from; with `make`, a new one where there is none."""
        ...


class LoadedKey:
    """A private key in this process's memory."""

    __slots__ = ("_key", "public_key_info")

    def __init__(self, key: RSAPrivateKey) -> None:
        self._key = key
        self.public_key_info = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, content: bytes) -> bytes:
        """Returns the sha256WithRSAEncryption signature of `content`."""
        return self._key.sign(content, _PADDING, _HASH)


def new_rsa_key() -> RSAPrivateKey:
    """Returns a new RSA key of 2048 bits, from the operating system's random source."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class KeyFolder:
    """Keys as files in a folder, all under one passphrase: `sign-1.key`, `auth-1.key`, `card-issuer.key`.

    Nothing here ever replaces a file. Without a passphrase every key raises PassphraseNeeded.
    """

    __slots__ = ("_loaded", "_make_key", "_passphrase", "_random", "folder")

    def __init__(
        self,
        folder: Path,
        passphrase: Secret | None,
        *,
        make_key: Callable[[], RSAPrivateKey] = new_rsa_key,
        random: Random = secrets.token_bytes,
    ) -> None:
        if passphrase is not None and not passphrase:
            raise EmptyPassphrase
        self.folder = folder
        self._passphrase = passphrase
        self._make_key = make_key
        self._random = random
        self._loaded: dict[Path, LoadedKey] = {}

    def place(self, role: Role, generation: int) -> str:
        """Returns the file of a key."""
        return str(self._file(role, generation))

    def signing_key(self, role: Role, generation: int, *, make: bool = False) -> LoadedKey:
        """Returns the key of this authority and generation; with `make`, a new one where there is no file.

        Raises PassphraseNeeded, KeyMissing, WrongPassphrase, DamagedKey, KeyFileFailed.
        """
        file = self._file(role, generation)
        if file in self._loaded:
            return self._loaded[file]
        passphrase = self._opened_with(file)
        if make and not file.exists():
            self._write(file, seal_private_key(self._make_key(), passphrase, self._random))
        # Also a new key is used as it was read back, so that what is certified is what is on the disk.
        key = self._loaded[file] = LoadedKey(open_private_key(_content(file), passphrase, str(file)))
        return key

    def master_key(self, *, make: bool = False) -> IssuerMasterKey:
        """Returns the key that the keys of all cards derive from; with `make`, a new one where there is no file.

        Raises PassphraseNeeded, KeyMissing, WrongPassphrase, DamagedKey, KeyFileFailed.
        """
        file = self.folder / "card-issuer.key"
        passphrase = self._opened_with(file)
        if make and not file.exists():
            self._write(file, seal_secret(Secret(self._random(_MASTER_KEY_LENGTH)), passphrase, self._random))
        try:
            return IssuerMasterKey(open_secret(_content(file), passphrase, str(file)).reveal())
        except FormatError:
            raise DamagedKey(file=str(file)) from None

    def _file(self, role: Role, generation: int) -> Path:
        return self.folder / f"{role.short}-{generation}.key"

    def _opened_with(self, file: Path) -> Secret:
        if self._passphrase is None:
            raise PassphraseNeeded(file=str(file))
        return self._passphrase

    def _write(self, file: Path, content: bytes) -> None:
        try:
            write_new_file(file, content)
        except FileExistsError:
            pass  # another process made it at the same moment: that one holds
        except OSError as error:
            raise KeyFileFailed(file=str(file), problem=error.strerror or type(error).__name__) from error


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise KeyMissing(file=str(file)) from None
    except OSError as error:
        raise KeyFileFailed(file=str(file), problem=error.strerror or type(error).__name__) from error

"""Where the authority's keys come from: one seam, and behind it a folder of sealed files and the tokens of others."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from jpki.formats import FormatError, IssuerMasterKey
from jpki.terms import Role, Secret

from .custody import FilePlace, TokenPlace, TokenSupportMissing, read_key_place
from .errors import DamagedKey, EmptyPassphrase, KeyFileFailed, KeyMissing, PassphraseNeeded
from .files import write_new_file
from .sealing import Random, open_private_key, open_secret, seal_private_key, seal_secret

__all__ = ["KeyFolder", "KeySource", "LoadedKey", "SigningKey", "new_rsa_key"]

_PADDING = padding.PKCS1v15()
_HASH = hashes.SHA256()
_PREHASHED = Prehashed(_HASH)
_MASTER_KEY_LENGTH = 32
_SEAL_KEY = "audit.key"


class SigningKey(Protocol):
    """A private key of an authority, wherever it is."""

    @property
    def public_key_info(self) -> bytes:
        """Returns the public key (SubjectPublicKeyInfo, DER)."""
        ...

    def sign(self, content: bytes) -> bytes:
        """Returns the sha256WithRSAEncryption signature of `content`."""
        ...

    def sign_digest(self, digest: bytes) -> bytes:
        """Returns the sha256WithRSAEncryption signature of the content that has this SHA-256 digest."""
        ...


class KeySource(Protocol):
    """The authority's keys, behind the same few questions wherever they are.

    `uri` is what the store knows of the place of one generation's key; None means the usual place. Each raises
    KeysUnusable where a key cannot be had, and BadKeyUri for a place that cannot be.
    """

    def place(self, role: Role, generation: int, uri: str | None = None) -> str:
        """Returns where the key of this authority and generation is kept, in words for people."""
        ...

    def signing_key(self, role: Role, generation: int, uri: str | None = None, *, make: bool = False) -> SigningKey:
        """Returns the key of this authority and generation; with `make`, a new one where there is none."""
        ...

    def holds(self, role: Role, generation: int, uri: str | None = None) -> bool:
        """Returns whether there is a key of this authority and generation."""
        ...

    def master_key(self, *, make: bool = False) -> IssuerMasterKey:
        """Returns the key that the keys of all cards derive from; with `make`, a new one where there is none."""
        ...

    def seal_key(self, uri: str | None = None, *, make: bool = False) -> SigningKey:
        """Returns the key that seals the audit trail; with `make`, a new one where there is none."""
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

    def sign_digest(self, digest: bytes) -> bytes:
        """Returns the sha256WithRSAEncryption signature of the content that has this SHA-256 digest."""
        return self._key.sign(digest, _PADDING, _PREHASHED)


def new_rsa_key() -> RSAPrivateKey:
    """Returns a new RSA key of 2048 bits, from the operating system's random source."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class KeyFolder:
    """Keys as files in a folder, all under one passphrase: `sign-1.key`, `auth-1.key`, `audit.key`, `card-issuer.key`.

    With a prefix they are somebody else's: those of who answers about certificates are `ocsp-sign-1.key` and so on.
    A URI names another file, under the same passphrase, or a key on a token. Nothing here ever replaces a file.
    Without a passphrase every sealed key raises PassphraseNeeded.
    """

    __slots__ = ("_loaded", "_make_key", "_passphrase", "_prefix", "_random", "folder")

    def __init__(
        self,
        folder: Path,
        passphrase: Secret | None,
        *,
        prefix: str = "",
        make_key: Callable[[], RSAPrivateKey] = new_rsa_key,
        random: Random = secrets.token_bytes,
    ) -> None:
        if passphrase is not None and not passphrase:
            raise EmptyPassphrase
        self.folder = folder
        self._passphrase = passphrase
        self._prefix = prefix
        self._make_key = make_key
        self._random = random
        self._loaded: dict[FilePlace | TokenPlace, SigningKey] = {}

    def place(self, role: Role, generation: int, uri: str | None = None) -> str:
        """Returns the file of a key, or its URI without PIN; raises BadKeyUri."""
        found = self._place(role, generation, uri)
        return str(self.folder / found.path if isinstance(found, FilePlace) else found)

    def signing_key(self, role: Role, generation: int, uri: str | None = None, *, make: bool = False) -> SigningKey:
        """Returns the key of this authority and generation; with `make`, a new one where there is none.

        Raises BadKeyUri, PassphraseNeeded, KeyMissing, WrongPassphrase, DamagedKey, KeyFileFailed, TokenUnusable.
        """
        return self._signing_key(self._place(role, generation, uri), make)

    def seal_key(self, uri: str | None = None, *, make: bool = False) -> SigningKey:
        """Returns the key that seals the audit trail; with `make`, a new one where there is none.

        Raises the same as `signing_key`.
        """
        return self._signing_key(FilePlace(Path(_SEAL_KEY)) if uri is None else read_key_place(uri), make)

    def holds(self, role: Role, generation: int, uri: str | None = None) -> bool:
        """Returns whether there is a key where this one is kept; raises BadKeyUri, TokenUnusable."""
        place = self._place(role, generation, uri)
        return (self.folder / place.path).exists() if isinstance(place, FilePlace) else _holds_key(place)

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

    def _signing_key(self, place: FilePlace | TokenPlace, make: bool) -> SigningKey:
        if place not in self._loaded:
            self._loaded[place] = (
                self._sealed(self.folder / place.path, make)
                if isinstance(place, FilePlace)
                else (_token_key(place, make))
            )
        return self._loaded[place]

    def _place(self, role: Role, generation: int, uri: str | None) -> FilePlace | TokenPlace:
        return FilePlace(Path(f"{self._prefix}{role.short}-{generation}.key")) if uri is None else read_key_place(uri)

    def _sealed(self, file: Path, make: bool) -> LoadedKey:
        passphrase = self._opened_with(file)
        if make and not file.exists():
            self._write(file, seal_private_key(self._make_key(), passphrase, self._random))
        # Also a new key is used as it was read back, so that what is certified is what is on the disk.
        return LoadedKey(open_private_key(_content(file), passphrase, str(file)))

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


def _token_key(place: TokenPlace, make: bool) -> SigningKey:
    try:
        from .custody.token_key import open_token_key  # python-pkcs11 is only there where a token is used
    except ImportError as error:
        raise TokenSupportMissing(file=str(place)) from error
    return open_token_key(place, make=make)


def _holds_key(place: TokenPlace) -> bool:
    try:
        from .custody.token_key import holds_key
    except ImportError as error:
        raise TokenSupportMissing(file=str(place)) from error
    return holds_key(place)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise KeyMissing(file=str(file)) from None
    except OSError as error:
        raise KeyFileFailed(file=str(file), problem=error.strerror or type(error).__name__) from error

"""An authority in a folder: store, sealed keys, and the two certificates to hand out.

    FOLDER/                            0700
    ├── authority.sqlite3              the store (with -wal and -shm beside it while it is open)
    ├── keys/                          0700
    │   ├── sign-1.key  auth-1.key     PKCS#8 under the passphrase, 0600
    │   └── card-issuer.key            the issuer master key of the cards, under the same passphrase, 0600
    └── certificates/
        └── sign-1.cer  auth-1.cer     the self-signed certificates, DER

Source: docs/authority.md, folder
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from jpki.store import NoStore, Store
from jpki.terms import Role, Secret

from .authority import Authority
from .errors import AuthorityExists, AuthorityFolderFailed, NoAuthority
from .files import replace_file
from .keys import KeyFolder, new_rsa_key
from .sealing import Random
from .settings import AuthoritySettings

__all__ = ["AuthorityFolder"]


@dataclass(frozen=True, slots=True)
class AuthorityFolder:
    """The places of one authority's files."""

    path: Path

    @property
    def store(self) -> Path:
        """Returns the store's file."""
        return self.path / "authority.sqlite3"

    @property
    def keys(self) -> Path:
        """Returns the folder of the keys."""
        return self.path / "keys"

    def certificate(self, role: Role, generation: int = 1) -> Path:
        """Returns the file of an authority's own certificate (DER)."""
        return self.path / "certificates" / f"{role.short}-{generation}.cer"

    @property
    def made(self) -> bool:
        """Returns whether there is an authority, with nothing left to do; raises StoreError."""
        if not self.store.is_file() or not all(self.certificate(role).is_file() for role in Role):
            return False
        try:
            self.open().close()
        except NoAuthority:
            return False
        return True

    def create(
        self,
        passphrase: Secret,
        settings: AuthoritySettings,
        at: datetime,
        *,
        make_key: Callable[[], RSAPrivateKey] = new_rsa_key,
        random: Random = secrets.token_bytes,
    ) -> Authority:
        """Makes both authorities, or finishes what an interrupted call began; never replaces a key.

        Raises AuthorityExists where nothing is left to do, KeysUnusable (WrongPassphrase where a key is there already
        under another one), EmptyPassphrase, AuthorityFolderFailed, StoreError (NoStore where keys are there and no
        store: what they signed is not known any more).
        """
        keys = KeyFolder(self.keys, passphrase, make_key=make_key, random=random)
        self._refuse_a_lost_store()
        if self.made:
            raise AuthorityExists(folder=str(self.path))
        self._make_folders()
        store = Store.create(self.store, taken_up=True)
        try:
            authority = Authority.create(store, keys, settings, at, random=random)
            self._hand_out(authority)
        except BaseException:
            store.close()
            raise
        return authority

    def open(self, passphrase: Secret | None = None, *, random: Random = secrets.token_bytes) -> Authority:
        """Opens the authority. Without a passphrase it answers, confirms and revokes, and signs nothing.

        Raises NoAuthority, EmptyPassphrase, StoreError.
        """
        self._refuse_a_lost_store()
        if not self.store.is_file():
            raise NoAuthority(folder=str(self.path))
        keys = KeyFolder(self.keys, passphrase, random=random)
        store = Store.open(self.store)
        try:
            return Authority(store, keys, random=random)
        except BaseException:
            store.close()
            raise

    def _refuse_a_lost_store(self) -> None:
        # The store is made before the keys: keys without one have signed what a new store would number once more.
        if not self.store.exists() and any(self.keys.glob("*.key")):
            raise NoStore(store=str(self.store))

    def _make_folders(self) -> None:
        try:
            for folder in (self.path, self.keys):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.certificate(Role.SIGNATURE).parent.mkdir(exist_ok=True)
        except OSError as error:
            raise AuthorityFolderFailed(folder=str(self.path), problem=_reason(error)) from error

    def _hand_out(self, authority: Authority) -> None:
        try:
            for role, own in authority.certificates.items():
                replace_file(self.certificate(role, own.generation), own.encoded)
        except OSError as error:
            raise AuthorityFolderFailed(folder=str(self.path), problem=_reason(error)) from error


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__

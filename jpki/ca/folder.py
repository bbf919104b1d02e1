"""An authority in a folder: store, sealed keys, and the two certificates to hand out.

    FOLDER/                            0700
    ├── authority.sqlite3              the store (with -wal and -shm beside it while it is open) …
    ├── store.url                      … or the address of the one that lies elsewhere, 0600
    ├── keys/                          0700
    │   ├── sign-1.key  auth-1.key     PKCS#8 under the passphrase, 0600
    │   ├── audit.key                  the key that seals the audit trail, likewise
    │   ├── ocsp-sign-1.key  ocsp-auth-1.key   those of who answers about certificates, 0600
    │   └── card-issuer.key            the issuer master key of the cards, under the same passphrase, 0600
    ├── certificates/
    │   ├── sign-1.cer  auth-1.cer     the self-signed certificates, DER
    │   └── audit.pub                  the public key of the seals, PEM
    └── seals/
        └── 000001.json  000001.json.sig  the seals over the audit trail, and their signatures

Source: docs/authority.md, folder
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from jpki.store import NoStore, Store, full_address
from jpki.terms import Role, Secret

from .audit import SealFolder
from .authority import Authority
from .errors import AuthorityExists, AuthorityFolderFailed, NoAuthority
from .files import replace_file, write_new_file
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
    def store_address(self) -> Path:
        """Returns the file with the address of a store that does not lie in the folder."""
        return self.path / "store.url"

    @property
    def address(self) -> str | Path | None:
        """Returns where the store is, None where the folder has none; raises AuthorityFolderFailed."""
        try:
            return self.store_address.read_text("utf-8").strip()
        except FileNotFoundError:
            return self.store if self.store.is_file() else None
        except (OSError, UnicodeDecodeError) as error:
            problem = _reason(error) if isinstance(error, OSError) else "not UTF-8"
            raise AuthorityFolderFailed(folder=str(self.path), problem=problem) from error

    @property
    def keys(self) -> Path:
        """Returns the folder of the keys."""
        return self.path / "keys"

    def certificate(self, role: Role, generation: int = 1) -> Path:
        """Returns the file of an authority's own certificate (DER)."""
        return self.path / "certificates" / f"{role.short}-{generation}.cer"

    @property
    def seals(self) -> SealFolder:
        """Returns where the seals over the audit trail are kept as files, and the public key that checks them."""
        return SealFolder(self.path / "seals", self.path / "certificates" / "audit.pub")

    @property
    def made(self) -> bool:
        """Returns whether there is an authority, with nothing left to do; raises StoreError."""
        if self.address is None or not all(self.certificate(role).is_file() for role in Role):
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
        store: str | None = None,
        places: Mapping[Role, str] | None = None,
        seal_place: str | None = None,
        make_key: Callable[[], RSAPrivateKey] = new_rsa_key,
        random: Random = secrets.token_bytes,
    ) -> Authority:
        """Makes both authorities, or finishes what an interrupted call began; never replaces a key.

        `store` is the address of a store that does not lie in the folder, `places` and `seal_place` are the URIs of
        keys that do not.

        Raises AuthorityExists where nothing is left to do, KeysUnusable (WrongPassphrase where a key is there already
        under another one), EmptyPassphrase, AuthorityFolderFailed, BadStoreUrl, StoreError (NoStore where keys are
        there and no store: what they signed is not known any more).
        """
        keys = KeyFolder(self.keys, passphrase, make_key=make_key, random=random)
        self._refuse_a_lost_store()
        elsewhere = self._elsewhere(store)
        if self.made:
            raise AuthorityExists(folder=str(self.path))
        self._make_folders()
        made = self._make_store(elsewhere)
        try:
            authority = Authority.create(
                made, keys, settings, at, places=places, seal_place=seal_place, random=random, seals=self.seals
            )
            self.hand_out(authority)
            authority.seal(at)
        except BaseException:
            made.close()
            raise
        return authority

    def open(self, passphrase: Secret | None = None, *, random: Random = secrets.token_bytes) -> Authority:
        """Opens the authority. Without a passphrase it answers, confirms and revokes, and signs nothing.

        Raises NoAuthority, EmptyPassphrase, StoreError.
        """
        self._refuse_a_lost_store()
        address = self.address
        if address is None:
            raise NoAuthority(folder=str(self.path))
        keys = KeyFolder(self.keys, passphrase, random=random)
        store = Store.open(address)
        try:
            return Authority(store, keys, random=random, seals=self.seals)
        except BaseException:
            store.close()
            raise

    def responder_keys(
        self,
        passphrase: Secret | None,
        *,
        make_key: Callable[[], RSAPrivateKey] = new_rsa_key,
        random: Random = secrets.token_bytes,
    ) -> KeyFolder:
        """Returns the keys of those who answer about certificates (OCSP); their passphrase may be another one."""
        return KeyFolder(self.keys, passphrase, prefix="ocsp-", make_key=make_key, random=random)

    def hand_out(self, authority: Authority) -> None:
        """Writes the certificates of all generations, for relying parties; raises AuthorityFolderFailed."""
        try:
            for role, every in authority.generations.items():
                for own in every:
                    replace_file(self.certificate(role, own.generation), own.encoded)
        except OSError as error:
            raise AuthorityFolderFailed(folder=str(self.path), problem=_reason(error)) from error

    def _refuse_a_lost_store(self) -> None:
        # The store is made before the keys: keys without one have signed what a new store would number once more.
        if self.address is None and not self.store.exists() and any(self.keys.glob("*.key")):
            raise NoStore(store=str(self.store))

    def _make_store(self, elsewhere: str | None) -> Store:
        """Makes the store where it is to be, or opens what an interrupted call made; raises StoreError."""
        present = self.address
        made = Store.create(elsewhere or present or self.store, taken_up=True)
        if present is None and elsewhere is not None:
            try:
                # Before there are keys: whoever finds those has to find their store, too.
                write_new_file(self.store_address, f"{elsewhere}\n".encode())
            except OSError as error:
                made.close()
                raise AuthorityFolderFailed(folder=str(self.path), problem=_reason(error)) from error
        return made

    def _elsewhere(self, store: str | None) -> str | None:
        """Returns the address that is wanted, as it is kept; raises BadStoreUrl, and where there is another store."""
        if store is None:
            return None
        wanted, present = full_address(store), self.address
        if present is not None and full_address(present) != wanted:
            raise AuthorityFolderFailed(folder=str(self.path), problem="its database is another one")
        return wanted

    def _make_folders(self) -> None:
        try:
            for folder in (self.path, self.keys):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.certificate(Role.SIGNATURE).parent.mkdir(exist_ok=True)
        except OSError as error:
            raise AuthorityFolderFailed(folder=str(self.path), problem=_reason(error)) from error


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__

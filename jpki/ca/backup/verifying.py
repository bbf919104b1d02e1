"""Whether a copy of an authority is whole: its store, its keys, and where it stands."""

from __future__ import annotations

from pathlib import Path

from jpki.formats import Certificate
from jpki.store import NEWEST_SCHEMA, Store
from jpki.terms import Role, Secret

from ..errors import ForeignKey
from ..keys import KeyFolder
from .errors import BackupDamaged
from .manifest import Manifest, standing_of

__all__ = ["refuse_other_keys", "verify_copy"]


def refuse_other_keys(store: Store, folder: Path, passphrase: Secret) -> None:
    """Opens every sealed key that a store knows, and holds it against its certificate.

    Keys on a token are not looked at: they are not in a backup. Raises KeysUnusable, StoreError.
    """
    keys = KeyFolder(folder, passphrase)
    keys.master_key()
    with store.snapshot() as view:
        every = [own for role in Role for own in view.authority_keys(role)]
    for own in every:
        if own.place is None:
            role = own.name.authority
            key = keys.signing_key(role, own.generation)
            if key.public_key_info != Certificate.parse(own.encoded).public_key_info:
                raise ForeignKey(file=keys.place(role, own.generation), role=role)


def verify_copy(folder: Path, passphrase: Secret, manifest: Manifest, name: str) -> None:
    """Reads the whole store in a folder, and opens its keys.

    Raises BackupDamaged where the store does not stand where the list of contents says (`name`: the backup's file),
    KeysUnusable, and StoreError: StoreDamaged where the store does not hold together.
    """
    with Store.open(folder / "authority.sqlite3") as store:
        store.check()
        # A store of an earlier schema was brought up to date just now: its tables are others.
        if manifest.schema == NEWEST_SCHEMA and standing_of(store) != manifest.standing:
            raise BackupDamaged(file=name, problem="not what its list of contents says")
        refuse_other_keys(store, folder / "keys", passphrase)

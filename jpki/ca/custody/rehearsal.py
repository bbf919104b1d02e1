"""A ceremony rehearsed: the same file, wholly, with a token in software (SoftHSM2) and an authority of its own."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from jpki.store import Store
from jpki.terms import Secret

from ..authority import Authority
from ..keys import KeyFolder
from ..settings import AuthoritySettings
from .ceremony import CeremonyPeople, HeldCeremony, hold_ceremony
from .ceremony_file import Ceremony, CeremonyKey
from .errors import RehearsalFailed, TokenSupportMissing, TokenUnusable
from .key_uri import TokenPlace

if TYPE_CHECKING:
    from .token_modules import TokenModule

__all__ = ["rehearse_ceremony"]

_LABEL = "rehearsal"
_MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)
_VARIABLE = "SOFTHSM2_CONF"


def rehearse_ceremony(
    ceremony: Ceremony,
    people: CeremonyPeople,
    folder: Path,
    *,
    clock: Callable[[], datetime],
    tool: str,
    module: str | None = None,
) -> tuple[HeldCeremony, Authority]:
    """Holds a ceremony in an empty folder, and returns what it left and the authority it was held in, to be closed.

    Every key goes onto a token in software there, whatever place the file names; the authority is new, with as many
    generations before as the file supposes. Raises RehearsalFailed, and what `hold_ceremony` raises.
    """
    record = folder / "record.json"
    path = module or next((one for one in _MODULES if Path(one).is_file()), None)
    if path is None:
        raise RehearsalFailed(record=str(record), problem="no SoftHSM2")
    with _soft_token(folder, path, record) as place_of:
        keys = tuple(replace(key, place=place_of(key).uri) for key in ceremony.keys)
        authority = _authority(ceremony, folder, clock())
        try:
            meant = replace(ceremony, keys=keys)
            held = hold_ceremony(meant, authority, people, record, clock=clock, tool=tool, rehearsal=True)
        except BaseException:
            authority.close()
            raise
    return held, authority


def _authority(ceremony: Ceremony, folder: Path, at: datetime) -> Authority:
    (folder / "keys").mkdir(mode=0o700)
    keys = KeyFolder(folder / "keys", Secret(secrets.token_hex(16).encode()))
    authority = Authority.create(Store.create(folder / "authority.sqlite3"), keys, AuthoritySettings(), at)
    for key in ceremony.keys:
        for _ in range(2, key.generation):
            authority.new_generation(key.role, at)
    return authority


@contextmanager
def _soft_token(folder: Path, path: str, record: Path) -> Iterator[Callable[[CeremonyKey], TokenPlace]]:
    """Makes a token in the folder, and gives the place of each key on it; the module sees it within the block."""
    pin_file, tokens = folder / "pin", folder / "tokens"
    place = TokenPlace(module_path=path, token=_LABEL, label="any", pin_source=pin_file)
    try:
        from .token_modules import module_of
    except ImportError as error:
        raise TokenSupportMissing(file=str(place)) from error
    pin = Secret(secrets.token_hex(8).encode())
    tokens.mkdir(mode=0o700)
    configuration = folder / "softhsm2.conf"
    configuration.write_text(
        f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n", "utf-8"
    )
    pin_file.touch(0o600)
    pin_file.write_bytes(pin.reveal())
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = str(configuration)
    found = module_of(place)
    found.spoil()  # it reads its configuration when it starts
    try:
        _initialise(found, place, pin, record)
        yield lambda key: replace(place, label=f"{key.role.short}-{key.generation}")
    finally:
        if before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before
        found.spoil()


def _initialise(module: TokenModule, place: TokenPlace, pin: Secret, record: Path) -> None:
    try:
        module.initialise(place, Secret(secrets.token_hex(8).encode()), pin)
    except TokenUnusable as error:
        problem = str(error.facts.get("problem", type(error).__name__))
        raise RehearsalFailed(record=str(record), problem=problem) from error

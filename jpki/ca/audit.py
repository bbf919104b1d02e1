"""Seals over the audit trail: from time to time the ends of all chains are signed, with a key of its own.

A seal is canonical JSON and its signature (sha256WithRSAEncryption). It has the digest of the seal before it, and the
ends of those chains that have grown since: so the last seal stands for the whole trail. Each is also a file, because
what is only in the store can be cut off there together with what it seals.

Source: docs/audit.md, seals
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from jpki.formats import to_pem
from jpki.store import ChainHead, SealRow, Store, StoreConflict, canonical

from .errors import SealFailed, SealUnreadable
from .files import replace_file, write_new_file
from .keys import SigningKey

__all__ = ["SEAL_INTERVAL", "Seal", "SealFolder", "make_seal", "newest_seal", "read_seal"]

SEAL_INTERVAL = timedelta(minutes=10)
"""How old the last seal may be before a process that has the keys makes the next one by itself."""

_KIND, _VERSION = "audit-seal", 1
_FIRST = bytes(32).hex()
_LABEL = "PUBLIC KEY"


@dataclass(frozen=True, slots=True)
class Seal:
    """A seal as it is read: what it says, and its octets.

    `previous` is the SHA-256 of the JSON of the seal before it (32 zero octets for the first), `key` the SHA-256 of the
    SubjectPublicKeyInfo of the key that signed it, both in hexadecimal.
    """

    number: int
    at: datetime
    previous: str
    key: str
    heads: tuple[ChainHead, ...]
    row: SealRow

    @property
    def digest(self) -> str:
        """Returns the SHA-256 of the JSON, which the next seal has."""
        return sha256(self.row.body).hexdigest()


def read_seal(row: SealRow) -> Seal:
    """Returns what a seal says; raises SealUnreadable."""
    try:
        return _seal_of(json.loads(row.body), row)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass  # the error is made outside: it carries nothing of the octets along
    raise SealUnreadable(seal=row.number)


def newest_seal(store: Store) -> Seal | None:
    """Returns the last seal in the store, or None; raises SealUnreadable."""
    with store.snapshot() as view:
        row = view.newest_seal()
    return None if row is None else read_seal(row)


def make_seal(store: Store, key: SigningKey, at: datetime) -> Seal:
    """Returns a new seal over the ends of all chains, dated `at`; it is committed.

    Raises SealFailed where the last one is dated later, SealUnreadable, StoreError.
    """
    at = at.replace(microsecond=0)
    while True:
        with store.snapshot() as view:
            last, heads = view.newest_seal(), view.unsealed_heads()
        seal = _signed(None if last is None else read_seal(last), heads, key, at)
        try:
            with store.transaction() as change:
                change.add_audit_seal(seal.row, heads)
        except StoreConflict:
            if newest_seal(store) == (None if last is None else read_seal(last)):
                raise
            continue  # another process was faster: the next one, then
        return seal


@dataclass(frozen=True, slots=True)
class SealFolder:
    """Where seals are kept as files, `000001.json` and `000001.json.sig`, and the file of the public key (PEM)."""

    path: Path
    public_key: Path

    def publish(self, public_key_info: bytes) -> None:
        """Writes the public key where there is none; SealFailed where there is another one."""
        content = to_pem(_LABEL, public_key_info).encode()
        try:
            if not self.public_key.exists():
                write_new_file(self.public_key, content, mode=0o644)
            elif self.public_key.read_bytes() != content:
                raise SealFailed(place=str(self.public_key), problem="another key than the one that seals")
        except OSError as error:
            raise _failed(self.public_key, error) from error

    def keep(self, store: Store) -> None:
        """Writes the newest seals of the store that have no file yet; raises SealFailed, StoreError."""
        with store.snapshot() as view:
            row = view.newest_seal()
            missing = []
            while row is not None and not self.file(row.number).exists():
                missing.append(row.number)
                row = view.audit_seal(row.number - 1)
        for number in reversed(missing):
            with store.snapshot() as view:
                row = view.audit_seal(number)
            if row is not None:
                self._write(row)

    def file(self, number: int) -> Path:
        """Returns the file of a seal's JSON; its signature is beside it."""
        return self.path / f"{number:06}.json"

    def read(self) -> Iterator[SealRow]:
        """Yields the seals of the folder, in order of number; raises SealFailed for what cannot be read."""
        try:
            numbers = sorted(int(file.stem) for file in self.path.glob("*.json") if file.stem.isdecimal())
            for number in numbers:
                file = self.file(number)
                yield SealRow(number, file.read_bytes(), _signature(file).read_bytes())
        except OSError as error:
            raise _failed(self.path, error) from error

    def _write(self, row: SealRow) -> None:
        file = self.file(row.number)
        try:
            self.path.mkdir(exist_ok=True)
            # The signature first: where the seal is, it is whole.
            replace_file(_signature(file), row.signature)
            replace_file(file, row.body)
        except OSError as error:
            raise _failed(self.path, error) from error


def _signature(file: Path) -> Path:
    return file.with_name(f"{file.name}.sig")


def _failed(place: Path, error: OSError) -> SealFailed:
    return SealFailed(place=str(place), problem=error.strerror or type(error).__name__)


def _signed(last: Seal | None, heads: tuple[ChainHead, ...], key: SigningKey, at: datetime) -> Seal:
    if last is not None and at < last.at:
        raise SealFailed(place=f"seal {last.number}", problem="the moment lies before the last seal")
    number = 1 if last is None else last.number + 1
    facts = {
        "kind": _KIND,
        "version": _VERSION,
        "number": number,
        "at": f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "previous": _FIRST if last is None else last.digest,
        "key": sha256(key.public_key_info).hexdigest(),
        "heads": [[head.chain, head.number, head.digest.hex()] for head in heads],
    }
    body = canonical(facts)
    return _seal_of(facts, SealRow(number, body, key.sign(body)))


def _seal_of(facts: Mapping[str, Any], row: SealRow) -> Seal:
    """Returns the seal that JSON describes; ValueError, KeyError, TypeError for something else."""
    if (facts["kind"], facts["version"], facts["number"]) != (_KIND, _VERSION, row.number):
        raise ValueError
    heads = tuple(ChainHead(int(chain), int(number), bytes.fromhex(digest)) for chain, number, digest in facts["heads"])
    at = datetime.fromisoformat(facts["at"])
    if at.tzinfo is None:
        raise ValueError
    return Seal(row.number, at, str(facts["previous"]), str(facts["key"]), heads, row)

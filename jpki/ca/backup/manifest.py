"""What a backup says of itself: its first member, `manifest.json`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from jpki.store import NEWEST_SCHEMA, Sequences, Store
from jpki.terms import BadCertificateName, CertificateName, Role

from .errors import BackupDamaged, BackupForeign, BackupTooNew

__all__ = ["FORMAT", "Contained", "KeptKey", "Manifest", "Standing", "standing_of"]

FORMAT = 1
_PATH = re.compile(r"authority\.sqlite3|keys/[A-Za-z0-9][A-Za-z0-9._-]*|certificates/[A-Za-z0-9][A-Za-z0-9._-]*")
_DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Contained:
    """A file in a backup, by its path in the authority's folder."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A generation of an authority's key. `place` is the address of a key that is not in the backup, else None."""

    name: str
    generation: int
    place: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a store stands: rows of each table, sequences of each authority, the newest seal, settings."""

    rows: Mapping[str, int]
    sequences: Mapping[str, Sequences]
    last_seal: int
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The list of contents: which version of the toolkit made it and when, the schema, where the store stood, files."""

    tool: str
    made_at: datetime
    schema: str
    standing: Standing
    keys: tuple[KeptKey, ...]
    files: tuple[Contained, ...]

    def encode(self) -> bytes:
        """Returns the list of contents as JSON."""
        facts = {"format": FORMAT} | asdict(self) | {"made_at": f"{self.made_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}
        return json.dumps(facts, ensure_ascii=False, indent=2, sort_keys=True).encode() + b"\n"

    @classmethod
    def parse(cls, content: bytes, file: str) -> Manifest:
        """Reads a list of contents; raises BackupForeign for another form, BackupTooNew, BackupDamaged."""
        try:
            facts = json.loads(content)
            form, schema = facts["format"], facts["schema"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise BackupForeign(file=file, problem="no backup") from None
        if type(form) is not int or not isinstance(schema, str) or form < FORMAT:
            raise BackupForeign(file=file, problem="another form")
        if form > FORMAT:
            raise BackupTooNew(file=file, found=f"{form}", known=f"{FORMAT}")
        if schema > NEWEST_SCHEMA:
            raise BackupTooNew(file=file, found=schema, known=NEWEST_SCHEMA)
        try:
            found = cls._read(facts)
        except (ValueError, KeyError, TypeError, AttributeError, BadCertificateName):
            raise BackupDamaged(file=file, problem="the list of contents cannot be read") from None
        return found

    @classmethod
    def _read(cls, data: Mapping[str, Any]) -> Manifest:
        standing = data["standing"]
        files = tuple(Contained(str(one["path"]), int(one["size"]), str(one["sha256"])) for one in data["files"])
        paths = [one.path for one in files]
        if not all(map(_PATH.fullmatch, paths)) or len(set(paths)) < len(paths) or "authority.sqlite3" not in paths:
            raise ValueError("files")
        if not all(one.size >= 0 and _DIGEST.fullmatch(one.sha256) for one in files):
            raise ValueError("digests")
        return cls(
            tool=str(data["tool"]),
            made_at=datetime.strptime(data["made_at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC),
            schema=data["schema"],
            standing=Standing(
                rows=dict(standing["rows"]),
                sequences={role.short: Sequences(**standing["sequences"][role.short]) for role in Role},
                last_seal=int(standing["last_seal"]),
                settings=dict(standing["settings"]),
            ),
            keys=tuple(
                KeptKey(str(CertificateName.parse(one["name"])), int(one["generation"]), one["place"])
                for one in data["keys"]
            ),
            files=files,
        )


def standing_of(store: Store) -> Standing:
    """Returns where a store stands; raises StoreError."""
    with store.snapshot() as view:
        return Standing(
            rows=view.row_counts(),
            sequences={role.short: view.sequences(role) for role in Role},
            last_seal=view.last_seal(),
            settings=view.settings(),
        )

"""A test authority for the time of a test run."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jpki.ca import Authority, AuthorityFolder
from jpki.terms import Role, Secret
from jpki.verify import Evidence, Trust

from ..finished_cards import open_authority

__all__ = ["CardAuthority"]


@dataclass(frozen=True, slots=True)
class CardAuthority:
    """An authority in a folder, open and able to sign, with what a relying party needs to believe it."""

    folder: Path
    passphrase: Secret
    authority: Authority

    @classmethod
    @contextmanager
    def make(cls, folder: Path) -> Iterator[CardAuthority]:
        """Makes an authority in an empty folder, under a random passphrase."""
        passphrase = Secret(secrets.token_urlsafe(24).encode())
        with open_authority(folder, passphrase, datetime.now(UTC)) as authority:
            yield cls(folder, passphrase, authority)

    def certificate_file(self, role: Role) -> Path:
        """Returns the file with an authority's own certificate (DER): the root to be trusted."""
        return AuthorityFolder(self.folder).certificate(role)

    @property
    def trust(self) -> Trust:
        """Returns a trust in both authorities, and in nothing else."""
        return Trust.test(*(self.certificate_file(role).read_bytes() for role in Role))

    def certificate_list(self, role: Role, at: datetime | None = None) -> bytes:
        """Returns a new revocation list (DER) of one authority, complete as of now or of `at`."""
        return self.authority.certificate_list(role, at or datetime.now(UTC)).encoded

    def evidence(self, at: datetime | None = None) -> Evidence:
        """Returns what `jpki.verify.verify` needs besides the trust: a new revocation list of each authority."""
        return Evidence.of(*(self.certificate_list(role, at) for role in Role))

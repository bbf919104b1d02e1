"""What a copy of the store is held against, and how a copy that was put back goes on above what it does not know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from jpki.terms import CertificateName, Role

from .bulk import Lookup
from .schema import audit_chain, audit_seal, authority, metadata, revocation, setting
from .trail import SealRow
from .values import HOLD, StoredRevocation, code_of, fits, id_of, moment_of, name_of
from .view import View

__all__ = ["Sequences", "StandingReading", "StandingWriting"]

_REVOCATIONS = Lookup(
    select(revocation.c.id, revocation.c.reason, revocation.c.revoked_at, revocation.c.noted_at), revocation.c.id
)


@dataclass(frozen=True, slots=True)
class Sequences:
    """Where an authority's sequences stand: the next certificate, the next list, and the revision of what is listed."""

    next_number: int
    next_list: int
    revision: int


class StandingReading(View):
    """Questions about the store as a whole, within one transaction."""

    __slots__ = ()

    def sequences(self, role: Role) -> Sequences:
        """Returns where an authority's sequences stand."""
        query = select(authority.c.next_number, authority.c.next_list, authority.c.revision)
        row = self._connection.execute(query.where(authority.c.code == code_of(role))).one()
        return Sequences(row[0], row[1], row[2])

    def last_seal(self) -> int:
        """Returns the number of the audit trail's newest seal, 0 before the first."""
        return self._connection.execute(select(func.max(audit_seal.c.number))).scalar_one() or 0

    def row_counts(self) -> dict[str, int]:
        """Returns how many rows each table has."""
        return {
            table.name: int(self._connection.execute(select(func.count()).select_from(table)).scalar_one())
            for table in metadata.sorted_tables
        }

    def revocations(self, names: Iterable[CertificateName]) -> dict[CertificateName, StoredRevocation]:
        """Returns the revocation of each of these numbers that has one, also of those without a certificate here."""
        rows = _REVOCATIONS.run(self._connection, [id_of(name) for name in names if fits(name)])
        found = map(_revocation, rows)
        return {one.name: one for one in found}

    def held(self, issuer: CertificateName, point: int | None = None) -> tuple[StoredRevocation, ...]:
        """Returns the holds of what a key issued (of one distribution point), in order of number."""
        query = select(revocation.c.id, revocation.c.reason, revocation.c.revoked_at, revocation.c.noted_at).where(
            revocation.c.issuer == id_of(issuer), revocation.c.reason == HOLD
        )
        if point is not None:
            query = query.where(revocation.c.point == point)
        rows = self._connection.execute(query.order_by(revocation.c.id))
        return tuple(map(_revocation, rows))


class StandingWriting(StandingReading):
    """Changes of the store as a whole, within one transaction."""

    __slots__ = ()

    def replace_setting(self, name: str, value: str | None) -> None:
        """Stores one setting in the place of what it was; with None it is taken away."""
        self._connection.execute(delete(setting).where(setting.c.name == name))
        if value is not None:
            self._connection.execute(insert(setting).values(name=name, value=value))

    def adopt_seal(self, seal: SealRow) -> None:
        """Stores a seal that was made elsewhere; the next one has the number behind it. What it covers is not here."""
        self._connection.execute(insert(audit_seal).values(**seal._asdict()))

    @contextmanager
    def chains_above(self, count: int) -> Iterator[None]:
        """Lets a chain of the audit trail that begins within the block have a number that is so much higher.

        SQLite alone: there the next number is always the highest one and one.
        """
        highest = self._connection.execute(select(func.max(audit_chain.c.id))).scalar_one() or 0
        self._connection.execute(insert(audit_chain).values(id=highest + count, opened_at=0))
        yield
        self._connection.execute(delete(audit_chain).where(audit_chain.c.id == highest + count))

    def place_revocations(self, names: Iterable[CertificateName], point: int) -> None:
        """Records the distribution point of revoked numbers where nobody knew it."""
        for name in names:
            self._connection.execute(
                update(revocation)
                .where(revocation.c.id == id_of(name), revocation.c.point.is_(None))
                .values(point=point)
            )


def _revocation(row: Any) -> StoredRevocation:  # noqa: ANN401 - a row, whatever SQLAlchemy knows of its columns
    return StoredRevocation(name_of(row.id), row.reason, moment_of(row.revoked_at), moment_of(row.noted_at))

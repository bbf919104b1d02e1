"""The audit trail as it is read, and the seals over it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, and_, func, insert, select, tuple_, update

from .audit import AuditEntry, ChainHead
from .errors import StoreConflict
from .schema import audit_chain, audit_entry, audit_seal
from .values import moment_of
from .view import View

__all__ = ["AuditChain", "SealRow", "TrailReading", "TrailWriting"]

_ENTRIES_AT_ONCE = 500
_CHAINS_AT_ONCE = 5000


class AuditChain(NamedTuple):
    """A chain: when its first entry was added, its last entry's number (0: it has none), and how far it is sealed."""

    chain: int
    opened_at: datetime
    last: int
    sealed: int


class SealRow(NamedTuple):
    """A seal as it is kept: its number, from 1, its JSON, and the signature of that."""

    number: int
    body: bytes
    signature: bytes


class TrailReading(View):
    """Questions about the audit trail within one transaction."""

    __slots__ = ()

    def audit_entries(self, chain: int | None = None, *, after: tuple[int, int] = (0, 0)) -> Iterator[AuditEntry]:
        """Yields the entries of the audit trail (or of one chain), chain by chain, in order of number.

        With `after`, a chain and a number, those that come behind it.
        """
        query = select(audit_entry).order_by(audit_entry.c.chain, audit_entry.c.number)
        query = query.where(tuple_(audit_entry.c.chain, audit_entry.c.number) > tuple_(*after))
        if chain is not None:
            query = query.where(audit_entry.c.chain == chain)
        for row in self._connection.execute(query.execution_options(yield_per=_ENTRIES_AT_ONCE)):
            yield _entry(row)

    def audit_entry(self, chain: int, number: int) -> AuditEntry | None:
        """Returns one entry, or None."""
        query = select(audit_entry).where(audit_entry.c.chain == chain, audit_entry.c.number == number)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _entry(row)

    def audit_chains(self) -> Iterator[AuditChain]:
        """Yields all chains, in order of number."""
        last = (
            select(func.coalesce(func.max(audit_entry.c.number), 0))
            .where(audit_entry.c.chain == audit_chain.c.id)
            .scalar_subquery()
        )
        query = select(audit_chain.c.id, audit_chain.c.opened_at, last, audit_chain.c.sealed).order_by(audit_chain.c.id)
        for row in self._connection.execute(query.execution_options(yield_per=_CHAINS_AT_ONCE)):
            yield AuditChain(row[0], moment_of(row[1]), int(row[2]), row[3])

    def chain_end(self, chain: int) -> int:
        """Returns the number of the last entry of a chain, 0 where it has none."""
        query = select(func.coalesce(func.max(audit_entry.c.number), 0)).where(audit_entry.c.chain == chain)
        return int(self._connection.execute(query).scalar_one())

    def unsealed_heads(self) -> tuple[ChainHead, ...]:
        """Returns the last entry of every chain that has grown since it was sealed, in order of chain."""
        other = audit_entry.alias()
        last = (
            select(func.max(other.c.number))
            .where(other.c.chain == audit_chain.c.id)
            .correlate(audit_chain)
            .scalar_subquery()
        )
        grown = select(audit_chain.c.id, last.label("last")).where(last > audit_chain.c.sealed).subquery()
        query = (
            select(audit_entry.c.chain, audit_entry.c.number, audit_entry.c.digest)
            .join(grown, and_(audit_entry.c.chain == grown.c.id, audit_entry.c.number == grown.c.last))
            .order_by(audit_entry.c.chain)
        )
        return tuple(ChainHead(*row) for row in self._connection.execute(query))

    def audit_seals(self) -> Iterator[SealRow]:
        """Yields the seals in their order."""
        query = select(audit_seal).order_by(audit_seal.c.number)
        for row in self._connection.execute(query.execution_options(yield_per=10)):
            yield SealRow(row.number, row.body, row.signature)

    def audit_seal(self, number: int) -> SealRow | None:
        """Returns one seal, or None."""
        row = self._connection.execute(select(audit_seal).where(audit_seal.c.number == number)).one_or_none()
        return None if row is None else SealRow(*row)

    def newest_seal(self) -> SealRow | None:
        """Returns the seal with the highest number, or None before the first."""
        row = self._connection.execute(select(audit_seal).order_by(audit_seal.c.number.desc()).limit(1)).one_or_none()
        return None if row is None else SealRow(*row)


class TrailWriting(TrailReading):
    """Seals that are added within one transaction."""

    __slots__ = ()

    _store: str

    def add_audit_seal(self, seal: SealRow, heads: Iterable[ChainHead] = ()) -> None:
        """Stores a seal, and that it covers these entries; StoreConflict unless its number follows the last one's."""
        last = self._connection.execute(select(func.max(audit_seal.c.number))).scalar_one()
        if seal.number != (last or 0) + 1:
            raise StoreConflict(store=self._store, what="audit_seal.number")
        self._connection.execute(insert(audit_seal).values(**seal._asdict()))
        for head in heads:
            self._connection.execute(
                update(audit_chain)
                .where(audit_chain.c.id == head.chain, audit_chain.c.sealed < head.number)
                .values(sealed=head.number)
            )


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(row.chain, row.number, row.body, row.digest)

"""What can be asked of the store, in one consistent view of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, bindparam, func, not_, or_, select
from sqlalchemy.sql import ColumnElement

from jpki.terms import CertificateName, Role

from .bulk import Lookup
from .holds import HoldReading
from .ledger import LedgerReading
from .lists import ListReading
from .records import RecordReading
from .schema import (
    authority_key,
    certificate,
    certificate_key,
    encoded_certificate,
    holder_certificate,
    intent,
    revocation,
    setting,
)
from .standing import StandingReading
from .values import (
    HOLD,
    CertificateState,
    Intent,
    StoredAuthorityKey,
    StoredCertificate,
    StoredRevocation,
    code_of,
    end_of,
    fits,
    id_of,
    moment_of,
    name_of,
    seconds_of,
)
from .watched import WatchReading

__all__ = ["StoreReading"]


_CERTIFICATE: Select[Any] = select(
    certificate, revocation.c.reason, revocation.c.revoked_at, revocation.c.noted_at
).outerjoin(revocation, revocation.c.id == certificate.c.id)


_OF_HOLDERS = Lookup(
    _CERTIFICATE.join(holder_certificate, holder_certificate.c.certificate == certificate.c.id).order_by(
        holder_certificate.c.holder, holder_certificate.c.authority, holder_certificate.c.ordinal
    ),
    holder_certificate.c.holder,
)
_WITH_KEYS = Lookup(
    _CERTIFICATE.join(certificate_key, certificate_key.c.certificate == certificate.c.id), certificate_key.c.key_hash
)
_NAMED = Lookup(_CERTIFICATE, certificate.c.id)
_ENCODED = Lookup(select(encoded_certificate), encoded_certificate.c.id)
_LAST_ISSUED = (
    select(certificate.c.not_before)
    .where(certificate.c.id >= bindparam("first"), certificate.c.id < bindparam("end"))
    .order_by(certificate.c.id.desc())
    .limit(1)
)


class StoreReading(ListReading, RecordReading, HoldReading, LedgerReading, WatchReading, StandingReading):
    """Questions to the store within one transaction: all answers belong to one moment."""

    __slots__ = ("_store",)

    def __init__(self, connection: Connection, store: str) -> None:
        super().__init__(connection)
        self._store = store

    def settings(self) -> dict[str, str]:
        """Returns all settings by name."""
        return {row.name: row.value for row in self._connection.execute(select(setting))}

    def authority_keys(self, role: Role) -> tuple[StoredAuthorityKey, ...]:
        """Returns the generations of an authority's key, oldest first."""
        rows = self._connection.execute(
            select(authority_key).where(authority_key.c.authority == code_of(role)).order_by(authority_key.c.generation)
        )
        return tuple(
            StoredAuthorityKey(
                name_of(row.id),
                row.generation,
                moment_of(row.not_before),
                moment_of(row.not_after),
                row.encoded,
                row.place,
            )
            for row in rows
        )

    def count_authority_keys(self) -> int:
        """Returns how many generations of keys there are of both authorities; none is ever taken away."""
        return int(self._connection.execute(select(func.count()).select_from(authority_key)).scalar_one())

    def certificate(self, name: CertificateName) -> StoredCertificate | None:
        """Returns what is known of the certificate of this name, or None."""
        if not fits(name):
            return None
        row = self._connection.execute(_CERTIFICATE.where(certificate.c.id == id_of(name))).one_or_none()
        return _stored(row) if row is not None else None

    def named(self, names: Sequence[CertificateName]) -> dict[CertificateName, StoredCertificate]:
        """Returns what is known of each of these certificates that there is."""
        rows = _NAMED.run(self._connection, [id_of(name) for name in names if fits(name)])
        return {name_of(row.id): _stored(row) for row in rows}

    def encoded(self, names: Sequence[CertificateName]) -> dict[CertificateName, bytes]:
        """Returns the DER form of each of these certificates that there is."""
        rows = _ENCODED.run(self._connection, [id_of(name) for name in names if fits(name)])
        return {name_of(row.id): row.encoded for row in rows}

    def with_keys(self, hashes: Sequence[bytes]) -> dict[bytes, StoredCertificate]:
        """Returns, by hash of public key, the certificates that hold one of these keys."""
        return {row.key_hash: _stored(row) for row in _WITH_KEYS.run(self._connection, hashes)}

    def of_holders(self, holders: Sequence[str]) -> dict[str, tuple[StoredCertificate, ...]]:
        """Returns the certificates of each of these holders that has any, by authority and in order of issue."""
        found: dict[str, list[StoredCertificate]] = {}
        for row in _OF_HOLDERS.run(self._connection, holders):
            found.setdefault(row.holder, []).append(_stored(row))
        return {holder: tuple(stored) for holder, stored in found.items()}

    def certificates(
        self,
        *,
        role: Role | None = None,
        holder: str | None = None,
        state: CertificateState | None = None,
        at: datetime,
        after: CertificateName | None = None,
        limit: int = 100,
    ) -> tuple[StoredCertificate, ...]:
        """Returns the next `limit` certificates behind `after`, in order of name, that fit all that is given.

        `state` is what they are at the moment `at`.
        """
        conditions: list[ColumnElement[bool]] = [certificate.c.id > (end_of(after) if after is not None else 0)]
        if role is not None:
            conditions.append(certificate.c.id.between(code_of(role) << 32, (code_of(role) + 1 << 32) - 1))
        if holder is not None:
            of_holder = select(holder_certificate.c.certificate).where(holder_certificate.c.holder == holder)
            conditions.append(certificate.c.id.in_(of_holder))
        if state is not None:
            conditions.append(_in_state(state, seconds_of(at)))
        query = _CERTIFICATE.where(*conditions).order_by(certificate.c.id).limit(limit)
        return tuple(_stored(row) for row in self._connection.execute(query))

    def last_issued(self, role: Role) -> datetime | None:
        """Returns from when on the certificate with this authority's highest number is valid; None before the first."""
        found = self._connection.execute(_LAST_ISSUED, {"first": code_of(role) << 32, "end": code_of(role) + 1 << 32})
        seconds = found.scalar()
        return None if seconds is None else moment_of(seconds)

    def count(self, role: Role, state: CertificateState, at: datetime) -> int:
        """Returns how many certificates of this authority are in this state at this moment."""
        query = (
            select(func.count())
            .select_from(certificate.outerjoin(revocation, revocation.c.id == certificate.c.id))
            .where(certificate.c.authority == code_of(role), _in_state(state, seconds_of(at)))
        )
        return int(self._connection.execute(query).scalar_one())

    def revocation(self, name: CertificateName) -> StoredRevocation | None:
        """Returns the revocation of a number, also of one without a certificate here, or None."""
        if not fits(name):
            return None
        query = select(revocation.c.reason, revocation.c.revoked_at, revocation.c.noted_at)
        row = self._connection.execute(query.where(revocation.c.id == id_of(name))).one_or_none()
        return StoredRevocation(name, row[0], moment_of(row[1]), moment_of(row[2])) if row is not None else None

    def intents(self, *, before: datetime | None = None) -> tuple[Intent, ...]:
        """Returns the numbers taken (before this moment) for which no certificate was stored."""
        query = select(intent).order_by(intent.c.id)
        if before is not None:
            query = query.where(intent.c.noted_at < seconds_of(before))
        return tuple(
            Intent(name_of(row.id), row.holder, row.job, row.submission, moment_of(row.noted_at))
            for row in self._connection.execute(query)
        )


def _in_state(state: CertificateState, at: int) -> ColumnElement[bool]:
    expired = certificate.c.not_after < at
    if state is CertificateState.REVOKED:
        return and_(revocation.c.id.is_not(None), revocation.c.reason != HOLD)
    if state is CertificateState.HELD:
        return and_(not_(expired), revocation.c.reason == HOLD)
    if state is CertificateState.EXPIRED:
        return and_(expired, or_(revocation.c.id.is_(None), revocation.c.reason == HOLD))
    return and_(not_(expired), revocation.c.id.is_(None))


def _stored(row: Row[Any]) -> StoredCertificate:
    (
        key,
        holder,
        _authority,
        ordinal,
        issuer,
        municipality,
        point,
        not_before,
        not_after,
        key_hash,
        submission,
        counterpart,
        confirmed_at,
        _entry,
        reason,
        revoked_at,
        noted_at,
    ) = tuple(row)
    name = name_of(key)
    return StoredCertificate(
        name,
        holder,
        ordinal,
        name_of(issuer),
        municipality,
        point,
        moment_of(not_before),
        moment_of(not_after),
        key_hash,
        submission,
        name_of(counterpart) if counterpart is not None else None,
        moment_of(confirmed_at) if confirmed_at is not None else None,
        StoredRevocation(name, reason, moment_of(revoked_at), moment_of(noted_at)) if reason is not None else None,
    )

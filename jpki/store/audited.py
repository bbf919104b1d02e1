"""Rows of the store as the audit trail has to tell of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, case, literal, null, select

from jpki.formats import RevocationReason, encode_revoked
from jpki.terms import CertificateName

from .schema import (
    authority_key,
    certificate,
    distribution_point,
    encoded_certificate,
    event,
    release,
    responder,
    revocation,
    revocation_list,
    setting,
)
from .told import digest_of_place, list_name
from .trail import TrailReading
from .values import fits, id_of, moment_of, name_of

__all__ = ["AUDITED", "AuditedReading", "AuditedRow"]

_ROWS_AT_ONCE = 1000
_DAMAGED = "damaged"


class AuditedRow(NamedTuple):
    """A row: its kind (the table's name), its own name, the entry that it names, and what that has to tell of it.

    `since` is when it came, in seconds. A fact that the row itself contradicts is "damaged": no entry tells that.
    """

    kind: str
    name: str
    entry: int | None
    since: int
    facts: Mapping[str, object]


class AuditedReading(TrailReading):
    """Questions about rows that entries of the audit trail tell of."""

    __slots__ = ()

    def audited_rows(self, kind: str) -> Iterator[AuditedRow]:
        """Yields all rows of a kind, in order of their key."""
        query, read = AUDITED[kind]
        for row in self._connection.execute(query.execution_options(yield_per=_ROWS_AT_ONCE)):
            yield read(row)

    def audited_entries(self, kind: str, names: Sequence[str]) -> dict[str, int | None]:
        """Returns, of the rows of a kind with these names that there are, which entry each names."""
        if kind == "revocation_list":
            return self._lists(names)
        table, key = {
            "authority_key": (authority_key, None),
            "certificate": (certificate, certificate.c.entry),
            "confirmation": (certificate, None),
            "event": (event, event.c.entry),
            "release": (release, release.c.entry),
            "responder": (responder, responder.c.entry),
            "revocation": (revocation, revocation.c.entry),
            "setting": (setting, None),
        }[kind]
        own = table.c.name if kind == "setting" else table.c.id
        by_text = kind in {"event", "setting"}
        wanted = {one if by_text else _id(one): one for one in names}
        query = select(own, key if key is not None else null()).where(own.in_(list(wanted)))
        if kind == "confirmation":
            query = query.where(certificate.c.confirmed_at.is_not(None))
        return {wanted[row[0]]: row[1] for row in self._connection.execute(query)}

    def _lists(self, names: Sequence[str]) -> dict[str, int | None]:
        found: dict[str, int | None] = {}
        for name in names:
            issuer, scope, base, number = name.split("/")
            query = select(revocation_list.c.entry).where(
                revocation_list.c.issuer == _id(issuer),
                revocation_list.c.scope == int(scope),
                revocation_list.c.base == int(base),
                revocation_list.c.number == int(number),
            )
            row = self._connection.execute(query).one_or_none()
            if row is not None:
                found[name] = row[0]
        return found


def _id(name: str) -> int:
    parsed = CertificateName.parse(name)
    return id_of(parsed) if fits(parsed) else -1


def _name(key: int) -> str:
    return str(name_of(key))


def _digest(content: bytes | None) -> str:
    return _DAMAGED if content is None else sha256(content).hexdigest()


def _certificate(row: Row[Any]) -> AuditedRow:
    place = digest_of_place(tuple(row)[3:12])
    return AuditedRow(
        "certificate",
        _name(row.id),
        row.entry,
        row.not_before,
        {"sha256": _digest(row.encoded), "place": place if row.same_point else _DAMAGED},
    )


def _revocation(row: Row[Any]) -> AuditedRow:
    reason = row.reason if row.line == _line(row.id, row.revoked_at, row.reason) else _DAMAGED
    facts = {"reason": reason, "since": row.revoked_at}
    return AuditedRow("revocation", _name(row.id), row.entry, row.noted_at, facts)


def _release(row: Row[Any]) -> AuditedRow:
    whole = row.line == _line(row.id, row.released_at, RevocationReason.REMOVE_FROM_CRL)
    return AuditedRow("release", _name(row.id), row.entry, row.released_at, {} if whole else {_DAMAGED: True})


def _list(row: Row[Any]) -> AuditedRow:
    name = list_name({"issuer": _name(row.issuer), "scope": row.scope, "base": row.base, "number": row.number})
    facts = {"entries": row.entries, "sha256": row.digest.hex()}
    return AuditedRow("revocation_list", name, row.entry, row.this_update, facts)


def _event(row: Row[Any]) -> AuditedRow:
    facts = {"kind": row.kind, "sha256": row.digest.hex(), "outcome": _digest(row.outcome.encode())}
    return AuditedRow("event", row.id, row.entry, row.noted_at, facts)


def _responder(row: Row[Any]) -> AuditedRow:
    facts = {"issuer": _name(row.issuer), "sha256": _digest(row.encoded)}
    return AuditedRow("responder", _name(row.id), row.entry, row.not_before, facts)


def _line(key: int, moment: int, reason: int) -> bytes | None:
    try:
        return encode_revoked([(key & 0xFFFFFFFF, moment_of(moment), RevocationReason(reason))])
    except (ValueError, OverflowError):
        return None


# Of a distribution point that came with a published list, nobody may have said yet whose it is.
_SAME_POINT = case(
    (distribution_point.c.municipality.in_([certificate.c.municipality, ""]), literal(1)), else_=literal(0)
)
_CERTIFICATES = (
    select(
        certificate.c.id,
        certificate.c.entry,
        encoded_certificate.c.encoded,
        certificate.c.holder,
        certificate.c.ordinal,
        certificate.c.issuer,
        certificate.c.municipality,
        certificate.c.not_before,
        certificate.c.not_after,
        certificate.c.key_hash,
        certificate.c.submission,
        certificate.c.counterpart,
        _SAME_POINT.label("same_point"),
    )
    .outerjoin(encoded_certificate, encoded_certificate.c.id == certificate.c.id)
    .outerjoin(distribution_point, distribution_point.c.id == certificate.c.point)
)

AUDITED: Mapping[str, tuple[Select[Any], Callable[[Row[Any]], AuditedRow]]] = {
    "certificate": (_CERTIFICATES.order_by(certificate.c.id), _certificate),
    "revocation": (select(revocation).order_by(revocation.c.id), _revocation),
    "release": (select(release).order_by(release.c.id), _release),
    "revocation_list": (select(revocation_list).order_by(revocation_list.c.id), _list),
    "event": (select(event).order_by(event.c.id), _event),
    "responder": (select(responder).order_by(responder.c.id), _responder),
}
"""The kinds of rows that name an entry, each with its question."""

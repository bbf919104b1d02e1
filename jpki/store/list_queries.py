"""Questions about revocation lists and their lines, put so that databases choose the index that serves."""

from __future__ import annotations

from typing import Any

from sqlalchemy import LargeBinary, Select, and_, cast, func, literal, literal_column, not_, select, union_all
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.sql import ColumnElement

from jpki.terms import CertificateName, Role

from .schema import distribution_point, revocation, revocation_list
from .values import PublishedList, Scope, code_of, id_of, seconds_of

__all__ = [
    "JOINED",
    "NO_INDEX",
    "changed_in",
    "in_scope",
    "is_list",
    "lines_of",
    "newest_of",
    "newest_of_all",
    "numbers_of",
]

NO_INDEX: ColumnElement[int] = literal_column("0")  # added to a column, keeps databases from choosing its index


def newest_of_all(issuer: CertificateName, *, delta: bool, regular: bool) -> Select[Any]:
    """Returns the question for the newest list of every scope of a key: one look into the index for each scope."""
    municipal = select(distribution_point.c.id.label("scope")).where(
        distribution_point.c.authority == code_of(issuer.authority)
    )
    scopes = union_all(municipal, select(literal(0).label("scope"))).subquery()
    one = revocation_list.alias()
    conditions = [one.c.issuer == id_of(issuer), one.c.scope == scopes.c.scope]
    conditions.append(one.c.base > 0 if delta else one.c.base == 0)
    if regular:
        conditions.append(one.c.urgent == 0)
    newest = select(one.c.id).where(*conditions).order_by(one.c.base.desc(), one.c.number.desc()).limit(1)
    return select(revocation_list).join(scopes, revocation_list.c.id == newest.correlate(scopes).scalar_subquery())


def newest_of(scope: Scope, *, delta: bool, regular: bool) -> Select[Any]:
    """Returns the question for the newest list of one scope."""
    conditions = [
        revocation_list.c.issuer == id_of(scope.issuer),
        revocation_list.c.scope == scope.point,
        revocation_list.c.base > 0 if delta else revocation_list.c.base == 0,
    ]
    if regular:
        conditions.append(revocation_list.c.urgent == 0)
    # The base of a later delta is never a lower one, so that the index has the newest last.
    order = (revocation_list.c.base.desc(), revocation_list.c.number.desc())
    return select(revocation_list).where(*conditions).order_by(*order).limit(1)


def in_scope(table: Any, scope: Scope) -> list[Any]:  # noqa: ANN401 - two tables with the same columns
    """Returns what holds of the rows of what a list covers."""
    conditions = [table.c.issuer == id_of(scope.issuer)]
    if scope.point:
        conditions.append(table.c.point == scope.point)
    return conditions


def changed_in(scope: Scope, since: int) -> list[ColumnElement[bool]]:
    """Returns what holds of revocations that changed after a revision, of what a list covers."""
    if not scope.point:
        return [revocation.c.issuer == id_of(scope.issuer), revocation.c.revision > since]
    # Of one distribution point not by the index of what changed: that would go through all of it for each of them.
    return [*_at_point(scope), revocation.c.revision + NO_INDEX > since]


def _at_point(scope: Scope) -> list[ColumnElement[bool]]:
    return [revocation.c.issuer + NO_INDEX == id_of(scope.issuer), revocation.c.point == scope.point]


def lines_of(scope: Scope, after: PublishedList | None) -> list[ColumnElement[bool]]:
    """Returns what holds of revocations whose lines a complete list has; see `ListReading.list_lines`."""
    # Not by the index of what changed, which has the lines in another order.
    conditions = _at_point(scope) if scope.point else [revocation.c.issuer + NO_INDEX == id_of(scope.issuer)]
    if after is not None:
        ended = revocation.c.not_after < seconds_of(after.this_update)
        conditions.append(not_(and_(ended, revocation.c.revision <= after.revision)))
    return conditions


def numbers_of(role: Role) -> tuple[int, int]:
    """Returns the lowest and the highest integer that stand for certificates of an authority."""
    return code_of(role) << 32, (code_of(role) + 1 << 32) - 1


# SQLite joins texts, and octets as they are; they only have to be told from text again.
JOINED: dict[str, ColumnElement[Any]] = {
    "sqlite": cast(func.group_concat(revocation.c.line, ""), LargeBinary),
    "postgresql": func.string_agg(revocation.c.line, aggregate_order_by(literal_column("''::bytea"), revocation.c.id)),
}


def is_list(published: PublishedList) -> tuple[Any, ...]:
    """Returns what holds of the row of one recorded list."""
    return (
        revocation_list.c.issuer == id_of(published.scope.issuer),
        revocation_list.c.scope == published.scope.point,
        revocation_list.c.base == published.base,
        revocation_list.c.number == published.number,
    )

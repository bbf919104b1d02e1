"""Revocation lists in the store: what they will say, and those that were made, with their octets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    not_,
    select,
    union_all,
    update,
)
from sqlalchemy.sql import ColumnElement

from jpki.terms import CertificateName, Role

from .bulk import BulkDelete, BulkInsert
from .errors import StoreConflict
from .list_queries import (
    JOINED,
    changed_in,
    in_scope,
    is_list,
    lines_of,
    newest_of,
    newest_of_all,
    numbers_of,
)
from .locks import hold, hold_counters
from .schema import (
    authority,
    authority_key,
    distribution_point,
    list_part,
    pushed_list,
    release,
    revocation,
    revocation_list,
)
from .values import (
    ListBlock,
    PublishedList,
    Scope,
    StoredPoint,
    code_of,
    id_of,
    moment_of,
    name_of,
    role_of,
    seconds_of,
)
from .view import View

__all__ = ["ListReading", "ListWriting"]

_LINES_AT_ONCE = 8192
_FEWEST_NUMBERS = 1 << 13  # whose lines are joined at once: as many as are not too many if each of them has one
_MOST_NUMBERS = 1 << 17
_OCTETS_AT_ONCE = 1 << 22  # of parts of lists on their way to the database
_FEW_LISTS = 4
_PUSHED = ("outlet", "issuer", "scope", "delta")

_ADD_PARTS = BulkInsert(list_part, ("list", "place", "content"))
_REMOVE_PARTS = BulkDelete(list_part.c.list)


class ListReading(View):
    """Questions about revocation lists within one transaction."""

    __slots__ = ()

    def revision(self, role: Role) -> int:
        """Returns how often what the authority's lists say has changed."""
        query = select(authority.c.revision).where(authority.c.code == code_of(role))
        return int(self._connection.execute(query).scalar_one())

    def points(self, role: Role) -> tuple[StoredPoint, ...]:
        """Returns the distribution points that certificates of an authority name, by their number."""
        rows = self._connection.execute(
            select(distribution_point)
            .where(distribution_point.c.authority == code_of(role))
            .order_by(distribution_point.c.id)
        )
        return tuple(StoredPoint(row.id, role_of(row.authority), row.municipality, row.name) for row in rows)

    def newest_list(self, scope: Scope, *, delta: bool = False, regular: bool = False) -> PublishedList | None:
        """Returns the complete list (or the delta) of a scope with the highest number, or None before the first.

        With `regular`, lists that came out of turn are passed over.
        """
        row = self._connection.execute(newest_of(scope, delta=delta, regular=regular)).one_or_none()
        return None if row is None else _published(row)

    def newest_lists(self, issuer: CertificateName, *, regular: bool = False) -> tuple[PublishedList, ...]:
        """Returns the newest complete list and the newest delta of every scope of a key.

        With `regular`, lists that came out of turn are passed over.
        """
        found = [
            _published(row)
            for delta in (False, True)
            for row in self._connection.execute(newest_of_all(issuer, delta=delta, regular=regular))
        ]
        return tuple(sorted(found, key=lambda one: (one.scope.point, one.base)))

    def list_content(self, published: PublishedList) -> Iterator[bytes]:
        """Yields the octets of a recorded list, in pieces; nothing where a newer one has taken its place."""
        query = (
            select(list_part.c.content)
            .join(revocation_list, revocation_list.c.id == list_part.c.list)
            .where(*is_list(published))
            .order_by(list_part.c.place)
        )
        for row in self._connection.execute(query.execution_options(yield_per=1)):
            yield row.content

    def list_lines(self, scope: Scope, *, after: PublishedList | None) -> Iterator[ListBlock]:
        """Yields the lines of a complete list, many at a time, in order of number.

        A certificate that expired before the list `after` (the newest regular one) is left out, if its line stood in
        that list: each stands in one regular list issued after its expiry. Source: RFC 5280, 3.3.
        """
        lines = and_(*lines_of(scope, after))
        first, last = numbers_of(scope.issuer.authority)
        if scope.point:
            yield from self._joined(lines, first, last)
            return
        width = _FEWEST_NUMBERS
        at = self._next_revoked(first, last)
        while at is not None:
            entries = 0
            for block in self._joined(lines, at, min(at + width - 1, last)):
                entries = block.entries
                yield block
            at = self._next_revoked(at + width, last)
            if entries < _FEWEST_NUMBERS // 2:
                width = min(width * 2, _MOST_NUMBERS)

    def _next_revoked(self, first: int, last: int) -> int | None:
        query = select(func.min(revocation.c.id)).where(revocation.c.id.between(first, last))
        found: int | None = self._connection.execute(query).scalar_one()
        return found

    def _joined(self, lines: ColumnElement[bool], first: int, last: int) -> Iterator[ListBlock]:
        """Yields the lines from one number to another, joined by the database, which takes them in order of number."""
        joined = JOINED[self._connection.dialect.name]
        query = select(func.count(), joined).where(lines, revocation.c.id.between(first, last))
        entries, octets = self._connection.execute(query).one()
        if entries:
            yield ListBlock(int(entries), octets)

    def delta_lines(self, scope: Scope, *, since: int) -> Iterator[ListBlock]:
        """Yields, in order of number, the lines of what changed after a revision; an ended hold as removeFromCRL."""
        revoked = select(revocation.c.id, revocation.c.line, literal(0).label("removed")).where(
            *changed_in(scope, since)
        )
        again = select(literal(1)).where(revocation.c.id == release.c.id).exists()
        released = select(release.c.id, release.c.line, literal(1).label("removed")).where(
            release.c.revision > since, *in_scope(release, scope), not_(again)
        )
        both = union_all(revoked, released).subquery()
        query = select(both.c.line, both.c.removed).order_by(both.c.id)
        rows = self._connection.execute(query.execution_options(yield_per=_LINES_AT_ONCE))
        for some in rows.partitions():
            yield ListBlock(len(some), b"".join(line for line, _ in some), sum(removed for _, removed in some))

    def changed_since(self, role: Role, revision: int) -> Iterator[CertificateName]:
        """Yields the names of certificates whose revocation changed after a revision: revoked, held, or released."""
        # By one key at a time: so the index of what changed serves, however many were revoked before.
        own = select(authority_key.c.id).where(authority_key.c.authority == code_of(role))
        issuers = self._connection.execute(own.order_by(authority_key.c.id)).scalars().all()
        for table in (revocation, release):
            for issuer in issuers:
                query = select(table.c.id).where(table.c.issuer == issuer, table.c.revision > revision)
                for row in self._connection.execute(query.execution_options(yield_per=_LINES_AT_ONCE)):
                    yield name_of(row.id)


class ListWriting(ListReading):
    """Changes of revocation lists within one transaction."""

    __slots__ = ()

    _store: str

    def take_point(self, role: Role, municipality: str, name: bytes) -> int:
        """Returns the number of a distribution point by its directory name (DER), a new one where it is new.

        An empty `municipality` says that nobody knows its code; the first who does gives it.
        """
        known = select(distribution_point.c.id, distribution_point.c.municipality).where(
            distribution_point.c.authority == code_of(role), distribution_point.c.name == name
        )
        found = self._connection.execute(known).one_or_none()
        if found is None:
            # Of two who do not know it, the second looks again when the first is done.
            hold_counters(self._connection)
            found = self._connection.execute(known).one_or_none()
        if found is None:
            new = insert(distribution_point).values(authority=code_of(role), municipality=municipality, name=name)
            return int(self._connection.execute(new.returning(distribution_point.c.id)).scalar_one())
        if municipality and not found.municipality:
            unnamed = (distribution_point.c.id == found.id, distribution_point.c.municipality == "")
            self._connection.execute(update(distribution_point).where(*unnamed).values(municipality=municipality))
        return int(found.id)

    def hold_lists(self, issuer: CertificateName) -> None:
        """Keeps others off the lists of a key to the end of the transaction, before numbers or revisions are taken."""
        _hold_lists_of(self._connection, issuer)

    def take_list_number(self, role: Role) -> int:
        """Returns the authority's next number of revocation lists."""
        hold_counters(self._connection)
        query = (
            update(authority)
            .where(authority.c.code == code_of(role))
            .values(next_list=authority.c.next_list + 1)
            .returning(authority.c.next_list)
        )
        return int(self._connection.execute(query).scalar_one()) - 1

    def not_overtaken(self, lists: Sequence[PublishedList]) -> tuple[PublishedList, ...]:
        """Returns those of the lists in whose place no other of a higher number is recorded that knows as much.

        To the end of the transaction nobody else records lists of these keys.
        """
        left = []
        for issuer, delta, some in _by_kind(lists):
            _hold_lists_of(self._connection, issuer)
            newest = self._newest_rows(issuer, delta, some)
            for one in some:
                row = newest.get(one.scope.point)
                if row is None or row.number <= one.number or row.revision < one.revision:
                    left.append(one)
        return tuple(left)

    def add_list(
        self, published: PublishedList, content: Iterable[bytes], entry: int | None = None, *, elsewhere: bool = False
    ) -> None:
        """Records a revocation list and its octets, in place of those of the list before it.

        StoreConflict unless its number is higher than every one recorded for this scope and kind, and of two lists of
        this scope the one of the higher number knows as much as the other. What a list knows that was made `elsewhere`
        nobody can compare.
        """
        self._record([(published, content)], entry, elsewhere=elsewhere)

    def add_lists(self, lists: Sequence[tuple[PublishedList, Iterable[bytes]]], entry: int | None = None) -> None:
        """Records revocation lists and their octets, all or none, each as `add_list` does one; no two of one scope."""
        self._record(lists, entry, elsewhere=False)

    def _record(
        self, lists: Sequence[tuple[PublishedList, Iterable[bytes]]], entry: int | None, *, elsewhere: bool
    ) -> None:
        contents = dict(lists)
        for issuer, delta, some in _by_kind(contents):
            # To the end of the transaction: of two lists that are recorded at once, the second is compared with the
            # first.
            _hold_lists_of(self._connection, issuer)
            newest = self._newest_rows(issuer, delta, some)
            if any(one.scope.point in newest and newest[one.scope.point].number >= one.number for one in some):
                raise StoreConflict(store=self._store, what="revocation_list.number")
            if not elsewhere and not _in_order(some, newest, self._newest_rows(issuer, not delta, some)):
                raise StoreConflict(store=self._store, what="revocation_list.revision")
            before = [newest[one.scope.point].id for one in some if one.scope.point in newest]
            self._add_lists([(one, contents[one]) for one in some], before, entry)

    def _newest_rows(self, issuer: CertificateName, delta: bool, lists: Sequence[PublishedList]) -> dict[int, Row[Any]]:
        """Returns the row of the newest list of each scope of these."""
        if len(lists) <= _FEW_LISTS:
            queries = [newest_of(one.scope, delta=delta, regular=False) for one in lists]
        else:
            queries = [newest_of_all(issuer, delta=delta, regular=False)]
        return {row.scope: row for query in queries for row in self._connection.execute(query)}

    def _add_lists(
        self, lists: Sequence[tuple[PublishedList, Iterable[bytes]]], before: Sequence[int], entry: int | None
    ) -> None:
        """Records lists, and lets go of the octets of those that they take the place of."""
        added = insert(revocation_list).returning(revocation_list.c.id, sort_by_parameter_order=True)
        keys = self._connection.execute(added, [_row(one, entry) for one, _ in lists]).scalars().all()
        _REMOVE_PARTS.run(self._connection, before)
        few: list[tuple[int, int, bytes]] = []
        octets = 0
        for key, (_, content) in zip(keys, lists, strict=True):
            for place, part in enumerate(content):
                few.append((key, place, part))
                octets += len(part)
                if octets >= _OCTETS_AT_ONCE:
                    _ADD_PARTS.run(self._connection, few)
                    few, octets = [], 0
        _ADD_PARTS.run(self._connection, few)

    def note_pushed(self, outlet: str, lists: Sequence[PublishedList], at: datetime) -> None:
        """Records which lists an outlet was given last, in place of those of the same scopes and kinds."""
        for issuer in sorted({one.scope.issuer for one in lists}, key=str):
            _hold_lists_of(self._connection, issuer)
        rows = [
            {
                "outlet": outlet,
                "issuer": id_of(one.scope.issuer),
                "scope": one.scope.point,
                "delta": int(one.base > 0),
                "number": one.number,
                "pushed_at": seconds_of(at),
            }
            for one in lists
        ]
        if rows:
            which = [pushed_list.c[name] == bindparam(f"its_{name}") for name in _PUSHED]
            old = [{f"its_{name}": row[name] for name in _PUSHED} for row in rows]
            self._connection.execute(delete(pushed_list).where(*which), old)
            self._connection.execute(insert(pushed_list), rows)


def _by_kind(lists: Iterable[PublishedList]) -> Iterator[tuple[CertificateName, bool, list[PublishedList]]]:
    """Yields lists by their key, complete ones and deltas apart, in the order in which keys are held."""
    kinds: dict[tuple[CertificateName, bool], list[PublishedList]] = {}
    for one in lists:
        kinds.setdefault((one.scope.issuer, one.base > 0), []).append(one)
    for (issuer, delta), some in sorted(kinds.items(), key=lambda item: (str(item[0][0]), item[0][1])):
        yield issuer, delta, some


def _in_order(lists: Sequence[PublishedList], *others: Mapping[int, Row[Any]]) -> bool:
    """Returns whether of each of the lists and the others of its scope the one of the higher number knows as much."""
    for one in lists:
        for rows in others:
            row = rows.get(one.scope.point)
            if row is None or row.number == one.number:
                continue
            if row.revision > one.revision if row.number < one.number else row.revision < one.revision:
                return False
    return True


def _hold_lists_of(connection: Connection, issuer: CertificateName) -> None:
    hold(connection, "lists", [str(issuer)])


def _row(published: PublishedList, entry: int | None) -> dict[str, object]:
    return {
        "issuer": id_of(published.scope.issuer),
        "scope": published.scope.point,
        "base": published.base,
        "number": published.number,
        "this_update": seconds_of(published.this_update),
        "next_update": seconds_of(published.next_update),
        "urgent": int(published.urgent),
        "revision": published.revision,
        "entries": published.entries,
        "size": published.size,
        "digest": published.digest,
        "entry": entry,
    }


def _published(row: Row[Any]) -> PublishedList:
    return PublishedList(
        Scope(name_of(row.issuer), row.scope),
        row.number,
        moment_of(row.this_update),
        moment_of(row.next_update),
        row.entries,
        row.size,
        row.digest,
        row.revision,
        row.base,
        bool(row.urgent),
    )

"""How SQLite goes about questions whose cost must not rise with how many certificates are revoked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, event
from store_rows import CA, NOW, row

from jpki.store import Store, StoredRevocation
from jpki.terms import CertificateName, Role

SIGN = Role.SIGNATURE
FIRST = 0x0100_0002


def filled(store: Store) -> None:
    names = [CertificateName(SIGN, FIRST + at) for at in range(40)]
    with store.transaction() as change:
        change.add_certificates([row(name.number) for name in names])
        stored = change.named(names)
        change.add_revocations((stored[name], StoredRevocation(name, 6, NOW, NOW)) for name in names)
        for name in names[:5]:
            change.release(name, NOW)


def plans(store: Store, table: str, ask: Callable[[], object]) -> list[str]:
    """Returns how SQLite says that it goes about each question after a table that is put meanwhile, step by step."""
    asked: list[tuple[str, Any]] = []

    def heard(_: Connection, _cursor: object, statement: str, values: Any, *_more: object) -> None:
        asked.append((statement, values))

    event.listen(store._engine, "before_cursor_execute", heard)
    ask()
    event.remove(store._engine, "before_cursor_execute", heard)
    with store._connected(writing=False) as connection:
        return [
            " / ".join(step[3] for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values))
            for statement, values in asked
            if f"FROM {table}" in statement
        ]


def test_what_changed_is_found_by_the_index_of_what_changed(store_in_file: Store) -> None:
    filled(store_in_file)

    def ask() -> None:
        with store_in_file.snapshot() as view:
            assert len(list(view.changed_since(SIGN, 0))) == 40

    for table in ("revocation", "release"):
        assert plans(store_in_file, table, ask) == [
            f"SEARCH {table} USING COVERING INDEX ix_{table}_issuer_revision (issuer=? AND revision>?)"
        ]


def test_what_is_revoked_is_found_by_number_and_sorted_by_nobody(store_in_file: Store) -> None:
    filled(store_in_file)
    statuses = store_in_file.statuses()
    found: list[tuple[int, ...]] = []
    (plan,) = plans(store_in_file, "revocation", lambda: found.append(statuses.revoked(CA, after=FIRST + 20)))
    statuses.close()
    assert found == [tuple(range(FIRST + 21, FIRST + 40))]
    assert plan == "SEARCH revocation USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"

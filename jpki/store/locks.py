"""What keeps two writers of a PostgreSQL database from deciding by what the other one is changing.

In SQLite one transaction writes at a time, so what it read stays true until it ends. PostgreSQL lets many write at
once; here each takes a lock, to the end of its transaction, on what it is about to decide by:

- a person (by number in the register), before that person's certificates, cards or events are looked at: also one of
  whom there is nothing yet;
- a card, before its work in the ledger is looked at;
- the lists of one key of an authority, before a list of it is recorded;
- the rows of both authorities, before a number, a list number or a revision is taken: always both and in one order,
  so that two who need them never wait for each other. As they are held to the end, revisions become visible in their
  order.

Persons come before lists, and both before the authorities' rows. Who takes them in another order can meet one who waits
for him: the server ends one of the two, which is StoreBusy, and nothing of that one is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from sqlalchemy import Connection, select

from .schema import authority

__all__ = ["hold", "hold_counters"]

_ALL = 0x4A504B49_00000001
_MOST = 1000  # of one kind at once: the server has room for some thousands of all (max_locks_per_transaction)

_HOLD_ALL = "SELECT pg_advisory_xact_lock(%s)"
# Who holds some of them holds this one with all others who do, so that one who holds everything waits for them.
_HOLD_ONE_OF_ALL = "SELECT pg_advisory_xact_lock_shared(%s)"
_HOLD = "SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key"
_COUNTERS = select(authority.c.code).order_by(authority.c.code).with_for_update(key_share=True)


def hold(connection: Connection, kind: str, names: Iterable[str]) -> None:
    """Waits until nobody else decides about any of these, and keeps others off to the end of the transaction."""
    if connection.dialect.name == "sqlite":
        return
    # In one order: two who want some of the same never wait for each other.
    keys = sorted({_key(kind, name) for name in names})
    if len(keys) > _MOST:
        connection.exec_driver_sql(_HOLD_ALL, (_ALL,))
    elif keys:
        connection.exec_driver_sql(_HOLD_ONE_OF_ALL, (_ALL,))
        connection.exec_driver_sql(_HOLD, (keys,)).all()


def hold_counters(connection: Connection) -> None:
    """Waits until nobody else takes numbers or changes what lists say, and keeps others off to the end."""
    if connection.dialect.name != "sqlite":
        connection.execute(_COUNTERS).all()


def _key(kind: str, name: str) -> int:
    return int.from_bytes(sha256(f"{kind}\0{name}".encode()).digest()[:8], "big", signed=True)

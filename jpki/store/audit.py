"""The audit trail: entries in hash chains, which this process alone goes on with.

An entry is canonical JSON (keys sorted, no blanks, UTF-8): the chain, its number in the chain, the moment, what was
done and the facts. Its digest is the SHA-256 of the digest before it and its own octets; the first one follows 32 zero
octets. So an entry that was removed, changed or moved shows in every later digest, and a number says how many came
before it.

The end of a chain is kept in memory, so nothing is read before something is added; and a chain is in the hands of one
transaction at a time, so none ever waits for another. What is begun in a transaction counts from its commit on.

Source: docs/audit.md
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert

from .schema import audit_chain, audit_entry
from .values import seconds_of

__all__ = [
    "FIRST_DIGEST",
    "AuditEntry",
    "ChainHead",
    "OpenChains",
    "TransactionTrail",
    "canonical",
    "digest_after",
    "entry_id",
    "entry_of",
]

FIRST_DIGEST = bytes(32)
_NUMBER_BITS = 32
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)  # made once: it is used often


class ChainHead(NamedTuple):
    """The last entry of a chain: its number, from 1, and its digest."""

    chain: int
    number: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An entry as it is kept: `body` is the JSON, `digest` covers it and all before it."""

    chain: int
    number: int
    body: bytes
    digest: bytes = field(repr=False)


def canonical(facts: object) -> bytes:
    """Returns facts as JSON that has one form only: keys sorted, no blanks, UTF-8."""
    return _ENCODER.encode(facts).encode()


def digest_after(previous: bytes, body: bytes) -> bytes:
    """Returns the digest of an entry that follows another one."""
    return hashlib.sha256(previous + body).digest()


def entry_id(chain: int, number: int) -> int:
    """Returns an entry's name as one integer, as rows keep it: the chain in the upper, the number in the lower bits."""
    return chain << _NUMBER_BITS | number


def entry_of(name: int) -> tuple[int, int]:
    """Returns the chain and the number of an entry that an integer made by `entry_id` names."""
    return name >> _NUMBER_BITS, name & (1 << _NUMBER_BITS) - 1


class OpenChains:
    """The chains that this process goes on with: one, and another for each transaction that is open beside it.

    A process that was forked off begins chains of its own.
    """

    __slots__ = ("_free", "_process")

    def __init__(self) -> None:
        self._free: deque[ChainHead] = deque()
        self._process = os.getpid()

    def begin(self) -> TransactionTrail:
        """Returns what a transaction adds to the trail."""
        return TransactionTrail(self)

    def take(self) -> ChainHead | None:
        """Returns the end of a chain that no transaction has in its hands, or None."""
        if self._process != os.getpid():
            self._free, self._process = deque(), os.getpid()
        try:
            return self._free.pop()  # the one that was in use last: so there are no more than are needed at once
        except IndexError:
            return None

    def give(self, head: ChainHead) -> None:
        """Takes the end of a chain back."""
        if self._process == os.getpid():
            self._free.append(head)


class TransactionTrail:
    """What one transaction adds to the trail, all to one chain.

    One of `kept` and `taken_back` ends it. Without either, as where nobody knows what became of a commit, the chain is
    not gone on with.
    """

    __slots__ = ("_before", "_chains", "_head")

    def __init__(self, chains: OpenChains) -> None:
        self._chains = chains
        self._before: ChainHead | None = None
        self._head: ChainHead | None = None

    def note(self, connection: Connection, kind: str, at: datetime, facts: Mapping[str, object]) -> int:
        """Adds an entry within the connection's transaction, and returns its name (`entry_id`)."""
        if self._head is None:
            self._before = self._head = self._chains.take()
        last = self._head or _begun(connection, at)
        number = last.number + 1
        body = canonical({"chain": last.chain, "number": number, "at": _text(at), "kind": kind, "facts": facts})
        digest = digest_after(last.digest, body)
        # Where the place is taken, or the chain is gone, somebody meddled with it: never again, then.
        before, self._before = self._before, None
        connection.execute(insert(audit_entry).values(chain=last.chain, number=number, body=body, digest=digest))
        self._before, self._head = before, ChainHead(last.chain, number, digest)
        return entry_id(last.chain, number)

    def kept(self) -> None:
        """Says that the transaction is committed."""
        if self._head is not None:
            self._chains.give(self._head)

    def taken_back(self) -> None:
        """Says that the transaction will not be committed."""
        if self._before is not None:
            self._chains.give(self._before)


def _begun(connection: Connection, at: datetime) -> ChainHead:
    begun = insert(audit_chain).values(opened_at=seconds_of(at)).returning(audit_chain.c.id)
    return ChainHead(int(connection.execute(begun).scalar_one()), 0, FIRST_DIGEST)


def _text(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

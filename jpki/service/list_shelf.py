"""Revocation lists at hand for those who fetch them: out of the store once, verified by their digest, then shared.

A client that reads slowly holds no transaction open: small lists are in memory, long ones in files without a name.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator

from jpki.store import PublishedList, Scope, Store

from .list_addresses import ListAddress, ListAddresses

__all__ = ["HeldList", "ListGone", "ListShelf"]

_IN_MEMORY = 1 << 20  # octets: a longer list goes into a file
_MEMORY = 64 << 20  # octets of all lists in memory
_FILES = 16
_PIECE = 1 << 18
_ASK_AGAIN = 1.0  # seconds for which the newest list of a scope is taken to be the newest
_READ_ADDRESSES_AGAIN = 10.0
_ATTEMPTS = 3


class ListGone(Exception):
    """Says that a list's octets are not in the store, or are not those recorded; nobody outside this room sees it."""


class HeldList:
    """A list and its octets, which it keeps as long as anybody reads them."""

    def __init__(self, published: PublishedList, content: bytes | int) -> None:
        self.published = published
        self._content = content  # or the file's descriptor

    @property
    def in_memory(self) -> int:
        """Returns how many octets it holds in memory."""
        return len(self._content) if isinstance(self._content, bytes) else 0

    def pieces(self) -> Iterator[bytes]:
        """Yields the octets in pieces; reading them may take as long as a disk does."""
        if isinstance(self._content, bytes):
            yield self._content
            return
        at = 0
        while at < self.published.size:
            piece = os.pread(self._content, _PIECE, at)
            if not piece:
                raise ListGone
            yield piece
            at += len(piece)

    def __del__(self) -> None:
        if isinstance(self._content, int):
            os.close(self._content)


class ListShelf:
    """The lists that were asked for lately. It may be used by several threads at once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[Scope, bool], HeldList] = OrderedDict()
        self._asked: dict[tuple[Scope, bool], tuple[float, PublishedList]] = {}
        self._fetching: dict[tuple[Scope, bool], threading.Lock] = {}
        self._addresses: ListAddresses | None = None
        self._read_at = 0.0

    def find(self, address: ListAddress) -> HeldList | None:
        """Returns the newest list at an address, None where there is none. Raises ListGone, StoreError, OSError."""
        scope = self._scope(address)
        if scope is None:
            return None
        for attempt in range(_ATTEMPTS):
            newest = self._newest(scope, delta=address.delta, again=attempt > 0)
            if newest is None:
                return None
            if (held := self._at_hand((scope, address.delta), newest)) is not None:
                return held
        raise ListGone

    def _at_hand(self, key: tuple[Scope, bool], newest: PublishedList) -> HeldList | None:
        """Returns a list that is held or now fetched, by one who asks for all; None where a newer one has come."""
        with self._lock:
            fetching = self._fetching.setdefault(key, threading.Lock())
        with fetching:
            with self._lock:
                held = self._held.get(key)
                if held is not None and held.published.number >= newest.number:
                    self._held.move_to_end(key)
                    return held
            if (held := self._fetch(newest)) is not None:
                self._keep(key, held)
            return held

    def _scope(self, address: ListAddress) -> Scope | None:
        with self._lock:
            known, read_at = self._addresses, self._read_at
        scope = None if known is None else known.scope(address)
        if scope is None and (known is None or time.monotonic() - read_at > _READ_ADDRESSES_AGAIN):
            with self._store.snapshot() as view:
                known = ListAddresses.read(view)
            with self._lock:
                self._addresses, self._read_at = known, time.monotonic()
            scope = known.scope(address)
        return scope

    def _newest(self, scope: Scope, *, delta: bool, again: bool) -> PublishedList | None:
        with self._lock:
            asked_at, known = self._asked.get((scope, delta), (0.0, None))
        if known is not None and not again and time.monotonic() - asked_at < _ASK_AGAIN:
            return known
        now = time.monotonic()
        with self._store.snapshot() as view:
            found = view.newest_list(scope, delta=delta)
        if found is not None:
            with self._lock:
                self._asked[scope, delta] = (now, found)
        return found

    def _fetch(self, published: PublishedList) -> HeldList | None:
        """Takes a list out of the store; None where a newer one has taken its place. Raises ListGone."""
        digest = hashlib.sha256()
        size = 0
        # The name goes at once, the file with the last who reads it; on the disk, because /tmp may be memory.
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spool:
            with self._store.snapshot() as view:
                for piece in view.list_content(published):
                    digest.update(piece)
                    size += len(piece)
                    spool.write(piece)
            if not size:
                return None
            if digest.digest() != published.digest:
                raise ListGone
            spool.flush()
            if size <= _IN_MEMORY:
                spool.seek(0)
                return HeldList(published, spool.read())
            return HeldList(published, os.dup(spool.fileno()))

    def _keep(self, key: tuple[Scope, bool], held: HeldList) -> None:
        with self._lock:
            self._held[key] = held
            self._held.move_to_end(key)
            while len(self._held) > 1 and (
                sum(one.in_memory for one in self._held.values()) > _MEMORY
                or sum(not one.in_memory for one in self._held.values()) > _FILES
            ):
                self._held.popitem(last=False)

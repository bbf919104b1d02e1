"""Answers that were made before they are asked for: kept in memory, given while they are good, and taken back.

An answer says what the store knew at one revision of the authority's revocations. What has changed since is forgotten;
and an answer from before the change, which is only put here after it, must not come back: so for every number that
changed, the revision from which on answers count is remembered for as long as one could still be on its way.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from datetime import datetime
from threading import Lock
from typing import NamedTuple

from jpki.formats import CertId
from jpki.terms import Role

from .answer import OcspAnswer

__all__ = ["MadeAhead", "Prepared"]

_REMEMBERED_CHANGES = 200_000  # numbers that changed; what is older than the oldest of them does not count


class Prepared(NamedTuple):
    """An answer that is ready but for being put together: what was signed, the signature, and the moments in it."""

    whole: Callable[[bytes, bytes], bytes]
    tbs: bytes
    signature: bytes
    this_update: datetime
    next_update: datetime

    @property
    def answer(self) -> OcspAnswer:
        """Returns it whole."""
        return OcspAnswer(self.whole(self.tbs, self.signature), self.this_update, self.next_update)


class _Changes:
    """Which numbers of one authority changed, and at which revision, as far as that still matters."""

    __slots__ = ("_order", "floor", "numbers")

    def __init__(self) -> None:
        self.floor = 0
        self.numbers: dict[int, int] = {}
        self._order: deque[tuple[int, tuple[int, ...]]] = deque()

    def add(self, numbers: tuple[int, ...], revision: int) -> None:
        self.numbers.update(dict.fromkeys(numbers, revision))
        self._order.append((revision, numbers))
        while len(self.numbers) > _REMEMBERED_CHANGES and self._order:
            old, dropped = self._order.popleft()
            self.floor = max(self.floor, old)
            for number in dropped:
                if self.numbers.get(number) == old:
                    del self.numbers[number]

    def all(self, revision: int) -> None:
        """Lets nothing count that is older than this revision."""
        self.floor = max(self.floor, revision)
        self.numbers.clear()
        self._order.clear()

    def outdated(self, number: int, revision: int) -> bool:
        return revision < self.floor or revision < self.numbers.get(number, 0)


class MadeAhead:
    """The answers, by the octets of the certificate's identifier. When there are too many, the one that was not asked
    for the longest goes. Any thread may use it.
    """

    __slots__ = ("_answers", "_asked", "_changes", "_lock", "_most")

    def __init__(self, most: int) -> None:
        """Takes how many answers are kept at most: each needs about a thousand octets."""
        self._most = most
        self._lock = Lock()
        self._answers: OrderedDict[bytes, tuple[Role, Prepared]] = OrderedDict()
        self._asked: dict[CertId, None] = {}
        self._changes = {role: _Changes() for role in Role}

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, asked: CertId, since: datetime, at: datetime) -> Prepared | None:
        """Returns the answer about a certificate that was made between two moments, or None; and notes the question."""
        with self._lock:
            if len(self._asked) < self._most:
                self._asked[asked] = None
            found = self._answers.get(asked.raw)
            # Also one from the future is not given: the clock was set back.
            if found is None or not since <= found[1].this_update <= at <= found[1].next_update:
                return None
            self._answers.move_to_end(asked.raw)
            return found[1]

    def take_asked(self) -> tuple[CertId, ...]:
        """Returns what was asked for since this was called last."""
        with self._lock:
            asked, self._asked = self._asked, {}
        return tuple(asked)

    def holds_since(self, asked: CertId, since: datetime) -> bool:
        """Returns whether there is an answer that is not older than this moment; that is not a question."""
        found = self._answers.get(asked.raw)
        return found is not None and since <= found[1].this_update

    def put(self, asked: CertId, role: Role, prepared: Prepared, revision: int) -> bool:
        """Keeps an answer that says what was known at a revision; returns whether that still counts."""
        with self._lock:
            if self._changes[role].outdated(asked.serial, revision):
                return False
            self._answers[asked.raw] = role, prepared
            self._answers.move_to_end(asked.raw)
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)
            return True

    def outdate(self, role: Role, numbers: Iterable[int], revision: int) -> None:
        """Lets answers about these numbers only be put here from now on if they were made at this revision or after.

        `revision` is that of the view of the store in which the numbers were found to have changed.
        """
        with self._lock:
            self._changes[role].add(tuple(numbers), revision)

    def drop(self, identifiers: Iterable[bytes]) -> None:
        """Drops the answers about certificates by these identifiers, where there are any."""
        for raw in identifiers:
            with self._lock:
                self._answers.pop(raw, None)

    def forget_all(self, role: Role, revision: int) -> None:
        """Lets no answer of an authority count unless it is made at this revision or after."""
        with self._lock:
            self._changes[role].all(revision)
            self._answers = OrderedDict((raw, one) for raw, one in self._answers.items() if one[0] is not role)

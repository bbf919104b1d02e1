"""Outstanding challenges: handed out, kept for five minutes, and taken back once."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from jpki.verify import CHALLENGE_LIFETIME, Challenge, LoginResponse, in_utc

from .errors import NonceRepeated, NoSuchChallenge

if TYPE_CHECKING:
    from jpki.store import RelyingStore

__all__ = ["Challenges", "MemoryChallenges", "StoredChallenges"]

_MOST_AT_ONCE = 100_000


class Challenges(Protocol):
    """Keeps a site's outstanding challenges. Each is taken once, whoever asks first, and before anything is judged."""

    def new(self, origin: str, at: datetime, random: bytes) -> Challenge:
        """Returns a challenge made of 32 random bytes, and keeps it. Raises BadSubject, BadMoment, NonceRepeated."""
        ...

    def take(self, response: LoginResponse, at: datetime) -> Challenge:
        """Returns the challenge that a response answers, and forgets it.

        Raises NoSuchChallenge where none is outstanding, BadMoment for a moment without a time zone. Whether the answer
        is right is for `jpki.verify` to judge; a wrong one has used the challenge up as well.
        """
        ...


class MemoryChallenges:
    """Keeps challenges in this process, for a site that has only one; any number of threads may ask at once.

    At most `limit` are kept, 100,000 unless told otherwise: beyond that the oldest is forgotten, so that a flood of
    requests shortens the time a person has, rather than shutting everybody out.
    """

    def __init__(self, limit: int = _MOST_AT_ONCE) -> None:
        self._limit = limit
        self._lock = Lock()
        self._outstanding: OrderedDict[bytes, Challenge] = OrderedDict()

    def new(self, origin: str, at: datetime, random: bytes) -> Challenge:
        """Returns a challenge made of 32 random bytes, and keeps it. Raises BadSubject, BadMoment, NonceRepeated."""
        challenge = Challenge(random, origin, at)
        with self._lock:
            self._forget_expired(at)
            if random in self._outstanding:
                raise NonceRepeated(origin=origin)
            self._outstanding[random] = challenge
            while len(self._outstanding) > self._limit:
                self._outstanding.popitem(last=False)
        return challenge

    def take(self, response: LoginResponse, at: datetime) -> Challenge:
        """Returns the challenge that a response answers, and forgets it; raises NoSuchChallenge, BadMoment."""
        at = in_utc(at)
        with self._lock:
            challenge = self._outstanding.pop(response.nonce, None)
        if challenge is None or at >= challenge.expires_at:
            raise NoSuchChallenge(origin=response.origin)
        return challenge

    def __len__(self) -> int:
        return len(self._outstanding)

    def _forget_expired(self, at: datetime) -> None:
        while self._outstanding:
            nonce, oldest = next(iter(self._outstanding.items()))
            if at < oldest.expires_at:
                return
            del self._outstanding[nonce]


class StoredChallenges:
    """Keeps challenges in a store, for a site of several processes: of two that take the same one, one gets it."""

    def __init__(self, store: RelyingStore) -> None:
        self._store = store

    def new(self, origin: str, at: datetime, random: bytes) -> Challenge:
        """Returns a challenge made of 32 random bytes, and keeps it; forgets those that have expired.

        Raises BadSubject, BadMoment, NonceRepeated, and the errors of the store.
        """
        from jpki.store import StoreConflict  # late: a site that keeps its challenges in memory has no SQLAlchemy

        challenge = Challenge(random, origin, at)
        try:
            self._store.add_challenge(random, origin, at, forgotten_before=at - CHALLENGE_LIFETIME)
        except StoreConflict:
            raise NonceRepeated(origin=origin) from None
        return challenge

    def take(self, response: LoginResponse, at: datetime) -> Challenge:
        """Returns the challenge that a response answers, and forgets it.

        Raises NoSuchChallenge, BadMoment, and the errors of the store.
        """
        at = in_utc(at)
        found = self._store.take_challenge(response.nonce)
        challenge = None if found is None else Challenge(response.nonce, found.origin, found.issued_at)
        if challenge is None or at >= challenge.expires_at:
            raise NoSuchChallenge(origin=response.origin)
        return challenge

"""The relying party's side of a login: outstanding challenges, each used once."""

from .challenges import Challenges, MemoryChallenges, StoredChallenges
from .errors import NonceRepeated, NoSuchChallenge

__all__ = ["Challenges", "MemoryChallenges", "NoSuchChallenge", "NonceRepeated", "StoredChallenges"]

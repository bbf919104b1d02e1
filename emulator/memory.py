"""A card's memory that ends with the process: for tests, and for cards that nobody keeps."""

from __future__ import annotations

from .state import CardState

__all__ = ["VolatileMemory"]


class VolatileMemory:
    """Keeps a card's state in this process only."""

    def __init__(self, state: CardState) -> None:
        self.state = state

    def write(self, state: CardState) -> None:
        """Makes another state last."""
        self.state = state

    def close(self) -> None:
        """Does nothing: there is nothing to let go of."""

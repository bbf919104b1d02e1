"""Emulated cards for tests, blank and finished."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from card_profiles import load_profile
from emulator import CardFile, CardState, EmulatedCard, VolatileMemory

from ..finished_cards import TEST_PINS, finish_card, new_blank_card
from .authority import CardAuthority

__all__ = ["FinishedStates", "blank_card", "card_in_memory", "write_card"]


def blank_card(profile: str, path: Path | None = None) -> EmulatedCard:
    """Returns a blank card with a serial number of its own, in a file or in this process."""
    return new_blank_card(load_profile(profile), path)


def card_in_memory(state: CardState) -> EmulatedCard:
    """Returns a card that is gone with its test."""
    return EmulatedCard(load_profile(state.profile), VolatileMemory(state))


def write_card(path: Path, state: CardState) -> Path:
    """Makes a card file, held by nobody, and returns its path."""
    CardFile.create(path, state).close()
    return path


class FinishedStates:
    """Finished cards, one of each kind, made when the first is asked for; a state is never changed, only copied."""

    def __init__(self, authority: CardAuthority) -> None:
        self._authority = authority
        self._made: dict[str, CardState] = {}

    def __call__(self, profile: str) -> CardState:
        """Returns the finished card of a kind."""
        if profile not in self._made:
            with blank_card(profile) as card:
                finish_card(self._authority.authority, card, datetime.now(UTC), TEST_PINS)
                self._made[profile] = card.state
        return self._made[profile]

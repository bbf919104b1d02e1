"""Cards for the emulator's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from made_cards import Send, finished_state, sender
from prime_pool import PrimePool

from card_profiles import CardProfile, load_profile
from emulator import CardMemory, CardState, EmulatedCard, VolatileMemory


@pytest.fixture
def profile() -> CardProfile:
    return load_profile("mynumber")


@pytest.fixture
def state(profile: CardProfile) -> CardState:
    return finished_state(profile, PrimePool())


@pytest.fixture
def memory(state: CardState) -> CardMemory:
    return VolatileMemory(state)


@pytest.fixture
def card(profile: CardProfile, memory: CardMemory) -> Iterator[EmulatedCard]:
    with EmulatedCard(profile, memory, keys=PrimePool(1), strict=True) as made:
        yield made


@pytest.fixture
def send(card: EmulatedCard) -> Send:
    return sender(card)


@pytest.fixture
def jpki(send: Send) -> Send:
    """Returns `send` for a card whose JPKI application is selected."""
    assert send("00A4040C0AD392F000260100000001") == "9000"
    return send

"""A finished card in this process, and the layers on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from certified_cards import certified_state
from issuing import SERIAL
from prime_pool import PrimePool

from card_profiles import CardProfile, load_profile
from emulator import EmulatedCard, VolatileMemory, create_blank
from jpki.card import Card, Encoded, Exchange, LocalConnection, Resolving, Traced


@pytest.fixture
def profile() -> CardProfile:
    return load_profile("mynumber")


@pytest.fixture
def device(profile: CardProfile) -> Iterator[EmulatedCard]:
    memory = VolatileMemory(certified_state(profile.name))
    with EmulatedCard(profile, memory, keys=PrimePool(1), strict=True) as made:
        yield made


@pytest.fixture
def blank(profile: CardProfile) -> Iterator[EmulatedCard]:
    with create_blank(profile, SERIAL, keys=PrimePool(5), strict=True) as made:
        yield made


@pytest.fixture
def connection(device: EmulatedCard) -> Iterator[LocalConnection]:
    with LocalConnection(device) as made:
        yield made


@pytest.fixture
def trace() -> list[Exchange]:
    return []


@pytest.fixture
def card(connection: LocalConnection, trace: list[Exchange]) -> Card:
    ticks = iter(range(1_000_000))
    return Resolving(Traced(Encoded(connection), trace.append, lambda: next(ticks) / 1000))

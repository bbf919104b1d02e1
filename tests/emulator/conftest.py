"""Cards for the emulator's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from issuer_bench import PROFILE, Bench, copied
from issuing import MASTER, SERIAL, Issuer, session_with
from made_cards import Send, finished_state, select_jpki, sender
from prime_pool import PrimePool

from card_profiles import CardProfile, load_profile
from emulator import CardFile, CardMemory, CardState, EmulatedCard, LifeCycle, VolatileMemory, create_blank
from jpki.card import LocalConnection
from jpki.formats import WELL_KNOWN_KEYS


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
def jpki(card: EmulatedCard) -> Send:
    """Returns `send` for a card whose JPKI application is selected."""
    return select_jpki(card)


@pytest.fixture
def path(tmp_path: Path, state: CardState) -> Path:
    """Returns a card file that nobody holds."""
    CardFile.create(tmp_path / "alice.card", state).close()
    return tmp_path / "alice.card"


# A card whose issuer is at work.


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    return Issuer(PROFILE)


@pytest.fixture(scope="session")
def finished(issuer: Issuer) -> EmulatedCard:
    """Returns a sealed card; whoever changes a card takes a copy."""
    card = create_blank(PROFILE, SERIAL, keys=PrimePool(5), strict=True)
    with session_with(card, PROFILE) as session:
        issuer.personalise(session)
    return card


@pytest.fixture
def blank() -> Iterator[Bench]:
    """Returns a blank card inside a channel opened with the well-known keys."""
    device = create_blank(PROFILE, SERIAL, keys=PrimePool(6), strict=True)
    with LocalConnection(device) as connection:
        yield Bench(device, connection, WELL_KNOWN_KEYS)


@pytest.fixture
def unsealed(finished: EmulatedCard) -> Iterator[Bench]:
    """Returns a card with everything on it, not sealed, inside its own channel."""
    with LocalConnection(copied(finished, LifeCycle.OWN_KEYS)) as connection:
        yield Bench(connection._device, connection, MASTER.keys_of(SERIAL))


@pytest.fixture
def sealed(finished: EmulatedCard) -> Iterator[Bench]:
    """Returns a sealed card inside its own channel."""
    with LocalConnection(copied(finished)) as connection:
        yield Bench(connection._device, connection, MASTER.keys_of(SERIAL))


@pytest.fixture
def outside(finished: EmulatedCard) -> Iterator[Bench]:
    """Returns a card that is not sealed, outside any channel."""
    with LocalConnection(copied(finished, LifeCycle.OWN_KEYS)) as connection:
        yield Bench(connection._device, connection, None)

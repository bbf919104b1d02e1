"""Fixtures: an authority, cards of it, and a reader with one inside. Nothing is loaded until one of them is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from emulator import CardState, EmulatedCard

    from .authority import CardAuthority
    from .pins import CardPins
    from .reader import CardInReader

__all__ = [
    "jpki_authority",
    "jpki_blank_card",
    "jpki_blank_card_file",
    "jpki_card",
    "jpki_card_file",
    "jpki_pins",
    "jpki_profile",
    "jpki_reader",
]


@pytest.fixture(scope="session")
def jpki_pins() -> CardPins:
    """Returns the PINs that finished cards have: `jpki_pins.sign`, `jpki_pins.auth`."""
    from .pins import CardPins

    return CardPins()


@pytest.fixture
def jpki_profile() -> str:
    """Returns the kind of card that the other fixtures make; override it to return `android`."""
    return "mynumber"


@pytest.fixture(scope="session")
def jpki_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CardAuthority]:
    """Makes a test authority, once for all tests: it certified the finished cards."""
    from .authority import CardAuthority

    with CardAuthority.make(tmp_path_factory.mktemp("jpki-authority")) as authority:
        yield authority


@pytest.fixture
def jpki_blank_card(jpki_profile: str) -> Iterator[EmulatedCard]:
    """Makes a blank card in this process, as it comes from the manufacturer."""
    from .cards import blank_card

    with blank_card(jpki_profile) as card:
        yield card


@pytest.fixture
def jpki_blank_card_file(jpki_profile: str, tmp_path: Path) -> Path:
    """Makes a blank card in a file, held by nobody."""
    from .cards import blank_card

    path = tmp_path / "blank-card.jpki"
    blank_card(jpki_profile, path).close()
    return path


@pytest.fixture
def jpki_card(jpki_profile: str, _jpki_finished_state: Callable[[str], CardState]) -> Iterator[EmulatedCard]:
    """Makes a finished card in this process, both certificates on it; what one test does to it no other sees."""
    from .cards import card_in_memory

    with card_in_memory(_jpki_finished_state(jpki_profile)) as card:
        yield card


@pytest.fixture
def jpki_card_file(jpki_profile: str, _jpki_finished_state: Callable[[str], CardState], tmp_path: Path) -> Path:
    """Makes a finished card in a file, held by nobody."""
    from .cards import write_card

    return write_card(tmp_path / "card.jpki", _jpki_finished_state(jpki_profile))


@pytest.fixture
def jpki_reader(jpki_card: EmulatedCard) -> Iterator[CardInReader]:
    """Puts a finished card into the virtual reader, where every program finds it through the PC/SC daemon.

    A daemon that runs is used, else one is started. The test is skipped where there is none, or no virtual reader.
    """
    from .daemon import NoReaderHere
    from .reader import CardInReader, CardNotMoved

    with ExitStack() as stack:
        try:
            reader = stack.enter_context(CardInReader(jpki_card))
        except NoReaderHere as reason:
            pytest.skip(str(reason))
        except CardNotMoved as reason:
            pytest.fail(str(reason), pytrace=False)
        yield reader


@pytest.fixture(scope="session")
def _jpki_finished_state(jpki_authority: CardAuthority) -> Callable[[str], CardState]:
    """Returns what finished cards are copies of, for each kind of card; making keys takes a while."""
    from .cards import FinishedStates

    return FinishedStates(jpki_authority)

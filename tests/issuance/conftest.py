"""Desks with a blank card, and with one that was issued: made once, and copied for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from desk_at_hand import DeskAtHand, made_desk

Copies = Callable[[], DeskAtHand]


@pytest.fixture(scope="session")
def blank_original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskAtHand]:
    desk = made_desk(tmp_path_factory.mktemp("desk"))
    desk.authority.close()
    yield desk
    desk.authority.close()


@pytest.fixture(scope="session")
def issued_original(blank_original: DeskAtHand, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskAtHand]:
    desk = blank_original.copied(tmp_path_factory.mktemp("issued") / "desk")
    desk.issue()
    desk.authority.close()
    yield desk
    desk.authority.close()


def _copies(original: DeskAtHand, folder: Path, name: str) -> Iterator[Copies]:
    made: list[DeskAtHand] = []

    def copy() -> DeskAtHand:
        made.append(original.copied(folder / f"{name} {len(made)}"))
        return made[-1]

    yield copy
    for desk in made:
        desk.authority.close()


@pytest.fixture
def blank_desks(blank_original: DeskAtHand, tmp_path: Path) -> Iterator[Copies]:
    """Gives as many desks with a blank card as are asked for."""
    yield from _copies(blank_original, tmp_path, "blank")


@pytest.fixture
def issued_desks(issued_original: DeskAtHand, tmp_path: Path) -> Iterator[Copies]:
    """Gives as many desks with a card that was issued at NOW as are asked for."""
    yield from _copies(issued_original, tmp_path, "issued")


@pytest.fixture
def desk(blank_desks: Copies) -> DeskAtHand:
    """A desk with a blank card."""
    return blank_desks()


@pytest.fixture
def issued(issued_desks: Copies) -> DeskAtHand:
    """A desk with a card that was issued at NOW."""
    return issued_desks()

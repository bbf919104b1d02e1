"""Fixtures of tests with the real PC/SC daemon; another folder's tests get the daemon by the same line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from readers_with_cards import Slot
from virtual_reader import pcsc_daemon, pcscd, reader_alone, until
from watched_cards import Insert, WatchedCard, watched

from emulator import ReaderSlotTaken

__all__ = ["pcsc_daemon", "pcscd"]


@pytest.fixture(scope="module")
def shared_slot(pcsc_daemon: None) -> Iterator[Slot]:
    """One card for a whole module: to put one in and to take it out costs the daemon's two looks at the reader."""
    with reader_alone():
        slot = Slot(WatchedCard())
        yield slot
        slot.pull_and_wait()


@pytest.fixture
def slot(shared_slot: Slot) -> Iterator[Slot]:
    if not shared_slot.bridge.inserted:
        shared_slot.put_back()
    yield shared_slot
    watched(shared_slot).answers.set()
    assert until(lambda: not shared_slot.reader.in_use), "a connection was left open"


@pytest.fixture
def device(slot: Slot) -> WatchedCard:
    return watched(slot)


@pytest.fixture
def insert(shared_slot: Slot) -> Iterator[Insert]:
    """Returns a function that puts one more card in; it is pulled after the test."""
    with ExitStack() as pulled_at_the_end:

        def put(card: WatchedCard) -> Slot:
            try:
                slot = Slot(card)
            except ReaderSlotTaken:
                pytest.skip("somebody's card is in the virtual reader's other slot")
            pulled_at_the_end.callback(slot.pull_and_wait)
            return slot

        yield put

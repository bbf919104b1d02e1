"""Fixtures of tests with the real daemon: a reader, with a card in it that makes things happen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from desk_bench import Bench, InterruptedCard
from desk_in_a_process import DeskServer
from readers_with_cards import Slot
from virtual_reader import pcsc_daemon, pcscd, reader_alone

__all__ = ["bench", "pcsc_daemon", "pcscd"]


@pytest.fixture(scope="module")
def bench(pcsc_daemon: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with reader_alone(), DeskServer() as server:
        card = InterruptedCard()
        slot = Slot(card)
        yield Bench(slot, card, server, tmp_path_factory.mktemp("desks"))
        slot.pull_and_wait()

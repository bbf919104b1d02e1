"""What a command that keeps a card in the virtual reader says while the reader goes away and comes back."""

from __future__ import annotations

import functools
import io
import os
import threading
from collections.abc import Iterator

import pytest
from cards_in_files import card_of
from slot_driver import Driver
from virtual_reader import until

from card_profiles import load_profile
from cli.commands.emulator_insert import keep_inserted
from emulator import EmulatedCard, VolatileMemory


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Driver]:
    """The driver of the only slot there is, behind no daemon."""
    made = Driver()
    for room in ("emulator", "cli.virtual_reader"):
        monkeypatch.setattr(f"{room}.SLOT_PORTS", (made.port,))
    monkeypatch.setattr("cli.virtual_reader.virtual_slots", lambda: None)
    yield made
    made.close()


@pytest.fixture
def typing(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.BufferedWriter]:
    """The end of a pipe whose other end is standard input."""
    read, write = os.pipe()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(os.fdopen(read, "rb")))
    with os.fdopen(write, "wb") as opened:
        yield opened


SENTENCES = {
    "C": ("The reader is gone", "in the reader again"),
    "ja_JP.UTF-8": ("リーダーがなくなりました", "再びリーダーに"),
}


@pytest.mark.parametrize("locale", SENTENCES)
def test_a_reader_that_goes_away_and_comes_back_is_told(
    driver: Driver,
    typing: io.BufferedWriter,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    locale: str,
) -> None:
    told = ""

    def is_told(what: str) -> bool:
        nonlocal told
        told += capsys.readouterr().err
        return what in told

    monkeypatch.setenv("LC_ALL", locale)
    card = EmulatedCard(load_profile("mynumber"), VolatileMemory(card_of()))
    keep = functools.partial(keep_inserted, card, "emulator-inserted", {}, slot=0, until_eof=True, json=True)
    taking = driver.take_aside()
    keeping = threading.Thread(target=keep, daemon=True)
    keeping.start()
    taking.join()
    gone, back = SENTENCES[locale]
    driver.close()
    assert until(lambda: is_told(gone))
    again = Driver(driver.port)
    again.take()
    assert until(lambda: is_told(back))
    typing.close()
    keeping.join(10)
    assert not keeping.is_alive()
    again.close()

"""Which reader is meant, and what PC/SC's results mean."""

from __future__ import annotations

import subprocess
import sys
from contextlib import nullcontext
from types import SimpleNamespace
from typing import cast

import pytest

from jpki.card import (
    AmbiguousReader,
    CardBusy,
    CardMute,
    CardRemoved,
    CardReset,
    NoCard,
    NoDaemon,
    NoPermission,
    NoReader,
    NoSuchReader,
    PcscFailure,
    PcscLibraryMissing,
    Reader,
    ReaderGone,
    choose_reader,
)
from jpki.card.readers import _list
from jpki.card.scard import Scard, load_scard, normal, pcsc_error
from jpki.errors import CardError

EMPTY, PRESENT, IN_USE, EXCLUSIVE, MUTE = 0x00010010, 0x00010020, 0x00010120, 0x000100A0, 0x00010220
NAMES = ("ACS ACR39U ICC Reader 00 00", "Virtual PCD 00 00", "Virtual PCD 00 01", "Virtual PCD 00 0")


def known(*states: int) -> tuple[Reader, ...]:
    return tuple(Reader(number, NAMES[number], state, b"") for number, state in enumerate(states))


@pytest.mark.parametrize(
    ("selection", "number"),
    [("0", 0), ("2", 2), ("Virtual PCD 00 00", 1), ("Virtual PCD 00 0", 3), ("acr39u", 0), ("00 01", 2)],
)
def test_a_reader_is_chosen_by_number_exact_name_or_part_of_its_name(selection: str, number: int) -> None:
    assert choose_reader(selection, known(EMPTY, EMPTY, EMPTY, EMPTY)).number == number


def test_a_part_that_fits_several_names_lists_them() -> None:
    with pytest.raises(AmbiguousReader) as caught:
        choose_reader("virtual", known(PRESENT, PRESENT, EMPTY))
    assert caught.value.selection == "virtual"
    assert caught.value.choices == NAMES[1:3]


@pytest.mark.parametrize("selection", ["Gemalto", "7", "virtual pcd 1", "9" * 5000])
def test_a_reader_that_is_not_there_lists_those_that_are(selection: str) -> None:
    with pytest.raises(NoSuchReader) as caught:
        choose_reader(selection, known(PRESENT, EMPTY))
    assert caught.value.choices == NAMES[:2]


def test_without_a_selection_the_only_reader_with_a_card_is_meant() -> None:
    assert choose_reader(None, known(EMPTY, EMPTY, PRESENT)).number == 2


def test_without_a_selection_several_cards_are_ambiguous() -> None:
    with pytest.raises(AmbiguousReader) as caught:
        choose_reader(None, known(PRESENT, EMPTY, MUTE))
    assert caught.value.choices == (NAMES[0], NAMES[2])


def test_readers_without_cards_are_told_from_no_readers() -> None:
    with pytest.raises(NoCard) as caught:
        choose_reader(None, known(EMPTY))
    assert caught.value.reader == NAMES[0]
    with pytest.raises(NoCard) as caught:
        choose_reader(None, known(EMPTY, EMPTY))
    assert caught.value.reader == ""
    for selection in (None, "0", "x"):
        with pytest.raises(NoReader):
            choose_reader(selection, ())


def test_a_reader_tells_its_state() -> None:
    empty, present, in_use, exclusive, mute = (
        Reader(0, "r", state, b"") for state in (EMPTY, PRESENT, IN_USE, EXCLUSIVE, MUTE)
    )
    assert [reader.has_card for reader in (empty, present, in_use, exclusive, mute)] == [False, True, True, True, True]
    assert [reader.in_use for reader in (present, in_use, exclusive)] == [False, True, True]
    assert [reader.mute for reader in (present, mute)] == [False, True]


MEANINGS = {
    0x8010001D: NoDaemon,
    0x8010001E: NoDaemon,
    0x80100013: NoDaemon,
    0x80100003: NoDaemon,
    0x8010006A: NoPermission,
    0x80100027: NoPermission,
    0x8010002E: NoReader,
    0x80100009: ReaderGone,
    0x80100017: ReaderGone,
    0x8010000C: NoCard,
    0x80100066: CardMute,
    0x80100016: CardMute,
    0x8010000B: CardBusy,
    0x80100068: CardReset,
    0x80100069: CardRemoved,
    0x80100001: PcscFailure,
}


@pytest.mark.parametrize("code", MEANINGS, ids=lambda code: f"{code:08X}")
def test_each_result_of_pcsc_has_an_error_of_its_own(code: int) -> None:
    error = pcsc_error("SCardTransmit", code, "reader")
    assert type(error) is MEANINGS[code]
    assert isinstance(error, CardError)
    assert getattr(error, "reader", "reader") == "reader"
    assert getattr(error, "code", f"{code:08X}") == f"{code:08X}"


@pytest.mark.parametrize(
    ("code", "error"), [(0x8010001E, NoDaemon), (0x8010001D - (1 << 32), NoDaemon), (0x8010002E, None), (0, None)]
)
def test_a_daemon_that_does_not_list_its_readers_is_told_from_one_without_any(
    monkeypatch: pytest.MonkeyPatch, code: int, error: type[CardError] | None
) -> None:
    listing = SimpleNamespace(
        SCardEstablishContext=lambda scope: (0, 1),
        SCardListReaders=lambda context, groups: (code, []),
        SCardReleaseContext=lambda context: 0,
    )
    monkeypatch.setenv("PCSCLITE_CSOCK_NAME", "/nowhere")
    with pytest.raises(error) if error is not None else nullcontext():
        assert _list(cast(Scard, listing)) == ()


def test_signed_results_are_the_same_results() -> None:
    assert normal(0x8010001D - (1 << 32)) == normal(0x8010001D) == 0x8010001D


def test_a_missing_pcsc_library_is_named_and_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(PcscLibraryMissing) as caught:
        load_scard("libpcsclite-that-is-not-there.so.1")
    assert caught.value.library == "libpcsclite-that-is-not-there.so.1"
    assert capfd.readouterr().out == ""


def test_a_missing_pyscard_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "smartcard", None)
    with pytest.raises(PcscLibraryMissing) as caught:
        load_scard()
    assert caught.value.library == "pyscard"


def test_the_room_loads_without_pyscard() -> None:
    program = "import sys; import jpki.card; assert not [name for name in sys.modules if name.startswith('smartcard')]"
    subprocess.run([sys.executable, "-c", program], check=True)

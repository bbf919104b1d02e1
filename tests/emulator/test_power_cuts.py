"""No power cut gives a free try: the card is killed before every line that one command runs through."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest
from made_cards import finished_state
from prime_pool import PrimePool

from card_profiles import load_profile
from emulator import CardFile

ROOT = Path(__file__).parent.parent.parent
PROGRAM = Path(__file__).with_name("power_cuts.py")
COMPARISON = "if not hmac.compare_digest"
SYNC = "os.fsync(descriptor)"

Cuts = list[tuple[str, int]]


def cuts(folder: Path, command: str) -> Cuts:
    """Returns the line before each cut, and the tries left that the card was found with after it."""
    path = folder / "cut.card"
    CardFile.create(path, finished_state(load_profile("mynumber"), PrimePool())).close()
    run = subprocess.run(
        [sys.executable, PROGRAM, path, command],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    found: Cuts = json.loads(run.stdout)
    assert len(found) > 100
    assert found[-1][0] == "answered"
    return found


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Cuts:
    return cuts(tmp_path_factory.mktemp("wrong"), "002000980439393939")


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Cuts:
    return cuts(tmp_path_factory.mktemp("right"), "002000980431323334")


def at_comparison(found: Cuts) -> int:
    """Returns which cut came right before the comparison."""
    (at,) = [at for at, (line, _) in enumerate(found) if line.startswith(COMPARISON)]
    return at


def test_a_wrong_try_is_counted_before_it_is_compared_wherever_the_power_is_cut(wrong: Cuts) -> None:
    assert [tries for tries, _ in itertools.groupby(left for _, left in wrong)] == [3, 2]
    assert {left for _, left in wrong[at_comparison(wrong) :]} == {2}


def test_a_right_try_is_given_back_only_after_it_was_compared_wherever_the_power_is_cut(right: Cuts) -> None:
    assert [tries for tries, _ in itertools.groupby(left for _, left in right)] == [3, 2, 3]
    assert right[at_comparison(right)][1] == 2
    assert right[-1][1] == 3


def test_file_and_folder_are_synced_before_the_comparison_and_before_the_answer(right: Cuts) -> None:
    comparison = at_comparison(right)
    assert [line for line, _ in right[:comparison]].count(SYNC) == 2
    assert [line for line, _ in right[comparison:]].count(SYNC) == 2

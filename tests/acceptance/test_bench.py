"""`python -m benchmarks`, which `./run bench` runs: what it prints. How fast anything is, no test says."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS
from benchmarks.measure import ROUNDS, Goal, Result, Work, best_median_of_alternating, best_of_alternating

ROOT = Path(__file__).parents[2]
QUICK = "exchange-in-process"


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_json_is_a_list_of_results_and_nothing_else() -> None:
    done = bench("--json", QUICK)
    (result,) = json.loads(done.stdout)
    kinds = {name: type(value) for name, value in result.items()}
    assert kinds.pop("goal") in (int, float)
    assert kinds == {
        "name": str,
        "figure": float,
        "unit": str,
        "side": str,
        "holds": bool,
        "against": str,
        "note": str,
    }
    assert result["name"] == QUICK
    assert result["side"] in {"at most", "at least"}
    assert done.returncode == (0 if result["holds"] else 1)


def test_the_table_has_a_line_for_each_benchmark_and_says_whether_its_goal_holds() -> None:
    head, line, *_ = bench(QUICK).stdout.splitlines()
    assert head.split() == ["benchmark", "figure", "goal", "holds", "against"]
    assert line.startswith(QUICK)
    assert "at most 9" in line
    assert "yes" in line or "NO" in line


def test_an_unknown_benchmark_is_told_which_there_are() -> None:
    done = bench("no such benchmark")
    assert done.returncode == 2
    assert done.stdout == ""
    assert all(name in done.stderr for name in BENCHMARKS)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_is_where_it_is_said_to_be(name: str) -> None:
    module, _, function = BENCHMARKS[name].partition(":")
    assert callable(getattr(import_module(module), function))


@pytest.mark.parametrize(
    ("side", "figure", "holds"),
    [(Goal.AT_MOST, 9, True), (Goal.AT_MOST, 9.01, False), (Goal.AT_LEAST, 9, True), (Goal.AT_LEAST, 8.99, False)],
)
def test_a_goal_holds_on_its_own_side_only(side: Goal, figure: float, holds: bool) -> None:
    assert Result("name", figure, "times", 9, side, "a reference").holds is holds


def test_subject_and_reference_take_turns() -> None:
    calls: list[str] = []
    best_of_alternating(Work(lambda: calls.append("subject"), 1), Work(lambda: calls.append("reference"), 1))
    assert calls == ["subject", "reference"] * (ROUNDS + 1)
    calls.clear()
    best_median_of_alternating(lambda: calls.append("subject"), lambda: calls.append("reference"), 3)
    assert calls == ["subject", "reference"] * 3 * (ROUNDS + 1)

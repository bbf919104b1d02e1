"""`python -m benchmarks [--json] [NAME]`: runs the benchmarks whose name holds NAME, prints a table or a JSON list."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from importlib import import_module

from .measure import Result

# Name, and where the function is that returns its result. Imported one at a time: each pays for its own parts only.
BENCHMARKS: Mapping[str, str] = {
    "exchange-in-process": "benchmarks.exchange:in_process",
    "exchange-through-pcscd": "benchmarks.exchange:through_pcscd",
    "exchanges-of-a-login": "benchmarks.operations:login",
    "exchanges-of-reading-a-certificate": "benchmarks.operations:certificate",
    "issuing": "benchmarks.issuing:issuing",
    "list-of-a-million": "benchmarks.lists:a_million",
    "list-of-ten-millions": "benchmarks.lists:ten_millions",
    "lists-of-municipalities": "benchmarks.lists:of_municipalities",
    "answers-made-ahead": "benchmarks.answering:made_ahead",
    "answers-signed-afresh": "benchmarks.answering:signed_afresh",
    "waiting-for-answers": "benchmarks.answering:waiting",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="a JSON list instead of a table")
    parser.add_argument("name", nargs="?", default="", help="only benchmarks whose name holds this")
    arguments = parser.parse_args()
    chosen = [name for name in BENCHMARKS if arguments.name in name]
    if not chosen:
        parser.error(f"no benchmark's name holds {arguments.name!r}; there are: {', '.join(BENCHMARKS)}")
    results = []
    for name in chosen:
        print(f"measuring {name} …", file=sys.stderr)
        if (result := _benchmark(BENCHMARKS[name])()) is not None:  # else it has said what it lacks
            results.append(result)
    if arguments.json:
        print(json.dumps([result.as_facts() for result in results], indent=2, ensure_ascii=False))
    else:
        _print_table(results)
    return 0 if all(result.holds for result in results) else 1


def _benchmark(target: str) -> Callable[[], Result | None]:
    module, _, function = target.partition(":")
    found: Callable[[], Result | None] = getattr(import_module(module), function)
    return found


def _print_table(results: list[Result]) -> None:
    rows = [("benchmark", "figure", "goal", "holds", "against")]
    for result in results:
        figure = f"{result.figure:.2f}".removesuffix(".00") + f" {result.unit}"
        goal = f"{result.side.value} {result.goal:g}"
        rows.append((result.name, figure, goal, "yes" if result.holds else "NO", result.against))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for result in results:
        if result.note:
            print(f"\n{result.name}: {result.note}")


if __name__ == "__main__":
    sys.exit(main())

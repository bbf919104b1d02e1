"""A card's peculiarity is a value in its profile: no code asks which card it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from card_profiles import load_profile, profile_names

ROOT = Path(__file__).parent.parent.parent
TREES = {
    path: ast.parse(path.read_text("utf-8"))
    for room in ("jpki", "emulator", "card_profiles", "cli", "benchmarks")
    for path in sorted((ROOT / room).rglob("*.py"))
    if "__pycache__" not in path.parts
}
PROFILES = [load_profile(name) for name in profile_names()]
LABELS = {profile.jpki.token.label for profile in PROFILES if profile.jpki.token is not None}
ATRS = {profile.atr.hex() for profile in PROFILES}
AIDS = {application.aid.hex() for profile in PROFILES for application in profile.applications}
ASKING = {"get", "startswith", "endswith"}
TITLES = {title for profile in PROFILES for title in profile.titles.values()}


def literals(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.value
        elif isinstance(inner, ast.Constant) and isinstance(inner.value, bytes):
            yield inner.value.hex()


def decisions(tree: ast.AST) -> Iterator[ast.AST]:
    """Yields whatever may decide by a value: comparisons, patterns, subscripts, keys of dictionaries, sets."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare | ast.pattern | ast.Set):
            yield node
        elif isinstance(node, ast.Subscript):
            yield node.slice
        elif isinstance(node, ast.Dict):
            yield from (key for key in node.keys if key is not None)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ASKING:
            yield from node.args


def test_no_code_decides_by_a_cards_name() -> None:
    names = {profile.name for profile in PROFILES} | LABELS | TITLES
    found = [
        f"{path.relative_to(ROOT)}: {text}"
        for path, tree in TREES.items()
        for node in decisions(tree)
        for text in literals(node)
        if text in names
    ]
    assert not found


def test_no_label_atr_or_application_of_a_card_stands_in_code() -> None:
    known = {text.lower() for text in LABELS | ATRS | AIDS}
    found = [
        f"{path.relative_to(ROOT)}: {text}"
        for path, tree in TREES.items()
        for text in literals(tree)
        if text.lower().replace(" ", "") in known
    ]
    assert not found


def test_the_second_card_is_data_alone() -> None:
    # Whatever makes a phone's token another card stands in one file, and no line of code is there for it.
    below = [path for path in TREES if not path.is_relative_to(ROOT / "cli")]
    assert [path for path in below if "android" in path.read_text("utf-8").lower()] == []

"""The trees of errors as the modules draw them, held against the classes that are really there."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

import pytest
from source_trees import TREES

ERROR_MODULES = sorted(name for name in TREES if name.split(".")[-1] == "errors")
BRANCH = re.compile(r"(?P<trunk>(?:│   |    )*)(?P<fork>├── |└── )?(?P<rest>[A-Z].*)")
ERROR = re.compile(r"([A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*)(?:\(([^)]*)\))?(?:\s{2,}|$)")


@dataclass(frozen=True)
class Drawn:
    """An error class as its module's docstring draws it, or as it is written."""

    parent: str | None
    facts: tuple[str, ...] | None


def drawn_in(docstring: str) -> dict[str, Drawn]:
    """Reads the tree: one class or more on a line, each with its facts in parentheses, then words for people."""
    drawn: dict[str, Drawn] = {}
    path: list[str] = []
    lines = docstring.splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        branch = BRANCH.fullmatch(line)
        is_root = branch is not None and not branch["fork"] and re.match("├── |└── ", following)
        if branch is None or not (branch["fork"] or is_root):
            continue
        depth = len(branch["trunk"]) // 4 + bool(branch["fork"])
        rest = branch["rest"]
        while match := ERROR.match(rest):
            name, facts = match.groups()
            path[depth:] = [name]
            named = None if facts is None else tuple(part.strip() for part in facts.split(","))
            drawn[name] = Drawn(path[depth - 1] if depth else None, named)
            rest = rest[match.end() :]
    return drawn


def classes_in(module: str) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in TREES[module].body if isinstance(node, ast.ClassDef)}


def names_of_errors() -> set[str]:
    """Returns the names of all classes below JpkiError; other things, such as enumerations, may stand beside them."""
    parents = {
        name: {ast.unparse(base) for base in node.bases}
        for module in ERROR_MODULES
        for name, node in classes_in(module).items()
    }
    errors = {"JpkiError"}
    while more := {name for name, bases in parents.items() if bases & errors} - errors:
        errors |= more
    return errors


ERRORS = names_of_errors()


def keywords_of(node: ast.ClassDef) -> tuple[str, ...] | None:
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            return tuple(argument.arg for argument in [*item.args.args[1:], *item.args.kwonlyargs])
    return None


def written(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> Drawn:
    """Returns the parent of a class and what it is made with; private classes between two errors are seen through."""
    parent = ast.unparse(node.bases[0])
    facts = keywords_of(node)
    while parent.startswith("_"):
        facts = facts or keywords_of(classes[parent])
        parent = ast.unparse(classes[parent].bases[0])
    return Drawn(parent, facts)


def written_in(module: str) -> dict[str, Drawn]:
    classes = classes_in(module)
    return {
        name: written(node, classes) for name, node in classes.items() if name in ERRORS and not name.startswith("_")
    }


@pytest.mark.parametrize("module", ERROR_MODULES)
def test_every_error_is_drawn_below_its_parent(module: str) -> None:
    drawn = drawn_in(ast.get_docstring(TREES[module]) or "")
    leaves = {name: error.parent for name, error in drawn.items() if error.parent is not None}
    assert leaves == {name: error.parent for name, error in written_in(module).items() if name != "JpkiError"}


@pytest.mark.parametrize("module", ERROR_MODULES)
def test_the_facts_that_are_drawn_are_those_an_error_is_made_with(module: str) -> None:
    errors = written_in(module)
    for name, error in drawn_in(ast.get_docstring(TREES[module]) or "").items():
        known = errors.get(name)
        if error.facts is not None and known is not None and known.facts is not None:
            own = tuple(fact for fact in error.facts if fact != "…")
            assert known.facts[len(known.facts) - len(own) :] == own if "…" in error.facts else known.facts == own, name


def test_errors_stand_in_modules_named_errors() -> None:
    elsewhere = [
        f"{module}, line {node.lineno}: {node.name}"
        for module, tree in TREES.items()
        if module not in ERROR_MODULES
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and ERRORS & {ast.unparse(base).split(".")[-1] for base in node.bases}
    ]
    assert not elsewhere, "\n".join(elsewhere)


def test_a_drawing_is_read_with_its_parents_and_facts() -> None:
    tree = "All.\n\nRoot\n├── One(a, b)   Words here\n│   └── Two  Three(…)\n└── Four\n"
    assert drawn_in(tree) == {
        "Root": Drawn(None, None),
        "One": Drawn("Root", ("a", "b")),
        "Two": Drawn("One", None),
        "Three": Drawn("One", ("…",)),
        "Four": Drawn("Root", None),
    }

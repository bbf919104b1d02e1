"""The plan of docs/architecture.md, held against the imports that are really there."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("jpki", "card_profiles", "emulator", "cli")

# From the ground up: a room imports only from rooms that stand before its own line.
FLOORS = (
    ("jpki.errors",),
    ("jpki.terms",),
    ("jpki.formats",),
    ("card_profiles", "jpki.store"),
    ("jpki.card", "jpki.ca", "jpki.verify", "emulator"),
    ("jpki.issuance", "jpki.accounts"),
    ("cli",),
)
HEIGHT = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
EMULATOR_MAY_IMPORT = {"jpki.errors", "jpki.terms", "jpki.formats", "card_profiles"}

# A library, and the room that alone may import it.
LIBRARIES = {
    "alembic": "jpki.store",
    "click": "cli",
    "pytest": "cli.testing",
    "rich": "cli",
    "smartcard": "jpki.card",
    "sqlalchemy": "jpki.store",
}
EVERYWHERE = {"cryptography"}
NOT_IN_THE_PYTEST_PLUGIN = {"click", "rich"}
NOT_ON_WINDOWS = {"curses", "fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}
NOT_FOR_RELYING_PARTIES = {"alembic", "cli", "click", "emulator", "pyhanko", "rich", "smartcard", "sqlalchemy"}


@dataclass(frozen=True)
class Import:
    """One import statement for one module: who, what, where."""

    importer: str
    module: str
    names: tuple[str, ...]
    line: int
    in_function: bool

    def __str__(self) -> str:
        return f"{self.importer}, line {self.line}: {self.module} {' '.join(self.names)}".rstrip()


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {
    module_name(path): path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
    if "__pycache__" not in path.parts
}
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in SOURCES.items()}
ERROR_MODULES = sorted(name for name in TREES if name.split(".")[-1] == "errors")


def room_of(module: str) -> str | None:
    return next((room for room in HEIGHT if module == room or module.startswith(f"{room}.")), None)


def absolute(importer: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    climbs = node.level - (SOURCES[importer].name == "__init__.py")
    base = importer.split(".")[: len(importer.split(".")) - climbs]
    return ".".join([*base, *filter(None, [node.module])])


def imports_in(importer: str, node: ast.AST, in_function: bool = False) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(importer, alias.name, (), child.lineno, in_function)
        elif isinstance(child, ast.ImportFrom):
            module = absolute(importer, child)
            names = tuple(alias.name for alias in child.names)
            if module == "jpki":  # `from jpki import formats` imports a room
                yield from (Import(importer, f"jpki.{name}", (), child.lineno, in_function) for name in names)
            else:
                yield Import(importer, module, names, child.lineno, in_function)
        function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from imports_in(importer, child, in_function or function)


IMPORTS = [found for name, tree in TREES.items() for found in imports_in(name, tree)]
BETWEEN_ROOMS = [
    found for found in IMPORTS if room_of(found.module) and room_of(found.module) != room_of(found.importer)
]


def exported(room: str) -> set[str]:
    for node in TREES[room].body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__all__"]:
            return set(ast.literal_eval(node.value))
    return set()


def listed(found: list[Import]) -> str:
    return "\n".join(map(str, found))


def test_every_module_stands_in_a_room() -> None:
    assert [name for name in TREES if room_of(name) is None] == ["jpki"]


def test_jpki_itself_is_empty() -> None:
    assert SOURCES["jpki"].read_text("utf-8") == ""


def test_imports_run_downward_only() -> None:
    upward = [
        found for found in BETWEEN_ROOMS if HEIGHT[room_of(found.importer) or ""] <= HEIGHT[room_of(found.module) or ""]
    ]
    assert not upward, listed(upward)


def test_the_emulator_and_the_toolkit_meet_only_in_the_command_line() -> None:
    wrong = [
        found
        for found in BETWEEN_ROOMS
        if (room_of(found.importer) == "emulator" and room_of(found.module) not in EMULATOR_MAY_IMPORT)
        or (room_of(found.module) == "emulator" and room_of(found.importer) != "cli")
    ]
    assert not wrong, listed(wrong)


def test_a_room_is_entered_by_its_face_only() -> None:
    around = [found for found in BETWEEN_ROOMS if found.module not in HEIGHT]
    assert not around, listed(around)


def test_only_what_a_face_offers_is_imported_from_it() -> None:
    hidden = [
        found for found in BETWEEN_ROOMS if found.module in TREES and set(found.names) - exported(found.module) - {"*"}
    ]
    assert not hidden, listed(hidden)


def test_nothing_is_imported_by_star() -> None:
    stars = [found for found in IMPORTS if "*" in found.names]
    assert not stars, listed(stars)


def test_each_library_has_one_room() -> None:
    wrong = []
    for found in IMPORTS:
        library = found.module.split(".")[0]
        if library in sys.stdlib_module_names or library in PACKAGES or library in EVERYWHERE:
            continue
        room = LIBRARIES.get(library)
        if room is None or not f"{found.importer}.".startswith(f"{room}."):
            wrong.append(found)
    assert not wrong, listed(wrong)


def test_the_pytest_plugin_has_no_word_for_people() -> None:
    wrong = [
        found
        for found in IMPORTS
        if found.importer.startswith("cli.testing") and found.module.split(".")[0] in NOT_IN_THE_PYTEST_PLUGIN
    ]
    assert not wrong, listed(wrong)


def test_pyscard_is_loaded_only_when_a_reader_is_asked_for() -> None:
    early = [found for found in IMPORTS if found.module.split(".")[0] == "smartcard" and not found.in_function]
    assert not early, listed(early)


def test_no_module_needs_posix_to_be_imported() -> None:
    early = [found for found in IMPORTS if found.module.split(".")[0] in NOT_ON_WINDOWS and not found.in_function]
    assert not early, listed(early)


def loaded_by(statement: str) -> set[str]:
    program = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def test_a_relying_party_loads_the_verifier_and_nothing_else() -> None:
    assert loaded_by("from jpki.verify import verify").isdisjoint(NOT_FOR_RELYING_PARTIES)


def test_the_pytest_plugin_loads_no_command_line() -> None:
    assert loaded_by("import cli.testing.plugin").isdisjoint(NOT_IN_THE_PYTEST_PLUGIN)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_tells_type_checkers_that_it_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()


# --- the error tree ---------------------------------------------------------------------------------------------------

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

"""The plan of docs/architecture.md, held against the imports and the code that are really there."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from source_trees import PACKAGES, ROOT, SOURCES, TREES

PAGE = ROOT / "docs" / "architecture.md"
MODULES = {"pyscard": "smartcard"}

# From the ground up: a room imports only from rooms that stand before its own line.
FLOORS = (
    ("jpki.errors",),
    ("jpki.terms",),
    ("jpki.formats",),
    ("card_profiles", "jpki.store"),
    ("jpki.card", "jpki.ca", "jpki.verify", "emulator"),
    ("jpki.issuance", "jpki.accounts", "jpki.outlets"),
    ("jpki.service",),
    ("cli",),
)
HEIGHT = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
# Rooms of whose lower floors not all is theirs to use.
MAY_IMPORT = {
    "emulator": {"jpki.errors", "jpki.terms", "jpki.formats", "card_profiles"},
    "jpki.accounts": {"jpki.errors", "jpki.terms", "jpki.formats", "jpki.store", "jpki.verify"},
    "jpki.ca": {"jpki.errors", "jpki.terms", "jpki.formats", "jpki.store"},
    "jpki.card": {"jpki.errors", "jpki.terms", "jpki.formats", "card_profiles"},
    "jpki.issuance": {
        "jpki.errors", "jpki.terms", "jpki.formats", "card_profiles", "jpki.store", "jpki.card", "jpki.ca",
    },
    "jpki.outlets": {"jpki.errors", "jpki.terms", "jpki.formats"},
    "jpki.service": {"jpki.errors", "jpki.terms", "jpki.formats", "jpki.store", "jpki.ca"},
    "jpki.verify": {"jpki.errors", "jpki.terms", "jpki.formats"},
}  # fmt: skip

# A library, and the room that alone may import it.
LIBRARIES = {
    "alembic": "jpki.store",
    "click": "cli",
    "httptools": "jpki.service",
    "ldap3": "jpki.outlets",
    "psycopg": "jpki.store",
    "pkcs11": "jpki.ca",
    "pytest": "cli.testing",
    "rich": "cli",
    "smartcard": "jpki.card",
    "sqlalchemy": "jpki.store",
    "uvicorn": "jpki.service",
}
EVERYWHERE = {"cryptography"}
NOT_IN_THE_PYTEST_PLUGIN = {"click", "rich"}
NOT_ON_WINDOWS = {"curses", "fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}
INPUT_AND_OUTPUT = {
    "asyncio", "http", "multiprocessing", "os", "pathlib", "shutil", "socket", "sqlite3", "ssl", "subprocess",
    "tempfile", "threading", "time", "urllib",
}  # fmt: skip
NO_INPUT_NO_OUTPUT = ("jpki.formats", "jpki.terms", "jpki.verify")
FETCHES = {"jpki.verify.fetchers"}
CLOCKS = {"datetime.now", "datetime.today", "datetime.utcnow", "date.today", "time.time", "time.time_ns", "localtime"}
LINES_OF_A_MODULE = 400
LINES_OF_A_FUNCTION = 40
NOT_FOR_RELYING_PARTIES = {
    "alembic", "cli", "click", "emulator", "psycopg", "pyhanko", "rich", "smartcard", "sqlalchemy",
}  # fmt: skip


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
        found for found in BETWEEN_ROOMS if room_of(found.module) == "emulator" and room_of(found.importer) != "cli"
    ]
    assert not wrong, listed(wrong)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_knows_its_own_neighbours_only(room: str) -> None:
    wrong = [
        found
        for found in BETWEEN_ROOMS
        if room_of(found.importer) == room and room_of(found.module) not in MAY_IMPORT[room]
    ]
    assert not wrong, listed(wrong)


def test_the_page_draws_the_floors_and_the_libraries_that_are_held_here() -> None:
    floors: dict[str, int] = {}
    libraries: dict[str, set[str]] = {}
    for floor, room, told in re.findall(
        r"^\| (\d) \| `([^`]+)` \|.*\| ([^|]*)\|$", PAGE.read_text("utf-8"), re.MULTILINE
    ):
        name = room.removesuffix("/").removesuffix(".py").replace("/", ".")
        floors[name] = int(floor)
        libraries[name] = {
            MODULES.get(word, word) for word in re.findall(r"[a-z0-9]+", told.split(", inside")[0].lower())
        }
    assert floors.keys() == HEIGHT.keys()
    assert sorted(floors, key=lambda room: HEIGHT[room]) == sorted(
        floors, key=lambda room: (floors[room], HEIGHT[room])
    )
    assert {name: found for name, found in libraries.items() if found} == {
        room: {library for library, owner in LIBRARIES.items() if owner == room}
        for room in set(LIBRARIES.values()) & HEIGHT.keys()
    }


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


def test_pkcs11_is_loaded_only_when_a_token_is_used() -> None:
    assert "pkcs11" not in loaded_by("import jpki.ca")


def test_ldap3_is_loaded_only_when_a_directory_is_connected_to() -> None:
    assert "ldap3" not in loaded_by("import jpki.outlets")


def test_uvicorn_is_loaded_only_when_the_service_runs() -> None:
    assert loaded_by("import jpki.service").isdisjoint({"uvicorn", "httptools"})


def test_no_module_needs_posix_to_be_imported() -> None:
    early = [found for found in IMPORTS if found.module.split(".")[0] in NOT_ON_WINDOWS and not found.in_function]
    assert not early, listed(early)


def test_what_only_computes_reads_no_file_no_socket_and_no_clock() -> None:
    wrong = [
        found
        for found in IMPORTS
        if found.importer.startswith(NO_INPUT_NO_OUTPUT)
        and found.importer not in FETCHES
        and found.module.split(".")[0] in INPUT_AND_OUTPUT
    ]
    assert not wrong, listed(wrong)


def test_nothing_below_the_command_line_asks_what_time_it_is() -> None:
    asked = [
        f"{module}, line {node.lineno}: {ast.unparse(node.func)}"
        for module, tree in TREES.items()
        if room_of(module) != "cli"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and any(f".{ast.unparse(node.func)}".endswith(f".{clock}") for clock in CLOCKS)
    ]
    assert not asked, "\n".join(asked)


@pytest.mark.parametrize("folder", [*PACKAGES, "benchmarks", "tests"])
def test_modules_and_functions_are_short_enough_to_be_read_at_once(folder: str) -> None:
    long = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        text = path.read_text("utf-8")
        if (lines := text.count("\n")) > LINES_OF_A_MODULE:
            long.append(f"{path.relative_to(ROOT)}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LINES_OF_A_FUNCTION:
                    long.append(f"{path.relative_to(ROOT)}, {node.name}: {lines} lines")
    assert not long, "\n".join(long)


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

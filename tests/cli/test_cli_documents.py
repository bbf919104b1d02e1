"""docs/command-line.md: its tables are those of the code, and what it says is done."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest

from cli.app import root
from cli.catalogue import words
from cli.exits import ExitCode
from cli.frame import LazyGroup
from cli.help_page import short_help
from cli.language import Language, use_language
from cli.pins import pin_variable
from cli.settings import VARIABLES, Settings
from jpki.terms import Role

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "command-line.md").read_text("utf-8")


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    use_language(Language.ENGLISH)
    yield
    use_language(None)


def members(group: LazyGroup, path: str = "jpki", prefix: str = "") -> Iterator[tuple[str, str]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if isinstance(found, LazyGroup):
            yield from members(found, f"{path} {name}", f"{prefix}{name}.")
        else:
            yield f"{path} {name}", f"{prefix}{name}"


def command_table() -> Iterator[str]:
    yield "| command | does |"
    yield "|---|---|"
    for written, key in members(root):
        yield f"| `{written}` | {short_help(key).rstrip('.')} |"


def exit_code_table() -> Iterator[str]:
    yield "| code | when |"
    yield "|---|---|"
    for code in ExitCode:
        yield f"| {code.value} | {words('values', f'exit.{code.name}')} |"


def variable_table() -> Iterator[str]:
    yield "| variable | what |"
    yield "|---|---|"
    for name in VARIABLES:
        yield f"| `{name}` | {words('values', f'variable.{name}')} |"


def kind_table() -> Iterator[str]:
    yield "| kind | of |"
    yield "|---|---|"
    for path in sorted((DOCS / "schemas").glob("*.json")):
        title = json.loads(path.read_text("utf-8"))["title"]
        yield f"| [`{path.stem}`](schemas/{path.name}) | {title} |"


TABLES = {
    "commands": command_table,
    "exit codes": exit_code_table,
    "variables": variable_table,
    "kinds": kind_table,
}


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_that_of_the_code(name: str) -> None:
    found = re.search(rf"<!-- table: {name} -->\n(.*?)<!-- end -->", PAGE, re.DOTALL)
    assert found is not None
    assert found[1] == "".join(f"{line}\n" for line in TABLES[name]())


def test_the_settings_that_are_shown_are_those_there_are() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    shown = tomllib.loads(example.replace("# emulator", "emulator"))
    assert set(shown) == {field.name for field in fields(Settings)}
    Settings(**shown)


def test_every_variable_that_the_program_reads_is_in_the_table() -> None:
    code = "".join(path.read_text("utf-8") for path in (DOCS.parent / "cli").rglob("*.py"))
    read = set(re.findall(r'"(JPKI_[A-Z_]+)"', code))
    read |= {f"JPKI_{field.name.upper()}" for field in fields(Settings)}
    read |= {pin_variable(role, new=new) for role in Role for new in (False, True)}
    assert read == set(VARIABLES)
    root = DOCS.parent
    pages = [*DOCS.glob("*.md"), *root.glob("*.md"), *(root / "cli" / "words").rglob("*.toml")]
    named = {name for page in pages for name in re.findall(r"(?<![\w])JPKI_[A-Z_]+", page.read_text("utf-8"))}
    assert named - {"JPKI_"} <= set(VARIABLES)


def test_every_option_that_is_named_is_one_of_some_command() -> None:
    known: set[str] = set()
    waiting: list[click.Command] = [root]
    while waiting:
        command = waiting.pop()
        known |= {name for parameter in command.params for name in parameter.opts}
        if isinstance(command, LazyGroup):
            context = click.Context(command)
            for name in command.list_commands(context):
                found = command.get_command(context, name)
                assert found is not None
                waiting.append(found)
    for page in ("command-line.md", "testing.md"):
        lines = (DOCS / page).read_text("utf-8").splitlines()
        if page == "testing.md":  # where other programs are run too, and fixtures are called jpki_…
            lines = [line for line in lines if re.search(r"\bjpki\b", line)]
        named = re.findall(r"(?<![\w-])--[a-z][a-z-]+", "\n".join(lines))
        assert set(named) <= known, page

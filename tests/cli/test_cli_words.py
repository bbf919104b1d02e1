"""The catalogue: words in both languages for everything that people are told."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
import re
import string
import tomllib
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

import cli
import emulator
import jpki
from cli.catalogue import error_entry, error_words, has_words, keys, words
from cli.exits import BY_NAME, ExitCode, exit_code_of
from cli.foreign import printable
from cli.language import Language
from cli.problems import phrase, phrases
from cli.settings import VARIABLES
from jpki.errors import JpkiError

ROOT = Path(__file__).parent.parent.parent
WORDS = ROOT / "cli" / "words"
LANGUAGES = {language.value for language in Language}
SENTENCES = {f"{code}{suffix}" for code in LANGUAGES for suffix in ("", "_do")}
JSON_ONLY = {"error", "login-challenge", "login-response"}
SCHEMAS = [path for path in sorted((ROOT / "docs" / "schemas").glob("*.json")) if path.stem not in JSON_ONLY]
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


def error_modules() -> Iterator[str]:
    yield "jpki.errors"
    for package in (jpki, emulator, cli):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name.split(".")[-1] == "errors":
                yield found.name


def all_errors() -> list[type[JpkiError]]:
    for name in error_modules():
        importlib.import_module(name)
    found: list[type[JpkiError]] = []
    waiting: list[type[JpkiError]] = [JpkiError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if not kind.__name__.startswith("_") and kind.__module__.startswith(("jpki", "emulator", "cli", "card_")):
            found.append(kind)
    return sorted(set(found), key=lambda kind: (kind.__module__, kind.__name__))


ERRORS = all_errors()


def facts_of(kind: type[JpkiError]) -> set[str]:
    """Returns the names of the facts that an error of this class has."""
    names: set[str] = set()
    for ancestor in kind.__mro__:
        if "__init__" in vars(ancestor) and issubclass(ancestor, JpkiError):
            names |= set(inspect.signature(ancestor).parameters) - {"self"}
    return names


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def name_of(kind: type[JpkiError]) -> str:
    return f"{kind.__module__}.{kind.__name__}"


def errors_sections() -> dict[str, dict[str, Mapping[str, str]]]:
    return {path.stem: tomllib.loads(path.read_text("utf-8")) for path in sorted((WORDS / "errors").glob("*.toml"))}


@pytest.mark.parametrize("kind", ERRORS, ids=name_of)
def test_every_error_has_words_of_its_own_in_both_languages(kind: type[JpkiError]) -> None:
    section = errors_sections().get(kind.__module__.removesuffix(".errors"), {})
    entry = section.get(kind.__name__)
    assert entry is not None, f"no words for {name_of(kind)}"
    assert set(entry) == SENTENCES
    assert all(entry[code].strip() for code in SENTENCES)


@pytest.mark.parametrize("kind", ERRORS, ids=name_of)
def test_every_placeholder_is_a_fact_of_its_error(kind: type[JpkiError]) -> None:
    section = errors_sections().get(kind.__module__.removesuffix(".errors"), {})
    for key, entry in section.items():
        if key.partition(".")[0] == kind.__name__:
            assert set().union(*map(placeholders, entry.values())) <= facts_of(kind), key


@pytest.mark.parametrize("kind", ERRORS, ids=name_of)
def test_the_words_for_an_error_are_made_from_its_facts(kind: type[JpkiError]) -> None:
    error = kind.__new__(kind)
    for name in facts_of(kind):
        setattr(error, name, "FACT")
    for language in Language:
        what, todo = error_words(error, language)
        assert not re.search(r"[{}]", what + todo)
        if language is Language.JAPANESE:
            assert JAPANESE.search(what)
            assert JAPANESE.search(todo)


@pytest.mark.parametrize("kind", ERRORS, ids=name_of)
def test_no_fact_of_an_error_acts_on_a_terminal_through_its_words(kind: type[JpkiError]) -> None:
    error = kind.__new__(kind)
    for name in facts_of(kind):
        setattr(error, name, "a\x1b[31m\u202eb\nc\x9b{0}")
    for language in Language:
        assert all(printable(sentence) == sentence for sentence in error_words(error, language))


def test_no_words_are_left_for_errors_that_are_gone() -> None:
    known = {(kind.__module__.removesuffix(".errors"), kind.__name__) for kind in ERRORS}
    written = {(room, key.partition(".")[0]) for room, section in errors_sections().items() for key in section}
    assert written - known == set()


def test_words_for_one_value_of_a_fact_name_a_fact() -> None:
    by_name = {(kind.__module__.removesuffix(".errors"), kind.__name__): kind for kind in ERRORS}
    for room, section in errors_sections().items():
        for key in section:
            name, *rest = key.split(".", 2)
            if rest:
                assert rest[0] in facts_of(by_name[room, name]), key
                assert len(rest) == 2, key


def test_an_error_without_words_of_its_own_has_those_of_its_branch() -> None:
    from jpki.errors import CardError

    class NewError(CardError):
        """A class that somebody adds tomorrow."""

    assert error_entry(NewError, {}) == error_entry(CardError, {})


@pytest.mark.parametrize(
    "section", sorted(path.name for path in WORDS.iterdir() if path.stem not in ("errors", "problems"))
)
def test_every_entry_is_there_in_both_languages(section: str) -> None:
    name = section.removesuffix(".toml")
    for key in keys(name):
        texts = {code: words(name, key, Language(code)) for code in LANGUAGES}
        assert all(text.strip() for text in texts.values()), key
        assert placeholders(texts["ja"]) == placeholders(texts["en"]), key


def test_no_key_stands_in_two_files_of_a_section() -> None:
    found: list[str] = []
    for path in (WORDS / "help").glob("*.toml"):
        found += tomllib.loads(path.read_text("utf-8"))
    assert sorted(found) == sorted(set(found))


def test_every_exit_code_by_name_is_that_of_a_class() -> None:
    assert set(BY_NAME) <= {f"{kind.__module__.removesuffix('.errors')}.{kind.__name__}" for kind in ERRORS}


@pytest.mark.parametrize("code", ExitCode)
def test_every_exit_code_has_words(code: ExitCode) -> None:
    assert has_words("values", f"exit.{code.name}")


@pytest.mark.parametrize("variable", VARIABLES)
def test_every_variable_has_words(variable: str) -> None:
    assert has_words("values", f"variable.{variable}")


@pytest.mark.parametrize("kind", ERRORS, ids=name_of)
def test_no_error_ends_with_zero_or_with_the_code_of_a_fault(kind: type[JpkiError]) -> None:
    if kind is not JpkiError:
        assert exit_code_of(kind.__new__(kind)) not in (ExitCode.OK, ExitCode.INTERNAL, ExitCode.INTERRUPTED)


def properties(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for part in schema.values():
            yield from properties(part)


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_every_fact_of_a_report_has_a_label(path: Path) -> None:
    names = set(properties(json.loads(path.read_text("utf-8")))) - {"kind", "version"}
    assert names <= keys("labels")


def facts_of_checks() -> Iterator[str]:
    """Yields the names of what checks of a verdict were given, as the code writes them."""
    for path in sorted((ROOT / "jpki" / "verify").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Assign(targets=[ast.Name(id="given")], value=ast.expr() as value):
                    yield from _keys(value)
                case ast.AnnAssign(target=ast.Name(id="given"), value=ast.expr() as value):
                    yield from _keys(value)
                case ast.Subscript(value=ast.Name(id="given"), slice=ast.Constant(value=str(name))):
                    yield name
                case ast.Call(func=ast.Name(id="passed"), keywords=keywords):
                    yield from (keyword.arg for keyword in keywords if keyword.arg is not None)
                case ast.Call(func=ast.Name(id="Finding"), args=[_, value]):
                    yield from _keys(value)


def _keys(value: ast.expr) -> Iterator[str]:
    for node in ast.walk(value):
        if isinstance(node, ast.Dict):
            yield from (key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def test_every_fact_of_a_check_has_a_label() -> None:
    names = set(facts_of_checks())
    assert {"origin", "expected", "key_id", "this_update"} <= names
    assert names <= keys("labels")


# --- phrases in errors ------------------------------------------------------------------------------------------------


def phrases_in_code() -> Iterator[tuple[str, str]]:
    for package in ("jpki", "emulator", "card_profiles", "cli"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                for argument in _phrase_arguments(node):
                    for value in _alternatives(argument):
                        if (text := _template(value)) is not None:
                            yield text, f"{path.relative_to(ROOT)}, line {value.lineno}"


def _phrase_arguments(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.Call() as call:
            yield from _phrases_of_a_call(call)
        case ast.Assign(targets=[ast.Name(id="problem")], value=value):
            yield value
        case ast.FunctionDef(name="_problem") as function:
            ends = (one.value for one in ast.walk(function) if isinstance(one, ast.Return))
            yield from (value for value in ends if value is not None)


def _phrases_of_a_call(call: ast.Call) -> Iterator[ast.expr]:
    yield from (keyword.value for keyword in call.keywords if keyword.arg in ("problem", "what"))
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in ("wrong", "_wrong", "BadCardBytes") and call.args:
        yield call.args[-1]


def _alternatives(value: ast.expr) -> Iterator[ast.expr]:
    match value:
        case ast.BoolOp(values=parts):
            yield from parts
        case ast.IfExp(body=body, orelse=orelse):
            yield from (body, orelse)
        case _:
            yield value


def _template(value: ast.expr) -> str | None:
    match value:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)
        case _:
            return None


def test_every_phrase_in_an_error_has_a_japanese_one() -> None:
    known = phrases()
    missing = {f"{text!r}  # {place}" for text, place in phrases_in_code() if text.strip("{}") and text not in known}
    assert not missing, "\n".join(sorted(missing))


def test_a_japanese_phrase_takes_what_the_english_one_does() -> None:
    assert [text for text, japanese in phrases().items() if text.count("{}") != japanese.count("{}")] == []


def test_a_phrase_that_is_filled_in_is_said_in_japanese() -> None:
    text = "12 octets where 160 are due"
    assert phrase(text, Language.JAPANESE) != text
    assert "12" in phrase(text, Language.JAPANESE)


def test_a_phrase_nobody_knows_stays_as_it_is_without_control_characters() -> None:
    assert phrase("brand \x1b[31mnew", Language.JAPANESE) == "brand \\u{001B}[31mnew"


def test_enumerations_are_told_in_words() -> None:
    from cli.catalogue import text_of
    from jpki.terms import Role

    assert isinstance(Role.SIGNATURE, Enum)
    assert text_of(Role.SIGNATURE, Language.JAPANESE) == "署名用"

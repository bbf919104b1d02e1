"""Help: every command and option has words, in lines that fit a terminal, in both languages."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import click
import pytest
from command_line import Invoke, Program

from cli.app import root
from cli.catalogue import has_words
from cli.frame import LazyGroup
from cli.wrapping import wrapped


def all_commands(group: LazyGroup, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield words, group
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        if isinstance(found, LazyGroup):
            yield from all_commands(found, (*words, name))
        else:
            yield (*words, name), found


COMMANDS = dict(all_commands(root))
NAMES = {words: " ".join(("jpki", *words)) for words in COMMANDS}


def columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line)


@pytest.mark.parametrize("words", COMMANDS, ids=NAMES.values())
def test_every_command_option_and_argument_has_words(words: tuple[str, ...]) -> None:
    command = COMMANDS[words]
    assert has_words("help", command.key)  # type: ignore[attr-defined]
    for parameter in command.params:
        key = (
            f"argument.{command.key}.{parameter.name}"  # type: ignore[attr-defined]
            if isinstance(parameter, click.Argument)
            else parameter.key  # type: ignore[attr-defined]
        )
        assert has_words("help", key), key


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("words", COMMANDS, ids=NAMES.values())
def test_every_help_page_fits_a_terminal(
    invoke: Invoke, words: tuple[str, ...], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = invoke(*words, "--help", "--lang", language)
    assert (done.code, done.told) == (0, "")
    examples = [line for line in done.out.splitlines() if line.startswith("    ") and not line.strip()[:1].isascii()]
    assert [line for line in done.out.splitlines() if columns(line) > 80 and line not in examples] == []


@pytest.mark.parametrize("words", COMMANDS, ids=NAMES.values())
def test_no_help_page_mixes_the_languages(invoke: Invoke, words: tuple[str, ...]) -> None:
    english = invoke(*words, "--help", "--lang", "en").out
    assert all(char.isascii() or char in "–—…‖" for char in english)
    japanese = invoke(*words, "--help", "--lang", "ja").out
    for leftover in ("Usage:", "Options:", "Commands:", "Arguments:", "[required]", "[default", "Show this"):
        assert leftover not in japanese


@pytest.mark.parametrize("arguments", [("--lang", "ja", "--help"), ("--help", "--lang", "ja"), ("--help", "--lang=ja")])
def test_the_language_is_told_before_or_after(invoke: Invoke, arguments: tuple[str, ...]) -> None:
    assert "使い方" in invoke("card", *arguments).out


@pytest.mark.parametrize(
    ("env", "japanese"),
    [
        ({"LC_ALL": "ja_JP.UTF-8"}, True),
        ({"LC_ALL": "", "LANG": "ja_JP.UTF-8"}, True),
        ({"LC_ALL": "", "LC_MESSAGES": "C", "LANG": "ja_JP.UTF-8"}, False),
        ({"LC_ALL": "C"}, False),
        ({"LC_ALL": "de_DE.UTF-8"}, False),
        ({"LC_ALL": "C", "JPKI_LANG": "ja"}, True),
        ({"LC_ALL": "ja_JP.UTF-8", "JPKI_LANG": "en"}, False),
    ],
)
def test_the_language_is_the_locales_unless_a_variable_says_otherwise(
    invoke: Invoke, env: dict[str, str], japanese: bool
) -> None:
    assert ("使い方" in invoke("--help", **env).out) is japanese


def test_the_language_may_stand_in_the_settings(invoke: Invoke, jpki: Program) -> None:
    settings = jpki.home / ".config" / "jpki" / "settings.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('lang = "ja"\n')
    assert "使い方" in invoke("--help").out
    assert "というコマンドはありません" in invoke("nonsense").told
    assert "Usage" in invoke("--help", "--lang", "en").out


def test_the_program_alone_shows_what_it_can_do(invoke: Invoke) -> None:
    done = invoke()
    assert done.code == 2
    assert "Commands:" in done.told


def test_the_version_is_told(invoke: Invoke) -> None:
    assert invoke("--version").out.startswith("jpki ")


# --- lines ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", range(10, 60))
def test_lines_are_no_wider_than_they_may_be_and_lose_nothing(width: int) -> None:
    text = "カードの状態、証明書（DER または PEM）、「署名」と「ログイン」。チャレンジへの応答をつくります！"
    lines = list(wrapped(text, width))
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    # A closing bracket goes with the character before it.
    assert max(map(columns, lines)) <= max(width, columns("「ログ"))


@pytest.mark.parametrize("width", range(10, 60))
def test_no_line_begins_or_ends_where_a_reader_stumbles(width: int) -> None:
    text = "カードの状態、証明書（DER または PEM）、「署名」と「ログイン」。チャレンジへの応答をつくります！"
    lines = list(wrapped(text, width))
    assert not any(line[0] in "、。）」！ー" for line in lines[1:])
    assert not any(line[-1] in "（「" for line in lines[:-1])


def test_a_word_of_latin_letters_stays_whole() -> None:
    assert list(wrapped("aaa bbb cccccccccc dd", 7)) == ["aaa bbb", "cccccccccc", "dd"]

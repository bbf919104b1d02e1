"""Text that comes from elsewhere: names in certificates, labels on tokens, names of files and readers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from cards_in_files import card_file_of, card_of
from command_line import AtTerminal, Invoke
from issued import HANAKO

from cli.foreign import cells, printable
from emulator import CardState
from jpki.formats import TokenInfo

PIN = {"JPKI_SIGN_PIN": "ABC123"}
# What may act on a terminal, or make text look like other text.
HARMFUL = {
    "escape": "\x1b[2J\x1b[31m",
    "title": "\x1b]0;title\x07",
    "newline": "\nName: somebody else",
    "return": "\rName: somebody else",
    "backspace": "\b\b\b\b",
    "C1": "\x9b31m",
    "right to left": "\u202enamae\u202c",
    "isolate": "\u2066abc\u2069",
    "zero width": "a\u200bb\ufeffc",
    "line separator": "\u2028",
    "tag": "\U000e0041",
    "soft hyphen": "\u00ad",
    "private": "\ue000",
}
MARKUP = "[bold red]山田[/bold red] [link=http://example.com]太郎[/link] :smile: {0} %s \\"


@pytest.mark.parametrize("harm", HARMFUL.values(), ids=HARMFUL)
def test_harmful_characters_in_a_name_are_shown_as_their_numbers(
    at_terminal: AtTerminal, tmp_path: Path, harm: str
) -> None:
    attributes = replace(HANAKO, name=f"公的{harm}花子", address=f"東京都{harm}")
    card = card_file_of(tmp_path / "card.jpki", card_of(attributes))
    terminal = at_terminal("card", "cert", "sign", "-e", card, NO_COLOR="1", **PIN)
    assert terminal.end() == 0
    shown = [line for line in terminal.shown.splitlines() if "公的" in line]
    assert shown == [f"  Name: 公的{printable(harm)}花子"]
    assert not any(char in terminal.shown for char in harm if printable(char) != char and char != "\n")


def test_markup_in_a_name_is_text(at_terminal: AtTerminal, tmp_path: Path) -> None:
    card = card_file_of(tmp_path / "card.jpki", card_of(replace(HANAKO, name=MARKUP)))
    terminal = at_terminal("card", "cert", "sign", "-e", card, columns=200, **PIN)
    assert terminal.end() == 0
    assert MARKUP in terminal.shown


@pytest.mark.parametrize("harm", HARMFUL.values(), ids=HARMFUL)
def test_json_holds_the_text_itself_without_a_character_that_acts(invoke: Invoke, tmp_path: Path, harm: str) -> None:
    card = card_file_of(tmp_path / "card.jpki", card_of(replace(HANAKO, name=f"公的{harm}花子")))
    done = invoke("card", "cert", "sign", "-e", card, "--json", **PIN)
    assert done.json["attributes"]["holder_name"] == f"公的{harm}花子"
    assert not any(printable(char) != char for char in done.out if char != "\n")


def with_label(state: CardState, label: bytes) -> CardState:
    contents = state.applications["jpki"]
    raw = contents.files[0x0006]
    return state.with_application("jpki", contents.with_file(0x0006, label.ljust(32)[:32] + raw[32:]))


def test_a_token_that_nobody_knows_is_named_harmlessly(invoke: Invoke, tmp_path: Path) -> None:
    card = card_file_of(tmp_path / "card.jpki", with_label(card_of(), b"\x1b[2J[bold]"))
    done = invoke("card", "info", "-e", card)
    assert done.code == 0  # an emulated card's profile is known from its file
    assert "\x1b" not in done.out
    assert "[bold]" in done.out
    assert TokenInfo.parse(with_label(card_of(), b"x").applications["jpki"].files[6]).label == "x"


def test_a_file_name_that_would_act_on_a_terminal_does_not(invoke: Invoke) -> None:
    for more in ((), ("--debug",)):
        done = invoke("card", "info", "-e", "a\x1b[31m\u202eb", *more)
        assert done.code == 2
        assert "a\\u{001B}[31m\\u{202E}b" in done.told
        assert not any(printable(char) != char for char in done.told if char != "\n")
        assert ("Traceback" in done.told) is bool(more)


def test_a_word_of_the_command_line_that_would_act_on_a_terminal_does_not(invoke: Invoke) -> None:
    assert "\x1b" not in invoke("\x1b[31mcommand").told
    assert "\x1b" not in invoke("card", "--\x1b[31moption").told


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("公的", 4), ("ｱｲｳ", 3), ("が\u3099", 2), ("", 0)])
def test_columns_are_counted_as_a_terminal_does(text: str, columns: int) -> None:
    assert cells(text) == columns

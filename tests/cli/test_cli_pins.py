"""Where PINs come from, what is asked for them, and what becomes of wrong ones."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cards_in_files import card_file_of, with_tries
from certified_cards import certified_state
from command_line import AtTerminal, Done, Invoke, Program

PASSWORD = "ABC123"
WRONG = "WRONG1"


@contextlib.contextmanager
def pipe_with(*lines: str) -> Iterator[int]:
    """Gives the end of a pipe from which these lines can be read."""
    reading, writing = os.pipe()
    os.write(writing, "".join(f"{line}\n" for line in lines).encode())
    os.close(writing)
    try:
        yield reading
    finally:
        os.close(reading)


def tries(invoke: Invoke, card: Path) -> dict[str, int]:
    pins = invoke("card", "pin-status", "-e", card, "--json").json["pins"]
    return {pin["role"]: pin["tries_left"] for pin in pins}


def read_certificate(invoke: Invoke, card: Path, *arguments: object, **env: str) -> Done:
    return invoke("card", "cert", "sign", "-e", card, "--json", *arguments, **env)


def test_a_pin_comes_from_a_variable(invoke: Invoke, card: Path) -> None:
    assert read_certificate(invoke, card, JPKI_SIGN_PIN=PASSWORD).code == 0


def test_a_pin_comes_from_the_first_line_of_a_file(invoke: Invoke, card: Path, tmp_path: Path) -> None:
    (tmp_path / "pin").write_text(f"{PASSWORD}\r\nsomething else\n")
    assert read_certificate(invoke, card, "--pin-file", tmp_path / "pin").code == 0


def test_a_pin_comes_from_a_file_descriptor(jpki: Program, card: Path) -> None:
    with pipe_with(PASSWORD) as fd:
        assert jpki("card", "cert", "sign", "-e", card, "--json", "--pin-fd", fd, pass_fds=(fd,)).code == 0


def test_a_pin_comes_from_standard_input_when_that_is_said(jpki: Program, card: Path) -> None:
    done = jpki("card", "cert", "sign", "-e", card, "--json", "--pin-fd", 0, stdin=PASSWORD.encode())
    assert done.code == 0


def test_a_file_stands_before_the_variable(invoke: Invoke, card: Path, tmp_path: Path) -> None:
    (tmp_path / "pin").write_text(PASSWORD)
    assert read_certificate(invoke, card, "--pin-file", tmp_path / "pin", JPKI_SIGN_PIN=WRONG).code == 0


@pytest.mark.parametrize("content", ["", "\n", "\n" + PASSWORD])
def test_an_empty_first_line_is_no_pin(invoke: Invoke, card: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "pin").write_text(content)
    done = read_certificate(invoke, card, "--pin-file", tmp_path / "pin")
    assert (done.code, done.error["error"]) == (2, "SecretSourceError")


@pytest.mark.parametrize("source", [("--pin-file", "missing"), ("--pin-file", "."), ("--pin-fd", 77)])
def test_a_source_that_cannot_be_read_is_named(jpki: Program, card: Path, source: tuple[str, object]) -> None:
    done = jpki("card", "cert", "sign", "-e", card, "--json", *source)
    assert (done.code, done.error["error"]) == (2, "SecretSourceError")
    assert str(source[1]) in done.error["facts"]["source"]


def test_two_sources_for_one_pin_are_refused(invoke: Invoke, card: Path, tmp_path: Path) -> None:
    done = read_certificate(invoke, card, "--pin-file", tmp_path / "pin", "--pin-fd", 0)
    assert (done.code, done.error["error"]) == (2, "SecretSourceError")


def test_without_terminal_and_pin_the_variable_that_would_do_is_named(invoke: Invoke, card: Path) -> None:
    done = read_certificate(invoke, card)
    assert (done.code, done.error["facts"]["variable"]) == (2, "JPKI_SIGN_PIN")


def test_a_wrong_pin_tells_the_tries_left(invoke: Invoke, card: Path) -> None:
    done = read_certificate(invoke, card, JPKI_SIGN_PIN=WRONG)
    assert (done.code, done.error["error"]) == (6, "WrongPin")
    assert done.error["facts"] == {"role": "sign", "tries_left": 4}
    assert tries(invoke, card) == {"sign": 4, "auth": 3}


@pytest.mark.parametrize("pin", ["abc123", "ABC12", "A" * 17, "ABC 123", "ＡＢＣ１２３", "ABC123\x7f"])
def test_a_pin_of_the_wrong_form_costs_no_try(invoke: Invoke, card: Path, pin: str) -> None:
    done = read_certificate(invoke, card, JPKI_SIGN_PIN=pin)
    assert (done.code, done.error["error"]) == (2, "BadPinForm")
    assert pin not in done.told
    assert tries(invoke, card)["sign"] == 5


def test_the_last_try_is_kept_unless_it_is_allowed(invoke: Invoke, card: Path) -> None:
    for _ in range(4):
        read_certificate(invoke, card, JPKI_SIGN_PIN=WRONG)
    done = read_certificate(invoke, card, JPKI_SIGN_PIN=WRONG)
    assert (done.code, done.error["error"]) == (6, "LastTry")
    assert tries(invoke, card)["sign"] == 1
    assert read_certificate(invoke, card, "--allow-last-try", JPKI_SIGN_PIN=PASSWORD).code == 0
    assert tries(invoke, card)["sign"] == 5


def test_wrong_pins_end_in_a_blocked_one_that_says_what_to_do(invoke: Invoke, card: Path) -> None:
    codes = [read_certificate(invoke, card, "--allow-last-try", JPKI_SIGN_PIN=WRONG).code for _ in range(6)]
    assert codes == [6, 6, 6, 6, 6, 7]
    done = invoke("card", "cert", "sign", "-e", card, JPKI_SIGN_PIN=PASSWORD)
    assert done.code == 7
    assert "blocked" in done.told
    assert "municipal office" in done.told


def test_a_blocked_password_leaves_the_other_pin_usable(invoke: Invoke, tmp_path: Path) -> None:
    path = card_file_of(tmp_path / "c.jpki", with_tries(certified_state(), "signature", 0))
    done = invoke("card", "pin-change", "auth", "-e", path, "--json", JPKI_AUTH_PIN="1234", JPKI_NEW_AUTH_PIN="9876")
    assert done.json["changed"]


@pytest.mark.parametrize(
    ("pin", "problem"),
    [
        ("ABC12", "too short"),
        ("A" * 17, "too long"),
        ("abc123", "small letters"),
        ("Abc 123", "other characters"),
        ("ＡＢＣ１２３", "other characters"),
    ],
)
def test_a_pin_of_the_wrong_form_is_told_which_rule_it_breaks(
    invoke: Invoke, card: Path, pin: str, problem: str
) -> None:
    assert read_certificate(invoke, card, JPKI_SIGN_PIN=pin).error["facts"]["problem"] == problem
    change = ("card", "pin-change", "sign", "-e", card, "--json")
    done = invoke(*change, JPKI_SIGN_PIN=PASSWORD, JPKI_NEW_SIGN_PIN=pin)
    assert (done.code, done.error["facts"]["problem"]) == (2, problem)


# --- at a terminal ----------------------------------------------------------------------------------------------------


def test_the_prompt_tells_the_tries_left_and_shows_nothing_that_is_typed(at_terminal: AtTerminal, card: Path) -> None:
    terminal = at_terminal("card", "cert", "sign", "-e", card)
    terminal.until(r"signature password \(6–16 capital letters and digits; tries left: 5\): $")
    assert not terminal.echoes
    terminal.type(PASSWORD)
    assert terminal.end() == 0
    assert "公的　花子" in terminal.shown
    assert PASSWORD not in terminal.shown


def test_the_prompt_is_japanese_where_the_locale_is(at_terminal: AtTerminal, card: Path) -> None:
    terminal = at_terminal("card", "cert", "sign", "-e", card, LC_ALL="ja_JP.UTF-8")
    terminal.until("署名用パスワード（英大文字と数字で6–16文字、残り5回）: $")
    terminal.type(PASSWORD)
    assert terminal.end() == 0
    assert "氏名" in terminal.shown


def test_a_pin_that_cannot_be_right_is_asked_for_again_and_costs_no_try(
    at_terminal: AtTerminal, invoke: Invoke, card: Path
) -> None:
    terminal = at_terminal("card", "cert", "sign", "-e", card)
    terminal.until("tries left: 5")
    terminal.type(PASSWORD.lower())
    terminal.until("small letters, which are not taken for capital ones.*(.|\n)*tries left: 5")
    terminal.type(PASSWORD)
    assert terminal.end() == 0
    assert tries(invoke, card)["sign"] == 5


def test_nothing_is_asked_for_a_blocked_pin(at_terminal: AtTerminal, tmp_path: Path) -> None:
    path = card_file_of(tmp_path / "c.jpki", with_tries(certified_state(), "signature", 0))
    terminal = at_terminal("card", "cert", "sign", "-e", path)
    assert terminal.end() == 7
    assert "Enter" not in terminal.shown


def test_nothing_is_asked_for_the_last_try_unless_it_is_allowed(at_terminal: AtTerminal, tmp_path: Path) -> None:
    path = card_file_of(tmp_path / "c.jpki", with_tries(certified_state(), "signature", 1))
    terminal = at_terminal("card", "cert", "sign", "-e", path)
    assert terminal.end() == 6
    assert "Enter" not in terminal.shown


def test_the_last_try_is_announced_before_it_is_asked_for(at_terminal: AtTerminal, tmp_path: Path) -> None:
    path = card_file_of(tmp_path / "c.jpki", with_tries(certified_state(), "signature", 1))
    terminal = at_terminal("card", "cert", "sign", "-e", path, "--allow-last-try")
    shown = terminal.until("tries left: 1")
    assert shown.index("This is the last try") < shown.index("Enter")
    terminal.type(PASSWORD)
    assert terminal.end() == 0


def test_another_program_may_use_the_card_while_a_person_types(
    at_terminal: AtTerminal, invoke: Invoke, card: Path
) -> None:
    terminal = at_terminal("card", "cert", "sign", "-e", card)
    terminal.until("tries left: 5")
    assert invoke("card", "info", "-e", card).code == 0
    terminal.type(PASSWORD)
    assert terminal.end() == 0


def test_a_card_that_was_exchanged_while_a_person_typed_is_refused(
    at_terminal: AtTerminal, card: Path, tmp_path: Path
) -> None:
    from dataclasses import replace

    other = replace(certified_state(), serial=bytes(10))
    terminal = at_terminal("card", "cert", "sign", "-e", card, columns=300)
    terminal.until("tries left: 5")
    card_file_of(tmp_path / "other.jpki", other).replace(card)
    terminal.type(PASSWORD)
    assert terminal.end() == 4
    assert "not the one that was there before" in terminal.shown


@pytest.mark.parametrize("key", [b"\x03", b"\x04"], ids=["Ctrl-C", "Ctrl-D"])
def test_a_prompt_can_be_left(at_terminal: AtTerminal, invoke: Invoke, card: Path, key: bytes) -> None:
    terminal = at_terminal("card", "cert", "sign", "-e", card)
    terminal.until("tries left: 5")
    terminal.press(key)
    assert terminal.end() == 130
    assert re.search(r": \n(\x1b\S+)?Interrupted\.(\x1b\S+)?\nThe card is logged out\.", terminal.shown)
    assert "Traceback" not in terminal.shown
    assert tries(invoke, card)["sign"] == 5


def test_a_terminated_prompt_leaves_the_terminal_as_it_was(at_terminal: AtTerminal, card: Path) -> None:
    terminal = at_terminal("card", "cert", "sign", "-e", card)
    terminal.until("tries left: 5")
    terminal.process.terminate()
    terminal.until("Interrupted")
    assert terminal.echoes
    assert terminal.end() == 130


# --- changing one -----------------------------------------------------------------------------------------------------


def test_a_pin_is_changed_at_a_terminal(at_terminal: AtTerminal, invoke: Invoke, card: Path) -> None:
    terminal = at_terminal("card", "pin-change", "auth", "-e", card)
    terminal.until(r"authentication PIN \(4 digits; tries left: 3\): $")
    terminal.type("1234")
    terminal.until(r"new authentication PIN \(4 digits\): $")
    terminal.type("9876")
    terminal.until("Once more: $")
    terminal.type("9876")
    assert terminal.end() == 0
    change = ("card", "pin-change", "auth", "-e", card)
    assert invoke(*change, JPKI_AUTH_PIN="1234", JPKI_NEW_AUTH_PIN="0000").code == 6
    assert invoke(*change, JPKI_AUTH_PIN="9876", JPKI_NEW_AUTH_PIN="0000").code == 0


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("987", "too short"),
        ("98765", "too long"),
        ("98a5", "a character that cannot be in it. Wanted: 4 digits"),
        ("987", "短すぎます"),
        ("98a5", "使えない文字が入っています）。正しい形：数字4桁"),
    ],
)
def test_a_new_pin_of_the_wrong_form_is_refused_at_once_and_asked_for_again(
    at_terminal: AtTerminal, invoke: Invoke, card: Path, typed: str, told: str
) -> None:
    language, once_more = ("en", "Once more: $") if told.isascii() else ("ja", "もう一度: $")
    terminal = at_terminal("card", "pin-change", "auth", "-e", card, "--lang", language)
    terminal.until("3.*: $")
    terminal.type("1234")
    terminal.until("(new|新しい).*: $")
    terminal.type(typed)
    terminal.until(f"{told}.*\n.*(new|新しい).*: $")
    assert not re.search(once_more, terminal.shown)
    terminal.type("9876")
    terminal.until(once_more)
    terminal.type("9876")
    assert terminal.end() == 0
    change = ("card", "pin-change", "auth", "-e", card)
    assert invoke(*change, JPKI_AUTH_PIN="9876", JPKI_NEW_AUTH_PIN="0000").code == 0


def test_a_new_pin_is_not_asked_for_without_end(at_terminal: AtTerminal, invoke: Invoke, card: Path) -> None:
    terminal = at_terminal("card", "pin-change", "auth", "-e", card)
    terminal.until("tries left: 3")
    terminal.type("1234")
    for asked in range(1, 4):
        terminal.until(f"(new authentication PIN(.|\n)*){{{asked}}}: $")
        terminal.type("98765")
    assert terminal.end() == 2
    assert "It has four digits." in terminal.shown
    assert invoke("card", "pin-change", "auth", "-e", card, JPKI_AUTH_PIN="1234", JPKI_NEW_AUTH_PIN="1234").code == 0


def test_two_different_new_pins_change_nothing(at_terminal: AtTerminal, invoke: Invoke, card: Path) -> None:
    terminal = at_terminal("card", "pin-change", "auth", "-e", card)
    for prompt, typed in (("tries left", "1234"), ("new authentication PIN", "9876"), ("Once more", "9875")):
        terminal.until(prompt)
        terminal.type(typed)
    assert terminal.end() == 2
    assert "differ" in terminal.shown
    unchanged = invoke("card", "pin-change", "auth", "-e", card, JPKI_AUTH_PIN="1234", JPKI_NEW_AUTH_PIN="1234")
    assert unchanged.code == 0


def test_a_new_pin_of_the_wrong_form_costs_no_try_of_the_old_one(invoke: Invoke, card: Path) -> None:
    done = invoke("card", "pin-change", "auth", "-e", card, "--json", JPKI_AUTH_PIN="0000", JPKI_NEW_AUTH_PIN="12345")
    assert (done.code, done.error["error"]) == (2, "BadPinForm")
    assert tries(invoke, card)["auth"] == 3


def test_both_pins_may_come_from_one_file_descriptor(jpki: Program, card: Path) -> None:
    with pipe_with("1234", "9876") as fd:
        done = jpki("card", "pin-change", "auth", "-e", card, "--pin-fd", fd, "--new-pin-fd", fd, pass_fds=(fd,))
    assert done.code == 0
    env = {"JPKI_AUTH_PIN": "9876", "JPKI_NEW_AUTH_PIN": "1234"}
    assert jpki("card", "pin-change", "auth", "-e", card, env=env).code == 0


# --- nowhere else -----------------------------------------------------------------------------------------------------


def test_no_option_takes_a_pin(invoke: Invoke, card: Path) -> None:
    for attempt in (("--pin", PASSWORD), (f"--pin={PASSWORD}",), (PASSWORD,), ("--pin-fd", PASSWORD)):
        for more in ((), ("--debug",)):
            done = read_certificate(invoke, card, *attempt, *more)
            assert done.code == 2
            assert PASSWORD not in done.told
            assert ("Traceback" in done.told) is bool(more)
        assert tries(invoke, card)["sign"] == 5


@pytest.mark.parametrize("arguments", [("cert", "sign"), ("sign", "document")])
def test_a_pin_reaches_no_output_whatever_is_asked_for(
    jpki: Program, card: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "document").write_text("text")
    for pin in (PASSWORD, WRONG):
        command = ("card", *arguments, "-e", card, "--trace", "--debug", "--json")
        done = jpki(*command, env={"JPKI_SIGN_PIN": pin})
        everything = done.data + done.told.encode()
        assert pin.encode() not in everything
        assert pin.encode().hex().upper().encode() not in everything


def command_lines() -> Iterator[str]:
    """Yields what every user of the machine sees of each process: `ps` reads the same files, but may not be there."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            yield file.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")


def test_no_process_list_holds_a_pin(at_terminal: AtTerminal, card: Path) -> None:
    terminal = at_terminal("card", "pin-change", "sign", "-e", card)
    for prompt, typed in (("tries left", PASSWORD), ("new signature password", "NEWPASS9")):
        terminal.until(prompt)
        terminal.type(typed)
    terminal.until("Once more")
    listed = "\n".join(command_lines())
    assert str(card) in listed
    assert PASSWORD not in listed
    assert "NEWPASS9" not in listed

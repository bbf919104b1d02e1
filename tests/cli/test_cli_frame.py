"""How the program begins and ends: bad command lines, settings, streams, interruptions."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from command_line import AtTerminal, Invoke, Program, command, surroundings

from cli.settings import load_settings


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("nonsense",), "NoSuchCommand"),
        (("card", "sing"), "NoSuchCommand"),
        (("card", "info", "--nonsense"), "NoSuchOption"),
        (("card", "info", "--reader"), "BadValue"),
        (("card", "info", "--trace=1"), "BadValue"),
        (("card", "sign"), "MissingParameter"),
        (("card", "auth"), "MissingParameter"),
        (("card", "cert", "nonsense"), "BadValue"),
        (("card", "info", "--lang", "fr"), "BadValue"),
        (("card", "cert", "sign", "--pin-fd", "x"), "BadValue"),
        (("emulator", "insert", "f", "--slot", "2"), "BadValue"),
        (("card", "info", "one", "two"), "TooManyArguments"),
        (("card", "info", "--profile", "nonsense", "-r", "x"), None),
    ],
)
def test_a_command_line_that_is_wrong_ends_with_2_and_words(
    invoke: Invoke, arguments: tuple[str, ...], error: str | None
) -> None:
    done = invoke("--json", *arguments)
    assert done.code == 2
    assert error is None or done.error["error"] == error
    for language in ("ja", "en"):
        told = invoke(*arguments, "--lang", language).told if "--lang" not in arguments else done.told
        assert "Traceback" not in told
        assert len(told.splitlines()) >= 2


def test_what_was_meant_is_guessed(invoke: Invoke) -> None:
    assert invoke("card", "sing", "--json").error["facts"]["similar"] == ["sign"]
    assert "--reader" in invoke("card", "info", "--redaer", "x", "--json").error["facts"]["similar"]


def test_an_error_is_json_where_that_was_asked_for(invoke: Invoke, card: Path) -> None:
    done = invoke("card", "cert", "sign", "-e", card, "--json", JPKI_SIGN_PIN="WRONG1")
    assert done.out == ""
    assert done.error["kind"] == "error"
    assert done.error["exit_code"] == done.code == 6
    assert done.error["facts"]["tries_left"] == 4


@pytest.mark.parametrize("arguments", [("--json",), ("card", "--json"), ("--json", "verify")])
def test_a_command_that_is_missing_is_an_error_in_json_too(invoke: Invoke, arguments: tuple[str, ...]) -> None:
    done = invoke(*arguments)
    assert (done.code, done.out, done.error["error"]) == (2, "", "MissingParameter")


def test_without_json_a_command_that_is_missing_shows_those_there_are(invoke: Invoke) -> None:
    done = invoke("card")
    assert (done.code, done.out) == (2, "")
    assert "pin-status" in done.told


def test_json_may_be_asked_for_before_the_command(invoke: Invoke, card: Path) -> None:
    assert invoke("--json", "card", "info", "-e", card).json["kind"] == "card-info"


# --- which card -------------------------------------------------------------------------------------------------------


def test_a_reader_and_an_emulated_card_at_once_are_refused(invoke: Invoke, card: Path) -> None:
    for done in (
        invoke("card", "info", "-e", card, "-r", "0", "--json"),
        invoke("card", "info", "--json", JPKI_READER="0", JPKI_EMULATOR=str(card)),
    ):
        assert (done.code, done.error["error"]) == (2, "TwoCards")


def test_an_option_stands_before_a_variable_and_a_variable_before_the_settings(
    invoke: Invoke, card: Path, tmp_path: Path
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text('reader = "nothing"\n')
    told = invoke("card", "info", "--json", JPKI_CONFIG=str(settings), JPKI_EMULATOR=str(card)).json
    assert told["card"] == str(card)
    assert invoke("card", "info", "-e", card, "--json", JPKI_READER="nothing").json["card"] == str(card)
    settings.write_text(f'emulator = "{card}"\n')
    assert invoke("card", "info", "--json", JPKI_CONFIG=str(settings)).json["card"] == str(card)


def test_a_card_file_in_the_home_folder_may_be_written_short(invoke: Invoke, card: Path, tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text('emulator = "~/card.jpki"\n')
    assert invoke("card", "info", "--json", JPKI_CONFIG=str(settings)).json["card"] == str(card)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"lang = 1", "not a text"),
        (b'lang = "fr"', "neither ja nor en"),
        (b'nonsense = "x"', "unknown"),
        (b"nonsense", "not TOML"),
        (b'reader = "\xff"', "not UTF-8"),
        (None, "no such file"),
    ],
)
def test_settings_that_cannot_be_used_are_named(
    invoke: Invoke, card: Path, tmp_path: Path, content: bytes | None, problem: str
) -> None:
    path = tmp_path / "settings.toml"
    if content is not None:
        path.write_bytes(content)
    done = invoke("card", "info", "-e", card, "--json", JPKI_CONFIG=str(path))
    assert (done.code, done.error["error"]) == (2, "SettingsError")
    assert problem in done.error["facts"]["problem"]
    assert done.error["facts"]["path"] == str(path)


def test_help_needs_no_settings(invoke: Invoke) -> None:
    assert invoke("--help", JPKI_CONFIG="/no/such/file").code == 0


def test_a_language_nobody_speaks_is_named_by_its_variable(invoke: Invoke, card: Path) -> None:
    done = invoke("card", "info", "-e", card, "--json", JPKI_LANG="fr")
    assert (done.code, done.error["facts"]["path"]) == (2, "JPKI_LANG")


def test_the_settings_are_where_the_system_has_such_things(tmp_path: Path) -> None:
    (tmp_path / "jpki").mkdir()
    (tmp_path / "jpki" / "settings.toml").write_text('reader = "mine"\n')
    assert load_settings({"XDG_CONFIG_HOME": str(tmp_path)}).reader == "mine"
    assert load_settings({"HOME": str(tmp_path)}).reader is None


# --- streams ----------------------------------------------------------------------------------------------------------


def test_a_result_that_cannot_be_written_is_a_failure(jpki: Program, card: Path) -> None:
    for target in (">/dev/full", ">&-"):
        for arguments in ("card info", "card pin-status", "card cert auth", "card info --json"):
            done = jpki.shell(f"jpki {arguments} -e {card} {target}")
            assert done.code == 2, (target, arguments, done.told)
            assert "Standard output cannot be written" in done.told
            assert "Traceback" not in done.told
            assert "Exception ignored" not in done.told


def test_help_that_cannot_be_written_is_a_failure_too(jpki: Program) -> None:
    assert jpki.shell("jpki --help >/dev/full").code == 2


def test_a_reader_that_goes_away_is_told_nothing(jpki: Program) -> None:
    done = jpki.shell("jpki --help | true; exit ${PIPESTATUS[0]}")
    assert (done.code in (0, 1), done.told) == (True, "")


@pytest.mark.parametrize("closing", ["2>&-", "<&-", "<&- >&- 2>&-"])
def test_closed_streams_end_in_no_fault(jpki: Program, card: Path, closing: str) -> None:
    good = jpki.shell(f"jpki card info -e {card} {closing}")
    assert good.code == (2 if ">&- 2" in closing else 0)
    assert jpki.shell(f"jpki card cert sign -e {card} {closing}").code == 2


def test_a_closed_stream_does_not_become_the_card_file(jpki: Program, card: Path) -> None:
    before = card.read_bytes()
    jpki.shell(f"JPKI_SIGN_PIN=WRONG1 jpki card cert sign -e {card} <&- >&- 2>&-")
    assert card.read_bytes() != before
    assert jpki("card", "pin-status", "-e", card, "--json").json["pins"][0]["tries_left"] == 4


def test_a_stream_of_another_encoding_gets_what_it_can_hold(jpki: Program, card: Path) -> None:
    done = jpki("card", "info", "-e", card, "--lang", "ja", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert done.code == 0
    assert done.data.isascii()


def test_no_colour_reaches_a_file_or_a_terminal_that_wants_none(
    jpki: Program, at_terminal: AtTerminal, card: Path
) -> None:
    assert b"\x1b" not in jpki("card", "info", "-e", card).data
    plain = at_terminal("card", "info", "-e", card, NO_COLOR="1")
    assert plain.end() == 0
    assert "\x1b" not in plain.shown
    coloured = at_terminal("card", "info", "-e", card)
    assert coloured.end() == 0
    assert "\x1b[1m" in coloured.shown


# --- faults and interruptions -----------------------------------------------------------------------------------------


def test_a_fault_shows_its_traceback_only_when_asked(jpki: Program, tmp_path: Path) -> None:
    script = tmp_path / "faulty.py"
    script.write_text(
        "import cli.commands.readers as r\n"
        "def broken(): raise RuntimeError('the words of an unexpected error')\n"
        "r.all_readers = broken\n"
        "from cli import main\nmain()\n"
    )
    for debug in (False, True):
        done = subprocess.run(
            [*command()[:1], str(script), "readers", *(["--debug"] if debug else [])],
            env=surroundings(tmp_path),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert ("Traceback" in done.stderr) is debug
        assert ("the words of an unexpected error" in done.stderr) is debug
        assert "RuntimeError" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_at_a_prompt_ends_the_program_in_good_order(
    at_terminal: AtTerminal, card: Path, number: signal.Signals
) -> None:
    terminal = at_terminal("card", "cert", "sign", "-e", card)
    terminal.until("tries left")
    os.kill(terminal.process.pid, number)
    assert terminal.end() == 130


def test_a_card_file_that_is_none_is_named(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("text")
    (tmp_path / "text").chmod(0o600)
    for path, error in (("text", "CardFileDamaged"), ("missing", "NoCardFile"), (".", "CardFileDamaged")):
        done = invoke("card", "info", "-e", path, "--json")
        assert (done.code, done.error["error"]) == (2, error)


def test_a_card_file_others_may_read_is_refused_with_the_command_that_mends_it(invoke: Invoke, card: Path) -> None:
    card.chmod(0o644)
    done = invoke("card", "info", "-e", card)
    assert done.code == 2
    assert f"chmod 600 {card}" in done.told

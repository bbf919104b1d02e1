"""The command `jpki`: its groups, and the one place where a failure becomes words and an exit code."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from jpki.errors import JpkiError

from .catalogue import ErrorWords, error_words, words
from .console import show_error, show_traceback
from .errors import SettingsError
from .exits import ExitCode, exit_code_of
from .frame import group, version_option
from .installation import words_for_what_is_not_installed
from .language import Language, language_of_arguments, use_language
from .settings import load_settings
from .stopping import Declined, Interrupted, Stopped, stop_on_signals
from .streams import abandon_standard_output, hold_standard_streams
from .usage import usage_error

__all__ = ["root", "run"]

_COMPLETE = "_JPKI_COMPLETE"

root = version_option(
    group(
        "jpki",
        {
            "demo": ".commands.demo:demo",
            "doctor": ".commands.doctor:doctor",
            "readers": ".commands.readers:readers",
            "card": ".commands.card:card",
            "emulator": ".commands.emulator:emulator",
            "ca": ".commands.ca:ca",
            "serve": ".commands.serve:serve",
            "issue": ".commands.issue:issue",
            "verify": ".commands.verify:verify",
            "completion": ".commands.completion:completion",
        },
    )
)


def run(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs one command and ends the process: 0, or the exit code of what went wrong (docs/command-line.md)."""
    words_given = list(sys.argv[1:] if arguments is None else arguments)
    hold_standard_streams()
    stop_on_signals()
    _choose_language(words_given)
    try:
        if instruction := os.environ.get(_COMPLETE):
            from click.shell_completion import shell_complete

            sys.exit(shell_complete(root, {}, "jpki", _COMPLETE, instruction))
        code = _run(words_given)
    except BrokenPipeError:
        # The reader of our output went away: there is nobody to tell.
        abandon_standard_output()
        code = ExitCode.INTERNAL
    except (Exception, KeyboardInterrupt, Stopped, Interrupted) as error:
        code = _failed(error, words_given)
    try:
        sys.stdout.flush()
    except (OSError, ValueError):  # told already: every write is flushed at once
        abandon_standard_output()
    sys.exit(int(code))


def _run(arguments: list[str]) -> int:
    try:
        with root.make_context("jpki", list(arguments)) as context:
            root.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    return ExitCode.OK


def _choose_language(arguments: list[str]) -> None:
    # What is wrong with the settings is told when a command asks for them: help needs none.
    with contextlib.suppress(SettingsError):
        settings = load_settings(os.environ)
        use_language(Language(settings.lang) if settings.lang else None)
    if (asked := language_of_arguments(arguments)) is not None:
        use_language(asked)


def _failed(error: BaseException, arguments: list[str]) -> int:
    as_json = _given("--json", arguments)
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and not as_json:
        sys.stderr.write(error.ctx.get_help() + "\n")
        return ExitCode.BAD_INPUT
    if isinstance(error, click.ClickException):
        # Before the traceback: click's own words repeat the value, which may be a PIN in the wrong place.
        error = usage_error(error).with_traceback(error.__traceback__)
    if _given("--debug", arguments):
        show_traceback(error)
    said, code = _told(error)
    show_error(said, error if isinstance(error, JpkiError) else None, json=as_json, exit_code=code)
    return code


def _told(error: BaseException) -> tuple[ErrorWords, ExitCode]:
    match error:
        case JpkiError():
            return error_words(error), exit_code_of(error)
        case Declined():
            return _said("Declined", todo=f"Interrupted.{error.told_as}"), ExitCode.INTERRUPTED
        case Interrupted():
            return _said("Interrupted", todo=f"Interrupted.{error.told_as}"), ExitCode.INTERRUPTED
        case click.Abort() | KeyboardInterrupt() | EOFError() | Stopped():
            return _said("Interrupted"), ExitCode.INTERRUPTED
        case ModuleNotFoundError() if said := words_for_what_is_not_installed(error):
            return said, ExitCode.INTERNAL
        case _:
            # The words of an unexpected error may hold anything, a secret too: only its kind is told.
            return _said("Unexpected", kind=type(error).__name__), ExitCode.INTERNAL


def _said(key: str, *, todo: str = "", kind: str = "") -> ErrorWords:
    return ErrorWords((words("ends", key, kind=kind), words("ends", f"{todo or key}.do")))


def _given(flag: str, arguments: list[str]) -> bool:
    return flag in (arguments[: arguments.index("--")] if "--" in arguments else arguments)

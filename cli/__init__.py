"""The command line, `jpki`: commands, prompts, words for people."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Runs the command `jpki` and ends the process with its exit code."""
    try:
        from .app import run  # click and rich are loaded only when a command runs
    except ModuleNotFoundError as error:
        _say_what_is_not_installed(error)
        sys.exit(1)
    run()


def _say_what_is_not_installed(error: ModuleNotFoundError) -> None:
    from .installation import words_for_what_is_not_installed
    from .language import language_of_arguments, use_language

    use_language(language_of_arguments(sys.argv[1:]))
    if (said := words_for_what_is_not_installed(error)) is None:
        raise error
    sys.stderr.write(f"{said.what}\n{said.todo}\n")

"""What click finds wrong with a command line, as errors of this program that have words in both languages.

Values are never repeated: a PIN typed in the wrong place must not be shown.
"""

from __future__ import annotations

from difflib import get_close_matches

import click

from .errors import BadUsage, BadValue, MissingParameter, NoSuchCommand, NoSuchOption

__all__ = ["usage_error"]


def usage_error(error: click.ClickException) -> BadUsage:
    """Returns the error of this program for one of click's."""
    match error:
        case click.NoSuchOption():
            return NoSuchOption(option=error.option_name, similar=tuple(error.possibilities or ()))
        case click.MissingParameter():
            return MissingParameter(parameter=_name(error))
        case click.exceptions.NoArgsIsHelpError():
            return MissingParameter(parameter="COMMAND")
        case click.BadParameter():
            return BadValue(parameter=_name(error), problem=_problem(error))
        case click.BadOptionUsage():
            return BadValue(parameter=error.option_name, problem="takes a value, or takes none")
        case _:
            return BadUsage(problem=type(error).__name__)


def no_such_command(name: str, known: list[str]) -> NoSuchCommand:
    """Returns the error for a command that is not there."""
    return NoSuchCommand(command=name, similar=tuple(get_close_matches(name, known)))


def _name(error: click.BadParameter) -> str:
    if error.param is None:
        return ""
    if isinstance(error.param, click.Option):
        return max(error.param.opts, key=len)
    return error.param.human_readable_name


def _problem(error: click.BadParameter) -> str:
    kind = error.param.type if error.param is not None else None
    match kind:
        case click.Choice():
            return f"one of: {', '.join(map(str, kind.choices))}"
        case click.IntRange():
            return f"a number from {kind.min} to {kind.max}"
        case click.Path():
            return "a folder, not a file" if kind.file_okay else "a file, not a folder"
        case click.types.IntParamType():
            return "not a whole number"
        case _:
            return str(getattr(kind, "problem", "not usable here"))

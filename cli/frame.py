"""The frame of every command: lazily loaded groups, help in two languages, common options, one way to end.

A command is a function that returns a Report, or None where it has printed its own data. Errors of the toolkit end it
with two sentences and the exit code of their kind.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from .console import show_report, write_text
from .errors import TooManyArguments
from .help_page import HelpPage, help_text, short_help
from .installation import installed_version
from .report import Report
from .settings import Settings, load_settings
from .usage import no_such_command

__all__ = [
    "FILE",
    "Frame",
    "LazyGroup",
    "argument",
    "command",
    "file_option",
    "frame_of",
    "group",
    "option",
    "version_option",
]

_C = TypeVar("_C", bound=click.Command)
_COMMON = frozenset(("json", "lang", "debug", "version", "help"))

FILE = click.Path(path_type=Path)


@dataclass(slots=True)
class Frame:
    """What holds for one run of the program."""

    settings: Settings
    json: bool = False


def frame_of(context: click.Context) -> Frame:
    """Returns the run's frame, made from settings file and variables at first use; raises SettingsError."""
    root = context.find_root()
    if not isinstance(root.obj, Frame):
        root.obj = Frame(load_settings(os.environ))
    return root.obj


class _Option(click.Option):
    """An option whose help is in the catalogue under `option.<name>[.<variant>]`."""

    def __init__(self, *args: Any, variant: str = "", **kwargs: Any) -> None:  # noqa: ANN401 - click's own signature
        super().__init__(*args, **kwargs)
        self.key = ".".join(part for part in ("option", self.name, variant) if part)

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Returns how the option is written, and its help."""
        self.help = help_text(self.key)
        record = super().get_help_record(ctx)
        if record is None or not self.required:
            return record
        return record[0], record[1].replace("[required]", help_text("page.required"))


class _Command(click.Command):
    """A command whose help is in the catalogue under its name, with the groups above: `card.sign`."""

    context_class = HelpPage

    def __init__(self, *args: Any, key: str, **kwargs: Any) -> None:  # noqa: ANN401 - click's own signature
        super().__init__(*args, **kwargs | {"add_help_option": False})
        self.key = key

    def get_short_help_str(self, limit: int = 80) -> str:
        """Returns the first line of the help in the catalogue."""
        return short_help(self.key)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Takes the command line apart; raises TooManyArguments."""
        ctx.allow_extra_args = True
        rest = super().parse_args(ctx, args)
        if rest and not ctx.resilient_parsing:
            raise TooManyArguments(count=len(rest))
        return rest

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Returns the options that fit, with their help."""
        _describe_options(self, ctx)
        return super().shell_complete(ctx, incomplete)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - what the function returns
        """Runs the command, and prints what it reports."""
        frame = frame_of(ctx)
        outcome = super().invoke(ctx)
        if isinstance(outcome, Report):
            show_report(outcome, json=frame.json)
            ctx.exit(outcome.exit_code)
        return outcome


class LazyGroup(click.Group):
    """A group that imports a command's module only when the command is used: starting the program stays quick."""

    context_class = HelpPage

    def __init__(self, *args: Any, key: str, members: Mapping[str, str], **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs | {"add_help_option": False})
        self.key = key
        self._members = dict(members)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the members' names in the order in which people learn them."""
        return list(self._members)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports a member and returns it; None for a name that is not one."""
        target = self._members.get(cmd_name)
        if target is None:
            return None
        module, _, name = target.partition(":")
        found: click.Command = getattr(import_module(module, __package__), name)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Returns the member that the first word names, and the words behind it; raises NoSuchCommand."""
        if args and args[0] not in self._members and not ctx.resilient_parsing:
            raise no_such_command(args[0], list(self._members))
        return super().resolve_command(ctx, args)

    def member_help(self) -> dict[str, str]:
        """Returns the members with the first lines of their help, none of them imported."""
        prefix = "" if self.key == "jpki" else f"{self.key}."
        return {name: short_help(prefix + name) for name in self._members}

    def get_short_help_str(self, limit: int = 80) -> str:
        """Returns the first line of the help in the catalogue."""
        return short_help(self.key)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Returns the members and options that fit, with their help, none of them imported."""
        _describe_options(self, ctx)
        members = self.member_help().items()
        fitting = [CompletionItem(name, help=text) for name, text in members if name.startswith(incomplete)]
        return [*fitting, *click.Command.shell_complete(self, ctx, incomplete)]


def _describe_options(command: click.Command, ctx: click.Context) -> None:
    for parameter in command.get_params(ctx):
        if isinstance(parameter, _Option):
            parameter.help = help_text(parameter.key)


def _set_json(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        frame_of(ctx).json = True


def _show_help(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        write_text(ctx.get_help())
        ctx.exit()


def _show_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        write_text(f"jpki {installed_version()}")
        ctx.exit()


def option(*names: str, variant: str = "", **kwargs: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - click's own
    """Returns a decorator that adds an option with its help from the catalogue."""
    return click.option(*names, cls=_Option, variant=variant, **kwargs)


def file_option(*names: str, variant: str = "", **kwargs: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - click's own
    """Returns a decorator that adds an option whose value is a file."""
    return option(*names, variant=variant, type=FILE, metavar="FILE", **kwargs)


def argument(*names: str, **kwargs: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - click's own signature
    """Returns a decorator that adds an argument; its help is under `argument.<command>.<name>`."""
    return click.argument(*names, **kwargs)


def _common(function: Any) -> Any:  # noqa: ANN401 - click decorates functions and commands alike
    for decorate in (
        option("--help", "-h", is_flag=True, expose_value=False, is_eager=True, callback=_show_help),
        option("--debug", is_flag=True, expose_value=False),
        option("--lang", type=click.Choice(["ja", "en"]), expose_value=False),
        option("--json", is_flag=True, expose_value=False, callback=_set_json),
    ):
        function = decorate(function)
    return function


def command(key: str) -> Callable[[Callable[..., Report | None]], click.Command]:
    """Returns a decorator that makes a function the command `key` (`card.sign`), with the common options."""

    def decorate(function: Callable[..., Report | None]) -> click.Command:
        made: click.Command = click.command(key.rpartition(".")[2], cls=_Command, key=key)(_common(function))
        return _common_last(made)

    return decorate


def group(key: str, members: Mapping[str, str]) -> LazyGroup:
    """Returns the group `key` with its members, each `module:name` to be imported when it is used."""

    @click.pass_context
    def alone(context: click.Context) -> None:
        """Shows the help where no member was named."""
        if context.invoked_subcommand is None:
            raise click.exceptions.NoArgsIsHelpError(context)

    made: LazyGroup = click.group(
        key.rpartition(".")[2], cls=LazyGroup, key=key, members=members, invoke_without_command=True
    )(_common(alone))
    return _common_last(made)


def _common_last(made: _C) -> _C:
    made.params.sort(key=lambda parameter: parameter.name in _COMMON)
    return made


def version_option(function: Any) -> Any:  # noqa: ANN401 - click decorates functions and commands alike
    """Adds `--version` to the whole program."""
    decorate = option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_show_version)
    return decorate(function)

"""The help page of a command: words from the catalogue, in lines that fit Japanese too."""

from __future__ import annotations

import shutil
from collections.abc import Iterable

import click

from .catalogue import has_words, words
from .foreign import cells
from .wrapping import wrapped

__all__ = ["HelpPage", "help_text", "short_help"]

_WIDEST = 100
_NARROWEST = 40
_LEFT = 26
_INDENT = "  "


def help_text(key: str) -> str:
    """Returns the help under a key of the catalogue, without the lines around it."""
    return words("help", key).strip()


def short_help(key: str) -> str:
    """Returns the first line of a command's help."""
    return help_text(key).partition("\n")[0]


class HelpPage(click.Context):
    """A context whose help is written by this module."""

    def get_help(self) -> str:
        """Returns the whole page."""
        width = max(_NARROWEST, min(shutil.get_terminal_size().columns - 1, _WIDEST))
        sections = [self._usage(width), *self._text(width), *self._lists(width)]
        return "\n\n".join(sections)

    def _usage(self, width: int) -> str:
        start = f"{words('help', 'page.usage')} {self.command_path} "
        pieces = " ".join(self.command.collect_usage_pieces(self))
        lines = wrapped(pieces, width - cells(start))
        return start + f"\n{' ' * cells(start)}".join(lines)

    def _text(self, width: int) -> Iterable[str]:
        for paragraph in help_text(getattr(self.command, "key", "jpki")).split("\n\n"):
            lines = paragraph.splitlines()
            if lines[0].startswith(" "):  # an example, to be copied as it stands
                yield "\n".join(_INDENT + line for line in lines)
            else:
                yield "\n".join(_INDENT + line for line in wrapped(" ".join(lines), width - len(_INDENT)))

    def _lists(self, width: int) -> Iterable[str]:
        key = getattr(self.command, "key", "jpki")
        parameters = self.command.get_params(self)
        arguments = [item for item in parameters if isinstance(item, click.Argument)]
        described = [
            (item.make_metavar(self), help_text(f"argument.{key}.{item.name}"))
            for item in arguments
            if has_words("help", f"argument.{key}.{item.name}")
        ]
        options = [item for item in parameters if isinstance(item, click.Option) and not item.hidden]
        members: dict[str, str] = getattr(self.command, "member_help", dict)()
        rows = {
            "page.arguments": described,
            "page.options": [record for item in options if (record := item.get_help_record(self)) is not None],
            "page.commands": list(members.items()),
        }
        for heading, entries in rows.items():
            if entries:
                yield "\n".join([words("help", heading), *_definitions(entries, width)])


def _definitions(entries: Iterable[tuple[str, str]], width: int) -> Iterable[str]:
    entries = list(entries)
    left = min(max(cells(term) for term, _ in entries), _LEFT)
    for term, text in entries:
        lines = list(wrapped(text, width - len(_INDENT) * 2 - left)) or [""]
        if cells(term) > left:
            yield _INDENT + term
            term = ""  # noqa: PLW2901 - its explanation stands below it
        yield f"{_INDENT}{term}{' ' * (left - cells(term))}{_INDENT}{lines[0]}".rstrip()
        yield from (f"{_INDENT}{' ' * left}{_INDENT}{line}" for line in lines[1:])

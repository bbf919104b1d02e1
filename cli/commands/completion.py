"""`jpki completion`: the script that makes a shell complete this program's commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from ..console import write_data
from ..frame import argument, command

__all__ = ["completion"]


@command("completion")
@argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Prints the completion script of a shell."""
    root = context.find_root().command
    kind = get_completion_class(shell)
    if kind is None:  # pragma: no cover - click has the three named above
        raise click.UsageError(shell)
    write_data(kind(root, {}, "jpki", "_JPKI_COMPLETE").source().encode())

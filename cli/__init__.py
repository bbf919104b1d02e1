"""The command line, `jpki`: commands, prompts, words for people."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Runs the command `jpki` and ends the process with its exit code."""
    from .app import run  # click and rich are loaded only when a command runs

    run()

"""Where words go: data to standard output, everything else to standard error; foreign text never as markup."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from jpki.errors import JpkiError

from .catalogue import ErrorWords, words
from .errors import FileUnwritable
from .foreign import cells, printable
from .report import Advice, Cell, Line, Report, as_blocks, as_json, as_lines, json_text, table_rows
from .values import plain
from .wrapping import wrapped

__all__ = [
    "columns_of",
    "say",
    "show_error",
    "show_report",
    "show_traceback",
    "write_data",
    "write_heading",
    "write_text",
]

_GAP = 3
_USUAL_WIDTH = 80
_BOLD, _BAD, _PLAIN = "\x1b[1m", "\x1b[1;31m", "\x1b[0m"
_TONES = {"good": "\x1b[32m", "bad": _BAD, "doubtful": "\x1b[33m"}
_STYLES = {"good": "green", "bad": "bold red", "doubtful": "yellow"}


def show_report(report: Report, *, json: bool) -> None:
    """Prints a report on standard output."""
    if json:
        write_text(as_json(report))
        return
    for name, value in report.facts.items():
        if name == report.table:
            _show_table(report)
        else:
            _show_lines(as_lines({name: value}))
    for advice in report.advice:
        _show_advice(advice)


def say(text: str) -> None:
    """Prints a line for people on standard error; where a terminal is too narrow for it, it goes on below."""
    _on_standard_error(_folded(text))


def show_error(said: ErrorWords, error: JpkiError | None = None, *, json: bool = False, exit_code: int = 1) -> None:
    """Prints what went wrong and what to do on standard error, as JSON with the facts where that was asked for."""
    if not json:
        _on_standard_error(_styled(_folded(said.what), _BAD, sys.stderr))
        say(said.todo)
        return
    facts = {
        "kind": "error",
        "version": 1,
        "error": None if error is None else type(error).__name__,
        "message": said.what,
        "advice": said.todo,
        "exit_code": int(exit_code),
        "facts": {} if error is None else plain(error.facts),
    }
    _on_standard_error(json_text(facts))


def show_traceback(error: BaseException) -> None:
    """Prints where an error came from on standard error; its words may hold foreign text."""
    import traceback

    for line in "".join(traceback.format_exception(error)).rstrip("\n").split("\n"):
        _on_standard_error(printable(line))


def write_text(text: str) -> None:
    """Writes a line on standard output."""
    with _standard_output():
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def write_heading(text: str) -> None:
    """Writes a line on standard output that stands out on a terminal."""
    write_text(_styled(text, _BOLD, sys.stdout))


def write_data(data: bytes) -> None:
    """Writes bytes on standard output as they are."""
    with _standard_output():
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


@contextlib.contextmanager
def _standard_output() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise FileUnwritable(path=words("prompts", "stdout"), problem=error.strerror or "cannot be written") from error


def _on_standard_error(text: str) -> None:
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        # Nobody listens, and there is nobody else to tell.
        pass


def _show_advice(advice: Advice) -> None:
    _on_standard_error(_folded(f"→ {advice.text}", hanging=2))
    if advice.command:
        # Never folded: it is there to be copied.
        _on_standard_error(f"    {printable(advice.command)}")


def _folded(text: str, *, hanging: int = 0) -> str:
    """Returns a text in lines that fit the terminal of standard error; the later ones are indented like the first."""
    width = columns_of(sys.stderr)
    if width is None or cells(text) <= width:
        return text
    outer = " " * (len(text) - len(text.lstrip(" ")))
    inner = outer + " " * hanging
    first, *others = wrapped(text, width - len(inner))
    return "\n".join((outer + first, *(inner + line for line in others)))


def columns_of(stream: TextIO) -> int | None:
    """Returns how many columns the terminal has that a stream goes to; None where it goes elsewhere."""
    if not stream.isatty():
        return None
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    try:
        return os.get_terminal_size(stream.fileno()).columns or _USUAL_WIDTH
    except (OSError, ValueError):
        return _USUAL_WIDTH


def _styled(text: str, style: str, stream: TextIO) -> str:
    return f"{style}{text}{_PLAIN}" if _takes_styles(stream) else text


def _takes_styles(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _show_lines(lines: Iterator[Line]) -> None:
    for label, value, tone in lines:
        heading = _styled(f"{label}:", _BOLD, sys.stdout)
        if value is not None and tone:
            value = _styled(value, _TONES[tone], sys.stdout)  # noqa: PLW2901 - the same, coloured
        write_text(heading if value is None else f"{heading} {value}")


def _show_table(report: Report) -> None:
    headings, rows = table_rows(report)
    if not rows:
        write_text(f"{words('labels', report.table or '')}: {words('values', 'nothing')}")
        return
    # Not on a terminal nothing is folded: whoever reads it next has its own width.
    width = columns_of(sys.stdout)
    fitting = _fitted([[Cell(heading) for heading in headings], *rows], width)
    if fitting is None:
        _show_blocks(as_blocks(report), width or 0)
    else:
        _draw(fitting[0], fitting[1:], width or 10_000)


def _fitted(rows: list[list[Cell]], width: int | None) -> list[list[Cell]] | None:
    """Returns the rows with their widest column wrapped so that they fit, None where that would break a word."""
    widths = [max(cells(cell.text) for cell in column) for column in zip(*rows, strict=True)]
    if width is None or sum(widths) + _GAP * (len(widths) - 1) <= width:
        return rows
    widest = widths.index(max(widths))
    room = width - (sum(widths) - widths[widest]) - _GAP * (len(widths) - 1)
    lines = [list(wrapped(row[widest].text, room)) for row in rows]
    if any(cells(line) > room for each in lines for line in each):
        return None
    return [
        [cell._replace(text="\n".join(each)) if index == widest else cell for index, cell in enumerate(row)]
        for row, each in zip(rows, lines, strict=True)
    ]


def _show_blocks(lines: Iterator[Line], width: int) -> None:
    """Shows lines; a value that is too long for the terminal stands below its label, wrapped."""
    for line in lines:
        if line.value is None or cells(f"{line.label}: {line.value}") <= width:
            _show_lines(iter((line,)))
            continue
        _show_lines(iter((line._replace(value=None),)))
        indent = " " * (len(line.label) - len(line.label.lstrip(" -")) + 2)
        for part in wrapped(line.value, width - len(indent)):
            write_text(indent + (_styled(part, _TONES[line.tone], sys.stdout) if line.tone else part))


def _draw(headings: list[Cell], rows: list[list[Cell]], width: int) -> None:
    # Loaded here: rich takes a third of the time in which a command without a table starts and ends.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for heading in headings:
        table.add_column(Text(heading.text), overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell.text, style=_STYLES.get(cell.tone, "")) for cell in row))
    # Wide enough for rich to fold nothing: it reckons with a gap behind the last column too.
    console = Console(
        width=width + _GAP, highlight=False, color_system="standard" if _takes_styles(sys.stdout) else None
    )
    with console.capture() as drawn:
        console.print(table)
    for line in drawn.get().splitlines():
        write_text(line.rstrip())

"""The one resident of a file that a command is for."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import FileUnreadable, NoSuchResident, ResidentsUnreadable
from .frame import FILE, argument, option

if TYPE_CHECKING:
    from jpki.ca import BadResidentFile, Resident

__all__ = ["find_resident", "resident_arguments"]

_LONGEST_LINE = 65_536
_UTF_16 = ("utf-16-le", "utf-16-be")


def resident_arguments(function: Any) -> Any:  # noqa: ANN401 - click decorates functions and commands alike
    """Adds the argument RESIDENTS and `--id`."""
    return argument("residents", type=FILE)(option("--id", "resident_id", required=True, metavar="ID")(function))


def find_resident(file: Path, resident_id: str) -> Resident:
    """Returns the resident with this number; rows of others may be bad, the file as a whole may not.

    Raises BadResident for this resident's row, ResidentsUnreadable, NoSuchResident, FileUnreadable.
    """
    from jpki.ca import BadResident, BadResidentFile, scan_residents

    resident: Resident | None = None
    try:
        # To the end: the number may stand there twice, and then nobody knows which row is meant.
        for found in scan_residents(file):
            if found.resident_id == resident_id:
                if isinstance(found, BadResident):
                    raise found
                resident = found
    except BadResidentFile as error:
        raise _unreadable(file, error) from error
    except OSError as error:
        raise FileUnreadable(path=str(file), problem=error.strerror or "cannot be read") from error
    if resident is None:
        raise NoSuchResident(resident_id=resident_id, path=str(file))
    return resident


def _unreadable(file: Path, error: BadResidentFile) -> ResidentsUnreadable:
    """Returns what is wrong with a file, found out from the line at which reading it ended."""
    from jpki.ca import COLUMNS, FieldProblem

    with file.open("rb") as lines:
        line = next(islice(lines, error.row - 1, None), b"")[:_LONGEST_LINE]
    path = str(file)
    if error.row == 1 and any(COLUMNS[0] in line.decode(encoding, "ignore") for encoding in _UTF_16):
        return ResidentsUnreadable(path=path, row=1, problem="UTF-16")
    match error.problem:
        case FieldProblem.ENCODING:
            # The names of the columns are ASCII: what is not UTF-8 in the first row is no file of residents at all.
            problem = "Shift_JIS" if error.row > 1 and _is_shift_jis(line) else "not UTF-8"
            return ResidentsUnreadable(path=path, row=error.row, problem=problem)
        case FieldProblem.COLUMNS:
            return _wrong_columns(path, line.decode("utf-8-sig"), error.missing)
        case FieldProblem.TOO_LONG:
            return ResidentsUnreadable(path=path, row=error.row, problem="a line that is too long")
        case _:
            return ResidentsUnreadable(path=path, row=error.row, problem="not CSV")


def _is_shift_jis(line: bytes) -> bool:
    try:
        line.decode("cp932")
    except UnicodeDecodeError:
        return False
    return True


def _wrong_columns(path: str, line: str, missing: tuple[str, ...]) -> ResidentsUnreadable:
    from jpki.ca import COLUMNS

    if not line.strip():
        return ResidentsUnreadable(path=path, row=1, problem="empty")
    for separator, problem in ((";", "semicolons"), ("\t", "tabs")):
        if COLUMNS[0] in line.split(separator):
            return ResidentsUnreadable(path=path, row=1, problem=problem)
    if len(missing) * 2 > len(COLUMNS):
        # Whatever else the row holds, it is no list of columns: it may be a person, and is not shown.
        return ResidentsUnreadable(path=path, row=1, problem="no columns")
    named = next(csv.reader([line]))
    unknown = tuple(dict.fromkeys(name for name in named if name not in COLUMNS or named.count(name) > 1))
    return ResidentsUnreadable(path=path, row=1, problem="columns", missing=missing, unknown=unknown)

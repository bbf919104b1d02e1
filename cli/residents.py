"""The one resident of a file that a command is for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import FileUnreadable, NoSuchResident
from .frame import FILE, argument, option

if TYPE_CHECKING:
    from jpki.ca import Resident

__all__ = ["find_resident", "resident_arguments"]


def resident_arguments(function: Any) -> Any:  # noqa: ANN401 - click decorates functions and commands alike
    """Adds the argument RESIDENTS and `--id`."""
    return argument("residents", type=FILE)(option("--id", "resident_id", required=True, metavar="ID")(function))


def find_resident(file: Path, resident_id: str) -> Resident:
    """Returns the resident with this number; rows of others may be bad, the file as a whole may not.

    Raises BadResident for this resident's row, BadResidentFile, NoSuchResident, FileUnreadable.
    """
    from jpki.ca import BadResident, scan_residents

    resident: Resident | None = None
    try:
        # To the end: the number may stand there twice, and then nobody knows which row is meant.
        for found in scan_residents(file):
            if found.resident_id == resident_id:
                if isinstance(found, BadResident):
                    raise found
                resident = found
    except OSError as error:
        raise FileUnreadable(path=str(file), problem=error.strerror or "cannot be read") from error
    if resident is None:
        raise NoSuchResident(resident_id=resident_id, path=str(file))
    return resident

"""The mark that a running service leaves in a file, for those who watch it: that it lives, and what it last did."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from jpki.ca import AnsweringStatus, replace_file

__all__ = ["ServiceMark"]

_MOST_OCTETS = 4096


class ServiceMark:
    """A small file of JSON, written anew every few seconds and removed at an end in good order."""

    def __init__(self, file: Path, looked_at: Callable[[], datetime | None] = lambda: None) -> None:
        """Takes the file, and who knows when the store was last seen."""
        self._file = file
        self._looked_at = looked_at

    def write(self, at: datetime, round_at: datetime | None) -> None:
        """Writes it; `round_at` is when the answers that are made ahead were last all made. Raises OSError."""
        moments = {"written_at": at, "looked_at": self._looked_at(), "round_at": round_at}
        told = {name: None if one is None else one.astimezone(UTC).isoformat() for name, one in moments.items()}
        replace_file(self._file, json.dumps(told).encode() + b"\n")

    def read(self) -> AnsweringStatus | None:
        """Returns what it says; None where there is none, or none that can be read."""
        try:
            with self._file.open("rb") as file:
                told = json.loads(file.read(_MOST_OCTETS))
            moments = {name: _moment(told[name]) for name in ("written_at", "looked_at", "round_at")}
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None
        written = moments["written_at"]
        return None if written is None else AnsweringStatus(written, moments["looked_at"], moments["round_at"])

    def remove(self) -> None:
        """Removes it, where that can be done."""
        try:
            self._file.unlink(missing_ok=True)
        except OSError:
            return


def _moment(told: object) -> datetime | None:
    if told is None:
        return None
    found = datetime.fromisoformat(str(told))
    if found.tzinfo is None:
        raise ValueError("a moment without time zone")
    return found

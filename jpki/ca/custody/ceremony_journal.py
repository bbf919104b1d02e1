"""What has been done of a ceremony so far, in a file beside the record that it is to leave; whole after every step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..files import replace_file, write_new_file
from .errors import CeremonyChanged, CeremonyFileFailed, CeremonyHeld

__all__ = ["CeremonyJournal", "Entry"]

Entry = Mapping[str, Any]


class CeremonyJournal:
    """The entries of one ceremony, in their order; each is on the disk when `note` returns."""

    def __init__(self, record: Path) -> None:
        self.record = record
        self.file = record.with_name(f"{record.name}.journal")
        self._entries: list[Entry] = []

    def begin(self, first: Entry) -> Entry:
        """Returns the first entry: the one of an interrupted run of the same ceremony, else this one, now written.

        Raises CeremonyHeld, CeremonyChanged where the run had begun with another file or authority,
        CeremonyFileFailed.
        """
        if self.record.exists():
            raise CeremonyHeld(record=str(self.record))
        self._entries = self._read()
        if not self._entries:
            self._entries = [first]
            try:
                write_new_file(self.file, self._content())
            except OSError as error:
                raise self._failed(error) from error
        begun = self._entries[0]
        if any(begun.get(name) != first[name] for name in ("ceremony", "authority")):
            raise CeremonyChanged(record=str(self.record))
        return begun

    def found(self, kind: str, which: object) -> Entry | None:
        """Returns the entry of this kind about this thing, or None."""
        return next((one for one in self._entries if one["kind"] == kind and one.get("which") == which), None)

    def told(self, kind: str, which: object) -> Entry:
        """Returns the same entry, which has to be there: KeyError."""
        entry = self.found(kind, which)
        if entry is None:
            raise KeyError(kind)
        return entry

    def note(self, kind: str, which: object, **facts: object) -> Entry:
        """Adds an entry; raises CeremonyFileFailed."""
        entry = {"kind": kind, "which": which, **facts}
        self._entries.append(entry)
        try:
            replace_file(self.file, self._content(), mode=0o600)
        except OSError as error:
            raise self._failed(error) from error
        return entry

    def end(self) -> None:
        """Takes the journal away: the record tells all that it told."""
        self.file.unlink(missing_ok=True)

    def _content(self) -> bytes:
        return "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in self._entries).encode()

    def _read(self) -> list[Entry]:
        try:
            entries = [json.loads(line) for line in self.file.read_text("utf-8").splitlines()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._failed(error) from error
        except ValueError:
            entries = [None]
        if not all(isinstance(entry, dict) and isinstance(entry.get("kind"), str) for entry in entries):
            raise CeremonyFileFailed(record=str(self.file), problem="not a journal of a ceremony")
        return entries

    def _failed(self, error: OSError) -> CeremonyFileFailed:
        return CeremonyFileFailed(record=str(self.file), problem=error.strerror or type(error).__name__)

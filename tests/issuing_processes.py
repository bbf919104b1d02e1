"""Processes that issue on one store, what each was given, and what the store says of it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

from authorities import NOW

from jpki.formats import Certificate
from jpki.store import Store, StoreReading
from jpki.terms import CertificateName

__all__ = ["Workers", "compare", "everything", "wait_for_lines"]

ROOT = Path(__file__).parents[1]
FIRST = 0x0100_0002


class Workers:
    """Processes that issue on one store, and what each was given."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder
        self.address = address
        self.running: list[subprocess.Popen[bytes]] = []
        self.journals: list[Path] = []

    def start(self, first: int, count: int, *, revoking: bool = False) -> None:
        journal = self.folder / f"journal-{len(self.journals)}"
        arguments = [ROOT / "tests" / "issue_in_a_process.py", self.folder, first, count, journal, self.address]
        if revoking:
            arguments.append("revoking")
        environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
        self.running.append(subprocess.Popen([sys.executable, *map(str, arguments)], env=environment))
        self.journals.append(journal)

    def go(self) -> None:
        """Lets all of them begin in the same moment."""
        end = time.monotonic() + 120
        while not all(journal.exists() and "ready" in journal.read_text("ascii") for journal in self.journals):
            assert all(process.poll() is None for process in self.running)
            assert time.monotonic() < end
            time.sleep(0.01)
        (self.folder / "go").touch()

    def confirmed(self) -> list[str]:
        """Returns the names that stand in the journals."""
        return [line for line in self._lines() if line != "ready" and not line.startswith("revoked ")]

    def revoked(self) -> list[str]:
        """Returns the names of certificates whose revocation stands in the journals."""
        return [line.removeprefix("revoked ") for line in self._lines() if line.startswith("revoked ")]

    def _lines(self) -> list[str]:
        lines = [line for journal in self.journals for line in journal.read_text("ascii").splitlines(keepends=True)]
        return [line.strip() for line in lines if line.endswith("\n")]

    def stop(self) -> None:
        for process in self.running:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()


def everything(view: StoreReading) -> dict[CertificateName, bytes]:
    """Returns all certificates in the store, each of which must have its encoded form, and that must be its own."""
    names = [stored.name for stored in view.certificates(at=NOW, limit=1_000_000)]
    found = view.encoded(names)
    assert set(found) == set(names)
    for name, encoded in found.items():
        assert Certificate.parse(encoded).serial == name.number
    return found


def wait_for_lines(process: subprocess.Popen[bytes], journal: Path, count: int) -> None:
    end = time.monotonic() + 120
    while journal.read_text("ascii").count("\n") < count and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.001)


def compare(workers: Workers) -> None:
    confirmed = workers.confirmed()
    # In one view: the server may still be at work on what a killed process asked for last.
    with Store.open(workers.address) as store, store.snapshot() as view:
        found = everything(view)
        assert set(confirmed) <= {str(name) for name in found}
        for name in map(CertificateName.parse, workers.revoked()):
            assert view.revocation(name) is not None
        intents = [intent.name for intent in view.intents()]
        # Every number taken is a certificate or a visible intent, and never both.
        taken = sorted([name.number for name in found] + [name.number for name in intents])
        assert taken == list(range(FIRST, FIRST + len(taken)))
        people = [(stored.holder, stored.name.authority) for stored in view.certificates(at=NOW, limit=1_000_000)]
        assert len(people) == len(set(people))

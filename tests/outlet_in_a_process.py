"""A publisher in a process of its own, for places that a test can only enter so: `… FOLDER SIZE SIZE …`.

Puts one complete list after the other, of so many entries and of rising number, into a folder; prints what came of each
and, at the end, which numbers the files there have.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from published_copies import complete

from jpki.formats import CertificateList
from jpki.outlets import FolderOutlet, OutletError


def main(folder: Path, *sizes: str) -> None:
    told = []
    for number, entries in enumerate(sizes, start=1):
        try:
            told.append(FolderOutlet(folder).put(complete(number, entries=int(entries))).name)
        except OutletError as error:
            told.append([type(error).__name__, error.facts])
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    numbers = {str(path.relative_to(folder)): CertificateList.parse(path.read_bytes()).number for path in files}
    sys.stdout.write(json.dumps({"told": told, "files": numbers}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])

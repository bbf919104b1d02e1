"""A process that backs an authority up, to be killed: `python backup_in_a_process.py FOLDER FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

from authorities import NOW

from jpki.ca import AuthorityFolder, back_up
from jpki.terms import Secret

PASSPHRASE = Secret(b"a passphrase for tests")

if __name__ == "__main__":
    back_up(AuthorityFolder(Path(sys.argv[1])), PASSPHRASE, Path(sys.argv[2]), NOW, tool="1.2.3")

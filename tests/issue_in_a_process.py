"""A process that issues as fast as it can, for tests with several of them, some of which are killed.

`python issue_in_a_process.py FOLDER FIRST COUNT JOURNAL ADDRESS [revoking]`: it prepares COUNT requests (keys of the
pool from FIRST on), writes `ready` to its journal, waits for the file `go` in the folder, and issues in batches of ten.
Each name that it was given goes to its journal, synced, after the call has returned: what stands there was confirmed to
somebody. With `revoking` it also revokes one of each ten, and notes that.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from authorities import ADULT, BOTH, NOW, PoolKeys, issued, request_of
from prime_pool import primes

from emulator import RsaKey
from jpki.ca import Authority, IssueRequest
from jpki.formats import RevocationReason
from jpki.store import Store
from jpki.terms import CertificateName, Role

BATCH = 10


def main(folder: Path, first: int, count: int, journal: Path, address: str, *, revoking: bool) -> None:
    pairs = itertools.islice(itertools.combinations(primes(), 2), first, first + count)
    requests = [request_of(RsaKey(p=p, q=q).private_key) for p, q in pairs]
    role = Role.AUTHENTICATION
    asked = [
        IssueRequest(replace(ADULT, resident_id=f"R{first + number}"), {role: request}, "job")
        for number, request in enumerate(requests)
    ]
    keys = PoolKeys()
    for each in BOTH:
        keys.signing_key(each, 1, make=True)
    with (
        journal.open("a", encoding="ascii") as written,
        Authority(Store.open(address), keys) as authority,
    ):
        note(written, "ready")
        while not (folder / "go").exists():
            time.sleep(0.01)
        for start in range(0, count, BATCH):
            outcomes = authority.issue(asked[start : start + BATCH], NOW)
            names = [str(one.name) for outcome in outcomes for one in issued(outcome).certificates]
            note(written, *names)
            if revoking:
                authority.revoke(CertificateName.parse(names[0]), RevocationReason.KEY_COMPROMISE, NOW)
                note(written, f"revoked {names[0]}")


def note(journal: TextIO, *lines: str) -> None:
    journal.write("".join(f"{line}\n" for line in lines))
    journal.flush()
    os.fsync(journal.fileno())


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        int(sys.argv[2]),
        int(sys.argv[3]),
        Path(sys.argv[4]),
        sys.argv[5],
        revoking=len(sys.argv) > 6,
    )

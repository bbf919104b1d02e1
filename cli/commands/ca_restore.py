"""`jpki ca restore`: an authority put back from a backup, into an empty folder."""

from __future__ import annotations

import shlex
from pathlib import Path

from ..authorities import FOLDER
from ..catalogue import words
from ..frame import FILE, argument, command
from ..moments import now
from ..pins import SecretSource, ask_secret, passphrase_options
from ..report import Advice, Report
from .ca_backup import contents
from .ca_catch_up import owed_facts

__all__ = ["restore"]


@command("ca.restore")
@argument("file", type=FILE)
@argument("folder", type=FOLDER)
@passphrase_options
def restore(*, file: Path, folder: Path, passphrase_fd: int | None) -> Report:
    """Puts store, keys and certificates into a folder, and tells what has to be shown before anything is signed."""
    from jpki.ca import put_back, refuse_occupied

    refuse_occupied(folder)
    what = words("prompts", "passphrase")
    source = SecretSource("JPKI_CA_PASSPHRASE", passphrase_fd, options=("--passphrase-fd", ""))
    done = put_back(file, folder, ask_secret(source, words("prompts", "passphrase.ask", what=what), what), now())
    facts = {
        "folder": str(folder),
        **contents(done.manifest),
        **owed_facts(done.mark),
    }
    shown = "jpki ca catch-up --crl PATH --last sign:NUMBER --last auth:NUMBER --seal PATH"
    advice = Advice(words("prompts", "restored"), f"{shown} --ca {shlex.quote(str(folder))}")
    return Report("authority-restored", facts, advice=(advice,))

"""`jpki ca backup`: the authority in one encrypted file, read back before it has its name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jpki.terms import CertificateName, Role

from ..authorities import AuthorityChoice, signing_options
from ..catalogue import words
from ..files import refuse_to_overwrite
from ..frame import FILE, argument, command
from ..installation import installed_version
from ..moments import now
from ..report import Advice, Report

if TYPE_CHECKING:
    from jpki.ca import Manifest

__all__ = ["backup", "contents"]


@command("ca.backup")
@argument("file", type=FILE)
@signing_options
def backup(choice: AuthorityChoice, *, file: Path) -> Report:
    """Writes store, sealed keys and certificates into a new file, and puts it back once to see that it is whole."""
    from jpki.ca import AuthorityFolder, back_up

    refuse_to_overwrite(file)
    passphrase = choice.asked_passphrase()
    made = back_up(AuthorityFolder(choice.folder), passphrase, file, now(), tool=installed_version())
    facts = {"file": str(file), "size": made.size, "sha256": made.sha256, **contents(made.manifest)}
    advice = [Advice(words("prompts", "backup.keep"))]
    if facts["keys_elsewhere"]:
        advice.append(Advice(words("prompts", "backup.elsewhere")))
    return Report("authority-backup", facts, advice=tuple(advice))


def contents(manifest: Manifest) -> dict[str, object]:
    """Returns what a backup holds, as both commands tell it."""
    rows = manifest.standing.rows
    sequences = manifest.standing.sequences
    return {
        "made_at": manifest.made_at,
        "tool": manifest.tool,
        "schema": manifest.schema,
        "certificate_count": rows["certificate"],
        "revocation_count": rows["revocation"],
        "last_numbers": [CertificateName(role, sequences[role.short].next_number - 1) for role in Role],
        "last_list_numbers": {role.short: sequences[role.short].next_list - 1 for role in Role},
        "last_seal": manifest.standing.last_seal,
        "keys_elsewhere": [
            {"name": CertificateName.parse(key.name), "place": key.place} for key in manifest.keys if key.place
        ],
    }

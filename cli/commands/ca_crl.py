"""`jpki ca crl`: new revocation lists, to be published."""

from __future__ import annotations

from pathlib import Path

import click

from jpki.terms import Role

from ..authorities import FOLDER, AuthorityChoice, signing_options
from ..files import make_folder, write_file
from ..frame import command, option
from ..moments import now
from ..report import Report

__all__ = ["crl"]

_BOTH = "both"


@command("ca.crl")
@option("--role", type=click.Choice(["sign", "auth", _BOTH]), default=_BOTH, variant="list")
@option("--out", "-o", type=FOLDER, metavar="FOLDER", required=True, variant="lists")
@signing_options
def crl(choice: AuthorityChoice, *, role: str, out: Path) -> Report:
    """Makes a complete list of each authority, and puts it in the place of the one before: `sign.crl`, `auth.crl`."""
    roles = tuple(Role) if role == _BOTH else (Role.from_short(role),)
    make_folder(out)
    rows = []
    with choice.signing() as authority:
        for each in roles:
            made = authority.certificate_list(each, now())
            file = out / f"{each.short}.crl"
            write_file(file, made.encoded)
            rows.append(
                {
                    "role": each,
                    "list_number": made.number,
                    "entries": made.entries,
                    "this_update": made.this_update,
                    "next_update": made.next_update,
                    "file": str(file),
                }
            )
    return Report("authority-lists", {"lists": rows}, table="lists")

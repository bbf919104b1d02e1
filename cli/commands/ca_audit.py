"""`jpki ca audit`: the audit trail: seals over it, the check of it, and what it says."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jpki.terms import CertificateName

from ..authorities import FOLDER, AuthorityChoice, authority_option, signing_options
from ..catalogue import words
from ..errors import BadValue, WrongFile
from ..exits import ExitCode
from ..files import read_file
from ..frame import argument, command, file_option, group, option
from ..moments import MOMENT, now
from ..report import Advice, Report
from ..values import Word

if TYPE_CHECKING:
    from jpki.ca import Authority

__all__ = ["audit", "list_", "seal", "verify"]

_MOST = 10_000
_KEY = "public key"
_LABEL = "PUBLIC KEY"
_LONGEST_KEY = 100_000
_ENTRY = re.compile("([0-9]{1,10})/([0-9]{1,10})")

audit = group(
    "ca.audit",
    {
        "seal": ".commands.ca_audit:seal",
        "verify": ".commands.ca_audit:verify",
        "list": ".commands.ca_audit:list_",
    },
)


@command("ca.audit.seal")
@signing_options
def seal(choice: AuthorityChoice) -> Report:
    """Signs the ends of all chains of the audit trail, and keeps that in the store and as a file."""
    from jpki.ca import AuthorityFolder

    folder = AuthorityFolder(choice.folder).seals
    with choice.signing() as authority:
        made = authority.seal(now())
    facts = {
        "seal_number": made.number,
        "sealed_at": made.at,
        "grown_chains": len(made.heads),
        "sha256": made.digest.upper(),
        "file": str(folder.file(made.number)),
        "signature_file": f"{folder.file(made.number)}.sig",
        "public_key_file": str(folder.public_key),
    }
    return Report("audit-seal", facts, advice=(Advice(words("prompts", "audit.copy", folder=str(folder.path))),))


@command("ca.audit.verify")
@option("--seals", type=FOLDER, metavar="FOLDER")
@file_option("--key", variant="audit")
@option("--most", type=click.IntRange(1, _MOST), default=1000)
@authority_option
def verify(choice: AuthorityChoice, *, seals: Path | None, key: Path | None, most: int) -> Report:
    """Holds the audit trail against its seals and the store, and names what was removed, changed or moved."""
    from jpki.ca import AuthorityFolder, SealFolder, check_audit_trail

    own = AuthorityFolder(choice.folder).seals
    folder = own if seals is None else SealFolder(seals, own.public_key)
    with choice.answering() as authority:
        public_key = _public_key(key or own.public_key)
        found = check_audit_trail(authority.store, public_key, files=folder.read(), most=most)
    whole = not found.findings
    facts = {
        "trail": Word("whole" if whole else "broken", of="trail", tone="good" if whole else "bad"),
        "chains": found.chains,
        "audit_entries": found.entries,
        "rows": found.rows,
        "seals": found.seals,
        "sealed_at": found.sealed_at,
        "unsealed": found.unsealed,
        "findings": [
            {
                "finding": Word(one.problem.value, of="audit-problem"),
                "entry": _entry(one.entry),
                "until": one.until,
                "belongs": _entry(one.belongs),
                "row_kind": one.row_kind,
                "row": one.row,
                "seal_number": one.seal,
                "differing": one.facts,
            }
            for one in found.findings
        ],
        "more": found.more,
    }
    return Report("audit-check", facts, exit_code=ExitCode.OK if whole else ExitCode.NOT_VALID)


@command("ca.audit.list")
@argument("name", required=False)
@option("--since", type=MOMENT, metavar="MOMENT")
@option("--limit", type=click.IntRange(1, _MOST), default=100)
@option("--after", metavar="ENTRY", variant="entry")
@authority_option
def list_(
    choice: AuthorityChoice, *, name: str | None, since: datetime | None, limit: int, after: str | None
) -> Report:
    """Lists entries of the audit trail, of one certificate or all, one page at a time."""
    from jpki.ca import listed_entries

    behind = _ENTRY.fullmatch(after) if after is not None else None
    if after is not None and behind is None:
        raise BadValue(parameter="--after", problem="not an entry such as 3/17")
    with choice.answering() as authority:
        found = listed_entries(
            authority.store,
            name=None if name is None else _named(authority, name),
            since=since,
            after=(0, 0) if behind is None else (int(behind[1]), int(behind[2])),
            limit=limit + 1,
        )
    page = found[:limit]
    rows = [{"entry": _entry(one.entry), "at": one.at, "action": one.kind, "facts": _json(one.facts)} for one in page]
    more = _entry(page[-1].entry) if len(found) > limit else None
    return Report("audit-list", {"entries_listed": rows, "next_page_after": more})


def _named(authority: Authority, text: str) -> CertificateName:
    """Returns the certificate that is meant; one that is not there (any more) is looked for by its whole name."""
    return CertificateName.parse(text) if ":" in text else authority.find(text)


def _entry(entry: tuple[int, int] | None) -> str | None:
    return None if entry is None else f"{entry[0]}/{entry[1]}"


def _json(facts: object) -> str:
    """Returns facts as the entry has them: their members are the trail's own words."""
    return json.dumps(facts, sort_keys=True, ensure_ascii=False)


def _public_key(file: Path) -> bytes:
    """Returns the public key (SubjectPublicKeyInfo, DER) in a PEM file; raises WrongFile."""
    from jpki.formats import FormatError, from_pem

    try:
        (found,) = from_pem(read_file(file, largest=_LONGEST_KEY).decode("ascii"), _LABEL)
    except (FormatError, UnicodeDecodeError, ValueError):
        raise WrongFile(path=str(file), what=_KEY, problem="not a public key in PEM") from None
    return found

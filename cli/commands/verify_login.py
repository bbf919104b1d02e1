"""`jpki verify challenge` and `jpki verify login`: a site's two halves of a login, each in a process of its own."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from ..console import write_text
from ..files import make_folder, read_file, refuse_to_overwrite, write_file
from ..frame import FILE, argument, command, file_option, option
from ..moments import now
from ..report import Report
from ..settings import data_folder
from ..trusting import Basis, basis_options, verdict_report
from ..values import Word

if TYPE_CHECKING:
    from jpki.store import RelyingStore
    from jpki.verify import LoginResponse

__all__ = ["challenge", "login"]

_LARGEST = 65_536


@command("verify.challenge")
@option("--origin", required=True, metavar="ORIGIN")
@file_option("--store")
@file_option("--out", "-o", variant="challenge")
@option("--force", is_flag=True)
def challenge(*, origin: str, store: Path | None, out: Path | None, force: bool) -> Report | None:
    """Hands out a challenge, and keeps it until it is answered or five minutes are over."""
    from jpki.accounts import StoredChallenges
    from jpki.verify import NONCE_LENGTH

    if out is not None and not force:
        refuse_to_overwrite(out)
    with _open_store(store) as kept:
        made = StoredChallenges(kept).new(origin, now(), secrets.token_bytes(NONCE_LENGTH))
    text = json.dumps(made.as_facts(), ensure_ascii=False, indent=2)
    if out is None:
        write_text(text)
        return None
    write_file(out, text.encode() + b"\n", replace=force)
    facts = {"origin": made.origin, "expires_at": made.expires_at, "challenge_file": str(out)}
    return Report("challenge-made", facts)


@command("verify.login")
@argument("response", type=FILE)
@file_option("--store")
@basis_options
def login(basis: Basis, *, response: Path, store: Path | None) -> Report:
    """Judges a response to a challenge of this site, which is used up by that."""
    from jpki.accounts import StoredChallenges
    from jpki.verify import Login

    answer = _read_response(response)
    at = now()
    with _open_store(store) as kept:
        asked = StoredChallenges(kept).take(answer, at)
    verdict = basis.judge(Login(answer, asked), at)
    subject = {
        "what": Word("login", of="subject"),
        "origin": asked.origin,
        "challenge_issued_at": asked.issued_at,
        "response_file": str(response),
    }
    return verdict_report(verdict, subject)


def _open_store(named: Path | None) -> RelyingStore:
    """Opens the store of outstanding challenges, and makes it first where there is none."""
    from jpki.store import RelyingStore

    if named is None:
        folder = data_folder(os.environ)
        make_folder(folder)
        named = folder / "challenges.sqlite3"
    return RelyingStore.create(named, taken_up=True)


def _read_response(path: Path) -> LoginResponse:
    from jpki.formats import FormatError
    from jpki.verify import LoginResponse

    try:
        facts = json.loads(read_file(path, largest=_LARGEST))
    except (ValueError, RecursionError) as error:
        raise FormatError(what="login response", problem="not JSON") from error
    return LoginResponse.from_facts(facts)

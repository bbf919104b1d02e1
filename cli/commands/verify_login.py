"""`jpki verify challenge` and `jpki verify login`: a site's two halves of a login, each in a process of its own."""

from __future__ import annotations

import json
import os
import secrets
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from ..catalogue import words
from ..console import write_text
from ..errors import BadValue
from ..file_kinds import read_json_file
from ..files import make_folder, refuse_to_overwrite, write_file
from ..frame import FILE, argument, command, file_option, option
from ..moments import now
from ..report import Advice, Report
from ..settings import data_folder
from ..trusting import Basis, basis_options
from ..values import Word
from ..verdicts import verdict_report

if TYPE_CHECKING:
    from jpki.verify import LoginResponse

__all__ = ["challenge", "login"]


@command("verify.challenge")
@option("--origin", required=True, metavar="ORIGIN")
@file_option("--store")
@file_option("--out", "-o", variant="challenge")
@option("--force", is_flag=True)
def challenge(*, origin: str, store: Path | None, out: Path | None, force: bool) -> Report | None:
    """Hands out a challenge, and keeps it until it is answered or five minutes are over."""
    from jpki.accounts import StoredChallenges
    from jpki.store import RelyingStore
    from jpki.verify import NONCE_LENGTH, BadSubject

    if out is not None and not force:
        refuse_to_overwrite(out)
    try:
        with RelyingStore.create(_store_file(store), taken_up=True) as kept:
            made = StoredChallenges(kept).new(origin, now(), secrets.token_bytes(NONCE_LENGTH))
    except BadSubject as error:
        raise BadValue(parameter="--origin", problem=error.problem) from error
    text = json.dumps(made.as_facts(), ensure_ascii=False, indent=2)
    if out is None:
        write_text(text)
        return None
    write_file(out, text.encode() + b"\n", replace=force)
    facts = {"origin": made.origin, "expires_at": made.expires_at, "challenge_file": str(out)}
    return Report("challenge-made", facts, advice=_advice(out, store))


def _advice(challenge_file: Path, store: Path | None) -> tuple[Advice, ...]:
    where = "" if store is None else f" --store {shlex.quote(str(store))}"
    asked = shlex.quote(str(challenge_file))
    return (
        Advice(words("prompts", "challenge.answer"), f"jpki card auth --challenge {asked} --out response.json"),
        Advice(words("prompts", "challenge.judge"), f"jpki verify login response.json{where} --trust PATH --crl PATH"),
    )


@command("verify.login")
@argument("response", type=FILE)
@file_option("--store")
@basis_options
def login(basis: Basis, *, response: Path, store: Path | None) -> Report:
    """Judges a response to a challenge of this site, which is used up by that."""
    from jpki.accounts import NoSuchChallenge, StoredChallenges
    from jpki.store import NoStore, RelyingStore
    from jpki.verify import Login

    answer = read_json_file(response, "login response", _read_answer)
    at = now()
    try:
        opened = RelyingStore.open(_store_file(store))
    except NoStore as error:
        raise NoSuchChallenge(origin=answer.origin) from error
    with opened as kept:
        asked = StoredChallenges(kept).take(answer, at)
    verdict = basis.judge(Login(answer, asked), at)
    subject = {
        "what": Word("login", of="subject"),
        "origin": asked.origin,
        "challenge_issued_at": asked.issued_at,
        "response_file": str(response),
    }
    return verdict_report(verdict, subject, basis)


def _read_answer(facts: object) -> LoginResponse:
    """Reads a response, and its certificate so far as to know that it is one: what is none uses no challenge up."""
    from jpki.formats import Certificate
    from jpki.verify import LoginResponse

    answer = LoginResponse.from_facts(facts)
    Certificate.parse(answer.certificate)
    return answer


def _store_file(named: Path | None) -> Path:
    """Returns the database of outstanding challenges: the one named, or the one in the data folder."""
    if named is not None:
        return named
    folder = data_folder(os.environ)
    make_folder(folder)
    return folder / "challenges.sqlite3"

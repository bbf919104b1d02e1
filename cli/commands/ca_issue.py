"""`jpki ca issue` and `jpki ca renew`: certificates for requests (PKCS #10) that were made elsewhere."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jpki.terms import Role

from ..authorities import FOLDER, AuthorityChoice, known_card_expiry, notice_facts, signing_options
from ..catalogue import words
from ..errors import MissingParameter
from ..file_kinds import read_request_file
from ..files import make_folder, write_file
from ..frame import command, file_option, option
from ..moments import DAY, now
from ..report import Advice, Report
from ..residents import find_resident, resident_arguments

if TYPE_CHECKING:
    from jpki.ca import Authority, Issued, IssueRequest

__all__ = ["issue", "renew"]

# The job's name: the same request for the same resident again gets the certificate that it got the first time.
_JOB = "request"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What both commands are asked: a resident, a request for each role, and where the certificates go."""

    residents: Path
    resident_id: str
    requests: Mapping[Role, Path]
    out: Path


def _request_options(function: Callable[..., Any]) -> Any:  # noqa: ANN401 - click decorates functions and commands alike
    """Adds the options of both commands; the function gets an _Asked as its second argument."""

    @functools.wraps(function)
    def with_asked(
        choice: AuthorityChoice,
        *,
        residents: Path,
        resident_id: str,
        sign_request: Path | None,
        auth_request: Path | None,
        out: Path,
        **others: object,
    ) -> object:
        files = {Role.SIGNATURE: sign_request, Role.AUTHENTICATION: auth_request}
        requests = {role: file for role, file in files.items() if file is not None}
        if not requests:
            raise MissingParameter(parameter="--sign-request, --auth-request")
        return function(choice, _Asked(residents, resident_id, requests, out), **others)

    decorated: Any = signing_options(with_asked)
    for decorate in (
        option("--out", "-o", type=FOLDER, metavar="FOLDER", required=True, variant="certificates"),
        file_option("--auth-request"),
        file_option("--sign-request"),
        resident_arguments,
    ):
        decorated = decorate(decorated)
    return decorated


@command("ca.issue")
@option("--replace", is_flag=True)
@option("--card-expiry", type=DAY, metavar="DAY")
@_request_options
def issue(choice: AuthorityChoice, asked: _Asked, *, replace: bool, card_expiry: date | None) -> Report:
    """Issues what the requests ask for, one for each role, as one act."""
    return _issue(choice, asked, "replacement" if replace else "first", card_expiry)


@command("ca.renew")
@option("--card-expiry", type=DAY, metavar="DAY", variant="renew")
@_request_options
def renew(choice: AuthorityChoice, asked: _Asked, *, card_expiry: date | None) -> Report:
    """Issues the successors of certificates in their last three months; the old ones are superseded."""
    return _issue(choice, asked, "renewal", card_expiry)


def _issue(choice: AuthorityChoice, asked: _Asked, occasion: str, card_expiry: date | None) -> Report:
    from jpki.ca import IssueRequest, Occasion, Refused

    requests = {role: read_request_file(file) for role, file in asked.requests.items()}
    resident = find_resident(asked.residents, asked.resident_id)
    make_folder(asked.out)
    with choice.signing() as authority:
        at = now()
        kind = Occasion(occasion)
        if kind is Occasion.RENEWAL and card_expiry is None:
            card_expiry = known_card_expiry(authority, asked.resident_id, at)
            if card_expiry is None:
                raise MissingParameter(parameter="--card-expiry")
        request = IssueRequest(resident, requests, _JOB, card_expiry, kind)
        outcome = authority.issue([request], at)[0]
        if isinstance(outcome, Refused):
            raise outcome.error
        facts = _hand_out(authority, request, outcome, at, asked.out)
        replaced = any(one.predecessor is not None for one in outcome.certificates)
    text = words("prompts", "issued.replaced" if replaced else "issued")
    advice = Advice(text, choice.command("jpki ca crl --out FOLDER"))
    return Report("authority-issue", facts, advice=(advice,))


def _hand_out(
    authority: Authority, request: IssueRequest, issued: Issued, at: datetime, out: Path
) -> dict[str, object]:
    """Writes the certificates, confirms them, and returns the facts: nothing is confirmed that is not written."""
    from jpki.ca import decide
    from jpki.formats import Certificate

    rows = []
    for one in issued.certificates:
        file = out / f"{one.name.authority.short}-{one.name.number:08X}.cer"
        write_file(file, one.encoded)
        authority.confirm(one.name, at)
        rows.append(
            {
                "name": one.name,
                "not_after": Certificate.parse(one.encoded).not_after,
                "predecessor": one.predecessor,
                "counterpart": one.counterpart,
                "file": str(file),
            }
        )
    return {
        "holder": issued.holder,
        "certificates": rows,
        "repeated": issued.repeated,
        "notices": notice_facts(decide(request.resident, at, card_expiry=request.card_expiry).notices),
    }

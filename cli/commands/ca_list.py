"""`jpki ca chain` and `jpki ca list`: what the authority knows."""

from __future__ import annotations

from datetime import datetime

import click

from jpki.terms import Role

from ..authorities import AuthorityChoice, authority_option, certificate_row, chain_facts
from ..frame import argument, command, option
from ..moments import MOMENT_TO_COME, now
from ..report import Report

__all__ = ["chain", "list_"]

_STATES = ("valid", "held", "revoked", "expired")
_MOST = 1000


@command("ca.chain")
@argument("name")
@option("--at", type=MOMENT_TO_COME, metavar="MOMENT", variant="state")
@authority_option
def chain(choice: AuthorityChoice, *, name: str, at: datetime | None) -> Report:
    """Shows what was before a certificate and what came after it, and the holder's certificate of the other role."""
    with choice.answering() as authority:
        found = authority.chain(authority.find(name), at or now())
    return Report("certificate-chain", chain_facts(found), table="chain")


@command("ca.list")
@option("--role", type=click.Choice(["sign", "auth"]), variant="filter")
@option("--holder", metavar="ID")
@option("--state", type=click.Choice(_STATES))
@option("--limit", type=click.IntRange(1, _MOST), default=100)
@option("--after", metavar="NAME")
@option("--at", type=MOMENT_TO_COME, metavar="MOMENT", variant="state")
@authority_option
def list_(
    choice: AuthorityChoice,
    *,
    role: str | None,
    holder: str | None,
    state: str | None,
    limit: int,
    after: str | None,
    at: datetime | None,
) -> Report:
    """Lists certificates in order of name, one page at a time."""
    from jpki.store import CertificateState
    from jpki.terms import CertificateName

    with choice.answering() as authority:
        found = authority.list_certificates(
            at or now(),
            role=None if role is None else Role.from_short(role),
            holder=holder,
            state=None if state is None else CertificateState(state),
            after=None if after is None else CertificateName.parse(after),
            limit=limit + 1,
        )
    page, more = found[:limit], len(found) > limit
    facts = {
        "certificates": [certificate_row(one) for one in page],
        "next_page_after": page[-1].name if more else None,
    }
    return Report("certificate-list", facts, table="certificates")

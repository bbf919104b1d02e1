"""`jpki ca revoke`: the end of certificates before their time."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ..authorities import AuthorityChoice, authority_option, reason_word
from ..catalogue import words
from ..console import say
from ..errors import ConfirmationNeeded
from ..frame import argument, command, option
from ..moments import now
from ..report import Advice, Report
from ..stopping import Declined, interruption_told_as

if TYPE_CHECKING:
    from jpki.formats import RevocationReason

__all__ = ["revoke"]

# RFC 5280's words (5.3.1) for holders' certificates. removeFromCRL ends none, and the other two are an authority's own.
_REASONS = (
    "unspecified",
    "keyCompromise",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "certificateHold",
    "privilegeWithdrawn",
)


@command("ca.revoke")
@argument("names", nargs=-1, required=True)
@option("--reason", type=click.Choice(_REASONS, case_sensitive=False), metavar="REASON", required=True)
@option("--yes", "-y", is_flag=True)
@authority_option
def revoke(choice: AuthorityChoice, *, names: tuple[str, ...], reason: str, yes: bool) -> Report:
    """Revokes certificates for a reason. All are found before any is revoked; the same again changes nothing."""
    from jpki.formats import RevocationReason

    why = RevocationReason.from_text(reason)
    with choice.answering() as authority:
        at = now()
        meant = list(dict.fromkeys(authority.find(name) for name in names))
        holders = {name: authority.chain(name, at).certificate.holder for name in meant}
        if not yes:
            _confirm([f"{name} ({holder})" for name, holder in holders.items()], why)
        done = {name: authority.revoke(name, why, at) for name in meant}
    rows = [
        {
            "name": name,
            "holder": holders[name],
            "reason": reason_word(revocation.reason),
            "revoked_at": revocation.revoked_at,
            "noted_at": revocation.noted_at,
        }
        for name, revocation in done.items()
    ]
    advice = Advice(words("prompts", "revoked"), choice.command("jpki ca crl --out FOLDER"))
    return Report("authority-revocation", {"certificates": rows}, advice=(advice,))


def _confirm(named: list[str], reason: RevocationReason) -> None:
    """Asks whether these are meant; raises ConfirmationNeeded where nobody can be asked, Declined for a no."""
    if not sys.stdin.isatty():
        raise ConfirmationNeeded(option="--yes")
    say(words("prompts", "revoke", names=named, reason=reason_word(reason)))
    sys.stderr.write(words("prompts", "revoke.ask"))
    sys.stderr.flush()
    with interruption_told_as("revoke"):
        answer = sys.stdin.readline().strip().lower()
    if answer not in {"y", "yes", "はい"}:
        raise Declined("revoke")

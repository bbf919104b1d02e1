"""An answer, and for how long what it says is good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from jpki.formats import OCSP_MALFORMED_REQUEST, OCSP_UNAUTHORIZED

__all__ = ["MALFORMED", "UNAUTHORIZED", "OcspAnswer", "OcspPolicy"]


class OcspAnswer(NamedTuple):
    """An answer's octets, and from when until when it holds, for caches; `this_update` is also when it was made.

    Both are None where it is not to be kept: an error, an answer with a nonce, one that says `unknown`, and one about
    several certificates.
    """

    encoded: bytes
    this_update: datetime | None = None
    next_update: datetime | None = None

    def __repr__(self) -> str:
        return f"OcspAnswer({len(self.encoded)} octets, {self.this_update}, {self.next_update})"


MALFORMED = OcspAnswer(OCSP_MALFORMED_REQUEST)
UNAUTHORIZED = OcspAnswer(OCSP_UNAUTHORIZED)


@dataclass(frozen=True, slots=True)
class OcspPolicy:
    """How old answers may be, and how many are made ahead. Source of the values: docs/ocsp.md, freshness."""

    lasts: timedelta = timedelta(minutes=15)
    """From thisUpdate to nextUpdate."""
    handed_out: timedelta = timedelta(minutes=10)
    """For so long an answer made ahead is given, so that who gets it has some minutes left to use it."""
    rounds: timedelta = timedelta(minutes=5)
    """What was asked for is made anew so often."""
    retention: timedelta = timedelta(days=3653)
    """What is known of a certificate is kept for ten years after it expired (archiveCutoff)."""
    most: int = 250_000
    """So many answers are kept at most; each needs about a thousand octets."""
    threads: int = 1
    """So many sign at once what is made ahead; those who ask now have the other cores."""

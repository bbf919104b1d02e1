"""What an authority publishes of a certificate: every way in which somebody outside learns of its state, read alike.

Another way of publishing is added to `READINGS`, and every test that asks `published` reads it too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from responding import basic, named, responding

from jpki.ca import Authority
from jpki.formats import CertificateList, CertState, RevocationReason, ocsp_request
from jpki.terms import CertificateName

__all__ = ["GOOD", "Published", "published"]


@dataclass(frozen=True)
class Published:
    """What is told of a certificate: why it is revoked (or held) and since when; nothing where it is good."""

    reason: str = ""
    since: datetime | None = None


GOOD = Published()


def in_complete_list(authority: Authority, name: CertificateName, at: datetime) -> Published:
    """Returns what a new complete list says."""
    found = CertificateList.parse(authority.certificate_list(name.authority, at).encoded).find(name.number)
    if found is None:
        return GOOD
    assert found.reason is not RevocationReason.REMOVE_FROM_CRL
    return Published(found.reason.text, found.revoked_at)


def in_ocsp_answer(authority: Authority, name: CertificateName, at: datetime) -> Published:
    """Returns what is answered about it, signed now; the same has to be given to who asks next."""
    question = ocsp_request([named(authority, name)])
    with responding(authority, at) as responders:
        (answer,) = responders.answers([question], at)
        assert responders.made_ahead(question, at) == answer
    (single,) = basic(answer.encoded).responses
    if single.status.reason is None:
        assert single.status.state is CertState.GOOD
        return GOOD
    return Published(single.status.reason.text, single.status.revoked_at)


READINGS: tuple[Callable[[Authority, CertificateName, datetime], Published], ...] = (in_complete_list, in_ocsp_answer)


def published(authority: Authority, name: CertificateName, at: datetime) -> Published:
    """Returns what is published of a certificate at a moment; all ways of publishing have to say the same."""
    told = {reading(authority, name, at) for reading in READINGS}
    assert len(told) == 1, told
    return told.pop()

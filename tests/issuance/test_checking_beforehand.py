"""What the desk says before a PIN is typed: who would be served, and nobody turned away who would be."""

from __future__ import annotations

import itertools
import secrets
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from authorities import BOTH, NOW
from desk_at_hand import RENEWAL, DeskAtHand, resident

from jpki.ca import AlreadyCertified, NotEntitled, NothingToRenew, Occasion, Reason, RenewalTooEarly, Resident
from jpki.card import CardRemoved, Faulty, lost
from jpki.formats import RevocationReason
from jpki.issuance import IssuanceDesk
from jpki.store import CertificateState
from jpki.terms import Role

UNDER_15 = "R000001"
# More than five years after the first certificates, four before the authority's own end.
LATE = datetime(2032, 3, 1, tzinfo=UTC)


def served(
    desk: DeskAtHand,
    who: Resident | None = None,
    at: datetime = NOW,
    *,
    roles: tuple[Role, ...] = BOTH,
    occasion: Occasion = Occasion.FIRST,
) -> tuple[Role, ...]:
    return IssuanceDesk(desk.authority, secrets.token_bytes).check(
        who or resident(), at, roles=roles, occasion=occasion
    )


def test_an_adult_is_told_both_and_a_child_one(desk: DeskAtHand) -> None:
    assert served(desk) == BOTH
    assert served(desk, roles=(Role.AUTHENTICATION,)) == (Role.AUTHENTICATION,)
    assert served(desk, resident(UNDER_15)) == (Role.AUTHENTICATION,)


def test_who_gets_none_of_what_was_asked_for_is_told_why(desk: DeskAtHand) -> None:
    with pytest.raises(NotEntitled) as caught:
        served(desk, resident(UNDER_15), roles=(Role.SIGNATURE,))
    assert caught.value.reasons == (Reason.UNDER_15,)
    with pytest.raises(NotEntitled) as caught:
        served(desk, replace(resident(), birth_date=None))
    assert caught.value.reasons == (Reason.BIRTH_DATE_UNKNOWN,)


def test_what_the_authority_would_refuse_is_refused_beforehand(desk: DeskAtHand, issued: DeskAtHand) -> None:
    with pytest.raises(NothingToRenew):
        served(desk, occasion=Occasion.RENEWAL)
    with pytest.raises(AlreadyCertified):
        served(issued)
    with pytest.raises(RenewalTooEarly):
        served(issued, occasion=Occasion.RENEWAL)
    assert served(issued, at=RENEWAL, occasion=Occasion.RENEWAL) == BOTH
    assert served(issued, occasion=Occasion.REPLACEMENT) == BOTH
    for one in issued.certificates(NOW):
        issued.authority.revoke(one.name, RevocationReason.AFFILIATION_CHANGED, NOW)
    assert served(issued) == BOTH


def test_work_that_waits_to_be_taken_up_is_not_refused(issued: DeskAtHand) -> None:
    """Its certificates are issued already: asked as new work it would be one too many, or too early."""
    for at in itertools.count(1):
        copy = issued.copied(issued.folder / f"{at}")
        with pytest.raises(CardRemoved):
            copy.renew(wrap=lambda card, at=at: Faulty(card, at, lost))
        if len(copy.certificates(RENEWAL)) > len(BOTH):
            break
        copy.authority.close()
    assert served(copy, at=RENEWAL, occasion=Occasion.FIRST) == BOTH
    copy.renew()
    with pytest.raises(AlreadyCertified):
        served(copy, at=RENEWAL)
    copy.authority.close()


def test_nobody_is_turned_away_whose_card_ends_before_the_authority_does(issued: DeskAtHand) -> None:
    """On a new card the certificates would go to the fifth birthday, which lies behind the authority's own end."""
    assert served(issued, at=LATE, occasion=Occasion.REPLACEMENT) == BOTH
    issued.renew(at=LATE, occasion=Occasion.REPLACEMENT)
    ends = {one.not_after for one in issued.certificates(LATE) if one.state is CertificateState.VALID}
    assert ends == {datetime(2036, 1, 14, 14, 59, 59, tzinfo=UTC)}

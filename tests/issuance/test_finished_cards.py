"""A finished card before the desk again: it is known as what was delivered, and nothing on it is changed."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

import pytest
from authorities import NOW
from desk_at_hand import HOLDER, RENEWAL, DeskAtHand, resident

from jpki.ca import Occasion
from jpki.card import Card, CardRemoved, Encoded, Faulty, LocalConnection, Resolving, lost
from jpki.formats import RevocationReason
from jpki.issuance import Delivered, IssuanceDesk
from jpki.terms import Role

OTHER = "R000057"


def delivered(desk: DeskAtHand, who: str = HOLDER, **options: Any) -> Delivered | None:
    at = options.pop("at", NOW + timedelta(minutes=1))
    with LocalConnection(desk.device) as connection:
        card: Card = Resolving(Encoded(connection))
        return IssuanceDesk(desk.authority, secrets.token_bytes).delivered(
            card, desk.profile, resident(who), at, **options
        )


def finished(desk: DeskAtHand) -> bool:
    with LocalConnection(desk.device) as connection:
        return IssuanceDesk(desk.authority, secrets.token_bytes).finished(Resolving(Encoded(connection)), desk.profile)


def begun(desk: DeskAtHand) -> DeskAtHand:
    with pytest.raises(CardRemoved):
        desk.issue(wrap=lambda card: Faulty(card, 20, lost))
    return desk


def test_a_finished_card_is_told_as_it_left_the_desk(desk: DeskAtHand) -> None:
    issued = desk.issue()
    before = desk.device.state
    assert delivered(desk) == issued
    assert finished(desk)
    assert desk.device.state == before


def test_a_renewed_card_is_told_with_its_new_certificates(issued: DeskAtHand) -> None:
    renewed = issued.renew()
    assert delivered(issued, at=RENEWAL) == renewed


def test_one_certificate_alone_is_told_where_it_was_asked_for(issued: DeskAtHand) -> None:
    found = delivered(issued, roles=(Role.AUTHENTICATION,))
    assert found is not None
    assert [name.authority for name in found.certificates] == [Role.AUTHENTICATION]
    assert found.left_out == {}


def test_a_blank_card_is_not_finished_and_stays_blank(desk: DeskAtHand) -> None:
    before = desk.device.state
    assert delivered(desk) is None
    assert not finished(desk)
    assert desk.device.state == before


def test_a_card_whose_issue_was_interrupted_is_not_finished(desk: DeskAtHand) -> None:
    assert delivered(begun(desk)) is None
    assert not finished(desk)


def test_a_card_whose_renewal_was_interrupted_is_not_done(issued: DeskAtHand) -> None:
    with pytest.raises(CardRemoved):
        issued.renew(wrap=lambda card: Faulty(card, 40, lost))
    assert delivered(issued, at=RENEWAL) is None


def test_a_card_of_another_resident_is_not_what_was_asked_for(issued: DeskAtHand) -> None:
    assert delivered(issued, OTHER) is None


def test_a_card_without_a_certificate_that_was_asked_for_is_not_done(desk: DeskAtHand) -> None:
    desk.issue(roles=(Role.AUTHENTICATION,))
    assert delivered(desk) is None
    assert delivered(desk, roles=(Role.AUTHENTICATION,)) is not None


def test_a_card_with_a_revoked_certificate_is_not_done(issued: DeskAtHand) -> None:
    (first, *_) = issued.valid()
    later = NOW + timedelta(hours=1)
    issued.authority.revoke(first, RevocationReason.AFFILIATION_CHANGED, later)
    assert delivered(issued, at=later) is None


def test_a_card_of_the_holders_whose_certificates_are_on_a_newer_one_is_not_done(issued: DeskAtHand) -> None:
    old = issued.device.state
    issued.put_in_blank(b"JPKI000999")
    later = NOW + timedelta(hours=1)
    replaced = issued.issue(at=later, occasion=Occasion.REPLACEMENT)
    assert delivered(issued, at=later) == replaced
    issued.put_in(old)
    assert delivered(issued, at=later) is None

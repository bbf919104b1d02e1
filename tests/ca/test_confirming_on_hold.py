"""A renewal while the card is on hold: of one role never two certificates stay valid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from authorities import NOW, Applicants, issue_one, name_in

from jpki.ca import AlreadyRevoked, Authority, LifeEvent, Occasion, SuccessorInUse
from jpki.formats import RevocationReason
from jpki.terms import CertificateName, Role

AUTH = Role.AUTHENTICATION
HOLD = RevocationReason.CERTIFICATE_HOLD
HOUR = timedelta(hours=1)
# In the last three months of a certificate that was issued at NOW: it lasts to the fifth birthday after it.
RENEWED = datetime(2030, 12, 1, tzinfo=UTC)


class Renewal:
    """A confirmed authentication certificate, and the one that renews it, not confirmed yet."""

    def __init__(self, authority: Authority, applicants: Applicants) -> None:
        self.authority = authority
        self.resident = applicants.person()
        first = issue_one(authority, applicants.asks(self.resident, [AUTH]), NOW)
        self.old = name_in(first, AUTH)
        authority.confirm(self.old, NOW)
        asked = applicants.asks(self.resident, [AUTH], job="2", occasion=Occasion.RENEWAL)
        self.new = name_in(issue_one(authority, asked, RENEWED), AUTH)
        self._hours = 0

    def next_hour(self) -> datetime:
        self._hours += 1
        return RENEWED + self._hours * HOUR

    def happens(self, kind: str) -> None:
        at = self.next_hour()
        self.authority.apply_event(LifeEvent(f"E-{self._hours}", self.resident.resident_id, kind, at), at)

    def confirm(self) -> None:
        self.authority.confirm(self.new, self.next_hour())

    def hold(self, name: CertificateName) -> None:
        self.authority.revoke(name, HOLD, self.next_hour())

    def release(self, name: CertificateName) -> None:
        self.authority.release(name, self.next_hour())

    def states(self) -> list[str]:
        at = self.next_hour()
        return [self.authority.chain(name, at).certificate.state.value for name in (self.old, self.new)]

    def revocation(self, name: CertificateName) -> tuple[RevocationReason, datetime]:
        found = self.authority.chain(name, self.next_hour()).certificate.revocation
        assert found is not None
        return found.reason, found.revoked_at


@pytest.fixture
def renewal(authority: Authority, applicants: Applicants) -> Renewal:
    return Renewal(authority, applicants)


def test_a_predecessor_on_hold_is_superseded_since_its_hold(renewal: Renewal) -> None:
    renewal.hold(renewal.old)
    renewal.confirm()
    assert renewal.states() == ["revoked", "valid"]
    assert renewal.revocation(renewal.old) == (RevocationReason.SUPERSEDED, RENEWED + HOUR)
    with pytest.raises(AlreadyRevoked):
        renewal.release(renewal.old)


def test_one_on_hold_is_confirmed_and_stays_on_hold(renewal: Renewal) -> None:
    renewal.happens("card-lost")
    assert renewal.states() == ["held", "held"]
    renewal.confirm()
    assert renewal.states() == ["revoked", "held"]
    renewal.confirm()  # once more changes nothing
    renewal.happens("card-found")
    assert renewal.states() == ["revoked", "valid"]


def test_confirmed_after_the_card_was_found_it_supersedes_the_one_before(renewal: Renewal) -> None:
    renewal.happens("card-lost")
    renewal.happens("card-found")
    assert renewal.states() == ["valid", "valid"]
    renewal.confirm()
    assert renewal.states() == ["revoked", "valid"]


def test_one_that_is_revoked_for_good_is_not_confirmed(renewal: Renewal) -> None:
    renewal.authority.revoke(renewal.new, RevocationReason.KEY_COMPROMISE, renewal.next_hour())
    with pytest.raises(AlreadyRevoked):
        renewal.confirm()
    assert renewal.states() == ["valid", "revoked"]


def put_on_hold_beside_its_successor(renewal: Renewal) -> None:
    """Makes what earlier versions left behind: a hold that the confirmation of the next certificate did not end."""
    at = renewal.next_hour()
    renewal.hold(renewal.old)
    with renewal.authority.store.transaction() as change:
        change.confirm(renewal.new, at)


def test_a_hold_does_not_end_where_the_successor_is_in_use(renewal: Renewal) -> None:
    put_on_hold_beside_its_successor(renewal)
    with pytest.raises(SuccessorInUse) as refused:
        renewal.release(renewal.old)
    assert refused.value.facts == {"name": renewal.old, "successor": renewal.new}
    assert renewal.states() == ["held", "valid"]


def test_a_hold_ends_where_the_successor_is_revoked(renewal: Renewal) -> None:
    put_on_hold_beside_its_successor(renewal)
    renewal.authority.revoke(renewal.new, RevocationReason.KEY_COMPROMISE, renewal.next_hour())
    renewal.release(renewal.old)
    assert renewal.states() == ["valid", "revoked"]


def test_a_card_that_is_found_does_not_bring_back_what_was_followed(renewal: Renewal) -> None:
    put_on_hold_beside_its_successor(renewal)
    renewal.happens("card-found")
    assert renewal.states() == ["revoked", "valid"]


def test_a_hold_of_the_successor_ends_as_ever(renewal: Renewal) -> None:
    renewal.confirm()
    renewal.hold(renewal.new)
    renewal.release(renewal.new)
    assert renewal.states() == ["revoked", "valid"]

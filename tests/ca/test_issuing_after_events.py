"""Nothing is issued to whom an event left without a claim: by the last state that was reported, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from authorities import NOW, Applicants, issue_one, name_in

from jpki.ca import Authority, ClaimEnded, ClockBehind, Issued, LifeEvent, Occasion, Refused, Resident
from jpki.ca.batch import CLOCK_TOLERANCE, Batch
from jpki.terms import CertificateName, Role

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
LEFT, LATER = NOW + DAY, NOW + 10 * DAY
LEAVING = ("death", "deletion", "residence-status-lost", "emigration")


class Person:
    """Somebody with certificates issued at NOW, of whom things are reported."""

    def __init__(self, authority: Authority, applicants: Applicants) -> None:
        self.authority, self.applicants = authority, applicants
        self.resident: Resident = applicants.person()
        issue_one(authority, applicants.asks(self.resident), NOW)
        self._count = 0

    def happens(self, kind: str, occurred_at: datetime = LEFT, at: datetime | None = None) -> None:
        self._count += 1
        facts: dict[str, Any] = {"departure": occurred_at.date()} if kind.startswith("emigration") else {}
        name = f"{self.resident.resident_id}-{self._count}"
        event = LifeEvent(name, self.resident.resident_id, kind, occurred_at, **facts)
        self.authority.apply_event(event, at or occurred_at)

    def asks(self, occasion: Occasion = Occasion.REPLACEMENT, at: datetime = LATER) -> Issued | Refused:
        (said,) = self.authority.issue([self.applicants.asks(self.resident, job=f"{at}", occasion=occasion)], at)
        return said


@pytest.fixture
def person(authority: Authority, applicants: Applicants) -> Person:
    return Person(authority, applicants)


def facts_of(said: Issued | Refused) -> dict[str, object]:
    assert isinstance(said, Refused)
    assert isinstance(said.error, ClaimEnded)
    return dict(said.error.facts)


@pytest.mark.parametrize("occasion", [Occasion.FIRST, Occasion.REPLACEMENT])
@pytest.mark.parametrize("kind", LEAVING)
def test_nothing_is_issued_to_whoever_is_dead_or_gone(person: Person, kind: str, occasion: Occasion) -> None:
    person.happens(kind)
    assert facts_of(person.asks(occasion)) == {"role": Role.SIGNATURE, "kind": kind, "ended_at": LEFT}
    foreseen = person.authority.foresee(person.resident, list(Role), LATER, occasion=occasion)
    assert {type(one) for one in foreseen.values()} == {ClaimEnded}


def test_the_others_of_a_batch_are_issued_and_no_number_is_spent(person: Person) -> None:
    person.happens("death")
    asks = person.applicants.asks
    batch = [asks(), asks(person.resident, job="again"), asks()]
    assert [type(one) for one in person.authority.issue(batch, LATER)] == [Issued, Refused, Issued]
    assert person.authority.unfinished(LATER + DAY) == ()


@pytest.mark.parametrize("kind", ["move", "name-change", "emigration-continued", "card-stolen", "stop-use"])
def test_whoever_keeps_a_claim_gets_new_certificates(person: Person, kind: str) -> None:
    person.happens(kind)
    assert isinstance(person.asks(), Issued)


@pytest.mark.parametrize("kind", LEAVING[1:])
def test_whoever_moves_in_again_gets_new_certificates(person: Person, kind: str) -> None:
    person.happens(kind)
    person.happens("name-change", LEFT + HOUR)
    assert facts_of(person.asks())["kind"] == kind
    person.happens("move", LEFT + DAY)
    assert isinstance(person.asks(), Issued)
    person.happens(kind, LATER + DAY)
    assert facts_of(person.asks(at=LATER + 2 * DAY))["kind"] == kind


def test_what_is_reported_late_counts_from_when_it_happened(person: Person) -> None:
    person.happens("move", LEFT + DAY)
    person.happens("deletion", LEFT, LEFT + 2 * DAY)
    assert isinstance(person.asks(), Issued)
    person.happens("death", LEFT, LEFT + 2 * DAY)
    assert facts_of(person.asks(at=LATER + HOUR)) == {"role": Role.SIGNATURE, "kind": "death", "ended_at": LEFT}


def test_a_death_that_comes_while_a_certificate_is_made_stops_it(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes after the numbers were taken, and before what was signed is stored."""
    real = Batch._take_places

    def taken(batch: Batch, plans: Any) -> Any:
        places = real(batch, plans)
        person.happens("death")
        return places

    other = person.applicants.asks()
    with monkeypatch.context() as patched:
        patched.setattr(Batch, "_take_places", taken)
        asked = person.applicants.asks(person.resident, [Role.AUTHENTICATION], job="x", occasion=Occasion.REPLACEMENT)
        said = person.authority.issue([asked, other], LATER)
    assert isinstance(said[0], Refused)
    assert isinstance(said[1], Issued)
    found = person.authority.list_certificates(LATER, holder=person.resident.resident_id)
    assert {one.state.value for one in found} == {"revoked"}


# --- the clock --------------------------------------------------------------------------------------------------------


def test_nothing_is_issued_before_what_was_issued_last(authority: Authority, applicants: Applicants) -> None:
    last = NOW + 60 * DAY
    issue_one(authority, applicants.asks(), last)
    for at in (NOW + DAY, last - CLOCK_TOLERANCE - SECOND):
        with pytest.raises(ClockBehind) as caught:
            authority.issue([applicants.asks()], at)
        assert caught.value.facts == {"role": Role.SIGNATURE, "last": last}
    assert authority.unfinished(last + DAY) == ()
    assert len(authority.list_certificates(last)) == 2


def test_clocks_of_several_machines_may_be_a_little_apart(authority: Authority, applicants: Applicants) -> None:
    issue_one(authority, applicants.asks(), NOW + DAY)
    found = issue_one(authority, applicants.asks(), NOW + DAY - CLOCK_TOLERANCE)
    assert isinstance(name_in(found, Role.SIGNATURE), CertificateName)


def test_each_role_has_its_own_last_moment(authority: Authority, applicants: Applicants) -> None:
    issue_one(authority, applicants.asks(roles=[Role.SIGNATURE]), NOW + 60 * DAY)
    issue_one(authority, applicants.asks(roles=[Role.AUTHENTICATION]), NOW + DAY)
    with pytest.raises(ClockBehind):
        authority.issue([applicants.asks(roles=[Role.SIGNATURE])], NOW + DAY)

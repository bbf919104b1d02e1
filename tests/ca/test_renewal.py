"""Renewal: when, until when, and what becomes of the old certificate at every step."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from authorities import BOTH, NOW, Applicants, certificate_of, issue_one, name_in

from jpki.ca import (
    AlreadyCertified,
    AlreadyRevoked,
    Authority,
    Certifiable,
    CertificateState,
    Issued,
    IssueRequest,
    NoSuchCertificate,
    NothingToRenew,
    Occasion,
    Refused,
    RenewalTooEarly,
    Resident,
)
from jpki.formats import Certificate, RevocationReason
from jpki.terms import CertificateName, Role

END = datetime(2031, 1, 7, 14, 59, 59, tzinfo=UTC)
FIRST_DAY = datetime(2030, 10, 7, 15, 0, 0, tzinfo=UTC)  # 8 October in Japan: less than three months are left
IN_TIME = datetime(2030, 11, 1, tzinfo=UTC)


class Renewing:
    """A person whose certificates, issued and confirmed at NOW, are to be renewed."""

    def __init__(self, authority: Authority, applicants: Applicants) -> None:
        self.authority, self.applicants = authority, applicants
        self.person: Resident = applicants.person()
        self.old = issue_one(authority, applicants.asks(self.person))
        for one in self.old.certificates:
            authority.confirm(one.name, NOW)

    def asks(self, *roles: Role, job: str = "renewal") -> IssueRequest:
        return self.applicants.asks(
            self.person, roles or BOTH, job=job, occasion=Occasion.RENEWAL, card_expiry=date(2036, 1, 7)
        )

    def renew(self, at: datetime = IN_TIME, job: str = "renewal") -> Issued:
        return issue_one(self.authority, self.asks(job=job), at)

    def state(self, name: CertificateName, at: datetime = IN_TIME) -> CertificateState:
        return self.authority.chain(name, at).certificate.state

    def reason(self, name: CertificateName) -> RevocationReason | None:
        found = self.authority.chain(name, IN_TIME).certificate.revocation
        return found.reason if found is not None else None


@pytest.fixture
def renewing(authority: Authority, applicants: Applicants) -> Renewing:
    return Renewing(authority, applicants)


def test_a_renewed_certificate_lasts_to_the_sixth_birthday(renewing: Renewing) -> None:
    ends = {Certificate.parse(one.encoded).not_after for one in renewing.renew().certificates}
    assert ends == {datetime(2036, 1, 7, 14, 59, 59, tzinfo=UTC)}


@pytest.mark.parametrize("occasion", list(Occasion))
def test_what_is_foreseen_is_what_is_issued(renewing: Renewing, occasion: Occasion) -> None:
    request = replace(renewing.asks(), occasion=occasion)
    foreseen = renewing.authority.foresee(
        renewing.person, BOTH, IN_TIME, occasion=occasion, card_expiry=request.card_expiry
    )
    outcome = renewing.authority.issue([request], IN_TIME)[0]
    if isinstance(outcome, Refused):
        assert isinstance(outcome.error, AlreadyCertified)
        assert {type(one) for one in foreseen.values()} == {AlreadyCertified}
        return
    ends = {one.name.authority: Certificate.parse(one.encoded).not_after for one in outcome.certificates}
    assert {role: one.not_after for role, one in foreseen.items() if isinstance(one, Certifiable)} == ends
    fifth_or_sixth = 2036 if occasion is Occasion.RENEWAL else 2035
    assert set(ends.values()) == {datetime(fifth_or_sixth, 1, 7, 14, 59, 59, tzinfo=UTC)}


def test_a_renewed_certificate_follows_the_old_one(renewing: Renewing) -> None:
    new = renewing.renew()
    for role in BOTH:
        assert certificate_of(new, role).predecessor == name_in(renewing.old, role)
        assert certificate_of(new, role).counterpart == name_in(new, role.other)


def test_renewal_begins_three_months_before_the_end(renewing: Renewing) -> None:
    refused = renewing.authority.issue([renewing.asks()], FIRST_DAY - timedelta(seconds=1))[0]
    assert isinstance(refused, Refused)
    assert isinstance(refused.error, RenewalTooEarly)
    assert refused.error.first_day == date(2030, 10, 8)
    assert refused.error.name == name_in(renewing.old, Role.SIGNATURE)
    assert isinstance(renewing.authority.issue([renewing.asks()], FIRST_DAY)[0], Issued)


def test_renewal_is_possible_to_the_last_second(renewing: Renewing) -> None:
    assert isinstance(renewing.authority.issue([renewing.asks()], END)[0], Issued)


def test_what_has_ended_is_not_renewed(renewing: Renewing) -> None:
    refused = renewing.authority.issue([renewing.asks()], END + timedelta(seconds=1))[0]
    assert isinstance(refused, Refused)
    assert isinstance(refused.error, NothingToRenew)


def test_what_was_revoked_is_not_renewed(renewing: Renewing) -> None:
    renewing.authority.revoke(name_in(renewing.old, Role.SIGNATURE), RevocationReason.AFFILIATION_CHANGED, NOW)
    refused = renewing.authority.issue([renewing.asks(Role.SIGNATURE)], IN_TIME)[0]
    assert isinstance(refused, Refused)
    assert isinstance(refused.error, NothingToRenew)
    assert isinstance(renewing.authority.issue([renewing.asks(Role.AUTHENTICATION)], IN_TIME)[0], Issued)


def test_who_has_none_renews_none(authority: Authority, applicants: Applicants) -> None:
    refused = authority.issue([applicants.asks(occasion=Occasion.RENEWAL)], NOW)[0]
    assert isinstance(refused, Refused)
    assert isinstance(refused.error, NothingToRenew)


def test_the_old_certificate_stays_valid_until_the_new_one_is_confirmed(renewing: Renewing) -> None:
    new = renewing.renew()
    for role in BOTH:
        assert renewing.state(name_in(renewing.old, role)) is CertificateState.VALID
    renewing.authority.confirm(name_in(new, Role.SIGNATURE), IN_TIME)
    assert renewing.reason(name_in(renewing.old, Role.SIGNATURE)) is RevocationReason.SUPERSEDED
    assert renewing.state(name_in(renewing.old, Role.AUTHENTICATION)) is CertificateState.VALID
    assert renewing.state(name_in(new, Role.SIGNATURE)) is CertificateState.VALID


def test_confirming_twice_changes_nothing(renewing: Renewing) -> None:
    name = name_in(renewing.renew(), Role.SIGNATURE)
    renewing.authority.confirm(name, IN_TIME)
    before = renewing.authority.chain(name, IN_TIME)
    renewing.authority.confirm(name, IN_TIME + timedelta(days=1))
    assert renewing.authority.chain(name, IN_TIME) == before


def test_a_renewal_that_never_came_onto_the_card_is_discarded_by_the_next(renewing: Renewing) -> None:
    lost = renewing.renew(job="first attempt")
    again = renewing.renew(job="second attempt")
    for role in BOTH:
        assert renewing.reason(name_in(lost, role)) is RevocationReason.UNSPECIFIED
        assert renewing.state(name_in(renewing.old, role)) is CertificateState.VALID
        assert certificate_of(again, role).predecessor == name_in(lost, role)
        renewing.authority.confirm(name_in(again, role), IN_TIME)
        assert renewing.reason(name_in(renewing.old, role)) is RevocationReason.SUPERSEDED
        assert renewing.reason(name_in(lost, role)) is RevocationReason.UNSPECIFIED


def test_what_was_discarded_is_not_confirmed(renewing: Renewing) -> None:
    lost = renewing.renew(job="first attempt")
    renewing.renew(job="second attempt")
    with pytest.raises(AlreadyRevoked):
        renewing.authority.confirm(name_in(lost, Role.SIGNATURE), IN_TIME)


def test_the_same_renewal_asked_again_is_the_same(renewing: Renewing) -> None:
    request = renewing.asks()
    first = issue_one(renewing.authority, request, IN_TIME)
    again = issue_one(renewing.authority, request, IN_TIME)
    assert again.repeated
    assert again.certificates == first.certificates


def test_a_certificate_that_was_never_confirmed_can_be_renewed(authority: Authority, applicants: Applicants) -> None:
    person = applicants.person()
    old = issue_one(authority, applicants.asks(person, [Role.AUTHENTICATION]))
    asks = applicants.asks(person, [Role.AUTHENTICATION], occasion=Occasion.RENEWAL, job="renewal")
    new = issue_one(authority, asks, IN_TIME)
    authority.confirm(name_in(new, Role.AUTHENTICATION), IN_TIME)
    chain = authority.chain(name_in(old, Role.AUTHENTICATION), IN_TIME)
    assert chain.certificate.state is CertificateState.REVOKED
    assert chain.newest.state is CertificateState.VALID


def test_a_holder_never_has_two_confirmed_valid_certificates_of_one_role(renewing: Renewing) -> None:
    names = [name_in(renewing.old, Role.SIGNATURE)]
    for attempt in range(3):
        new = renewing.renew(job=f"attempt {attempt}")
        names.append(name_in(new, Role.SIGNATURE))
    renewing.authority.confirm(names[-1], IN_TIME)
    states = [renewing.state(name) for name in names]
    assert states == [CertificateState.REVOKED] * 3 + [CertificateState.VALID]


def test_confirming_what_does_not_exist_is_an_error(authority: Authority) -> None:
    with pytest.raises(NoSuchCertificate) as caught:
        authority.confirm(CertificateName(Role.SIGNATURE, 5), NOW)
    assert caught.value.number == "sign:00000005"

"""Issuing to somebody who has certificates: the same request once more, a second one, a replacement."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from authorities import BOTH, NOW, Applicants, certificate_of, issue_one, name_in, refusal

from jpki.ca import AlreadyCertified, Authority, KeyInUse, Occasion
from jpki.formats import RevocationReason
from jpki.terms import Role


def test_a_second_valid_certificate_of_one_role_is_refused(authority: Authority, applicants: Applicants) -> None:
    person = applicants.person()
    first = issue_one(authority, applicants.asks(person))
    for role in BOTH:
        error = refusal(authority, applicants.asks(person, [role], job="job 2"))
        assert isinstance(error, AlreadyCertified)
        assert error.name == name_in(first, role)


def test_after_a_revocation_the_role_is_issued_anew_as_successor(authority: Authority, applicants: Applicants) -> None:
    person = applicants.person()
    first = issue_one(authority, applicants.asks(person))
    authority.revoke(name_in(first, Role.SIGNATURE), RevocationReason.AFFILIATION_CHANGED, NOW + timedelta(days=1))
    second = issue_one(authority, applicants.asks(person, [Role.SIGNATURE]), NOW + timedelta(days=2))
    made = certificate_of(second, Role.SIGNATURE)
    assert made.predecessor == name_in(first, Role.SIGNATURE)
    assert made.counterpart == name_in(first, Role.AUTHENTICATION)


def test_after_the_end_of_a_certificate_another_is_issued(authority: Authority, applicants: Applicants) -> None:
    person = applicants.person(residence_expiry=date(2026, 12, 31), nationality="BR")
    first = issue_one(authority, applicants.asks(person))
    stays = replace(person, residence_expiry=date(2029, 12, 31))
    second = issue_one(authority, applicants.asks(stays), NOW + timedelta(days=60))
    assert certificate_of(second, Role.SIGNATURE).predecessor == name_in(first, Role.SIGNATURE)


def test_the_same_request_of_the_same_job_gets_the_same_certificates(
    authority: Authority, applicants: Applicants
) -> None:
    request = applicants.asks()
    first = issue_one(authority, request)
    again = issue_one(authority, request, NOW + timedelta(days=1))
    assert not first.repeated
    assert again == replace(first, repeated=True)
    assert authority.unfinished(NOW + timedelta(days=2)) == ()
    assert len(authority.list_certificates(NOW)) == 2


def test_the_same_request_of_another_job_is_refused(authority: Authority, applicants: Applicants) -> None:
    request = applicants.asks()
    issue_one(authority, request)
    assert isinstance(refusal(authority, replace(request, job="job 2")), KeyInUse)


def test_the_same_request_for_another_person_is_refused(authority: Authority, applicants: Applicants) -> None:
    request = applicants.asks()
    issue_one(authority, request)
    assert isinstance(refusal(authority, replace(request, resident=applicants.person())), KeyInUse)


def test_the_same_request_after_its_certificate_was_revoked_is_refused(
    authority: Authority, applicants: Applicants
) -> None:
    request = applicants.asks(roles=[Role.SIGNATURE])
    first = issue_one(authority, request)
    authority.revoke(name_in(first, Role.SIGNATURE), RevocationReason.KEY_COMPROMISE, NOW)
    assert isinstance(refusal(authority, request), KeyInUse)


def test_the_second_role_of_a_job_joins_the_first(authority: Authority, applicants: Applicants) -> None:
    request = applicants.asks()
    person = request.resident
    alone = replace(request, requests={Role.AUTHENTICATION: request.requests[Role.AUTHENTICATION]})
    first = issue_one(authority, alone)
    both = issue_one(authority, request)
    assert certificate_of(both, Role.AUTHENTICATION) == certificate_of(first, Role.AUTHENTICATION)
    assert certificate_of(both, Role.SIGNATURE).counterpart == name_in(first, Role.AUTHENTICATION)
    assert person.resident_id == both.holder


def test_the_two_certificates_of_a_person_are_each_others_counterpart(
    authority: Authority, applicants: Applicants
) -> None:
    outcome = issue_one(authority, applicants.asks())
    for role in BOTH:
        assert certificate_of(outcome, role).counterpart == name_in(outcome, role.other)


def test_a_replacement_ends_what_it_replaces_at_once(authority: Authority, applicants: Applicants) -> None:
    person = applicants.person()
    first = issue_one(authority, applicants.asks(person))
    later = NOW + timedelta(days=10)
    lost = applicants.asks(person, occasion=Occasion.REPLACEMENT, reason=RevocationReason.KEY_COMPROMISE, job="job 2")
    second = issue_one(authority, lost, later)
    for role in BOTH:
        chain = authority.chain(name_in(second, role), later)
        old = chain.predecessors[0]
        assert old.name == name_in(first, role)
        assert old.revocation is not None
        assert (old.revocation.reason, old.revocation.revoked_at) == (RevocationReason.KEY_COMPROMISE, later)


def test_a_replacement_ends_a_hold_for_good(authority: Authority, applicants: Applicants) -> None:
    person = applicants.person()
    first = issue_one(authority, applicants.asks(person, [Role.SIGNATURE]))
    authority.revoke(name_in(first, Role.SIGNATURE), RevocationReason.CERTIFICATE_HOLD, NOW + timedelta(hours=1))
    later = NOW + timedelta(days=1)
    assert isinstance(refusal(authority, applicants.asks(person, [Role.SIGNATURE]), later), AlreadyCertified)
    issue_one(authority, applicants.asks(person, [Role.SIGNATURE], occasion=Occasion.REPLACEMENT), later)
    old = authority.chain(name_in(first, Role.SIGNATURE), later).certificate.revocation
    assert old is not None
    assert (old.reason, old.revoked_at) == (RevocationReason.SUPERSEDED, NOW + timedelta(hours=1))

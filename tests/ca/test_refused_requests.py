"""Issuing: what is refused, to whom, and with which reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from authorities import BOTH, NOW, Applicants, PoolKeys, issue_one, name_in, refusal, request_of
from prime_pool import PrimePool

from jpki.ca import (
    Authority,
    BadRequest,
    HolderBusy,
    Issued,
    KeyInUse,
    KeyWeakness,
    NotEntitled,
    Reason,
    Refused,
    WeakKey,
)
from jpki.terms import Role


def test_a_child_gets_an_authentication_certificate_and_no_other(authority: Authority, applicants: Applicants) -> None:
    child = applicants.person(birth_date=date(2020, 1, 1))
    error = refusal(authority, applicants.asks(child))
    assert isinstance(error, NotEntitled)
    assert (error.role, error.reasons) == (Role.SIGNATURE, (Reason.UNDER_15,))
    outcome = issue_one(authority, applicants.asks(child, [Role.AUTHENTICATION]))
    assert outcome.certificates[0].counterpart is None


def test_what_is_refused_for_one_role_is_refused_for_both(authority: Authority, applicants: Applicants) -> None:
    bad = {Role.SIGNATURE: applicants.request(), Role.AUTHENTICATION: b"nonsense"}
    error = refusal(authority, applicants.asks(requests=bad))
    assert isinstance(error, BadRequest)
    assert error.role is Role.AUTHENTICATION
    assert authority.list_certificates(NOW) == ()


def test_a_weak_key_is_refused(authority: Authority, applicants: Applicants) -> None:
    p = PrimePool(4).generate().p
    key = PrimePool(4).generate()
    square = replace(key, q=p)
    error = refusal(
        authority,
        applicants.asks(
            requests={
                Role.SIGNATURE: request_of(key.private_key).replace(
                    key.n.to_bytes(256, "big"), square.n.to_bytes(256, "big")
                )
            }
        ),
    )
    assert isinstance(error, WeakKey)
    assert error.weakness is KeyWeakness.CLOSE_PRIMES


def test_a_key_of_another_certificate_is_refused_with_its_name(authority: Authority, applicants: Applicants) -> None:
    key = applicants.keys.generate().private_key
    first = issue_one(authority, applicants.asks(requests={Role.SIGNATURE: request_of(key)}))
    for role in BOTH:
        error = refusal(authority, applicants.asks(requests={role: request_of(key, "another card")}))
        assert isinstance(error, KeyInUse)
        assert (error.role, error.name) == (role, name_in(first, Role.SIGNATURE))


def test_the_key_of_an_authority_is_refused(authority: Authority, applicants: Applicants, keys: PoolKeys) -> None:
    own = keys.signing_key(Role.SIGNATURE, 1)._key
    error = refusal(authority, applicants.asks(requests={Role.AUTHENTICATION: request_of(own)}))
    assert isinstance(error, KeyInUse)
    assert error.name == authority.certificates[Role.SIGNATURE].name


def test_one_key_for_both_roles_is_refused(authority: Authority, applicants: Applicants) -> None:
    key = applicants.keys.generate().private_key
    error = refusal(authority, applicants.asks(requests=dict.fromkeys(BOTH, request_of(key))))
    assert isinstance(error, KeyInUse)
    assert error.name is None


def test_one_key_for_two_people_of_a_batch_goes_to_the_first(authority: Authority, applicants: Applicants) -> None:
    key = applicants.keys.generate().private_key
    batch = [applicants.asks(requests={Role.SIGNATURE: request_of(key)}) for _ in range(2)]
    outcomes = authority.issue(batch, NOW)
    assert isinstance(outcomes[0], Issued)
    assert isinstance(outcomes[1], Refused)
    assert isinstance(outcomes[1].error, KeyInUse)


def test_one_person_twice_in_a_batch_is_served_once(authority: Authority, applicants: Applicants) -> None:
    person = applicants.person()
    outcomes = authority.issue([applicants.asks(person), applicants.asks(person)], NOW)
    assert isinstance(outcomes[0], Issued)
    assert isinstance(outcomes[1], Refused)
    assert isinstance(outcomes[1].error, HolderBusy)

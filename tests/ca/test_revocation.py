"""Revocation: for a reason, from a moment on, and never taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from authorities import NOW, Applicants, issue_one, name_in

from jpki.ca import (
    AlreadyRevoked,
    Authority,
    BadRevocation,
    CertificateExpired,
    CertificateState,
    HoldIsFinal,
    NoSuchCertificate,
    NotOnHold,
    Release,
    Revocation,
)
from jpki.formats import RevocationReason
from jpki.terms import CertificateName, Role

HOUR = timedelta(hours=1)
FINAL = [
    reason
    for reason in RevocationReason
    if reason not in (RevocationReason.CERTIFICATE_HOLD, RevocationReason.REMOVE_FROM_CRL)
]


@pytest.fixture
def name(authority: Authority, applicants: Applicants) -> CertificateName:
    return name_in(issue_one(authority, applicants.asks()), Role.SIGNATURE)


@pytest.mark.parametrize("reason", FINAL, ids=lambda reason: reason.text)
def test_a_certificate_is_revoked_for_a_reason(
    authority: Authority, name: CertificateName, reason: RevocationReason
) -> None:
    record = authority.revoke(name, reason, NOW + HOUR)
    assert record == Revocation(reason, NOW + HOUR, NOW + HOUR)
    status = authority.chain(name, NOW + HOUR).certificate
    assert (status.state, status.revocation) == (CertificateState.REVOKED, record)


def test_the_same_revocation_once_more_changes_nothing(authority: Authority, name: CertificateName) -> None:
    first = authority.revoke(name, RevocationReason.KEY_COMPROMISE, NOW + HOUR)
    assert authority.revoke(name, RevocationReason.KEY_COMPROMISE, NOW + 5 * HOUR) == first


def test_a_second_reason_is_refused_with_the_first(authority: Authority, name: CertificateName) -> None:
    authority.revoke(name, RevocationReason.KEY_COMPROMISE, NOW + HOUR)
    for reason in (RevocationReason.SUPERSEDED, RevocationReason.CERTIFICATE_HOLD):
        with pytest.raises(AlreadyRevoked) as caught:
            authority.revoke(name, reason, NOW + 2 * HOUR)
        assert (caught.value.name, caught.value.reason, caught.value.revoked_at) == (
            name,
            RevocationReason.KEY_COMPROMISE,
            NOW + HOUR,
        )


def test_a_hold_shows_as_such_and_may_end_in_a_revocation_since_then(
    authority: Authority, name: CertificateName
) -> None:
    authority.revoke(name, RevocationReason.CERTIFICATE_HOLD, NOW + HOUR)
    assert authority.chain(name, NOW + HOUR).certificate.state is CertificateState.HELD
    record = authority.revoke(name, RevocationReason.KEY_COMPROMISE, NOW + 3 * HOUR)
    assert record == Revocation(RevocationReason.KEY_COMPROMISE, NOW + HOUR, NOW + 3 * HOUR)
    assert authority.chain(name, NOW + 3 * HOUR).certificate.revocation == record


def test_to_remove_from_the_list_is_no_reason(authority: Authority, name: CertificateName) -> None:
    with pytest.raises(BadRevocation):
        authority.revoke(name, RevocationReason.REMOVE_FROM_CRL, NOW)
    assert authority.chain(name, NOW).certificate.state is CertificateState.VALID


def test_a_revocation_may_count_from_an_earlier_moment(authority: Authority, name: CertificateName) -> None:
    record = authority.revoke(name, RevocationReason.KEY_COMPROMISE, NOW + 5 * HOUR, revoked_at=NOW + HOUR)
    assert record == Revocation(RevocationReason.KEY_COMPROMISE, NOW + HOUR, NOW + 5 * HOUR)


@pytest.mark.parametrize("moment", [NOW + 6 * HOUR, NOW - HOUR], ids=["in the future", "before the certificate"])
def test_a_moment_that_cannot_be_is_refused(authority: Authority, name: CertificateName, moment: datetime) -> None:
    with pytest.raises(BadRevocation) as caught:
        authority.revoke(name, RevocationReason.KEY_COMPROMISE, NOW + 5 * HOUR, revoked_at=moment)
    assert caught.value.name == name
    assert authority.chain(name, NOW).certificate.state is CertificateState.VALID


def test_a_moment_without_time_zone_is_refused(authority: Authority, name: CertificateName) -> None:
    with pytest.raises((ValueError, TypeError)):
        authority.revoke(name, RevocationReason.KEY_COMPROMISE, datetime(2026, 11, 23))  # noqa: DTZ001
    assert authority.chain(name, NOW).certificate.state is CertificateState.VALID


def test_a_certificate_that_has_ended_is_not_revoked(authority: Authority, name: CertificateName) -> None:
    with pytest.raises(CertificateExpired) as caught:
        authority.revoke(name, RevocationReason.KEY_COMPROMISE, datetime(2040, 1, 1, tzinfo=UTC))
    assert caught.value.not_after == datetime(2031, 1, 7, 14, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("number", [0x0100_0001, 0x0100_0003, 5], ids=["the authority's own", "the next", "none"])
def test_what_was_never_issued_is_not_revoked(authority: Authority, name: CertificateName, number: int) -> None:
    with pytest.raises(NoSuchCertificate):
        authority.revoke(CertificateName(Role.SIGNATURE, number), RevocationReason.KEY_COMPROMISE, NOW)


def test_the_counterpart_stays_as_it_is(authority: Authority, name: CertificateName) -> None:
    authority.revoke(name, RevocationReason.AFFILIATION_CHANGED, NOW)
    counterpart = authority.chain(name, NOW).counterpart
    assert counterpart is not None
    assert counterpart.state is CertificateState.VALID


# --- the end of a hold ------------------------------------------------------------------------------------------------


@pytest.fixture
def authentication(authority: Authority, applicants: Applicants) -> CertificateName:
    return name_in(issue_one(authority, applicants.asks()), Role.AUTHENTICATION)


def test_a_hold_ends_and_the_certificate_is_valid_and_can_be_held_again(
    authority: Authority, authentication: CertificateName
) -> None:
    authority.revoke(authentication, RevocationReason.CERTIFICATE_HOLD, NOW + HOUR)
    assert authority.release(authentication, NOW + 2 * HOUR) == Release(NOW + HOUR, NOW + 2 * HOUR)
    status = authority.chain(authentication, NOW + 2 * HOUR).certificate
    assert (status.state, status.revocation) == (CertificateState.VALID, None)
    again = authority.revoke(authentication, RevocationReason.CERTIFICATE_HOLD, NOW + 3 * HOUR)
    assert again.revoked_at == NOW + 3 * HOUR


def test_the_hold_of_a_signature_certificate_does_not_end_by_default(
    authority: Authority, name: CertificateName
) -> None:
    authority.revoke(name, RevocationReason.CERTIFICATE_HOLD, NOW + HOUR)
    with pytest.raises(HoldIsFinal) as refused:
        authority.release(name, NOW + 2 * HOUR)
    assert refused.value.name == name
    assert authority.chain(name, NOW + 2 * HOUR).certificate.state is CertificateState.HELD


def test_only_what_is_on_hold_is_released(authority: Authority, authentication: CertificateName) -> None:
    with pytest.raises(NotOnHold):
        authority.release(authentication, NOW + HOUR)
    with pytest.raises(NoSuchCertificate):
        authority.release(CertificateName(Role.AUTHENTICATION, 0x0FFF_FFFF), NOW)
    authority.revoke(authentication, RevocationReason.SUPERSEDED, NOW + HOUR)
    with pytest.raises(AlreadyRevoked):
        authority.release(authentication, NOW + 2 * HOUR)


def test_an_expired_certificate_is_not_released(authority: Authority, authentication: CertificateName) -> None:
    authority.revoke(authentication, RevocationReason.CERTIFICATE_HOLD, NOW + HOUR)
    with pytest.raises(CertificateExpired):
        authority.release(authentication, datetime(2040, 1, 1, tzinfo=UTC))

"""What is written by the certificate profiles is what the verifier expects; what Japan's roots carry, too."""

from __future__ import annotations

from datetime import timedelta

import pytest
from issued import CHIYODA, DAY, HANAKO, HOLDER_KEY, OTHER_KEY, authority, holder, key, revocation_list
from small_pki import ORIGIN

from jpki.formats import (
    DistributionPoint,
)
from jpki.terms import Role
from jpki.verify import (
    Challenge,
    CheckName,
    Evidence,
    Login,
    LoginResponse,
    SignedDocument,
    Subject,
    Trust,
    Verdict,
    verify,
)

NOW = DAY + timedelta(days=1)
TRUST = Trust.test(*(authority(role).raw for role in Role))


def subject(role: Role, number: int = HOLDER_KEY) -> Subject:
    certificate = holder(role).raw
    if role is Role.SIGNATURE:
        return SignedDocument(b"a contract", key(number).sign(b"a contract"), certificate)
    challenge = Challenge(bytes(32), ORIGIN, NOW)
    return Login(LoginResponse(ORIGIN, challenge.nonce, key(number).sign(challenge.message), certificate), challenge)


def judged(role: Role, *lists: bytes) -> Verdict:
    verdict = verify(subject(role), TRUST, Evidence.of(*lists), NOW)
    assert isinstance(verdict, Verdict)
    return verdict


@pytest.mark.parametrize("role", list(Role))
def test_a_certificate_of_a_profile_is_valid(role: Role) -> None:
    verdict = judged(role, revocation_list(role, 0x06D18005))
    assert verdict.valid, verdict.failed
    assert verdict.holder == (HANAKO if role is Role.SIGNATURE else None)


@pytest.mark.parametrize("role", list(Role))
def test_a_list_of_its_municipality_is_taken(role: Role) -> None:
    (point,) = holder(role).distribution_points
    assert isinstance(point, DistributionPoint)
    assert CHIYODA.name in str(point.directory_names[0])
    assert judged(role, revocation_list(role, point=point.name)).valid


@pytest.mark.parametrize("role", list(Role))
def test_a_certificate_of_a_profile_can_be_revoked(role: Role) -> None:
    verdict = judged(role, revocation_list(role, holder(role).serial))
    assert {check.name for check in verdict.failed} == {CheckName.REVOCATION}


@pytest.mark.parametrize("role", list(Role))
def test_another_key_than_the_certified_one_has_not_signed(role: Role) -> None:
    verdict = verify(subject(role, OTHER_KEY), TRUST, Evidence.of(revocation_list(role)), NOW)
    assert isinstance(verdict, Verdict)
    assert {check.name for check in verdict.failed} == {CheckName.SIGNATURE}

"""The certificate of an OCSP responder, signed by the same key as holders' certificates, is never taken for one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from issued import DAY, authority, key, revocation_list
from ocsp_answers import RESPONDER_KEY, responder
from small_pki import ORIGIN

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


def subject(role: Role) -> Subject:
    own = key(RESPONDER_KEY)
    if role is Role.SIGNATURE:
        return SignedDocument(b"a contract", own.sign(b"a contract"), responder(role).raw)
    challenge = Challenge(bytes(32), ORIGIN, NOW)
    return Login(LoginResponse(ORIGIN, challenge.nonce, own.sign(challenge.message), responder(role).raw), challenge)


@pytest.mark.parametrize("role", list(Role))
def test_what_a_responder_signs_is_no_document_and_no_login(role: Role) -> None:
    verdict = verify(subject(role), TRUST, Evidence.of(revocation_list(role)), NOW)
    assert isinstance(verdict, Verdict)
    assert not verdict.valid
    failed = {check.name for check in verdict.checks if check.problem is not None}
    assert {CheckName.EXTENDED_KEY_USAGE, CheckName.POLICY} <= failed
    # Its chain and its signature are right: only what it may be used for stands between it and a holder.
    assert not failed & {CheckName.CERTIFICATE_SIGNATURE, CheckName.ISSUER, CheckName.VALIDITY, CheckName.ROOT}

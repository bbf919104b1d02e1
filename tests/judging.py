"""What the tests of the verifier have in common: right subjects of the small PKI, a judgement of them, and its rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from small_pki import AUTH_CA, DOCUMENT, HOLDER, NOW, ORIGIN, SIGN_CA, Key

from jpki.verify import (
    Challenge,
    CheckName,
    Evidence,
    Login,
    LoginResponse,
    Missing,
    Problem,
    Result,
    SignedDocument,
    Subject,
    Trust,
    Verdict,
    login_message,
    verify,
)

CHALLENGE = Challenge(bytes(range(32)), ORIGIN, NOW - timedelta(seconds=20))
TRUST = Trust.test(SIGN_CA.root(), AUTH_CA.root())
EVIDENCE = Evidence.of(SIGN_CA.revocation_list(), AUTH_CA.revocation_list())


def document(certificate: bytes | None = None, key: Key = HOLDER, content: bytes = DOCUMENT) -> SignedDocument:
    """Returns a document signed with a key; the certificate is right unless one is given."""
    return SignedDocument(content, key.sign(DOCUMENT), certificate or SIGN_CA.issue(HOLDER))


def login(
    certificate: bytes | None = None,
    *,
    key: Key = HOLDER,
    challenge: Challenge = CHALLENGE,
    origin: str | None = None,
    nonce: bytes | None = None,
) -> Login:
    """Returns a login that answers a challenge; origin and nonce are the challenge's unless others were signed."""
    origin, nonce = origin or challenge.origin, nonce or challenge.nonce
    signature = key.sign(login_message(origin, nonce))
    return Login(LoginResponse(origin, nonce, signature, certificate or AUTH_CA.issue(HOLDER)), challenge)


def answer(
    subject: Subject, *lists: bytes, trust: Trust = TRUST, at: datetime = NOW, evidence: Evidence | None = None
) -> Verdict | Missing:
    """Returns what `verify` says, by these lists or else by both right ones."""
    return verify(subject, trust, evidence or (Evidence.of(*lists) if lists else EVIDENCE), at)


def judged(subject: Subject, *lists: bytes, trust: Trust = TRUST, at: datetime = NOW) -> Verdict:
    """Returns the verdict, as it stands where evidence is missing."""
    said = answer(subject, *lists, trust=trust, at=at)
    return said.verdict if isinstance(said, Missing) else said


def failed(verdict: Verdict) -> set[CheckName]:
    """Returns the names of the checks that failed."""
    return {check.name for check in verdict.failed}


class Alone(NamedTuple):
    """A case in which one check fails and no other: the check, what is wrong, and what becomes of it."""

    check: CheckName
    problem: Problem
    result: Result
    judge: Callable[[], Verdict]

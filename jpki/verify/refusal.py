"""From the checks of a verdict that is not valid to the error that tells most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from .checks import Check, CheckName, Outcome, Problem
from .errors import (
    CertificateOnHold,
    CertificateRevoked,
    ChallengeRefused,
    EvidenceMissing,
    OutsideValidity,
    Refused,
    RootNotTrusted,
    SignatureWrong,
)

__all__ = ["refusal"]

_CHALLENGE = {CheckName.CHALLENGE, CheckName.ORIGIN, CheckName.CHALLENGE_ISSUED, CheckName.CHALLENGE_UNEXPIRED}
_SIGNATURES = {CheckName.SIGNATURE, CheckName.CERTIFICATE_SIGNATURE}
_PERIODS = (CheckName.VALIDITY, CheckName.ROOT_VALIDITY)


class _Said(TypedDict):
    result: str
    certificate: str
    failed: tuple[str, ...]
    not_made: tuple[str, ...]


def refusal(result: str, certificate: str, checks: tuple[Check, ...], crl_for: tuple[str, ...]) -> Refused:
    """Returns the error for a verdict that is not valid.

    It is chosen by what failed, in this order: challenge, signatures, root, period, revocation; the plain refusal for
    anything else that failed; and EvidenceMissing where nothing is wrong but the evidence.
    """
    failed = {check.name: check for check in checks if check.outcome is Outcome.FAILED}
    said = _Said(
        result=result,
        certificate=certificate,
        failed=tuple(name.value for name in failed),
        not_made=tuple(check.name.value for check in checks if check.outcome is Outcome.NOT_MADE),
    )
    if _CHALLENGE & failed.keys():
        return ChallengeRefused(**said)
    if _SIGNATURES & failed.keys():
        return SignatureWrong(**said)
    if CheckName.ROOT in failed:
        return _root(said, failed[CheckName.ROOT])
    for name in _PERIODS:
        if name in failed:
            given = failed[name].given
            return OutsideValidity(**said, not_before=_text(given, "not_before"), not_after=_text(given, "not_after"))
    if CheckName.REVOCATION in failed:
        return _revoked(said, failed[CheckName.REVOCATION])
    if all(name.value.startswith("list-") for name in failed):
        return EvidenceMissing(**said, crl_for=crl_for)
    return Refused(**said)


def _root(said: _Said, check: Check) -> Refused:
    generation = check.given.get("generation")
    return RootNotTrusted(
        **said,
        problem="" if check.problem is None else check.problem.value,
        key_id=_text(check.given, "key_id"),
        generation=generation if isinstance(generation, int) else None,
    )


def _revoked(said: _Said, check: Check) -> Refused:
    since = _text(check.given, "since")
    if check.problem is Problem.ON_HOLD:
        return CertificateOnHold(**said, since=since)
    return CertificateRevoked(**said, reason=_text(check.given, "reason"), since=since)


def _text(given: Mapping[str, object], name: str) -> str:
    return str(given.get(name, ""))

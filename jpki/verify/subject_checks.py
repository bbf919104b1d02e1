"""The checks of what was signed: the signature over the exact bytes, and a login's answer to its challenge."""

from __future__ import annotations

from .case import Case, Finding, Row, depends_on
from .checks import CheckName, Problem, timestamp
from .keys import signature_fits_digest
from .subjects import CertificateAlone, Digest, Login

__all__ = ["LOGIN_ROWS", "SIGNATURE_ROW"]


def _signature(case: Case) -> Finding:
    subject = case.subject
    # A key that is refused is not even tried: a strange exponent can cost a thousand times the work.
    if isinstance(subject, CertificateAlone) or case.key is None or case.key_problem is not None:
        return depends_on(CheckName.KEY)
    digest, octets = subject.digest, len(subject.signature)
    given = {"sha256": digest.hex(), "octets": octets}
    if octets * 8 != case.key.key_size:
        return Finding(Problem.WRONG_LENGTH, given)
    return Finding(None if signature_fits_digest(case.key, subject.signature, digest) else Problem.DOES_NOT_FIT, given)


def _challenge(case: Case) -> Finding:
    login = _login(case)
    same = login.response.nonce == login.challenge.nonce
    return Finding(None if same else Problem.ANOTHER_CHALLENGE, {"nonce": login.response.nonce.hex()})


def _origin(case: Case) -> Finding:
    login = _login(case)
    given = {"origin": login.response.origin, "expected": login.challenge.origin}
    return Finding(None if login.response.origin == login.challenge.origin else Problem.ANOTHER_ORIGIN, given)


def _issued(case: Case) -> Finding:
    issued_at = _login(case).challenge.issued_at
    return Finding(None if issued_at <= case.at else Problem.NOT_YET_ISSUED, {"issued_at": timestamp(issued_at)})


def _unexpired(case: Case) -> Finding:
    expires_at = _login(case).challenge.expires_at
    return Finding(None if case.at < expires_at else Problem.EXPIRED, {"expires_at": timestamp(expires_at)})


def _login(case: Case) -> Login:
    if not isinstance(case.subject, Login):
        raise TypeError("a check of a login, asked of something else")
    return case.subject


def _signed(case: Case) -> str:
    subject = case.subject
    if isinstance(subject, Login):
        return "login response"
    from_digest = not isinstance(subject, CertificateAlone) and isinstance(subject.content, Digest)
    return "digest" if from_digest else "document"


def _of_challenge(case: Case) -> str:
    return "challenge"


SIGNATURE_ROW = Row(CheckName.SIGNATURE, _signature, _signed)
LOGIN_ROWS = (
    Row(CheckName.CHALLENGE, _challenge, _signed),
    Row(CheckName.ORIGIN, _origin, _signed),
    Row(CheckName.CHALLENGE_ISSUED, _issued, _of_challenge),
    Row(CheckName.CHALLENGE_UNEXPIRED, _unexpired, _of_challenge),
)

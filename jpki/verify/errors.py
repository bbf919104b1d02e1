"""What can be wrong with what a verifier is handed, and why a verification does not hold.

BadInput
├── BadSubject(what, problem)             a document, digest, challenge, response, … that cannot be judged
├── BadMoment(problem)                    a moment without a time zone
├── BadRoot(problem, fingerprint)         a root that cannot be trusted by anybody
├── FingerprintMismatch(expected, found)  a root that is not the one its fingerprint names
├── WrongRealm(realm, organization)       a test root offered to the real trust, or the reverse
├── PolicyNotKnown(policy, realm)         a certificate policy that this trust cannot be asked to accept
├── NoEvidenceFolder(folder)              a place to take evidence from that does not exist
└── EvidenceUnreadable(file, problem)     a file of evidence that cannot be read
NotTrusted
└── Refused(result, certificate, failed, not_made)    the verdict is not "valid"; by the reason that tells most:
    ├── ChallengeRefused(…)               the login answers no outstanding challenge of this site
    ├── SignatureWrong(…)                 the signature does not fit the bytes, or the certificate not its root
    ├── RootNotTrusted(…, problem, key_id, generation)    signed by a key that no trusted root has
    ├── OutsideValidity(…, not_before, not_after)    outside its period of validity
    ├── CertificateRevoked(…, reason, since)
    ├── CertificateOnHold(…, since)       not valid now; a hold may end
    └── EvidenceMissing(…, crl_for)       no revocation list at hand that could be relied on
"""

from __future__ import annotations

from jpki.errors import BadInput, NotTrusted

__all__ = [
    "BadMoment",
    "BadRoot",
    "BadSubject",
    "CertificateOnHold",
    "CertificateRevoked",
    "ChallengeRefused",
    "EvidenceMissing",
    "EvidenceUnreadable",
    "FingerprintMismatch",
    "NoEvidenceFolder",
    "OutsideValidity",
    "PolicyNotKnown",
    "Refused",
    "RootNotTrusted",
    "SignatureWrong",
    "WrongRealm",
]


class BadSubject(BadInput):
    """Says what cannot be judged (`what`: "document", "digest", "signature", …) and why (`problem`)."""

    def __init__(self, *, what: str, problem: str) -> None:
        super().__init__()
        self.what = what
        self.problem = problem


class BadMoment(BadInput):
    """Says that the moment to judge for is not one: it has no time zone."""

    def __init__(self, *, problem: str) -> None:
        super().__init__()
        self.problem = problem


class BadRoot(BadInput):
    """Says why a certificate cannot be a root (`problem`, a few English words); `fingerprint` is its SHA-256 in hex."""

    def __init__(self, *, problem: str, fingerprint: str) -> None:
        super().__init__()
        self.problem = problem
        self.fingerprint = fingerprint


class FingerprintMismatch(BadInput):
    """Says that a root is another one than its fingerprint names; both are SHA-256 in hexadecimal."""

    def __init__(self, *, expected: str, found: str) -> None:
        super().__init__()
        self.expected = expected
        self.found = found


class WrongRealm(BadInput):
    """Says that a root of this organization has no place in a trust of this realm ("japan" or "test")."""

    def __init__(self, *, realm: str, organization: str) -> None:
        super().__init__()
        self.realm = realm
        self.organization = organization


class PolicyNotKnown(BadInput):
    """Says that a certificate policy is none of those that a trust of this realm can be asked to accept."""

    def __init__(self, *, policy: str, realm: str) -> None:
        super().__init__()
        self.policy = policy
        self.realm = realm


class NoEvidenceFolder(BadInput):
    """Says that the folder (or single file) that evidence should be taken from does not exist."""

    def __init__(self, *, folder: str) -> None:
        super().__init__()
        self.folder = folder


class EvidenceUnreadable(BadInput):
    """Says which file of evidence could not be read, and why."""

    def __init__(self, *, file: str, problem: str) -> None:
        super().__init__()
        self.file = file
        self.problem = problem


class Refused(NotTrusted):
    """Says that a verdict is not "valid": which checks failed, and which were not made, by name."""

    def __init__(self, *, result: str, certificate: str, failed: tuple[str, ...], not_made: tuple[str, ...]) -> None:
        super().__init__()
        self.result = result
        self.certificate = certificate
        self.failed = failed
        self.not_made = not_made


class ChallengeRefused(Refused):
    """Says that a login does not answer the challenge: another one, another site's, expired or not yet issued."""


class SignatureWrong(Refused):
    """Says that a signature does not fit: the one over the bytes, or the root's over the certificate."""


class RootNotTrusted(Refused):
    """Says that no trusted root has the key that signed (`key_id`, in hex), and why, in a word of `Problem`.

    `other-generation`: the authority is known, but not this key of it; `generation` is its year where that is known.
    """

    def __init__(
        self,
        *,
        result: str,
        certificate: str,
        failed: tuple[str, ...],
        not_made: tuple[str, ...],
        problem: str,
        key_id: str,
        generation: int | None,
    ) -> None:
        super().__init__(result=result, certificate=certificate, failed=failed, not_made=not_made)
        self.problem = problem
        self.key_id = key_id
        self.generation = generation


class OutsideValidity(Refused):
    """Says that the moment lies outside the period of validity, the holder's or the root's (ISO 8601, UTC)."""

    def __init__(
        self,
        *,
        result: str,
        certificate: str,
        failed: tuple[str, ...],
        not_made: tuple[str, ...],
        not_before: str,
        not_after: str,
    ) -> None:
        super().__init__(result=result, certificate=certificate, failed=failed, not_made=not_made)
        self.not_before = not_before
        self.not_after = not_after


class CertificateRevoked(Refused):
    """Says that a certificate was revoked, for which reason (RFC 5280's word), and since when (ISO 8601, UTC)."""

    def __init__(
        self,
        *,
        result: str,
        certificate: str,
        failed: tuple[str, ...],
        not_made: tuple[str, ...],
        reason: str,
        since: str,
    ) -> None:
        super().__init__(result=result, certificate=certificate, failed=failed, not_made=not_made)
        self.reason = reason
        self.since = since


class CertificateOnHold(Refused):
    """Says that a certificate is not valid now; since when (ISO 8601, UTC). A hold may end."""

    def __init__(
        self, *, result: str, certificate: str, failed: tuple[str, ...], not_made: tuple[str, ...], since: str
    ) -> None:
        super().__init__(result=result, certificate=certificate, failed=failed, not_made=not_made)
        self.since = since


class EvidenceMissing(Refused):
    """Says that no revocation list could be relied on; `crl_for` names the authorities whose list is needed."""

    def __init__(
        self,
        *,
        result: str,
        certificate: str,
        failed: tuple[str, ...],
        not_made: tuple[str, ...],
        crl_for: tuple[str, ...],
    ) -> None:
        super().__init__(result=result, certificate=certificate, failed=failed, not_made=not_made)
        self.crl_for = crl_for

"""Pure judgement: a subject, a trust, evidence and a moment in; a verdict, or what is missing for one, out.

It reads no clock and no network. Fetchers beside it bring the evidence that `verify` names as missing.
"""

from .checks import Check, CheckName, Outcome, Problem
from .errors import (
    BadMoment,
    BadRoot,
    BadSubject,
    CertificateOnHold,
    CertificateRevoked,
    ChallengeRefused,
    EvidenceMissing,
    EvidenceUnreadable,
    FingerprintMismatch,
    NoEvidenceFolder,
    OutsideValidity,
    PolicyNotKnown,
    Refused,
    RootNotTrusted,
    SignatureWrong,
    WrongRealm,
)
from .evidence import Evidence, PreparedList, prepare_list
from .fetchers import Fetcher, FolderFetcher, verify_with
from .judge import verify
from .login import CHALLENGE_LIFETIME, NONCE_LENGTH, Challenge, LoginResponse, login_message
from .moments import in_utc
from .policies import POLICIES, PolicyMeaning, Realm
from .roots import Root
from .subjects import CertificateAlone, Digest, Login, SignedDocument, Subject
from .trust import Trust
from .verdict import CrlFor, Missing, Result, Verdict

__all__ = [
    "CHALLENGE_LIFETIME",
    "NONCE_LENGTH",
    "POLICIES",
    "BadMoment",
    "BadRoot",
    "BadSubject",
    "CertificateAlone",
    "CertificateOnHold",
    "CertificateRevoked",
    "Challenge",
    "ChallengeRefused",
    "Check",
    "CheckName",
    "CrlFor",
    "Digest",
    "Evidence",
    "EvidenceMissing",
    "EvidenceUnreadable",
    "Fetcher",
    "FingerprintMismatch",
    "FolderFetcher",
    "Login",
    "LoginResponse",
    "Missing",
    "NoEvidenceFolder",
    "Outcome",
    "OutsideValidity",
    "PolicyMeaning",
    "PolicyNotKnown",
    "PreparedList",
    "Problem",
    "Realm",
    "Refused",
    "Result",
    "Root",
    "RootNotTrusted",
    "SignatureWrong",
    "SignedDocument",
    "Subject",
    "Trust",
    "Verdict",
    "WrongRealm",
    "in_utc",
    "login_message",
    "prepare_list",
    "verify",
    "verify_with",
]

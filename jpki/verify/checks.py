"""The words of a verdict: the checks by name, how each came out, and why one failed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["NOTHING", "Check", "CheckName", "Outcome", "Problem", "timestamp"]

NOTHING: Mapping[str, object] = MappingProxyType({})


class CheckName(Enum):
    """The checks, in the order of a verdict. Source: docs/relying-party.md, checks."""

    __hash__ = object.__hash__  # a name is looked up a hundred times a judgement, and Enum's own hash is Python

    CHALLENGE = "challenge"
    ORIGIN = "origin"
    CHALLENGE_ISSUED = "challenge-issued"
    CHALLENGE_UNEXPIRED = "challenge-unexpired"
    SIGNATURE = "signature"
    PURPOSE = "purpose"
    FORM = "form"
    ALGORITHM = "algorithm"
    KEY = "key"
    ROOT = "root"
    ISSUER = "issuer"
    CERTIFICATE_SIGNATURE = "certificate-signature"
    VALIDITY = "validity"
    ROOT_VALIDITY = "root-validity"
    BASIC_CONSTRAINTS = "basic-constraints"
    KEY_USAGE = "key-usage"
    EXTENDED_KEY_USAGE = "extended-key-usage"
    POLICY = "policy"
    CRITICAL_EXTENSIONS = "critical-extensions"
    ATTRIBUTES = "attributes"
    LIST_KEY = "list-key"
    LIST_SIGNATURE = "list-signature"
    LIST_EXTENSIONS = "list-extensions"
    LIST_COMPLETE = "list-complete"
    LIST_SCOPE = "list-scope"
    LIST_NUMBER = "list-number"
    LIST_FRESH = "list-fresh"
    REVOCATION = "revocation"


class Outcome(Enum):
    """How a check came out. One that was not made holds no more than one that failed."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_MADE = "not-made"


class Problem(Enum):
    """Why a check failed or was not made."""

    MALFORMED = "malformed"  # the bytes it looks at do not hold what they should
    ANOTHER_CHALLENGE = "another-challenge"
    ANOTHER_ORIGIN = "another-origin"
    NOT_YET_ISSUED = "not-yet-issued"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    WRONG_LENGTH = "wrong-length"
    DOES_NOT_FIT = "does-not-fit"  # a signature, and the bytes and key it should fit
    OTHER_PURPOSE = "other-purpose"
    NOT_VERSION_3 = "not-version-3"
    BAD_SERIAL = "bad-serial"
    ALGORITHM_REFUSED = "algorithm-refused"
    ALGORITHMS_DIFFER = "algorithms-differ"
    NOT_RSA = "not-rsa"
    KEY_TOO_SHORT = "key-too-short"
    BAD_EXPONENT = "bad-exponent"
    NO_KEY_IDENTIFIER = "no-key-identifier"
    OTHER_GENERATION = "other-generation"  # the authority is known, this key of it is not
    UNKNOWN_AUTHORITY = "unknown-authority"
    TEST_AUTHORITY = "test-authority"
    REAL_AUTHORITY = "real-authority"
    NAMES_DIFFER = "names-differ"
    ROOT_NUMBER_DIFFERS = "root-number-differs"
    PRESENT = "present"
    ABSENT = "absent"
    NOT_CRITICAL = "not-critical"
    NOT_EXACT = "not-exact"
    TEST_POLICY = "test-policy"
    REAL_POLICY = "real-policy"
    POLICY_REFUSED = "policy-refused"
    UNKNOWN_CRITICAL = "unknown-critical"
    NO_LIST = "no-list"
    DELTA = "delta"
    OTHER_SCOPE = "other-scope"
    NO_NUMBER = "no-number"
    NUMBER_WENT_BACK = "number-went-back"
    NO_NEXT_UPDATE = "no-next-update"
    STALE = "stale"
    REVOKED = "revoked"
    ON_HOLD = "on-hold"
    DEPENDS = "depends"  # on a check that did not pass, so it could not be made


class Check(NamedTuple):
    """One row of a verdict: what was judged, how it came out, from which source, and for which time.

    `given` holds what the check looked at, by name: texts, numbers, lists of them; never an attribute of a person.
    `source` says where that came from: `certificate sign:06D18006`, `root 64114F29…`, `list 41 of sign`, `challenge`.
    `time` is the moment the source speaks for: the moment of the judgement, and thisUpdate for what a list says.
    """

    name: CheckName
    outcome: Outcome
    source: str
    time: datetime
    problem: Problem | None = None
    given: Mapping[str, object] = NOTHING

    @property
    def passed(self) -> bool:
        """Returns whether the check was made and holds."""
        return self.outcome is Outcome.PASSED

    def as_facts(self) -> dict[str, object]:
        """Returns the row as JSON has it."""
        return {
            "name": self.name.value,
            "outcome": self.outcome.value,
            "problem": None if self.problem is None else self.problem.value,
            "given": dict(self.given),
            "source": self.source,
            "time": timestamp(self.time),
        }


def timestamp(moment: datetime) -> str:
    """Returns a moment as JSON has it: ISO 8601 in UTC, `2026-11-22T00:00:00Z`, a fraction only where there is one."""
    moment = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return moment.isoformat().removesuffix("+00:00") + "Z"

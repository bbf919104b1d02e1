"""What a judgement says: a verdict with every check in it, or which evidence is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import NoReturn

from jpki.formats import Certificate, Name
from jpki.terms import CertificateName, FourAttributes, Role

from .checks import Check, CheckName, Outcome, Problem, timestamp
from .policies import Realm
from .refusal import refusal

__all__ = ["CrlFor", "Missing", "Result", "Verdict"]

_OF_EVIDENCE = frozenset(name for name in CheckName if name.value.startswith("list-"))


class Result(Enum):
    """What all checks together say. Only VALID is a yes.

    INDETERMINATE: nothing was found wrong with the subject, but not everything could be made sure of; with other
    evidence, or the root of another generation, it may become valid. INVALID: no evidence can make it so.
    """

    VALID = "valid"
    INVALID = "invalid"
    INDETERMINATE = "indeterminate"


@dataclass(frozen=True, slots=True)
class CrlFor:
    """A revocation list that is needed: of this root's key, for one of these distribution points, to hold then."""

    root: CertificateName
    issuer: Name
    key_id: bytes
    points: tuple[Name, ...]
    at: datetime

    def as_facts(self) -> dict[str, object]:
        """Returns the need as JSON has it."""
        return {
            "root": str(self.root),
            "issuer": str(self.issuer),
            "key_id": self.key_id.hex(),
            "points": [str(point) for point in self.points],
            "at": timestamp(self.at),
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a subject was judged for a moment: every check that belongs to it, made or not, in one row each.

    `result` is VALID where every check that belongs to the subject was made and holds. `expected` are the checks that
    have to pass; a row that is absent counts as not made. `crl_for` names the lists that could change the result; it is
    empty where no list could.
    """

    at: datetime
    realm: Realm
    role: Role | None
    certificate: Certificate = field(repr=False)
    checks: tuple[Check, ...]
    expected: frozenset[CheckName] = field(repr=False)
    crl_for: tuple[CrlFor, ...] = ()
    result: Result = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "result", _result(self.checks, self.expected))

    @property
    def valid(self) -> bool:
        """Returns whether the result is VALID."""
        return self.result is Result.VALID

    @property
    def name(self) -> CertificateName | None:
        """Returns the certificate by authority and number; None where no trusted root says which authority it is."""
        return None if self.role is None else self.certificate.name(self.role)

    @property
    def holder(self) -> FourAttributes | None:
        """Returns the four attributes out of a valid signature certificate. What is not valid says nobody's name."""
        return self.certificate.attributes if self.valid and self.role is Role.SIGNATURE else None

    @property
    def failed(self) -> tuple[Check, ...]:
        """Returns the checks that were made and do not hold."""
        return tuple(check for check in self.checks if check.outcome is Outcome.FAILED)

    @property
    def not_made(self) -> tuple[Check, ...]:
        """Returns the checks that could not be made."""
        return tuple(check for check in self.checks if check.outcome is Outcome.NOT_MADE)

    def check(self, name: CheckName) -> Check | None:
        """Returns the row of this name, or None where it does not belong to the subject."""
        return next((check for check in self.checks if check.name is name), None)

    def require(self) -> Verdict:
        """Returns the verdict itself if it is VALID; raises a leaf of Refused, the one that tells most, otherwise."""
        if not self.valid:
            named = str(self.name or f"{self.certificate.serial:08X}")
            raise refusal(self.result.value, named, self.checks, tuple(str(need.root) for need in self.crl_for))
        return self

    def as_facts(self) -> dict[str, object]:
        """Returns the verdict as JSON has it. It holds no attribute of the holder."""
        return {
            "kind": "verdict",
            "version": 1,
            "result": self.result.value,
            "at": timestamp(self.at),
            "trust": self.realm.value,
            "role": None if self.role is None else self.role.value,
            "certificate": None if self.name is None else str(self.name),
            "serial": f"{self.certificate.serial:X}",
            "checks": [check.as_facts() for check in self.checks],
            "crl_for": [need.as_facts() for need in self.crl_for],
        }


@dataclass(frozen=True, slots=True)
class Missing:
    """Says that no revocation list at hand is for the certificate; bring one of `crl_for`, and ask again.

    It is no verdict on its own: never a yes. `verdict` is how things stand without the list, and never VALID.
    """

    crl_for: tuple[CrlFor, ...]
    verdict: Verdict

    @property
    def valid(self) -> bool:
        """Returns False: what is not known is not good."""
        return False

    def require(self) -> NoReturn:
        """Raises EvidenceMissing."""
        self.verdict.require()
        raise AssertionError("a verdict without evidence that is valid")

    def as_facts(self) -> dict[str, object]:
        """Returns it as JSON has it: the verdict as it stands, of kind `missing-evidence`."""
        return self.verdict.as_facts() | {"kind": "missing-evidence"}


def _result(checks: tuple[Check, ...], expected: frozenset[CheckName]) -> Result:
    if all(check.outcome is Outcome.PASSED for check in checks):
        everything = bool(expected) and expected <= {check.name for check in checks}
        return Result.VALID if everything else Result.INDETERMINATE
    return Result.INVALID if any(_decides(check) for check in checks) else Result.INDETERMINATE


def _decides(check: Check) -> bool:
    if check.outcome is not Outcome.FAILED or check.name in _OF_EVIDENCE:
        return False
    return not (check.name is CheckName.ROOT and check.problem is Problem.OTHER_GENERATION)

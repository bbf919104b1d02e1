"""One case to be judged: what was handed in, and what follows from it, found out once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import rsa

from jpki.formats import Certificate, FormatError
from jpki.terms import Role

from .checks import NOTHING, Check, CheckName, Outcome, Problem
from .consulting import Consulted, consult
from .evidence import Evidence
from .keys import key_problem, rsa_key
from .policies import POLICIES
from .roots import Root
from .subjects import CertificateAlone, Login, Subject
from .trust import Trust

__all__ = ["Case", "Finding", "Row", "depends_on", "passed"]


class Finding(NamedTuple):
    """What a check found: no problem, or which; and what it looked at."""

    problem: Problem | None = None
    given: Mapping[str, object] = NOTHING


_PASSED, _FAILED, _NOT_MADE = Outcome.PASSED, Outcome.FAILED, Outcome.NOT_MADE
_KEEP_FROM_MAKING = (Problem.DEPENDS, Problem.NO_LIST)


def passed(**given: object) -> Finding:
    """Returns the finding of a check that holds."""
    return Finding(None, given)


def depends_on(check: CheckName) -> Finding:
    """Returns the finding of a check that cannot be made, because that other one did not pass."""
    return Finding(Problem.DEPENDS, {"check": check.value})


class Case:
    """A subject, a trust, evidence and a moment, with the certificate read, its root looked for and its key loaded."""

    def __init__(self, subject: Subject, trust: Trust, evidence: Evidence, at: datetime) -> None:
        """Takes what is to be judged; raises FormatError where the certificate is none."""
        self.subject = subject
        self.trust = trust
        self.evidence = evidence
        self.at = at
        self.certificate = Certificate.parse(subject.certificate)
        self.problems: dict[CheckName, Problem | None] = {}

    @property
    def purpose(self) -> Role | None:
        """Returns the role that the subject asks of its certificate; None where it asks for neither."""
        if isinstance(self.subject, CertificateAlone):
            return self.subject.role
        return Role.AUTHENTICATION if isinstance(self.subject, Login) else Role.SIGNATURE

    @cached_property
    def root(self) -> Root | None:
        """Returns the trusted root whose key the certificate names as its issuer's, or None."""
        return self.trust.root_of(self.certificate)

    @cached_property
    def root_name(self) -> str:
        """Returns the root's name as a text, empty where there is no root."""
        return "" if self.root is None else str(self.root.name)

    @cached_property
    def role(self) -> Role | None:
        """Returns what the certificate is for: by its root, else by the policy it claims, else by what is asked."""
        if self.root is not None:
            return self.root.role
        try:
            claimed = {POLICIES[policy].role for policy in self.certificate.policies if policy in POLICIES}
        except FormatError:
            claimed = set()
        return claimed.pop() if len(claimed) == 1 else self.purpose

    @cached_property
    def key(self) -> rsa.RSAPublicKey | None:
        """Returns the certified key, or None where it is no RSA key that can be used."""
        return rsa_key(self.certificate.public_key_info)

    @cached_property
    def consulted(self) -> Consulted:
        """Returns which revocation lists are looked at."""
        return consult(self.evidence, self.certificate, self.root, self.at)

    @cached_property
    def key_problem(self) -> Problem | None:
        """Returns why the certified key is refused, or None if it is not."""
        return key_problem(self.key)

    @cached_property
    def certificate_source(self) -> str:
        """Returns where facts of the certificate come from: its name, `certificate sign:06D18006`, as far as known."""
        name = f"{self.certificate.serial:08X}" if self.role is None else self.certificate.name(self.role)
        return f"certificate {name}"

    @cached_property
    def list_source(self) -> str:
        """Returns where facts about revocation come from: `list 41 of sign:067C6A21`, or the evidence as a whole."""
        judged = self.consulted.judged
        if judged is None or self.root is None:
            return "evidence"
        number = judged.content.number
        return f"list {'without number' if number is None else number} of {self.root_name}"


def _of_certificate(case: Case) -> str:
    return case.certificate_source


def _at_the_moment(case: Case) -> datetime:
    return case.at


@dataclass(frozen=True, slots=True)
class Row:
    """One check: its name, the function that judges, and how to say where the facts came from and of which time."""

    name: CheckName
    judge: Callable[[Case], Finding]
    source: Callable[[Case], str] = _of_certificate
    time: Callable[[Case], datetime] = _at_the_moment

    def check(self, case: Case) -> Check:
        """Returns the row of the verdict. Bytes that cannot be read make it fail; nothing makes it pass by accident."""
        try:
            problem, given = self.judge(case)
        except FormatError as error:
            problem, given = Problem.MALFORMED, {"what": error.what, "problem": error.problem}
        case.problems[self.name] = problem
        outcome = _PASSED if problem is None else _NOT_MADE if problem in _KEEP_FROM_MAKING else _FAILED
        return Check(self.name, outcome, self.source(case), self.time(case), problem, given)

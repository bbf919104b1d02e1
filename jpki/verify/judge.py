"""The judgement: a subject, a trust, evidence and a moment in; a verdict, or what is missing for one, out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from .case import Case, Row
from .certificate_checks import CERTIFICATE_ROWS, PURPOSE_ROW
from .checks import CheckName
from .evidence import Evidence
from .list_checks import LIST_ROWS
from .moments import in_utc
from .roots import Root
from .subject_checks import LOGIN_ROWS, SIGNATURE_ROW
from .subjects import CertificateAlone, Login, SignedDocument, Subject
from .trust import Trust
from .verdict import CrlFor, Missing, Result, Verdict

__all__ = ["verify"]


def _with_names(*rows: Row) -> tuple[tuple[Row, ...], frozenset[CheckName]]:
    return rows, frozenset(row.name for row in rows)


_ALONE = _with_names(*CERTIFICATE_ROWS, *LIST_ROWS)
_FOR_A_ROLE = _with_names(PURPOSE_ROW, *CERTIFICATE_ROWS, *LIST_ROWS)
_DOCUMENT = _with_names(SIGNATURE_ROW, PURPOSE_ROW, *CERTIFICATE_ROWS, *LIST_ROWS)
_LOGIN = _with_names(*LOGIN_ROWS, SIGNATURE_ROW, PURPOSE_ROW, *CERTIFICATE_ROWS, *LIST_ROWS)


def verify(subject: Subject, trust: Trust, evidence: Evidence, at: datetime) -> Verdict | Missing:
    """Judges a signed document, a login or a certificate for the moment `at`, which must carry a time zone.

    Returns a Verdict with every check that belongs to the subject. Where nothing speaks against it but that no
    revocation list at hand is for its certificate, returns Missing: bring one, and ask again. It reads no clock, file
    or network.

    Raises BadInput for what cannot be judged at all: FormatError for a certificate that is none, BadMoment for a moment
    without time zone. Source: docs/relying-party.md; RFC 5280, section 6.
    """
    at = in_utc(at)
    rows, expected = _rows(subject)
    case = Case(subject, trust, evidence, at)
    checks = tuple([row.check(case) for row in rows])
    role = None if case.root is None else case.root.role
    verdict = Verdict(at, trust.realm, role, case.certificate, checks, expected)
    if verdict.result is not Result.INDETERMINATE or case.root is None:
        return verdict
    # Nothing is wrong but the lists: the only way here, as a root of another generation leaves no root.
    need = _need(case, case.root)
    verdict = replace(verdict, crl_for=(need,))
    return verdict if case.consulted.at_hand else Missing((need,), verdict)


def _rows(subject: Subject) -> tuple[tuple[Row, ...], frozenset[CheckName]]:
    if isinstance(subject, Login):
        return _LOGIN
    if isinstance(subject, SignedDocument):
        return _DOCUMENT
    if isinstance(subject, CertificateAlone):
        return _ALONE if subject.role is None else _FOR_A_ROLE
    raise TypeError(f"{type(subject).__name__} is nothing that can be judged")


def _need(case: Case, root: Root) -> CrlFor:
    points = tuple(name for point in case.certificate.distribution_points for name in point.directory_names)
    return CrlFor(root.name, root.certificate.subject, root.key_id, points, case.at)

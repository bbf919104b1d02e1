"""The checks of a certificate: its form, its path to a root, its period, what it may be used for."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from jpki.formats import SHA256_WITH_RSA, Certificate, signature_algorithm_name
from jpki.terms import CertificateName, Role

from .case import Case, Finding, Row, depends_on, passed
from .checks import CheckName, Problem, timestamp
from .keys import signature_fits
from .policies import HOLDER_PROFILES, POLICIES, TEST_POLICY_ARC, Realm
from .published import generation_of
from .roots import realm_of

__all__ = ["CERTIFICATE_ROWS", "PURPOSE_ROW"]

_KEY_USAGE = "2.5.29.15"
_POLICIES = "2.5.29.32"
# The extensions whose meaning a check here or the holder's attributes bear. Any other that is critical refuses.
_UNDERSTOOD = frozenset(
    {
        _KEY_USAGE,
        _POLICIES,
        "2.5.29.14",  # subjectKeyIdentifier
        "2.5.29.17",  # subjectAltName
        "2.5.29.18",  # issuerAltName
        "2.5.29.19",  # basicConstraints
        "2.5.29.31",  # cRLDistributionPoints
        "2.5.29.35",  # authorityKeyIdentifier
        "2.5.29.37",  # extKeyUsage
        "1.3.6.1.5.5.7.1.1",  # authorityInfoAccess
    }
)
_text_of = lru_cache(maxsize=64)(str)  # of a root's name, which every certificate under it repeats


def _purpose(case: Case) -> Finding:
    if case.root is None:
        return depends_on(CheckName.ROOT)
    asked, certified = case.purpose, case.root.role
    given = {"asked": None if asked is None else asked.value, "certified": certified.value}
    return Finding(None if asked is certified else Problem.OTHER_PURPOSE, given)


def _form(case: Case) -> Finding:
    certificate = case.certificate
    if certificate.version != 3:
        return Finding(Problem.NOT_VERSION_3, {"version": certificate.version})
    certificate.check_extensions()
    return passed(version=3, octets=len(certificate.raw))


def _algorithm(case: Case) -> Finding:
    written = case.certificate.signature_algorithm
    given = {"algorithm": signature_algorithm_name(written)}
    return Finding(None if written == SHA256_WITH_RSA else Problem.ALGORITHM_REFUSED, given)


def _key(case: Case) -> Finding:
    if case.key is None:
        return Finding(case.key_problem)
    return Finding(case.key_problem, {"algorithm": "RSA", "bits": case.key.key_size})


def _root(case: Case) -> Finding:
    named = case.certificate.authority_key_id
    if named is None or named.key_id is None:
        return Finding(Problem.NO_KEY_IDENTIFIER, {"issuer": str(case.certificate.issuer)})
    given: dict[str, object] = {"key_id": named.key_id.hex()}
    if case.root is not None:
        return Finding(None, given | {"fingerprint": case.root.fingerprint})
    given["issuer"] = str(case.certificate.issuer)
    realm = realm_of(case.certificate.issuer)
    if realm is None:
        return Finding(Problem.UNKNOWN_AUTHORITY, given)
    if realm is not case.trust.realm:
        return Finding(Problem.TEST_AUTHORITY if realm is Realm.TEST else Problem.REAL_AUTHORITY, given)
    if realm is Realm.JAPAN and named.serial is not None and case.role is not None:
        given["generation"] = generation_of(CertificateName(case.role, named.serial))
    return Finding(Problem.OTHER_GENERATION, given)


def _issuer(case: Case) -> Finding:
    certificate, root = case.certificate, case.root
    named = certificate.authority_key_id
    if root is None or named is None:
        return depends_on(CheckName.ROOT)
    if certificate.issuer.raw != root.certificate.subject.raw:
        return Finding(Problem.NAMES_DIFFER, {"issuer": str(certificate.issuer), "root": case.root_name})
    given = {"issuer": _text_of(certificate.issuer), "root": case.root_name}
    if named.issuer is not None and named.issuer.raw != root.certificate.issuer.raw:
        return Finding(Problem.NAMES_DIFFER, given)
    differs = named.serial is not None and named.serial != root.certificate.serial
    return Finding(Problem.ROOT_NUMBER_DIFFERS if differs else None, given)


def _certificate_signature(case: Case) -> Finding:
    certificate, root = case.certificate, case.root
    if root is None:
        return depends_on(CheckName.ROOT)
    if certificate.signature_algorithm != SHA256_WITH_RSA:
        return depends_on(CheckName.ALGORITHM)
    fits = signature_fits(root.key, certificate.signature, certificate.tbs)
    return Finding(None if fits else Problem.DOES_NOT_FIT, {"root": case.root_name})


def _validity(case: Case) -> Finding:
    return _period(case.at, case.certificate)


def _root_validity(case: Case) -> Finding:
    if case.root is None:
        return depends_on(CheckName.ROOT)
    return _period(case.at, case.root.certificate)


def _period(at: datetime, certificate: Certificate) -> Finding:
    given = {"not_before": timestamp(certificate.not_before), "not_after": timestamp(certificate.not_after)}
    if at < certificate.not_before:
        return Finding(Problem.NOT_YET_VALID, given)
    return Finding(None if at <= certificate.not_after else Problem.EXPIRED, given)


def _basic_constraints(case: Case) -> Finding:
    constraints = case.certificate.basic_constraints
    return passed() if constraints is None else Finding(Problem.PRESENT, {"ca": constraints.ca})


def _key_usage(case: Case) -> Finding:
    usages = case.certificate.key_usage
    if case.role is None:
        return depends_on(CheckName.ROOT)
    if usages is None:
        return Finding(Problem.ABSENT)
    given = {"usages": sorted(usages)}
    if usages != HOLDER_PROFILES[case.role].key_usage:
        return Finding(Problem.NOT_EXACT, given)
    return Finding(_unless_critical(case.certificate, _KEY_USAGE), given)


def _extended_key_usage(case: Case) -> Finding:
    purposes = case.certificate.extended_key_usage
    if case.role is None:
        return depends_on(CheckName.ROOT)
    expected = HOLDER_PROFILES[case.role].extended_key_usage
    given = {"purposes": list(purposes or ())}
    if (purposes or ()) == expected:
        return Finding(None, given)
    if not expected:
        return Finding(Problem.PRESENT, given)
    return Finding(Problem.ABSENT if purposes is None else Problem.NOT_EXACT, given)


def _policy(case: Case) -> Finding:
    policies = case.certificate.policies
    if case.role is None:
        return depends_on(CheckName.ROOT)
    if not policies:
        return Finding(Problem.ABSENT)
    given = {"policies": list(policies)}
    if len(policies) > 1:
        return Finding(Problem.NOT_EXACT, given)
    if case.trust.accepts(policies[0], case.role):
        return Finding(_unless_critical(case.certificate, _POLICIES), given)
    return Finding(_refused(policies[0], case.trust.realm), given)


def _refused(policy: str, realm: Realm) -> Problem:
    meaning = POLICIES.get(policy)
    if realm is Realm.JAPAN and policy.startswith(TEST_POLICY_ARC):
        return Problem.TEST_POLICY
    return Problem.REAL_POLICY if meaning is not None and meaning.realm is not realm else Problem.POLICY_REFUSED


def _unless_critical(certificate: Certificate, oid: str) -> Problem | None:
    extension = certificate.extension(oid)
    return None if extension is not None and extension.critical else Problem.NOT_CRITICAL


def _critical_extensions(case: Case) -> Finding:
    critical = [extension.oid for extension in case.certificate.extensions if extension.critical]
    unknown = [oid for oid in critical if oid not in _UNDERSTOOD]
    return Finding(Problem.UNKNOWN_CRITICAL if unknown else None, {"critical": critical, "unknown": unknown})


def _attributes(case: Case) -> Finding:
    attributes = case.certificate.attributes
    if case.role is None:
        return depends_on(CheckName.ROOT)
    if case.role is Role.AUTHENTICATION:
        return passed(attributes="none") if attributes is None else Finding(Problem.PRESENT)
    if attributes is None:
        return Finding(Problem.ABSENT)
    # What is odd is told by field, never by value. Only what is missing refuses: the rest is given out as written.
    odd = list(case.certificate.attribute_problems)
    missing = any(problem.endswith(": missing") for problem in odd)
    return Finding(Problem.ABSENT if missing else None, {"attributes": "all", "odd": odd})


def _root_source(case: Case) -> str:
    return "trust" if case.root is None else f"root {case.root_name}"


PURPOSE_ROW = Row(CheckName.PURPOSE, _purpose)
CERTIFICATE_ROWS = (
    Row(CheckName.FORM, _form),
    Row(CheckName.ALGORITHM, _algorithm),
    Row(CheckName.KEY, _key),
    Row(CheckName.ROOT, _root, _root_source),
    Row(CheckName.ISSUER, _issuer),
    Row(CheckName.CERTIFICATE_SIGNATURE, _certificate_signature),
    Row(CheckName.VALIDITY, _validity),
    Row(CheckName.ROOT_VALIDITY, _root_validity, _root_source),
    Row(CheckName.BASIC_CONSTRAINTS, _basic_constraints),
    Row(CheckName.KEY_USAGE, _key_usage),
    Row(CheckName.EXTENDED_KEY_USAGE, _extended_key_usage),
    Row(CheckName.POLICY, _policy),
    Row(CheckName.CRITICAL_EXTENSIONS, _critical_extensions),
    Row(CheckName.ATTRIBUTES, _attributes),
)

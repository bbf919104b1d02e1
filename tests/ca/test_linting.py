"""What is looked at before a certificate is signed: each fault alone keeps the signature from being made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from authorities import NOW, Applicants, issue_one

from jpki.ca import Authority, CertificateUnsound, Issued, IssueRequest, Refused
from jpki.ca import issuer as issuers
from jpki.formats import CertificateProfile, load_certificate_profile
from jpki.terms import Role

SIGN = Role.SIGNATURE


def without(profile: CertificateProfile, oid: str) -> CertificateProfile:
    return replace(profile, extensions=tuple(rule for rule in profile.extensions if rule.oid != oid))


def changed(profile: CertificateProfile, oid: str, **fields: object) -> CertificateProfile:
    rules = tuple(replace(rule, **fields) if rule.oid == oid else rule for rule in profile.extensions)  # type: ignore[arg-type]
    return replace(profile, extensions=rules)


KEY_USAGE, POLICIES, POINTS, ACCESS = "2.5.29.15", "2.5.29.32", "2.5.29.31", "1.3.6.1.5.5.7.1.1"
AUTHORITY_KEY, KEY = "2.5.29.35", "2.5.29.14"

FAULTS: dict[str, tuple[Callable[[CertificateProfile], CertificateProfile], str]] = {
    "the policy of the real authority": (
        lambda profile: changed(profile, POLICIES, policy="1.2.392.200149.8.5.1.1.20"),
        "a policy that is not the tests'",
    ),
    "no policy": (lambda profile: without(profile, POLICIES), "a policy that is not the tests'"),
    "no key of the authority": (
        lambda profile: without(profile, AUTHORITY_KEY),
        "it does not name the authority's key",
    ),
    "no identifier of its key": (lambda profile: without(profile, KEY), "its key identifier is not its key's"),
    "a name that is too long": (
        lambda profile: replace(
            profile, subject=(("C", "JP"), ("L", "{prefecture}" + "x" * 128), *profile.subject[2:])
        ),
        "a name longer than RFC 5280 allows",
    ),
}


def refused(authority: Authority, asked: IssueRequest) -> tuple[Role, str]:
    """Returns of what role the certificate is that is not signed, and why."""
    (one,) = authority.issue([asked], NOW)
    assert isinstance(one, Refused)
    assert isinstance(one.error, CertificateUnsound)
    return one.error.role, one.error.problem


@pytest.mark.parametrize(("fault", "problem"), FAULTS.values(), ids=list(FAULTS))
def test_a_profile_with_a_fault_signs_nothing(
    authority: Authority,
    applicants: Applicants,
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[CertificateProfile], CertificateProfile],
    problem: str,
) -> None:
    wrong = fault(load_certificate_profile("sign"))
    monkeypatch.setattr(issuers, "holder_profile", lambda _: wrong)
    assert refused(authority, applicants.asks(roles=[SIGN])) == (SIGN, problem)
    assert authority.list_certificates(NOW) == ()


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda meant: without(meant, ACCESS), "other extensions than the profile's, or in another order"),
        (lambda meant: changed(meant, POINTS, critical=True), "other critical extensions than the profile's"),
        (
            lambda meant: changed(meant, KEY_USAGE, usages=frozenset({"digitalSignature"})),
            "a use of the key that is not the profile's, or a critical extension that nobody reads",
        ),
    ],
    ids=["an extension lost", "another one critical", "another use of the key"],
)
def test_what_was_written_is_compared_with_the_profile(
    authority: Authority,
    applicants: Applicants,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[CertificateProfile], CertificateProfile],
    problem: str,
) -> None:
    """The template is prepared from a profile that somebody spoilt meanwhile."""
    meant = load_certificate_profile("sign")
    prepare = CertificateProfile.template
    monkeypatch.setattr(CertificateProfile, "template", lambda _, *parts: prepare(spoil(meant), *parts))
    assert refused(authority, applicants.asks(roles=[SIGN])) == (SIGN, problem)


@pytest.mark.filterwarnings("ignore:Attribute's length")
def test_what_cannot_be_signed_for_one_stops_nobody_else(authority: Authority, applicants: Applicants) -> None:
    """Also where it comes again with every repetition."""
    good = [applicants.asks() for _ in range(4)]
    for attempt in range(2):
        wrong = applicants.asks(applicants.person(municipality_romaji="A" * 140))
        said = authority.issue([*good[:2], wrong, *good[2:]], NOW)
        assert [type(one) for one in said] == [Issued, Issued, Refused, Issued, Issued]
        assert isinstance(said[2], Refused)
        assert (said[2].holder, said[2].error.facts) == (
            wrong.holder,
            {"role": SIGN, "problem": "a name longer than RFC 5280 allows"},
        )
        assert [one.repeated for one in said if isinstance(one, Issued)] == [attempt == 1] * 4
    assert {one.holder for one in authority.list_certificates(NOW)} == {one.holder for one in good}


def test_every_municipality_is_looked_at_once(
    authority: Authority, applicants: Applicants, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Role] = []
    real = issuers.lint
    monkeypatch.setattr(issuers, "lint", lambda tbs, role, *rest: (looked.append(role), real(tbs, role, *rest)))
    for _ in range(2):
        issue_one(authority, applicants.asks())
    assert sorted(looked, key=lambda role: role.short) == sorted(Role, key=lambda role: role.short)

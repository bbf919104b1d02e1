"""Each row of a verdict tells what was judged, from which source and for which time: typed here, not computed."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from judging import TRUST, answer, document, judged, login
from small_pki import (
    AUTH_CA,
    DOCUMENT,
    HOLDER,
    NOW,
    POLICIES,
    SIGN_CA,
    STRANGER,
    directory,
    full_name,
    municipality_name,
    policies,
    revoked,
)

from jpki.terms import Role
from jpki.verify import (
    CertificateAlone,
    CheckName,
    Digest,
    Evidence,
    Missing,
    Problem,
    SignedDocument,
    Subject,
    verify,
)

AT, LISTED = "2026-11-22T03:00:00Z", "2026-11-22T00:00:00Z"
CERTIFICATE, ROOT, LIST = "certificate sign:0A0B0C0D", "root sign:067C6A21", "list 41 of sign:067C6A21"
CERTIFICATE_DER, LIST_DER = SIGN_CA.issue(HOLDER), SIGN_CA.revocation_list()
KEY_ID = SIGN_CA.key.key_id.hex()
AUTHORITY = "O=JPKI-TEST, OU=JPKI for digital signature, OU=Japan Agency for Local Authority Information Systems"

Rows = dict[str, tuple[dict[str, object], str, str]]

OF_A_DOCUMENT: Rows = {
    "signature": ({"sha256": hashlib.sha256(DOCUMENT).hexdigest(), "octets": 256}, "document", AT),
    "purpose": ({"asked": "signature", "certified": "signature"}, CERTIFICATE, AT),
    "form": ({"version": 3, "octets": len(CERTIFICATE_DER)}, CERTIFICATE, AT),
    "algorithm": ({"algorithm": "sha256WithRSAEncryption"}, CERTIFICATE, AT),
    "key": ({"algorithm": "RSA", "bits": 2048}, CERTIFICATE, AT),
    "root": ({"key_id": KEY_ID, "fingerprint": hashlib.sha256(SIGN_CA.root()).hexdigest()}, ROOT, AT),
    "issuer": ({"issuer": f"C=JP, {AUTHORITY}", "root": "sign:067C6A21"}, CERTIFICATE, AT),
    "certificate-signature": ({"root": "sign:067C6A21"}, CERTIFICATE, AT),
    "validity": ({"not_before": "2026-10-03T03:00:00Z", "not_after": "2030-11-21T03:00:00Z"}, CERTIFICATE, AT),
    "root-validity": ({"not_before": "2023-11-23T03:00:00Z", "not_after": "2033-11-20T03:00:00Z"}, ROOT, AT),
    "basic-constraints": ({}, CERTIFICATE, AT),
    "key-usage": ({"usages": ["digitalSignature", "nonRepudiation"]}, CERTIFICATE, AT),
    "extended-key-usage": ({"purposes": []}, CERTIFICATE, AT),
    "policy": ({"policies": ["1.2.392.200149.8.5.1.0.20"]}, CERTIFICATE, AT),
    "critical-extensions": ({"critical": ["2.5.29.15", "2.5.29.32"], "unknown": []}, CERTIFICATE, AT),
    "attributes": ({"attributes": "all", "odd": []}, CERTIFICATE, AT),
    "list-key": ({"key_id": KEY_ID, "root": "sign:067C6A21"}, LIST, LISTED),
    "list-signature": ({"root": "sign:067C6A21", "sha256": hashlib.sha256(LIST_DER).hexdigest()}, LIST, LISTED),
    "list-extensions": ({"unknown": []}, LIST, LISTED),
    "list-complete": ({"entries": 0}, LIST, LISTED),
    "list-scope": (
        {
            "points": [],
            "only_user_certificates": True,
            "only_ca_certificates": False,
            "only_attribute_certificates": False,
            "only_some_reasons": False,
            "indirect": False,
        },
        LIST,
        LISTED,
    ),
    "list-number": ({"number": 41}, LIST, LISTED),
    "list-fresh": ({"this_update": LISTED, "next_update": "2026-11-24T00:00:00Z"}, LIST, LISTED),
    "revocation": ({"list": 41, "entries": 0}, LIST, LISTED),
}
HOLDERS = "certificate auth:0A0B0C0D"
# What differs in a login.
OF_A_LOGIN: Rows = {
    "challenge": ({"nonce": bytes(range(32)).hex()}, "login response", AT),
    "origin": ({"origin": "https://bank.example", "expected": "https://bank.example"}, "login response", AT),
    "challenge-issued": ({"issued_at": "2026-11-22T02:59:40Z"}, "challenge", AT),
    "challenge-unexpired": ({"expires_at": "2026-11-22T03:04:40Z"}, "challenge", AT),
    "signature": (
        {"sha256": "044c58e5019fcf5989a34e3f0a2680e21a16fdb3eba3f2d1ec52be66307bff10", "octets": 256},
        "login response",
        AT,
    ),
    "purpose": ({"asked": "authentication", "certified": "authentication"}, HOLDERS, AT),
    "key-usage": ({"usages": ["digitalSignature"]}, HOLDERS, AT),
    "extended-key-usage": ({"purposes": ["1.3.6.1.5.5.7.3.2"]}, HOLDERS, AT),
    "policy": ({"policies": ["1.2.392.200149.8.5.1.0.30"]}, HOLDERS, AT),
    "attributes": ({"attributes": "none"}, HOLDERS, AT),
    "list-number": ({"number": 41}, "list 41 of auth:06D18006", LISTED),
}


def rows(subject: Subject, *lists: bytes) -> Rows:
    """Returns the rows of a judgement as JSON has them."""
    facts = [check.as_facts() for check in judged(subject, *lists).checks]
    return {str(row["name"]): (dict(row["given"]), str(row["source"]), str(row["time"])) for row in facts}  # type: ignore[call-overload]


def test_every_row_of_a_good_document_tells_what_was_judged_its_source_and_time() -> None:
    assert rows(document()) == OF_A_DOCUMENT


def test_the_rows_of_a_good_login_tell_of_challenge_and_response() -> None:
    found = rows(login())
    assert {name: found[name] for name in OF_A_LOGIN} == OF_A_LOGIN
    assert list(found) == [name.value for name in CheckName]
    assert {source for _, source, _ in found.values()} == {
        "login response",
        "challenge",
        HOLDERS,
        "root auth:06D18006",
        "list 41 of auth:06D18006",
    }


def test_a_document_told_by_its_digest_says_so() -> None:
    whole = document()
    found = rows(SignedDocument(Digest.of(DOCUMENT), whole.signature, whole.certificate))
    assert found == OF_A_DOCUMENT | {"signature": (OF_A_DOCUMENT["signature"][0], "digest", AT)}


def test_a_certificate_alone_tells_what_it_was_asked_for() -> None:
    found = rows(CertificateAlone(AUTH_CA.issue(HOLDER), Role.SIGNATURE))
    assert found["purpose"][0] == {"asked": "signature", "certified": "authentication"}


def test_the_rows_of_a_list_for_one_municipality_name_it() -> None:
    here = full_name(directory(municipality_name(Role.SIGNATURE))) + b"\x81\x01\xff"
    given, _, _ = rows(document(), SIGN_CA.revocation_list(revoked(0x99), point=here, number=7))["list-scope"]
    assert given["points"] == [
        "C=JP, O=JPKI-TEST, OU=JPKI for digital signature, OU=CRL Distribution Points, OU=Tokyo-to, CN=Kiyose-shi CRLDP"
    ]
    everything = rows(document(), SIGN_CA.revocation_list(revoked(0x99), revoked(0x98), point=None, number=7))
    assert everything["list-scope"][0] == {}
    assert everything["list-complete"][0] == {"entries": 2}
    assert everything["revocation"] == ({"list": 7, "entries": 2}, "list 7 of sign:067C6A21", LISTED)


def test_the_row_of_a_revocation_tells_reason_and_times() -> None:
    entry = revoked(reason=1, invalid_since=NOW - timedelta(days=3))
    given, _, _ = rows(document(), SIGN_CA.revocation_list(entry))["revocation"]
    assert given == {
        "reason": "keyCompromise",
        "since": "2026-11-21T03:00:00Z",
        "list": 41,
        "invalid_since": "2026-11-19T03:00:00Z",
    }
    given, _, _ = rows(document(), SIGN_CA.revocation_list(revoked(reason=None)))["revocation"]
    assert (given["reason"], given["invalid_since"]) == ("unspecified", None)


@pytest.mark.parametrize(("number", "named"), [(0, "list 0"), (None, "list without number")])
def test_a_list_is_named_by_its_number(number: int | None, named: str) -> None:
    found = rows(document(), SIGN_CA.revocation_list(number=number))
    assert found["list-fresh"][1] == f"{named} of sign:067C6A21"


def test_rows_about_no_list_speak_of_the_evidence_for_the_moment_asked() -> None:
    said = verify(document(), TRUST, Evidence(), NOW)
    assert isinstance(said, Missing)
    about = [check for check in said.verdict.checks if check.name.value.startswith("list-")]
    assert {(check.source, check.time, check.problem) for check in about} == {("evidence", NOW, Problem.NO_LIST)}
    (need,) = said.crl_for
    assert need.as_facts() == {
        "root": "sign:067C6A21",
        "issuer": f"C=JP, {AUTHORITY}",
        "key_id": KEY_ID,
        "points": [
            "C=JP, O=JPKI-TEST, OU=JPKI for digital signature, OU=CRL Distribution Points, OU=Tokyo-to, "
            "CN=Kiyose-shi CRLDP"
        ],
        "at": AT,
    }


def test_of_a_certificate_whose_root_nobody_knows_the_number_alone_is_told() -> None:
    said = answer(document(SIGN_CA.issue(HOLDER, without=["authority_key_id", "policies"])))
    # A document asks for a signature certificate, so it is taken for one until a root says otherwise.
    root = said.as_facts()["checks"][5]  # type: ignore[index]
    assert (root["name"], root["source"]) == ("root", "trust")
    alone = judged(CertificateAlone(SIGN_CA.issue(HOLDER, without=["authority_key_id", "policies"])))
    form = alone.check(CheckName.FORM)
    assert form is not None
    assert form.source == "certificate 0A0B0C0D"
    assert alone.name is None
    assert alone.as_facts()["certificate"] is None
    assert alone.as_facts()["serial"] == "A0B0C0D"
    # What a signature and an authentication certificate differ in cannot be judged of one that may be either.
    about = ("key-usage", "extended-key-usage", "policy", "attributes")
    made = {check.name.value: (check.problem, dict(check.given)) for check in alone.checks}
    assert {name: made[name] for name in about} == dict.fromkeys(about, (Problem.DEPENDS, {"check": "root"}))


def test_until_a_root_says_otherwise_a_certificate_is_taken_for_what_it_claims_to_be() -> None:
    earlier = replace(AUTH_CA, key=STRANGER)
    verdict = judged(CertificateAlone(earlier.issue(HOLDER)))
    form = verdict.check(CheckName.FORM)
    assert form is not None
    assert form.source == "certificate auth:0A0B0C0D"
    assert {check.name for check in verdict.failed} == {CheckName.ROOT}
    assert verdict.name is None
    # A login with the same one tells the same; so does one that claims nothing, as a login asks for that role.
    for certificate in (earlier.issue(HOLDER), earlier.issue(HOLDER, without=["policies"])):
        found = judged(login(certificate)).check(CheckName.FORM)
        assert found is not None
        assert found.source == "certificate auth:0A0B0C0D"
    both = earlier.issue(HOLDER, replaced={"policies": policies(*POLICIES.values())})
    found = judged(CertificateAlone(both)).check(CheckName.FORM)
    assert found is not None
    assert found.source == "certificate 0A0B0C0D"

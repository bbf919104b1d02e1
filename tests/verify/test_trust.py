"""Whom a verifier trusts: the published roots or test roots, never both."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from judging import TRUST, document, failed, judged
from small_pki import (
    AUTH_CA,
    EARLIER_SIGN_CA,
    HOLDER,
    NOW,
    SHA384_RSA,
    SIGN_CA,
    STRANGER,
    Authority,
    authority_key_id,
    authority_name,
    basic_constraints,
    element,
    extension,
    key_usage,
    name,
    numbered_key,
    policies,
)

from jpki.formats import PHONE_SIGNATURE_POLICY, SIGNATURE_POLICY, TEST_SIGNATURE_POLICY, to_pem
from jpki.terms import Role
from jpki.verify import (
    BadRoot,
    BadSubject,
    CertificateAlone,
    CheckName,
    Evidence,
    FingerprintMismatch,
    PolicyNotKnown,
    Problem,
    Realm,
    Result,
    Root,
    RootNotTrusted,
    Trust,
    Verdict,
    WrongRealm,
    verify,
)

JAPAN = Trust.japan()
LOOK_ALIKE = Authority(Role.SIGNATURE, STRANGER, 0x067C6A21, "JPKI")


def fingerprint(der: bytes) -> str:
    return hashlib.sha256(der).hexdigest()


# --- Japan ------------------------------------------------------------------------------------------------------------


def test_the_published_roots_are_there_with_their_fingerprints() -> None:
    assert {str(root.name): root.fingerprint.upper()[:16] for root in JAPAN.roots} == {
        "sign:00000001": "19645405A1FE1437",
        "auth:00000001": "4DCFC4CA0AAF9FB2",
        "sign:067C6A21": "D227F6CDE11D35C5",
        "auth:06D18006": "64114F29620C24ED",
    }


def test_cryptography_reads_the_same_in_the_published_roots() -> None:
    for root in JAPAN.roots:
        read = x509.load_der_x509_certificate(root.certificate.raw)
        read.verify_directly_issued_by(read)
        key_id = read.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        assert (read.serial_number, key_id) == (root.certificate.serial, root.key_id)


def test_japan_does_not_believe_test_authorities() -> None:
    verdict = judged(document(), trust=JAPAN)
    check = verdict.check(CheckName.ROOT)
    assert check is not None
    assert check.problem is Problem.TEST_AUTHORITY
    assert verdict.result is Result.INVALID
    policy = verdict.check(CheckName.POLICY)
    assert policy is not None
    assert policy.problem is Problem.TEST_POLICY


def test_a_root_that_looks_like_the_real_one_is_not_believed_for_its_name() -> None:
    forged = LOOK_ALIKE.issue(HOLDER, replaced={"policies": policies(SIGNATURE_POLICY)})
    verdict = judged(document(forged), LOOK_ALIKE.revocation_list(), trust=JAPAN)
    assert not verdict.valid
    assert CheckName.ROOT in failed(verdict)


def test_a_forged_certificate_that_names_the_real_key_does_not_fit_it() -> None:
    real = next(root for root in JAPAN.roots if str(root.name) == "sign:067C6A21")
    forged = LOOK_ALIKE.issue(
        HOLDER,
        replaced={
            "policies": policies(SIGNATURE_POLICY),
            "authority_key_id": authority_key_id(real.key_id, real.certificate.subject.raw, real.certificate.serial),
        },
    )
    verdict = verify(document(forged), JAPAN, Evidence(), NOW)
    assert isinstance(verdict, Verdict)
    assert failed(verdict) == {CheckName.CERTIFICATE_SIGNATURE}


def test_the_generation_that_is_not_at_hand_is_named() -> None:
    absent = Authority(Role.SIGNATURE, STRANGER, 0x0132C4AB, "JPKI")
    issued = absent.issue(HOLDER, replaced={"policies": policies(SIGNATURE_POLICY)})
    verdict = judged(document(issued), absent.revocation_list(), trust=JAPAN)
    check = verdict.check(CheckName.ROOT)
    assert check is not None
    assert check.problem is Problem.OTHER_GENERATION
    assert check.given["generation"] == 2019
    assert verdict.result is Result.INDETERMINATE
    with pytest.raises(RootNotTrusted) as caught:
        verdict.require()
    assert (caught.value.generation, caught.value.problem) == (2019, "other-generation")


def test_an_added_root_is_believed_with_the_others() -> None:
    absent = Authority(Role.SIGNATURE, STRANGER, 0x0132C4AB, "JPKI")
    trust = JAPAN.adding(absent.root(), fingerprint=fingerprint(absent.root()))
    issued = absent.issue(HOLDER, replaced={"policies": policies(SIGNATURE_POLICY)})
    assert judged(document(issued), absent.revocation_list(), trust=trust).valid
    assert trust.roots[:4] == JAPAN.roots
    assert len(JAPAN.roots) == 4


def test_an_expired_generation_serves_moments_of_its_time() -> None:
    past = NOW - timedelta(days=30)
    authority = Authority(Role.SIGNATURE, numbered_key(7), 5, not_after=NOW - timedelta(days=1))
    then = authority.revocation_list(this_update=past, next_update=past + timedelta(days=2))
    subject, trust = document(authority.issue(HOLDER)), Trust.test(authority.root())
    assert judged(subject, then, trust=trust, at=past).valid
    assert failed(judged(subject, authority.revocation_list(), trust=trust)) == {CheckName.ROOT_VALIDITY}


def test_a_root_is_no_holders_certificate() -> None:
    for trust, root in ((JAPAN, JAPAN.roots[-1].certificate.raw), (TRUST, SIGN_CA.root())):
        assert not judged(CertificateAlone(root), trust=trust).valid


# --- what may be added ------------------------------------------------------------------------------------------------


def test_japan_takes_no_test_root() -> None:
    with pytest.raises(WrongRealm):
        JAPAN.adding(SIGN_CA.root(), fingerprint=fingerprint(SIGN_CA.root()))


def test_a_test_trust_takes_no_real_root() -> None:
    real = JAPAN.roots[2].certificate.raw
    with pytest.raises(WrongRealm):
        Trust.test(SIGN_CA.root(), real)
    with pytest.raises(WrongRealm):
        TRUST.adding(real, fingerprint=fingerprint(real))


def test_no_way_round_the_constructor_mixes_the_two() -> None:
    test_root = TRUST.roots[0]
    with pytest.raises(WrongRealm):
        Trust(Realm.JAPAN, (*JAPAN.roots, test_root), JAPAN.policies)
    with pytest.raises(WrongRealm):
        replace(JAPAN, roots=TRUST.roots)
    with pytest.raises(PolicyNotKnown):
        replace(TRUST, policies=TRUST.policies | JAPAN.policies)
    with pytest.raises(WrongRealm):
        replace(test_root, realm=Realm.JAPAN)
    with pytest.raises(WrongRealm):
        replace(test_root, role=Role.AUTHENTICATION)


def test_a_root_with_another_fingerprint_is_refused() -> None:
    with pytest.raises(FingerprintMismatch):
        TRUST.adding(EARLIER_SIGN_CA.root(), fingerprint=fingerprint(SIGN_CA.root()))


@pytest.mark.parametrize("text", ["", "12", "zz" * 32, "00" * 31], ids=["empty", "short", "no digits", "31 octets"])
def test_a_fingerprint_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadSubject):
        TRUST.adding(EARLIER_SIGN_CA.root(), fingerprint=text)


def test_a_fingerprint_may_be_written_with_colons_in_capitals() -> None:
    digits = fingerprint(EARLIER_SIGN_CA.root()).upper()
    colons = ":".join(digits[at : at + 2] for at in range(0, 64, 2))
    assert len(TRUST.adding(EARLIER_SIGN_CA.root(), fingerprint=colons).roots) == 3


def test_a_root_is_added_once() -> None:
    root = SIGN_CA.root()
    assert TRUST.adding(root, fingerprint=fingerprint(root)) == TRUST


def test_a_root_may_be_pem() -> None:
    text = to_pem("CERTIFICATE", SIGN_CA.root()).encode()
    assert Trust.test(text) == Trust.test(SIGN_CA.root())
    with pytest.raises(BadSubject):
        Trust.test(text + text)


def test_a_test_trust_without_a_root_is_none() -> None:
    with pytest.raises(BadSubject):
        Trust.test()


def test_two_roots_with_one_key_identifier_are_refused() -> None:
    twin = extension("2.5.29.14", element(0x04, SIGN_CA.key.key_id))
    other = Authority(Role.SIGNATURE, numbered_key(6), 9).root(replaced={"subject_key_id": twin})
    with pytest.raises(BadRoot):
        Trust.test(SIGN_CA.root(), other)


def test_of_two_authorities_with_one_key_the_one_of_the_issuers_name_counts() -> None:
    twin = replace(AUTH_CA, key=SIGN_CA.key)
    subject = document(SIGN_CA.issue(HOLDER))
    for roots in ((SIGN_CA.root(), twin.root()), (twin.root(), SIGN_CA.root())):
        verdict = judged(subject, SIGN_CA.revocation_list(), trust=Trust.test(*roots))
        assert verdict.valid
        assert str(verdict.name) == "sign:0A0B0C0D"
        # The other's list, though signed by the same key, is not this authority's.
        assert not judged(subject, twin.revocation_list(), trust=Trust.test(*roots)).valid


ROOTS = {
    "no authority": {"replaced": {"basic_constraints": basic_constraints(ca=False)}},
    "basic constraints not critical": {"replaced": {"basic_constraints": basic_constraints(ca=True, critical=False)}},
    "no basic constraints": {"without": ["basic_constraints"]},
    "no key usage": {"without": ["key_usage"]},
    "may sign documents too": {"replaced": {"key_usage": key_usage(0x86)}},
    "may not sign lists": {"replaced": {"key_usage": key_usage(0x04)}},
    "no key identifier": {"without": ["subject_key_id"]},
    "an empty key identifier": {"replaced": {"subject_key_id": extension("2.5.29.14", element(0x04))}},
    "unknown critical": {"replaced": {"points": extension("1.2.3.4", b"\x05\x00", critical=True)}},
    "not signed by itself": {"key": STRANGER},
    "issued by another": {"issuer": name(("C", "JP"))},
    "SHA-384": {"algorithm": SHA384_RSA},
    "version 1": {"version": b"", "extensions": []},
}


PROBLEMS = {
    "no authority": "not an authority (basicConstraints)",
    "basic constraints not critical": "other extensions are critical than keyUsage and basicConstraints",
    "no basic constraints": "not an authority (basicConstraints)",
    "no key usage": "key usage is not keyCertSign and cRLSign",
    "may sign documents too": "key usage is not keyCertSign and cRLSign",
    "may not sign lists": "key usage is not keyCertSign and cRLSign",
    "no key identifier": "no subjectKeyIdentifier",
    "an empty key identifier": "no subjectKeyIdentifier",
    "unknown critical": "other extensions are critical than keyUsage and basicConstraints",
    "not signed by itself": "not signed by itself",
    "issued by another": "not signed by itself",
    "SHA-384": "not signed with sha256WithRSAEncryption",
    "version 1": "not version 3",
}


@pytest.mark.parametrize("what", ROOTS)
def test_a_certificate_that_is_no_root_is_not_taken_for_one_and_says_why(what: str) -> None:
    root = SIGN_CA.root(**ROOTS[what])  # type: ignore[arg-type]
    with pytest.raises(BadRoot) as caught:
        Trust.test(root)
    assert (caught.value.problem, caught.value.fingerprint) == (PROBLEMS[what], fingerprint(root))


@pytest.mark.parametrize(
    "subject",
    [
        name(("C", "JP"), ("O", "JPKI-TEST")),
        authority_name(Role.SIGNATURE, country_tag=0x0C),
        authority_name(Role.SIGNATURE, "JPKI-TEST "),
        authority_name(Role.SIGNATURE, "jpki-test"),
        authority_name(Role.SIGNATURE, "JPKI"),
    ],
    ids=["too short", "another string type", "a blank", "small letters", "the real one"],
)
def test_a_root_of_another_name_is_no_test_root(subject: bytes) -> None:
    with pytest.raises(WrongRealm):
        Trust.test(SIGN_CA.root(subject=subject, issuer=subject))


# --- policies ---------------------------------------------------------------------------------------------------------


def test_a_phones_policy_is_accepted_where_somebody_asks_for_it() -> None:
    assert not JAPAN.accepts(PHONE_SIGNATURE_POLICY, Role.SIGNATURE)
    asked = JAPAN.accepting(PHONE_SIGNATURE_POLICY)
    assert asked.accepts(PHONE_SIGNATURE_POLICY, Role.SIGNATURE)
    assert not asked.accepts(PHONE_SIGNATURE_POLICY, Role.AUTHENTICATION)


@pytest.mark.parametrize("policy", [TEST_SIGNATURE_POLICY, "2.5.29.32.0", "1.2.3"])
def test_japan_cannot_be_asked_to_accept_other_policies(policy: str) -> None:
    with pytest.raises(PolicyNotKnown):
        JAPAN.accepting(policy)


def test_a_test_trust_cannot_be_asked_to_accept_a_real_policy() -> None:
    with pytest.raises(PolicyNotKnown):
        TRUST.accepting(SIGNATURE_POLICY)


def test_a_root_reads_alike_from_its_bytes() -> None:
    assert Root.of(AUTH_CA.root(), Realm.TEST) == TRUST.roots[1]

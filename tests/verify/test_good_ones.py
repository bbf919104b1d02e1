"""What is right is valid, with every check made; and other programs say the same of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from judging import TRUST, answer, document, judged, login
from openssl_program import OpenSslVerify, openssl
from small_pki import (
    ATTRIBUTES,
    AUTH_CA,
    AUTHORITIES,
    DOCUMENT,
    HOLDER,
    NOW,
    SIGN_CA,
    STRANGER,
    alternative_names,
    directory,
    extension,
    full_name,
    municipality_name,
    other_name,
    revoked,
)

from jpki.terms import Role
from jpki.verify import CertificateAlone, CheckName, Digest, Evidence, Outcome, Result, SignedDocument, Verdict, verify


@pytest.mark.parametrize(
    ("subject", "left_out"),
    [
        (document(), {"challenge", "origin", "challenge-issued", "challenge-unexpired"}),
        (login(), set()),
        (
            CertificateAlone(SIGN_CA.issue(HOLDER)),
            {"challenge", "origin", "challenge-issued", "challenge-unexpired", "signature", "purpose"},
        ),
        (
            CertificateAlone(AUTH_CA.issue(HOLDER), Role.AUTHENTICATION),
            {"challenge", "origin", "challenge-issued", "challenge-unexpired", "signature"},
        ),
    ],
    ids=["document", "login", "certificate", "certificate for a role"],
)
def test_what_is_right_passes_every_check_there_is_for_it(subject: object, left_out: set[str]) -> None:
    verdict = answer(subject)  # type: ignore[arg-type]
    assert isinstance(verdict, Verdict)
    assert verdict.result is Result.VALID
    assert [check.name.value for check in verdict.checks] == [
        name.value for name in CheckName if name.value not in left_out
    ]
    assert {check.outcome for check in verdict.checks} == {Outcome.PASSED}
    assert verdict.require() is verdict


def test_a_digest_in_place_of_the_document_is_judged_the_same() -> None:
    whole = document()
    by_digest = SignedDocument(Digest.of([DOCUMENT[:5], DOCUMENT[5:]]), whole.signature, whole.certificate)
    assert judged(by_digest).valid


def test_a_valid_document_tells_who_signed() -> None:
    verdict = judged(document())
    holder = verdict.holder
    assert holder is not None
    assert (holder.name, holder.sex.raw, holder.birth_date.raw) == (ATTRIBUTES[1], "2", "319800217")
    assert str(verdict.name) == "sign:0A0B0C0D"


def test_a_valid_login_tells_no_name() -> None:
    assert judged(login()).holder is None


def test_an_unknown_kind_of_name_does_no_harm_and_is_kept() -> None:
    furigana = other_name("1.2.392.200149.8.5.5.7", "バンゴウ　ハナコ")
    verdict = judged(document(SIGN_CA.issue(HOLDER, replaced={"names": alternative_names(ATTRIBUTES, furigana)})))
    assert verdict.valid
    assert ("1.2.392.200149.8.5.5.7", "バンゴウ　ハナコ") in [
        (name.oid, name.text) for name in verdict.certificate.other_names
    ]


@pytest.mark.parametrize(
    "point",
    [
        None,
        b"",
        full_name(directory(municipality_name(Role.SIGNATURE))) + b"\x81\x01\xff",
        full_name(
            directory(municipality_name(Role.SIGNATURE, "Chofu-shi")), directory(municipality_name(Role.SIGNATURE))
        ),
    ],
    ids=["no scope", "an empty scope", "the certificate's own point", "one of several names of a point"],
)
def test_a_list_that_covers_the_certificate_is_taken(point: bytes | None) -> None:
    assert judged(document(), SIGN_CA.revocation_list(point=point)).valid


def test_lists_that_are_for_others_do_no_harm() -> None:
    other_city = full_name(directory(municipality_name(Role.SIGNATURE, "Chofu-shi CRLDP")))
    others = (
        SIGN_CA.revocation_list(revoked(), point=other_city, number=900),
        AUTH_CA.revocation_list(revoked()),
        SIGN_CA.revocation_list(revoked(), signing_key=STRANGER, number=900),
        SIGN_CA.revocation_list(revoked(), number=900, more=[extension("1.2.3.4", b"\x05\x00", critical=True)]),
    )
    assert judged(document(), *others, SIGN_CA.revocation_list()).valid


def test_a_stale_list_beside_a_fresh_one_does_no_harm() -> None:
    stale = SIGN_CA.revocation_list(number=40, this_update=NOW - timedelta(days=3), next_update=NOW - timedelta(days=1))
    assert judged(document(), stale, SIGN_CA.revocation_list()).valid
    assert judged(document(), SIGN_CA.revocation_list(), stale).valid


def test_the_period_of_a_certificate_includes_both_its_ends() -> None:
    issued = document(SIGN_CA.issue(HOLDER, not_before=NOW, not_after=NOW))
    assert judged(issued).valid


# --- other programs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", list(Role))
def test_cryptography_reads_and_verifies_the_same_chain(role: Role) -> None:
    authority = AUTHORITIES[role]
    root = x509.load_der_x509_certificate(authority.root())
    holder = x509.load_der_x509_certificate(authority.issue(HOLDER))
    revocations = x509.load_der_x509_crl(authority.revocation_list())
    holder.verify_directly_issued_by(root)
    root_key = root.public_key()
    assert revocations.is_signature_valid(root_key)  # type: ignore[arg-type]
    assert answer(CertificateAlone(authority.issue(HOLDER), role)).valid


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("entries", [(), (revoked(),), (revoked(0x99),)], ids=["none", "it", "another"])
def test_openssl_accepts_and_refuses_the_same(tmp_path: Path, role: Role, entries: tuple[bytes, ...]) -> None:
    authority = AUTHORITIES[role]
    evidence = Evidence.of(authority.revocation_list(*entries))
    ours = verify(CertificateAlone(authority.issue(HOLDER)), TRUST, evidence, NOW)
    openssl = OpenSslVerify(tmp_path, authority.root())
    openssl.publish(authority.revocation_list(*entries))
    accepts = openssl.says(authority.issue(HOLDER), NOW).endswith(": OK")
    assert accepts == ours.valid == (revoked() not in entries)


def test_openssl_verifies_the_signature_over_the_document(tmp_path: Path) -> None:
    subject = document()
    (tmp_path / "document").write_bytes(DOCUMENT)
    (tmp_path / "document.sig").write_bytes(subject.signature)
    (tmp_path / "key.pem").write_bytes(
        x509.load_der_x509_certificate(subject.certificate)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    files = ["-verify", "key.pem", "-signature", "document.sig", "document"]
    assert openssl("dgst", "-sha256", *files, folder=tmp_path).stdout == "Verified OK\n"
    assert judged(subject).valid

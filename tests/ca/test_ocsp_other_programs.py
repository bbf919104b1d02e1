"""Answers as other programs and libraries read them, in every state, and questions as they write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from authorities import BOTH, Applicants, certificate_of, issue_one
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from responding import OpensslOcsp, issuer_of, ocsptool_says, responding

from jpki.ca import Authority, IssuedCertificate, OcspAnswer, OcspResponders
from jpki.formats import RevocationReason
from jpki.terms import Role

REASONS = {
    "good": None,
    "unspecified": RevocationReason.UNSPECIFIED,
    "keyCompromise": RevocationReason.KEY_COMPROMISE,
    "cessationOfOperation": RevocationReason.CESSATION_OF_OPERATION,
    "certificateHold": RevocationReason.CERTIFICATE_HOLD,
}


def right_now() -> datetime:
    """Returns the present moment: `openssl ocsp` judges by this machine's clock and no other."""
    return datetime.now(UTC)


def in_all_states(authority: Authority, applicants: Applicants, role: Role) -> dict[str, IssuedCertificate]:
    """Returns certificates of a role by what is said of them; they were issued an hour ago."""
    at = right_now() - timedelta(hours=1)
    found = {}
    for state, reason in REASONS.items():
        found[state] = certificate_of(issue_one(authority, applicants.asks(), at), role)
        if reason is not None:
            authority.revoke(found[state].name, reason, at + timedelta(minutes=10))
    return found


def answered(responders: OcspResponders, request: bytes) -> bytes:
    return responders.answers([request], right_now())[0].encoded


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize("words", [["-no_nonce"], ["-nonce"], ["-sha256"]])
def test_openssl_verifies_answers_about_several_certificates_in_every_state(
    authority: Authority, applicants: Applicants, tmp_path: Path, role: Role, words: list[str]
) -> None:
    issued = in_all_states(authority, applicants, role)
    openssl = OpensslOcsp(tmp_path, issuer_of(authority, role).raw)
    with responding(authority, right_now()) as responders:
        asked: list[bytes | int] = [*(one.encoded for one in issued.values()), 0x7FFF_FFFF]
        said = openssl.says(lambda request: answered(responders, request), asked, *words)
    assert "Response verify OK" in said
    for place, state in enumerate(issued):
        assert f"{place}.pem: {'good' if state == 'good' else 'revoked'}" in said
    assert f"{0x7FFF_FFFF:#x}: unknown" in said
    assert [line for line in said if line.startswith("Reason: ")] == [
        f"Reason: {state}" for state in ("keyCompromise", "cessationOfOperation", "certificateHold")
    ]
    assert not [line for line in said if "WARNING" in line or "ERROR" in line or "invalid" in line.lower()]


@pytest.mark.parametrize("role", BOTH)
def test_openssl_takes_an_answer_that_was_made_ahead(
    authority: Authority, applicants: Applicants, tmp_path: Path, role: Role
) -> None:
    issued = in_all_states(authority, applicants, role)
    openssl = OpensslOcsp(tmp_path, issuer_of(authority, role).raw)
    given: list[OcspAnswer] = []

    def ahead(request: bytes) -> bytes:
        found = responders.made_ahead(request, right_now())
        assert found is not None
        given.append(found)
        return found.encoded

    with responding(authority, right_now()) as responders:
        for state, one in issued.items():
            openssl.says(lambda request: answered(responders, request), [one.encoded], "-no_nonce")
            said = openssl.says(ahead, [one.encoded], "-no_nonce")
            assert "Response verify OK" in said
            assert f"0.pem: {'good' if state == 'good' else 'revoked'}" in said
    assert len(given) == len(issued)


@pytest.mark.parametrize("role", BOTH)
def test_openssl_says_what_an_error_is(
    authority: Authority, applicants: Applicants, tmp_path: Path, role: Role
) -> None:
    one = certificate_of(issue_one(authority, applicants.asks()), role)
    other = OpensslOcsp(tmp_path, issuer_of(authority, role.other).raw)
    with responding(authority, right_now()) as responders:
        # The question then has the issuer's name from the certificate, and the other authority's key.
        said = other.says(lambda request: answered(responders, request), [one.encoded])
        assert said == ["Responder Error: unauthorized (6)"]
        said = other.says(lambda request: answered(responders, request[:-1]), [one.encoded])
        assert any("malformedrequest" in line for line in said)


@pytest.mark.parametrize("role", BOTH)
def test_gnutls_verifies_answers_in_every_state(
    authority: Authority, applicants: Applicants, tmp_path: Path, role: Role
) -> None:
    issued = in_all_states(authority, applicants, role)
    root = issuer_of(authority, role)
    openssl = OpensslOcsp(tmp_path, root.raw)
    kept: list[bytes] = []
    with responding(authority, right_now()) as responders:

        def answer(request: bytes) -> bytes:
            kept.append(answered(responders, request))
            return kept[-1]

        for one in issued.values():
            openssl.says(answer, [one.encoded])
    for found in kept:
        assert "Verifying OCSP Response: Success" in ocsptool_says(tmp_path, found, root.raw)
        other = ocsptool_says(tmp_path, found, issuer_of(authority, role.other).raw)
        assert "Verifying OCSP Response: Failure" in other


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize("algorithm", [hashes.SHA1(), hashes.SHA256()], ids=["sha1", "sha256"])  # noqa: S303
def test_cryptography_reads_answers_and_its_questions_are_answered(
    authority: Authority, applicants: Applicants, role: Role, algorithm: hashes.HashAlgorithm
) -> None:
    issued = in_all_states(authority, applicants, role)
    root = x509.load_der_x509_certificate(issuer_of(authority, role).raw)
    with responding(authority, right_now()) as responders:
        for state, one in issued.items():
            builder = ocsp.OCSPRequestBuilder().add_certificate(
                x509.load_der_x509_certificate(one.encoded), root, algorithm
            )
            request = builder.add_extension(x509.OCSPNonce(b"n" * 32), critical=False).build()
            found = ocsp.load_der_ocsp_response(answered(responders, request.public_bytes(Encoding.DER)))
            assert found.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL
            assert found.serial_number == one.name.number
            assert type(found.hash_algorithm) is type(algorithm)
            expected = ocsp.OCSPCertStatus.GOOD if state == "good" else ocsp.OCSPCertStatus.REVOKED
            assert found.certificate_status is expected
            reason = None if state in ("good", "unspecified") else x509.ReasonFlags(state)
            assert found.revocation_reason == reason
            assert found.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == b"n" * 32
            (responder,) = found.certificates
            responder.verify_directly_issued_by(root)
            key = responder.public_key()
            assert isinstance(key, RSAPublicKey)
            key.verify(found.signature, found.tbs_response_bytes, padding.PKCS1v15(), hashes.SHA256())

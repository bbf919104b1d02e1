"""What OpenSSL and another library think of our certificates and lists."""

from __future__ import annotations

import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from authorities import BOTH, NOW, Applicants, certificate_of, issue_one
from cryptography import x509

from jpki.ca import Authority, Issued
from jpki.formats import RevocationReason, to_pem
from jpki.terms import Role

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


class OpenSsl:
    """`openssl verify -crl_check` with our roots and the lists published last, at any moment."""

    def __init__(self, authority: Authority, folder: Path) -> None:
        self.authority, self.folder = authority, folder
        roots = (to_pem("CERTIFICATE", authority.certificates[role].encoded) for role in BOTH)
        (folder / "roots.pem").write_text("".join(roots))

    def publish(self, at: datetime) -> None:
        lists = (to_pem("X509 CRL", self.authority.certificate_list(role, at).encoded) for role in BOTH)
        (self.folder / "lists.pem").write_text("".join(lists))

    def says(self, certificate: bytes, at: datetime, *more: str) -> str:
        """Returns the whole answer: it ends with `OK`, or tells the error."""
        (self.folder / "certificate.pem").write_text(to_pem("CERTIFICATE", certificate))
        options = ["-crl_check", "-x509_strict", *more, "-attime", str(int(at.timestamp()))]
        command = ["openssl", "verify", *options, "-CAfile", "roots.pem", "-CRLfile", "lists.pem", "certificate.pem"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        return (done.stdout + done.stderr).strip()


@pytest.fixture
def openssl(authority: Authority, tmp_path: Path) -> OpenSsl:
    return OpenSsl(authority, tmp_path)


@pytest.fixture
def outcome(authority: Authority, applicants: Applicants) -> Issued:
    return issue_one(authority, applicants.asks())


@pytest.mark.parametrize("role", BOTH)
def test_openssl_accepts_a_certificate_until_its_revocation_is_published(
    authority: Authority, openssl: OpenSsl, outcome: Issued, role: Role
) -> None:
    certificate = certificate_of(outcome, role)
    openssl.publish(NOW + HOUR)
    assert openssl.says(certificate.encoded, NOW + 2 * HOUR) == "certificate.pem: OK"
    authority.revoke(certificate.name, RevocationReason.KEY_COMPROMISE, NOW + 2 * HOUR)
    assert openssl.says(certificate.encoded, NOW + 2 * HOUR) == "certificate.pem: OK"
    openssl.publish(NOW + 3 * HOUR)
    assert "certificate revoked" in openssl.says(certificate.encoded, NOW + 3 * HOUR)
    # The other one of the pair is another authority's and stays as it is.
    assert openssl.says(certificate_of(outcome, role.other).encoded, NOW + 3 * HOUR).endswith(": OK")


def test_openssl_refuses_a_list_after_its_next_update(openssl: OpenSsl, outcome: Issued) -> None:
    openssl.publish(NOW)
    certificate = outcome.certificates[0].encoded
    # For OpenSSL the second of nextUpdate, and that of notAfter, is already too late.
    assert openssl.says(certificate, NOW + 48 * HOUR - SECOND).endswith(": OK")
    assert "CRL has expired" in openssl.says(certificate, NOW + 48 * HOUR)


def test_openssl_accepts_a_certificate_until_it_ends(openssl: OpenSsl, outcome: Issued) -> None:
    certificate = outcome.certificates[0].encoded
    end = x509.load_der_x509_certificate(certificate).not_valid_after_utc
    openssl.publish(end - HOUR)
    assert openssl.says(certificate, end - SECOND).endswith(": OK")
    assert "certificate has expired" in openssl.says(certificate, end + SECOND)


@pytest.mark.parametrize(("role", "purpose"), [(Role.AUTHENTICATION, "sslclient"), (Role.SIGNATURE, "smimesign")])
def test_openssl_finds_a_certificate_fit_for_its_purpose(
    openssl: OpenSsl, outcome: Issued, role: Role, purpose: str
) -> None:
    openssl.publish(NOW)
    answer = openssl.says(certificate_of(outcome, role).encoded, NOW, "-purpose", purpose, "-policy_check")
    assert answer.endswith(": OK")


def test_another_library_builds_the_path(authority: Authority, outcome: Issued) -> None:
    for one in outcome.certificates:
        certificate = x509.load_der_x509_certificate(one.encoded)
        certificate.verify_directly_issued_by(
            x509.load_der_x509_certificate(authority.certificates[one.name.authority].encoded)
        )
        assert certificate.serial_number == one.name.number

"""What OpenSSL and another library think of our certificates and lists."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from authorities import BOTH, NOW, Applicants, certificate_of, issue_one
from cryptography import x509
from openssl_program import OpenSslVerify

from jpki.ca import Authority, Issued
from jpki.formats import RevocationReason
from jpki.terms import Role

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


class OpenSsl(OpenSslVerify):
    """OpenSSL with an authority's roots, and the lists that it published last."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        super().__init__(folder, *(authority.certificates[role].encoded for role in BOTH))
        self._authority = authority

    def publish_at(self, moment: datetime) -> None:
        """Has the authority publish its lists."""
        self.publish(*(self._authority.certificate_list(role, moment).encoded for role in BOTH))


@pytest.fixture
def openssl(authority: Authority, tmp_path: Path) -> OpenSsl:
    return OpenSsl(tmp_path, authority)


@pytest.fixture
def outcome(authority: Authority, applicants: Applicants) -> Issued:
    return issue_one(authority, applicants.asks())


@pytest.mark.parametrize("role", BOTH)
def test_openssl_accepts_a_certificate_until_its_revocation_is_published(
    authority: Authority, openssl: OpenSsl, outcome: Issued, role: Role
) -> None:
    certificate = certificate_of(outcome, role)
    openssl.publish_at(NOW + HOUR)
    assert openssl.says(certificate.encoded, NOW + 2 * HOUR) == "certificate.pem: OK"
    authority.revoke(certificate.name, RevocationReason.KEY_COMPROMISE, NOW + 2 * HOUR)
    assert openssl.says(certificate.encoded, NOW + 2 * HOUR) == "certificate.pem: OK"
    openssl.publish_at(NOW + 3 * HOUR)
    assert "certificate revoked" in openssl.says(certificate.encoded, NOW + 3 * HOUR)
    # The other one of the pair is another authority's and stays as it is.
    assert openssl.says(certificate_of(outcome, role.other).encoded, NOW + 3 * HOUR).endswith(": OK")


def test_openssl_refuses_a_list_after_its_next_update(openssl: OpenSsl, outcome: Issued) -> None:
    openssl.publish_at(NOW)
    certificate = outcome.certificates[0].encoded
    # For OpenSSL the second of nextUpdate, and that of notAfter, is already too late.
    assert openssl.says(certificate, NOW + 48 * HOUR - SECOND).endswith(": OK")
    assert "CRL has expired" in openssl.says(certificate, NOW + 48 * HOUR)


def test_openssl_accepts_a_certificate_until_it_ends(openssl: OpenSsl, outcome: Issued) -> None:
    certificate = outcome.certificates[0].encoded
    end = x509.load_der_x509_certificate(certificate).not_valid_after_utc
    openssl.publish_at(end - HOUR)
    assert openssl.says(certificate, end - SECOND).endswith(": OK")
    assert "certificate has expired" in openssl.says(certificate, end + SECOND)


@pytest.mark.parametrize(("role", "purpose"), [(Role.AUTHENTICATION, "sslclient"), (Role.SIGNATURE, "smimesign")])
def test_openssl_finds_a_certificate_fit_for_its_purpose(
    openssl: OpenSsl, outcome: Issued, role: Role, purpose: str
) -> None:
    openssl.publish_at(NOW)
    answer = openssl.says(certificate_of(outcome, role).encoded, NOW, "-purpose", purpose, "-policy_check")
    assert answer.endswith(": OK")


def test_another_library_builds_the_path(authority: Authority, outcome: Issued) -> None:
    for one in outcome.certificates:
        certificate = x509.load_der_x509_certificate(one.encoded)
        certificate.verify_directly_issued_by(
            x509.load_der_x509_certificate(authority.certificates[one.name.authority].encoded)
        )
        assert certificate.serial_number == one.name.number

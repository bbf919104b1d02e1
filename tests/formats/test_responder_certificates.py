"""The certificates of OCSP responders: exact, for one purpose only, and other programs take them for what they are."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from issued import DAY, authority, holder, key
from ocsp_answers import responder, responder_tbs
from openssl_program import openssl
from pkilint import loader
from pkilint.pkix import certificate, extension, name

from jpki.formats import (
    OCSP_SIGNING,
    TEST_RESPONDER_POLICY,
    AuthorityKeyId,
    Certificate,
    FormatError,
    key_identifier,
    load_certificate_profile,
    signed,
    to_pem,
)
from jpki.formats.extensions import encode_extension
from jpki.terms import Role

ROLES = [Role.SIGNATURE, Role.AUTHENTICATION]


@pytest.mark.parametrize("role", ROLES)
def test_extensions_stand_in_their_order_with_their_criticality_and_octets(role: Role) -> None:
    written = [(item.oid, item.critical) for item in responder(role).extensions]
    assert written == [
        ("2.5.29.15", True),
        ("2.5.29.37", False),
        ("1.3.6.1.5.5.7.48.1.5", False),
        ("2.5.29.32", False),
        ("2.5.29.18", False),
        ("2.5.29.35", False),
        ("2.5.29.14", False),
    ]
    values = [item.value.hex().upper() for item in responder(role).extensions]
    assert values[:3] == ["03020780", "300A06082B06010505070309", "0500"]


@pytest.mark.parametrize("role", ROLES)
def test_it_may_sign_answers_for_its_authority_and_nothing_else(role: Role) -> None:
    found, own = responder(role), authority(role)
    assert (found.key_usage, found.extended_key_usage) == ({"digitalSignature"}, (OCSP_SIGNING,))
    assert found.basic_constraints is None
    assert found.ocsp_no_check
    assert found.issuer == own.subject
    assert found.authority_key_id == AuthorityKeyId(own.subject_key_id, own.subject, own.serial)
    assert found.subject_key_id == key_identifier(found.public_key_info)
    assert found.unknown_critical_extensions == ()
    found.check_extensions()


@pytest.mark.parametrize("role", ROLES)
def test_it_is_named_below_its_authority_and_says_that_it_is_for_tests(role: Role) -> None:
    found = responder(role)
    assert list(found.subject.attributes[:-1]) == list(authority(role).subject.attributes)
    assert found.subject.common_name == "OCSP Responder 1"
    assert found.subject.texts("O") == ("JPKI-TEST",)
    (other,) = found.issuer_alternative_names
    assert other.directory_name is not None
    assert other.directory_name.texts("O") == ("公的個人認証サービス（テスト）",)
    assert found.policies == (TEST_RESPONDER_POLICY,)
    assert TEST_RESPONDER_POLICY not in holder(role).policies


def test_it_lives_for_days() -> None:
    assert load_certificate_profile("ocsp-sign").validity_days == 30
    assert responder(Role.SIGNATURE).not_after == DAY + timedelta(days=30)


@pytest.mark.parametrize("generation", [0, 10_000, -1, "1x"])
def test_the_generation_of_the_authority_s_key_is_a_number_of_up_to_four_digits(generation: int | str) -> None:
    with pytest.raises(FormatError):
        load_certificate_profile("ocsp-sign").common_name(generation=generation)


def test_another_common_name_is_refused() -> None:
    with pytest.raises(FormatError):
        responder_tbs(Role.SIGNATURE, common_name="OCSP Responder")


def test_certificates_of_others_need_not_say_that_they_are_not_to_be_checked() -> None:
    assert not holder(Role.SIGNATURE).ocsp_no_check
    assert not authority(Role.SIGNATURE).ocsp_no_check


def test_that_word_holds_nothing_but_null() -> None:
    right = encode_extension("1.3.6.1.5.5.7.48.1.5", b"\x05\x00")
    for wrong in (b"\x04\x00", b"\x01\x00"):
        tbs = responder_tbs(Role.SIGNATURE)
        assert right in tbs
        changed = tbs.replace(right, encode_extension("1.3.6.1.5.5.7.48.1.5", wrong))
        found = Certificate.parse(signed(changed, key(0).sign(changed)))
        with pytest.raises(FormatError):
            _ = found.ocsp_no_check
        with pytest.raises(FormatError):
            found.check_extensions()


@pytest.mark.parametrize("role", ROLES)
def test_other_programs_read_it(role: Role, tmp_path: Path) -> None:
    loaded = x509.load_der_x509_certificate(responder(role).raw)
    assert loaded.extensions.get_extension_for_class(x509.OCSPNoCheck)
    loaded.verify_directly_issued_by(x509.load_der_x509_certificate(authority(role).raw))
    (tmp_path / "ca.pem").write_text(to_pem("CERTIFICATE", authority(role).raw))
    (tmp_path / "responder.pem").write_text(to_pem("CERTIFICATE", responder(role).raw))
    at = str(int((DAY + timedelta(days=1)).timestamp()))
    words = ["-x509_strict", "-purpose", "ocsphelper", "-CAfile", "ca.pem", "-attime", at]
    assert openssl("verify", *words, "responder.pem", folder=tmp_path).stdout == "responder.pem: OK\n"
    text = openssl("x509", "-in", "responder.pem", "-noout", "-text", "-purpose", folder=tmp_path).stdout
    assert "OCSP No Check" in text
    assert "OCSP Signing" in text
    assert "SSL client : No" in text
    assert "S/MIME signing : No" in text


@pytest.mark.parametrize("role", ROLES)
def test_another_linter_finds_no_fault(role: Role) -> None:
    rules = certificate.create_pkix_certificate_validator_container(
        certificate.create_decoding_validators(name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS),
        [
            certificate.create_issuer_validator_container([]),
            certificate.create_validity_validator_container(),
            certificate.create_subject_validator_container([]),
            certificate.create_extensions_validator_container([]),
            certificate.create_spki_validator_container([]),
        ],
    )
    document = loader.RFC5280CertificateDocumentLoader().load_document(responder(role).raw, "responder")
    found = {
        f"{one.finding.severity.name} {one.finding.code}"
        for result in rules.validate(document.root)
        for one in result.finding_descriptions
    }
    assert found == {"INFO pkix.subject_key_identifier_method_1_identified"}  # which is no fault


def test_it_names_no_host() -> None:
    assert (responder(Role.SIGNATURE).cps_urls, responder(Role.SIGNATURE).ocsp_urls) == ((), ())

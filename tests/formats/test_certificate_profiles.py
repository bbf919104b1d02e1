"""What the profiles make is exact, octet for octet, and other programs read it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from issued import DAY, HANAKO, authority, holder
from openssl_program import openssl

from jpki.formats import to_pem
from jpki.terms import Role

ROLES = [Role.SIGNATURE, Role.AUTHENTICATION]
UTF8, PRINTABLE = 0x0C, 0x13
# Value and criticality of what a role's certificates share, octet for octet, in the order of the profile.
FIXED = {
    Role.SIGNATURE: [
        ("2.5.29.15", True, "030206C0"),
        ("2.5.29.17", False, None),
        ("2.5.29.32", True, None),
        ("2.5.29.18", False, None),
        ("2.5.29.31", False, None),
        ("1.3.6.1.5.5.7.1.1", False, None),
        ("2.5.29.35", False, None),
        ("2.5.29.14", False, None),
    ],
    Role.AUTHENTICATION: [
        ("2.5.29.15", True, "03020780"),
        ("2.5.29.37", False, "300A06082B06010505070302"),
        ("2.5.29.32", True, None),
        ("2.5.29.18", False, None),
        ("2.5.29.31", False, None),
        ("1.3.6.1.5.5.7.1.1", False, None),
        ("2.5.29.35", False, None),
        ("2.5.29.14", False, None),
    ],
}
PURPOSE = {
    Role.SIGNATURE: ("JPKI for digital signature", "公的個人認証サービス署名用"),
    Role.AUTHENTICATION: ("JPKI for user authentication", "公的個人認証サービス利用者証明用"),
}


def names(*texts: tuple[str, str]) -> list[tuple[str, int, str]]:
    return [(oid, PRINTABLE if oid == "2.5.4.6" else UTF8, text) for oid, text in texts]


@pytest.mark.parametrize("role", ROLES)
def test_extensions_stand_in_their_order_with_their_criticality_and_octets(role: Role) -> None:
    written = [(item.oid, item.critical, item.value.hex().upper()) for item in holder(role).extensions]
    expected = [
        (oid, critical, octets or actual[2])
        for (oid, critical, octets), actual in zip(FIXED[role], written, strict=True)
    ]
    assert written == expected


def test_the_subject_of_a_signature_certificate_names_prefecture_and_municipality() -> None:
    subject = holder(Role.SIGNATURE).subject
    assert list(subject.attributes) == names(
        ("2.5.4.6", "JP"),
        ("2.5.4.7", "Tokyo-to"),
        ("2.5.4.7", "Chiyoda-ku"),
        ("2.5.4.3", "2026112210020300042131010001"),
    )


def test_the_subject_of_an_authentication_certificate_is_country_and_common_name() -> None:
    subject = holder(Role.AUTHENTICATION).subject
    assert list(subject.attributes) == names(("2.5.4.6", "JP"), ("2.5.4.3", "0123456789ABCD131010001"))


@pytest.mark.parametrize("role", ROLES)
def test_issuer_and_issuer_alternative_name_carry_the_test_mark(role: Role) -> None:
    certificate = holder(role)
    in_english, in_japanese = PURPOSE[role]
    assert certificate.issuer == authority(role).subject
    assert list(certificate.issuer.attributes) == names(
        ("2.5.4.6", "JP"),
        ("2.5.4.10", "JPKI-TEST"),
        ("2.5.4.11", in_english),
        ("2.5.4.11", "Japan Agency for Local Authority Information Systems"),
    )
    (name,) = certificate.issuer_alternative_names
    assert name.directory_name is not None
    assert list(name.directory_name.attributes) == names(
        ("2.5.4.6", "JP"),
        ("2.5.4.10", "公的個人認証サービス（テスト）"),
        ("2.5.4.11", in_japanese),
        ("2.5.4.11", "地方公共団体情報システム機構"),
    )


@pytest.mark.parametrize("role", ROLES)
def test_the_distribution_point_is_the_municipality_s_in_the_directory(role: Role) -> None:
    (point,) = holder(role).distribution_points
    (name,) = point.directory_names
    assert list(name.attributes) == names(
        ("2.5.4.6", "JP"),
        ("2.5.4.10", "JPKI-TEST"),
        ("2.5.4.11", PURPOSE[role][0]),
        ("2.5.4.11", "CRL Distribution Points"),
        ("2.5.4.11", "Tokyo-to"),
        ("2.5.4.3", "Chiyoda-ku CRLDP"),
    )
    assert point.reasons is None
    assert point.crl_issuer == ()


@pytest.mark.parametrize(
    ("role", "policy"),
    [(Role.SIGNATURE, "1.2.392.200149.8.5.1.0.20"), (Role.AUTHENTICATION, "1.2.392.200149.8.5.1.0.30")],
)
def test_the_policy_is_that_of_the_test_arc_and_the_hosts_are_those_given(role: Role, policy: str) -> None:
    certificate = holder(role)
    assert certificate.policies == (policy,)
    assert certificate.cps_urls == ("http://www.jpki-test.example:8080/cps.html",)
    assert certificate.ocsp_urls == ("http://ocsp.jpki-test.example",)


def test_the_policy_is_encoded_as_in_a_real_certificate() -> None:
    # A real one begins 303D303B060B2A83088C9B55080501031E302C302A06082B06010505070201161E, its address has 30 octets.
    address = b"http://www.jpki-test.example:8080/cps.html"
    extension = holder(Role.AUTHENTICATION).extension("2.5.29.32")
    assert len(address) == 30 + 12
    assert extension is not None
    assert (
        extension.value == bytes.fromhex("30493047060B2A83088C9B55080501001E3038303606082B06010505070201162A") + address
    )


@pytest.mark.parametrize("role", ROLES)
def test_the_authority_s_key_is_named_by_identifier_issuer_and_serial_number(role: Role) -> None:
    certificate = holder(role)
    named = certificate.authority_key_id
    assert named is not None
    assert (named.key_id, named.issuer, named.serial) == (
        authority(role).subject_key_id,
        authority(role).issuer,
        authority(role).serial,
    )


@pytest.mark.parametrize("role", ROLES)
def test_the_subject_key_identifier_is_the_hash_that_another_library_computes(role: Role) -> None:
    certificate = holder(role)
    loaded = x509.load_der_x509_certificate(certificate.raw)
    assert certificate.subject_key_id == x509.SubjectKeyIdentifier.from_public_key(loaded.public_key()).digest


def test_the_attributes_stand_in_six_other_names_in_the_order_of_the_cards() -> None:
    certificate = holder(Role.SIGNATURE)
    assert [(name.oid, name.text) for name in certificate.other_names] == [
        ("1.2.392.200149.8.5.5.1", "公的　花子"),
        ("1.2.392.200149.8.5.5.4", "319890107"),
        ("1.2.392.200149.8.5.5.3", "2"),
        ("1.2.392.200149.8.5.5.5", "東京都千代田区霞が関１丁目１番１号"),
        ("1.2.392.200149.8.5.5.2", "00001"),
        ("1.2.392.200149.8.5.5.6", "00000000001000000"),
    ]
    assert certificate.attributes == HANAKO
    assert certificate.attribute_problems == ()


def test_an_attribute_is_an_other_name_with_an_explicit_utf8_string() -> None:
    (name, *_) = holder(Role.SIGNATURE).other_names
    assert name.raw.hex() == "a01f060a2a83088c9b5508050501a0110c0f" + "公的　花子".encode().hex()


def test_an_authentication_certificate_holds_no_attribute() -> None:
    certificate = holder(Role.AUTHENTICATION)
    assert certificate.attributes is None
    assert certificate.subject_alternative_names == ()


@pytest.mark.parametrize("role", ROLES)
def test_other_libraries_read_the_whole_certificate(role: Role) -> None:
    certificate = holder(role)
    loaded = x509.load_der_x509_certificate(certificate.raw)
    loaded.verify_directly_issued_by(x509.load_der_x509_certificate(authority(role).raw))
    assert [item.oid.dotted_string for item in loaded.extensions] == [item.oid for item in certificate.extensions]
    other = asn1_x509.Certificate.load(certificate.raw, strict=True)
    assert other.native["tbs_certificate"]["serial_number"] == 0x06D18006
    assert other.dump(force=True) == certificate.raw


@pytest.mark.parametrize("role", ROLES)
def test_openssl_verifies_the_certificate_and_prints_its_extensions(role: Role, tmp_path: Path) -> None:
    trusted, issued = tmp_path / "authority.pem", tmp_path / "holder.pem"
    trusted.write_text(to_pem("CERTIFICATE", authority(role).raw))
    issued.write_text(to_pem("CERTIFICATE", holder(role).raw))
    moment = str(int(DAY.timestamp()) + 1)
    assert "OK" in openssl("verify", "-x509_strict", "-attime", moment, "-CAfile", trusted, issued).stdout
    text = openssl("x509", "-in", issued, "-noout", "-text", "-nameopt", "utf8").stdout
    assert "DirName:C = JP, O = JPKI-TEST, OU = " in text
    assert "CN = Chiyoda-ku CRLDP" in text
    assert "OCSP - URI:http://ocsp.jpki-test.example" in text


@pytest.mark.parametrize("role", ROLES)
def test_times_are_utc_times_until_2049_and_generalized_times_after(role: Role) -> None:
    late = holder(role, not_after=datetime(2050, 1, 1, tzinfo=UTC))
    assert b"\x17\x0d261122010203Z\x18\x0f20500101000000Z" in late.tbs
    assert b"\x17\x0d261122010203Z\x17\x0d311121145959Z" in holder(role).tbs
    assert (late.not_before, late.not_after) == (DAY, datetime(2050, 1, 1, tzinfo=UTC))

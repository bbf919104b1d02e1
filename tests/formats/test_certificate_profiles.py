"""What the profiles make is exact, octet for octet, and other programs read it."""

from __future__ import annotations

import contextlib
import subprocess
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from issued import CHIYODA, COMMON_NAMES, DAY, END, HANAKO, HOSTS, OTHER_KEY, authority, holder, holder_tbs, key

from jpki.formats import (
    AUTHENTICATION_POLICY,
    PHONE_SIGNATURE_POLICY,
    SIGNATURE_POLICY,
    TEST_AUTHENTICATION_POLICY,
    TEST_SIGNATURE_POLICY,
    BadHost,
    FormatError,
    Hosts,
    NoSuchProfile,
    ProfileError,
    certificate_profile_names,
    load_certificate_profile,
    to_pem,
)
from jpki.formats.certificate_profile_file import parse_certificate_profile
from jpki.terms import FourAttributes, Role

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


def openssl(*arguments: str | Path) -> str:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


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
    assert "OK" in openssl("verify", "-x509_strict", "-attime", moment, "-CAfile", trusted, issued)
    text = openssl("x509", "-in", issued, "-noout", "-text", "-nameopt", "utf8")
    assert "DirName:C = JP, O = JPKI-TEST, OU = " in text
    assert "CN = Chiyoda-ku CRLDP" in text
    assert "OCSP - URI:http://ocsp.jpki-test.example" in text


@pytest.mark.parametrize("role", ROLES)
def test_times_are_utc_times_until_2049_and_generalized_times_after(role: Role) -> None:
    late = holder(role, not_after=datetime(2050, 1, 1, tzinfo=UTC))
    assert b"\x17\x0d261122010203Z\x18\x0f20500101000000Z" in late.tbs
    assert b"\x17\x0d261122010203Z\x17\x0d311121145959Z" in holder(role).tbs
    assert (late.not_before, late.not_after) == (DAY, datetime(2050, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("role", "different"),
    [
        (Role.SIGNATURE, {"attributes": None}),
        (Role.AUTHENTICATION, {"attributes": HANAKO}),
        (Role.SIGNATURE, {"common_name": COMMON_NAMES[Role.AUTHENTICATION]}),
        (Role.AUTHENTICATION, {"common_name": COMMON_NAMES[Role.SIGNATURE]}),
        (Role.AUTHENTICATION, {"common_name": COMMON_NAMES[Role.AUTHENTICATION] + "\n"}),
        (Role.AUTHENTICATION, {"serial": 0}),
        (Role.AUTHENTICATION, {"serial": -1}),
        (Role.AUTHENTICATION, {"serial": 1 << 159}),
        (Role.AUTHENTICATION, {"public_key_info": b""}),
        (Role.AUTHENTICATION, {"public_key_info": key(OTHER_KEY).public_key_info + b"\0"}),
        (
            Role.SIGNATURE,
            {"attributes": FourAttributes("\ud800", "0", HANAKO.address, "0", HANAKO.birth_date, HANAKO.sex)},
        ),
    ],
)
def test_a_certificate_that_does_not_fit_its_profile_is_not_made(role: Role, different: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        holder_tbs(role, **different)


def test_the_largest_serial_number_has_20_octets() -> None:
    assert holder(Role.AUTHENTICATION, serial=(1 << 159) - 1).serial == (1 << 159) - 1


@pytest.mark.parametrize("length", [1, 36, 37, 42, 43, 84, 85, 200, 4000])
def test_an_attribute_of_any_length_is_written_and_read(length: int) -> None:
    long = FourAttributes("名" * length, "0" * length, "所" * length, "1" * length, HANAKO.birth_date, HANAKO.sex)
    assert holder(Role.SIGNATURE, attributes=long).attributes == long


@pytest.mark.parametrize(
    ("host", "problem"),
    [
        ("jpki.go.jp", "live"),
        ("ocspauthnorm.jpki.go.jp", "live"),
        ("WWW.JPKI.GO.JP", "live"),
        ("www.jpki.go.jp:80", "live"),
        ("www.jpki.go.jp.", "form"),
        ("", "form"),
        ("-a.example", "form"),
        ("a..example", "form"),
        ("a.example/path", "form"),
        ("user@a.example", "form"),
        ("a.example:", "form"),
        ("a.example:port", "form"),
        ("a.example\n", "form"),
        ("例.example", "form"),
        ("a." * 130 + "example", "form"),
    ],
)
def test_a_host_that_may_not_stand_in_a_certificate_is_refused(host: str, problem: str) -> None:
    for make in (lambda: Hosts(ocsp=host, cps="a.example"), lambda: Hosts(ocsp="a.example", cps=host)):
        with pytest.raises(BadHost) as caught:
            make()
        assert caught.value.facts == {"host": host, "problem": problem}


@pytest.mark.parametrize("host", ["notjpki.go.jp", "localhost", "127.0.0.1:8080", "jpki.go.jp.example"])
def test_another_host_is_taken(host: str) -> None:
    assert Hosts(ocsp=host, cps=host).ocsp == host


def test_a_common_name_for_signing_is_made_of_the_time_in_japan_sequence_and_office() -> None:
    profile = load_certificate_profile("sign")
    name = profile.common_name(
        requested_at=datetime(2026, 11, 21, 15, 0, 1, tzinfo=UTC), sequence=42, office="131010001"
    )
    assert name == "2026112200000100042131010001"


def test_a_common_name_for_authentication_is_made_of_chance_municipality_and_four_more() -> None:
    profile = load_certificate_profile("auth")
    name = profile.common_name(random="A1B2C3D4E5F6G7", municipality_code="13101", suffix="001Z")
    assert name == "A1B2C3D4E5F6G713101001Z"
    assert len(name) == 23


@pytest.mark.parametrize(
    ("profile", "parts"),
    [
        ("sign", {"requested_at": DAY, "sequence": 100_000, "office": "131010001"}),
        ("sign", {"requested_at": DAY, "sequence": 1, "office": "13101000"}),
        ("sign", {"requested_at": DAY, "sequence": "1", "office": "131010001"}),
        ("sign", {"requested_at": DAY, "sequence": 1}),
        ("auth", {"random": "a1b2c3d4e5f6g7", "municipality_code": "13101", "suffix": "0001"}),
        ("auth", {"random": "A" * 13, "municipality_code": "131012", "suffix": "0001"}),
        ("ca-auth", {}),
    ],
)
def test_a_common_name_of_another_form_is_not_made(profile: str, parts: dict[str, str | int | datetime]) -> None:
    with pytest.raises(FormatError):
        load_certificate_profile(profile).common_name(**parts)


def test_former_name_and_alias_are_written_by_the_signature_profile_s_forms() -> None:
    profile = load_certificate_profile("sign")
    assert profile.former_name_format.format(family="公的", former="認証", given="花子") == "公的［認証］　花子"
    assert profile.alias_format.format(name="SMITH JOHN", alias="須美　譲") == "SMITH JOHN（須美　譲）"


def test_a_verifier_finds_in_the_profiles_what_to_expect() -> None:
    sign, auth, root = (load_certificate_profile(name) for name in ("sign", "auth", "ca-sign"))
    assert (sign.policy, sign.japan_policies) == (TEST_SIGNATURE_POLICY, (SIGNATURE_POLICY, PHONE_SIGNATURE_POLICY))
    assert (auth.policy, auth.japan_policies) == (TEST_AUTHENTICATION_POLICY, (AUTHENTICATION_POLICY,))
    assert sign.key_usage == {"digitalSignature", "nonRepudiation"}
    assert auth.key_usage == {"digitalSignature"}
    assert (sign.extended_key_usage, auth.extended_key_usage) == ((), ("1.3.6.1.5.5.7.3.2",))
    assert sign.critical_extensions == {"2.5.29.15", "2.5.29.32"}
    assert root.key_usage == {"keyCertSign", "cRLSign"}
    assert (root.policy, root.next_update_hours, root.validity_years) == ("", 48, 10)
    assert root.authority_name == authority(Role.SIGNATURE).subject


def test_a_holder_s_profile_makes_no_authority_and_an_authority_s_no_holder() -> None:
    with pytest.raises(FormatError):
        load_certificate_profile("sign").authority_tbs(
            serial=1, not_before=DAY, not_after=END, public_key_info=key(0).public_key_info
        )
    with pytest.raises(FormatError):
        _ = load_certificate_profile("sign").authority_name
    with pytest.raises(FormatError):
        load_certificate_profile("ca-sign").template(authority(Role.SIGNATURE), CHIYODA, HOSTS)


def test_there_are_four_profiles_and_no_other() -> None:
    assert certificate_profile_names() == ("auth", "ca-auth", "ca-sign", "sign")
    with pytest.raises(NoSuchProfile) as caught:
        load_certificate_profile("../sign")
    assert caught.value.known == certificate_profile_names()


def text_of(name: str) -> str:
    return (resources.files("jpki.formats") / "certificate_profiles" / f"{name}.toml").read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "old", "new", "where"),
    [
        ("sign", "JPKI-TEST", "JPKI", "organization"),
        ("sign", "公的個人認証サービス（テスト）", "公的個人認証サービス", "test_mark"),
        ("sign", 'issued = "test-signature"', 'issued = "signature"', "policy.issued"),
        ("sign", 'issued = "test-signature"', 'issued = "1.2.3"', "policy.issued"),
        ("sign", '"phone-signature"', '"phone"', "policy.japan"),
        ("sign", "format       = 1", "format = 2", "format"),
        ("sign", 'kind         = "holder"', 'kind = "person"', "kind"),
        ("sign", 'kind         = "holder"', 'kind = "authority"', "subject"),
        ("sign", 'role         = "signature"', 'role = "sign"', "role"),
        ("sign", '["CN", "{common_name}"]]', '["CN", "x"]]', "subject"),
        ("sign", '["L", "{prefecture}"]', '["XX", "{prefecture}"]', "subject"),
        ("sign", '["L", "{prefecture}"]', '["L", "{prefecture.x}"]', "subject"),
        ("sign", '["L", "{prefecture}"]', '["L", "{prefecture"]', "subject"),
        ("sign", '["L", "{prefecture}"]', '["L"]', "subject"),
        ("sign", '["L", "{prefecture}"]', '"L"', "subject"),
        ("sign", "{office}", "{offices}", "common_name"),
        ("sign", "[0-9A-Z]{9}", "[0-9A-Z", "common_name"),
        ("sign", "（{alias}）", "（{alias}{x}）", "holder_name.alias"),
        ("sign", '"nonRepudiation"]', '"contentCommitment"]', "extension[0].usages"),
        ("sign", "critical = true", "critical = 1", "extension[0].critical"),
        ("sign", 'content = "attributes"', 'content = "name"', "extension[1].content"),
        ("sign", "{cps}", "{ocsp}", "extension[2].cps"),
        ("sign", 'type = "issuerAltName"', 'type = "subjectAltName"', "extension"),
        ("sign", 'type = "issuerAltName"', 'type = "nameConstraints"', "extension[3].type"),
        ("sign", 'ocsp = "http://{ocsp}"', "ocsp = 1", "extension[5].ocsp"),
        ("auth", 'purposes = ["clientAuth"]', 'purposes = ["serverAuth"]', "extension[1].purposes"),
        ("ca-sign", "ca       = true", "ca = false", "extension[2].ca"),
        ("ca-sign", "next_update_hours = 48", "next_update_hours = 0", "next_update_hours"),
        ("ca-sign", "own  = true", "own = true\nname = []", "extension[3].name"),
        ("ca-sign", 'type = "subjectKeyIdentifier"', 'type = "certificatePolicies"', "extension[4].type"),
        ("ca-sign", "validity_years    = 10", "validity_years = 10\nunknown = 1", "unknown"),
        ("auth", "[policy]", "[policy", ""),
    ],
)
def test_a_profile_that_does_not_follow_the_schema_is_refused(name: str, old: str, new: str, where: str) -> None:
    text = text_of(name)
    assert old in text
    with pytest.raises(ProfileError) as caught:
        parse_certificate_profile("mine", text.replace(old, new, 1))
    assert (caught.value.profile, caught.value.where) == ("mine", where)


@pytest.mark.parametrize("name", ["auth", "ca-auth", "ca-sign", "sign"])
def test_a_profile_without_one_of_its_lines_is_read_or_refused(name: str) -> None:
    lines = text_of(name).splitlines()
    for number in range(len(lines)):
        with contextlib.suppress(ProfileError):
            parse_certificate_profile(name, "\n".join(lines[:number] + lines[number + 1 :]))

"""The certificate profiles as files: what they tell a verifier, and what a file must not say."""

from __future__ import annotations

import contextlib
from importlib import resources

import pytest
from issued import CHIYODA, DAY, END, HOSTS, authority, key

from jpki.formats import (
    AUTHENTICATION_POLICY,
    PHONE_SIGNATURE_POLICY,
    SIGNATURE_POLICY,
    TEST_AUTHENTICATION_POLICY,
    TEST_SIGNATURE_POLICY,
    FormatError,
    NoSuchProfile,
    ProfileError,
    certificate_profile_names,
    load_certificate_profile,
)
from jpki.formats.certificate_profile_file import parse_certificate_profile
from jpki.terms import Role


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


def test_a_responder_s_profile_makes_responders_of_its_authority_and_nothing_else() -> None:
    sign = authority(Role.SIGNATURE)
    with pytest.raises(FormatError):
        load_certificate_profile("ocsp-sign").template(sign, CHIYODA, HOSTS)
    with pytest.raises(FormatError):
        _ = load_certificate_profile("ocsp-sign").authority_name
    with pytest.raises(FormatError):
        load_certificate_profile("ocsp-auth").responder_template(sign)
    for name in ("sign", "ca-sign"):
        with pytest.raises(FormatError):
            load_certificate_profile(name).responder_template(sign)


def test_there_are_six_profiles_and_no_other() -> None:
    assert certificate_profile_names() == ("auth", "ca-auth", "ca-sign", "ocsp-auth", "ocsp-sign", "sign")
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
        ("auth", 'purposes = ["clientAuth"]', 'purposes = ["OCSPSigning"]', "extension"),
        ("auth", 'purposes = ["clientAuth"]', 'purposes = ["clientAuth", "OCSPSigning"]', "extension"),
        ("auth", 'type = "issuerAltName"', 'type = "ocspNoCheck"', "extension[3].name"),
        ("auth", 'type = "subjectKeyIdentifier"', 'type = "ocspNoCheck"', "extension"),
        ("ca-sign", 'type = "subjectKeyIdentifier"', 'type = "ocspNoCheck"', "extension"),
        ("sign", 'issued = "test-signature"', 'issued = "test-responder"', "policy.issued"),
        ("ocsp-sign", 'issued = "test-responder"', 'issued = "test-signature"', "policy.issued"),
        ("ocsp-sign", "[policy]", '[policy]\njapan = ["signature"]', "policy.japan"),
        ("ocsp-sign", 'purposes = ["OCSPSigning"]', 'purposes = ["OCSPSigning", "clientAuth"]', "extension"),
        ("ocsp-sign", 'purposes = ["OCSPSigning"]', 'purposes = ["clientAuth"]', "extension"),
        ("ocsp-sign", '[[extension]]\ntype = "ocspNoCheck"\n', "", "extension"),
        ("ocsp-sign", "validity_days = 30", "validity_days = 3000", "validity_days"),
        ("ocsp-sign", "validity_days = 30", "validity_years = 1", "validity_days"),
        ("ocsp-sign", '["CN", "{common_name}"]', '["CN", "x"]', "subject"),
        ("ocsp-sign", "JPKI-TEST", "JPKI", "organization"),
        ("ocsp-sign", '["OU", "JPKI for digital signature"]', '["OU", "{prefecture}"]', "subject"),
        ("ocsp-auth", '["O", "{test_mark}"]', '["O", "{municipality}"]', "extension"),
        (
            "ocsp-auth",
            'type = "certificatePolicies"',
            'type = "certificatePolicies"\ncps = "http://{cps}"',
            "extension",
        ),
        ("ca-sign", '["OU", "JPKI for digital signature"]', '["OU", "{ocsp}"]', "subject"),
        ("ocsp-sign", 'kind         = "responder"', 'kind = "authority"', "subject"),
    ],
)
def test_a_profile_that_does_not_follow_the_schema_is_refused(name: str, old: str, new: str, where: str) -> None:
    text = text_of(name)
    assert old in text
    with pytest.raises(ProfileError) as caught:
        parse_certificate_profile("mine", text.replace(old, new, 1))
    assert (caught.value.profile, caught.value.where) == ("mine", where)


@pytest.mark.parametrize("name", certificate_profile_names())
def test_a_profile_without_one_of_its_lines_is_read_or_refused(name: str) -> None:
    lines = text_of(name).splitlines()
    for number in range(len(lines)):
        with contextlib.suppress(ProfileError):
            parse_certificate_profile(name, "\n".join(lines[:number] + lines[number + 1 :]))

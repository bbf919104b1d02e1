"""Our authorities' certificates are built like those that J-LIS publishes, and those are read."""

from __future__ import annotations

from pathlib import Path

import pytest
from asn1crypto import parser
from issued import authority, published

from jpki.formats import Certificate, key_identifier
from jpki.terms import Role

FOLDER = Path(__file__).parent.parent / "data" / "jpki-ca"
PUBLISHED = {
    "auth_ca_2015": (Role.AUTHENTICATION, 0x1, "9567951B5CA70D84A0FFF1D85A87F1AAB1340385"),
    "auth_ca_2023": (Role.AUTHENTICATION, 0x06D18006, "1AC100F596A3BC8C4B3DF195E32699249E9E308A"),
    "sign_ca_2015": (Role.SIGNATURE, 0x1, "0D034CBB34D0714F45E45A1CAFD8FD143FAB54A7"),
    "sign_ca_2023": (Role.SIGNATURE, 0x067C6A21, "D21EA55895617E93ADBF966B941AB4EDF653F08F"),
}
FINGERPRINTS = {
    "auth_ca_2015": "4DCFC4CA0AAF9FB2A3081B3F0C991C320B3ACC008667A341EEAEC5AF1D58CA7D",
    "auth_ca_2023": "64114F29620C24ED2631D46476A040E7EE740D956089C00B036A6A8118C322B5",
    "sign_ca_2015": "19645405A1FE14377434BD55957628AC4038557C542403A2243F21C706FC9355",
    "sign_ca_2023": "D227F6CDE11D35C5252178F106F843D24651944975413B539FA2FB68DBFA365F",
}
OUR_TEXTS = {"JPKI": "JPKI-TEST", "公的個人認証サービス": "公的個人認証サービス（テスト）"}
UTF8, OCTETS, BITS, TIME, INTEGER = 0x0C, 0x04, 0x03, 0x17, 0x02

Shape = list[tuple[int, object]]


def shape_of(der: bytes, texts: list[str]) -> Shape:
    """Returns tags and contents in nested lists; texts in UTF-8 go to `texts`, the octets of keys and times to nobody.

    Read with asn1crypto, so that our own reader does not judge itself.
    """
    shape: Shape = []
    at = 0
    while at < len(der):
        _, _, number, header, content, _ = parser.parse(der[at:])
        tag = der[at]
        assert number < 31
        at += len(header) + len(content)
        inner: object = content
        if tag & 0x20:
            inner = shape_of(content, texts)
        elif tag == UTF8:
            texts.append(content.decode())
            inner = "text"
        elif tag == TIME:
            inner = ("time", len(content), content[-1:])
        elif tag == OCTETS:
            inner = shape_of(content, texts) if len(content) != 20 else "key identifier"
        elif tag == BITS and len(content) > 200:
            inner = ("key or signature", len(content), content[0])
        shape.append((tag, inner))
    return shape


def structure_of(der: bytes) -> tuple[Shape, list[str]]:
    texts: list[str] = []
    (certificate,) = shape_of(der, texts)
    tbs = certificate[1][0][1]  # type: ignore[index]
    assert tbs[1][0] == INTEGER
    tbs[1] = (INTEGER, "serial number")
    return [certificate], texts


@pytest.mark.parametrize("name", PUBLISHED)
def test_our_authority_certificate_is_built_like_the_published_one(name: str) -> None:
    role = PUBLISHED[name][0]
    theirs, their_texts = structure_of(published(FOLDER, name))
    ours, our_texts = structure_of(authority(role).raw)
    assert ours == theirs
    assert our_texts == [OUR_TEXTS.get(text, text) for text in their_texts]


def test_the_comparison_notices_a_text_of_another_type() -> None:
    der = published(FOLDER, "auth_ca_2015")
    changed = der.replace(b"\x0c\x04JPKI", b"\x13\x04JPKI", 1)
    assert structure_of(changed)[0] != structure_of(der)[0]


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_certificate_is_read(name: str) -> None:
    role, serial, key_id = PUBLISHED[name]
    certificate = Certificate.parse(published(FOLDER, name))
    certificate.check_extensions()
    assert certificate.serial == serial
    assert certificate.subject_key_id == bytes.fromhex(key_id)
    assert certificate.subject_key_id == key_identifier(certificate.public_key_info)
    assert certificate.fingerprint == bytes.fromhex(FINGERPRINTS[name])
    assert certificate.issuer == certificate.subject
    purpose = "digital signature" if role is Role.SIGNATURE else "user authentication"
    assert str(certificate.subject) == (
        f"C=JP, O=JPKI, OU=JPKI for {purpose}, OU=Japan Agency for Local Authority Information Systems"
    )
    assert certificate.key_usage == {"keyCertSign", "cRLSign"}
    assert certificate.basic_constraints is not None
    assert certificate.basic_constraints.ca
    assert certificate.basic_constraints.path_length is None
    assert [point.directory_names for point in certificate.distribution_points] == [(certificate.subject,)]
    assert certificate.authority_key_id is None
    assert certificate.policies == ()
    assert certificate.attributes is None
    assert certificate.public_key.bits == 2048
    assert certificate.public_key.exponent == 65537


def test_the_generations_of_one_authority_share_their_name_and_not_their_key() -> None:
    first, second = (Certificate.parse(published(FOLDER, f"sign_ca_{year}")) for year in (2015, 2023))
    assert first.subject == second.subject
    assert first.public_key_info != second.public_key_info

"""RSA keys as certificates carry them, and the structures around signatures and text."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from issued import HOLDER_KEY, key

from jpki.formats import (
    FormatError,
    RsaPublicKey,
    digest_info,
    from_pem,
    key_identifier,
    rsa_public_key_info,
    to_pem,
)

NUMBERS = key(HOLDER_KEY).private.public_key().public_numbers()


def test_a_key_is_written_as_another_library_writes_it() -> None:
    info = key(HOLDER_KEY).private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert rsa_public_key_info(NUMBERS.n, NUMBERS.e) == info
    assert RsaPublicKey.parse(info) == RsaPublicKey(NUMBERS.n, NUMBERS.e)
    assert RsaPublicKey.parse(info).encode() == info
    assert RsaPublicKey.parse(info).bits == 2048


@pytest.mark.parametrize("bits", [1, 8, 1023, 1024, 3072, 8192])
def test_keys_of_other_lengths_are_read(bits: int) -> None:
    modulus = (1 << bits) - 1
    info = rsa_public_key_info(modulus, 3)
    assert RsaPublicKey.parse(info) == RsaPublicKey(modulus, 3)


def test_a_key_identifier_is_the_hash_of_the_key_s_bits() -> None:
    short = bytes.fromhex("301A300D06092A864886F70D0101010500030900300602010F020103")
    assert rsa_public_key_info(15, 3) == short
    assert key_identifier(short) == hashlib.sha1(bytes.fromhex("300602010F020103"), usedforsecurity=False).digest()


@pytest.mark.parametrize(
    "info",
    [
        b"",
        rsa_public_key_info(15, 3) + b"\x00",
        rsa_public_key_info(15, -3),
        rsa_public_key_info(0, 3),
        rsa_public_key_info(1 << 8200, 3),
        rsa_public_key_info(15, 3).replace(bytes.fromhex("020103"), bytes.fromhex("040103")),
    ],
)
def test_what_is_no_rsa_key_is_refused(info: bytes) -> None:
    with pytest.raises(FormatError):
        RsaPublicKey.parse(info)
    with pytest.raises(FormatError):
        key_identifier(info)


def test_another_kind_of_key_is_no_rsa_key_and_has_an_identifier() -> None:
    info = rsa_public_key_info(15, 3).replace(bytes.fromhex("0101010500"), bytes.fromhex("01010A0500"))
    with pytest.raises(FormatError):
        RsaPublicKey.parse(info)
    assert key_identifier(info) == key_identifier(rsa_public_key_info(15, 3))


@pytest.mark.parametrize(
    "info", [b"", b"\x30\x00", rsa_public_key_info(15, 3)[:-1], b"\x30\x06\x30\x02\x05\x00\x03\x00"]
)
def test_what_is_no_key_has_no_identifier(info: bytes) -> None:
    with pytest.raises(FormatError):
        key_identifier(info)


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("sha1", "3021300906052B0E03021A05000414"),
        ("sha256", "3031300D060960864801650304020105000420"),
        ("sha384", "3041300D060960864801650304020205000430"),
        ("sha512", "3051300D060960864801650304020305000440"),
    ],
)
def test_a_digest_info_begins_as_the_standard_says(name: str, prefix: str) -> None:
    digest = hashlib.new(name, b"document").digest()
    assert digest_info(name, digest) == bytes.fromhex(prefix) + digest


@pytest.mark.parametrize(("name", "length"), [("md5", 16), ("SHA256", 32), ("sha256", 31), ("sha256", 0)])
def test_another_hash_or_length_has_no_digest_info(name: str, length: int) -> None:
    with pytest.raises(FormatError):
        digest_info(name, bytes(length))


@pytest.mark.parametrize("length", [0, 1, 47, 48, 49, 1000])
def test_pem_is_read_back(length: int) -> None:
    text = to_pem("X509 CRL", bytes(length))
    assert from_pem(text, "X509 CRL") == (bytes(length),)
    assert max(map(len, text.splitlines())) <= 64
    assert from_pem(text, "CERTIFICATE") == ()


def test_every_block_of_a_pem_text_is_read_and_other_text_passed_over() -> None:
    text = (
        "subject=…\r\n"
        + to_pem("CERTIFICATE", b"one").replace("\n", "\r\n")
        + "words\n"
        + to_pem("CERTIFICATE", b"two")
    )
    assert from_pem(text, "CERTIFICATE") == (b"one", b"two")


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN CERTIFICATE-----\nAAAA\n",
        "-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAA*A\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAあA\n-----END CERTIFICATE-----\n",
    ],
)
def test_a_broken_pem_block_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        from_pem(text, "CERTIFICATE")

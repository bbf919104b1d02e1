"""Certification requests: made for other programs to read, and read from other programs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from asn1crypto import csr
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from issued import HOLDER_KEY, key

from jpki.formats import (
    SHA256_WITH_RSA,
    CertificateRequest,
    FormatError,
    Name,
    certificate_request,
    signature_algorithm_name,
    signed,
)
from jpki.formats.der import SEQUENCE, encode, encode_integer

SUBJECT = Name.of(("C", "JP"), ("O", "JPKI-TEST"), ("CN", "card"))
INFO = (encode_integer(0), SUBJECT.raw, key(HOLDER_KEY).public_key_info, b"\xa0\x00")


def request() -> bytes:
    return certificate_request(SUBJECT, key(HOLDER_KEY).public_key_info, key(HOLDER_KEY).sign)


def test_openssl_accepts_a_request_and_its_signature(tmp_path: Path) -> None:
    file = tmp_path / "request.der"
    file.write_bytes(request())
    done = subprocess.run(
        ["openssl", "req", "-verify", "-noout", "-subject", "-nameopt", "RFC2253", "-inform", "DER", "-in", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "OK" in done.stdout + done.stderr
    assert "CN=card,O=JPKI-TEST,C=JP" in done.stdout


def test_other_libraries_read_a_request() -> None:
    loaded = x509.load_der_x509_csr(request())
    assert loaded.is_signature_valid
    assert loaded.public_key().public_numbers() == key(HOLDER_KEY).private.public_key().public_numbers()  # type: ignore[union-attr]
    other = csr.CertificationRequest.load(request(), strict=True)
    assert other.native["certification_request_info"]["version"] == "v1"
    assert other.dump(force=True) == request()


def test_a_request_is_read_back() -> None:
    read = CertificateRequest.parse(request())
    numbers = key(HOLDER_KEY).private.public_key().public_numbers()
    assert (read.modulus, read.exponent) == (numbers.n, numbers.e)
    assert read.subject == SUBJECT
    assert read.public_key_info == key(HOLDER_KEY).public_key_info
    assert read.signature == key(HOLDER_KEY).sign(read.info)
    assert signed(read.info, read.signature) == read.raw
    assert (read.signature_algorithm, read.attributes) == (SHA256_WITH_RSA, b"\xa0\x00")


def built(private: object, *extensions: x509.ExtensionType) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "other")])
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(private, hashes.SHA256()).public_bytes(Encoding.DER)  # type: ignore[arg-type]


def test_a_request_with_attributes_is_read_and_they_are_kept() -> None:
    read = CertificateRequest.parse(built(key(HOLDER_KEY).private, x509.BasicConstraints(ca=True, path_length=None)))
    assert read.subject.common_name == "other"
    assert len(read.attributes) > 2


def test_a_request_with_another_kind_of_key_is_read_and_its_modulus_refused() -> None:
    read = CertificateRequest.parse(built(ec.generate_private_key(ec.SECP384R1())))
    assert signature_algorithm_name(read.signature_algorithm) == "1.2.840.10045.4.3.2"
    for numbers in ("modulus", "exponent", "public_key"):
        with pytest.raises(FormatError):
            getattr(read, numbers)


@pytest.mark.parametrize(
    "info",
    [
        (encode_integer(1), *INFO[1:]),
        INFO[1:],
        INFO[:3],
        (*INFO[:3], b"\xa0\x01\x30"),
        (*INFO[:3], b"\xa1\x00"),
        (*INFO, b"\x05\x00"),
        (*INFO[:2], b"\x30\x00", INFO[3]),
        (),
    ],
)
def test_what_is_no_request_is_refused(info: tuple[bytes, ...]) -> None:
    with pytest.raises(FormatError) as caught:
        CertificateRequest.parse(signed(encode(SEQUENCE, *info), bytes(256)))
    assert caught.value.what in {"certificate request", "public key"}


def test_a_request_of_over_65535_octets_is_refused() -> None:
    attributes = encode(0xA0, encode(SEQUENCE, bytes(2) * 40_000))
    with pytest.raises(FormatError):
        CertificateRequest.parse(signed(encode(SEQUENCE, *INFO[:3], attributes), bytes(256)))


def test_a_request_is_not_made_for_what_is_no_key() -> None:
    with pytest.raises(FormatError):
        certificate_request(SUBJECT, b"\x30\x00", key(HOLDER_KEY).sign)


def outcome(raw: bytes) -> object:
    try:
        return CertificateRequest.parse(raw)
    except FormatError:
        return None


def test_the_usual_form_is_read_as_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    good = request()
    changed = [
        good,
        good[:-1],
        good + b"\x00",
        good[:10],
        b"",
        *(good[:at] + good[at + 1 :] for at in range(len(good))),
    ]
    for at in range(len(good)):
        changed += [good[:at] + bytes((good[at] ^ bit,)) + good[at + 1 :] for bit in (1, 0x80)]
    usual = [outcome(raw) for raw in changed]
    monkeypatch.setattr("jpki.formats.request._is_usual", lambda _: False)
    assert usual == [outcome(raw) for raw in changed]
    assert usual.count(None) > 100
    assert sum(one is not None for one in usual) > 500


def test_the_request_of_a_card_has_the_usual_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jpki.formats.request.read_signed", None)
    assert CertificateRequest.parse(request()).raw == request()

"""A key on a card in the hands of the `cryptography` library."""

from __future__ import annotations

import copy
import hashlib
import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from certified_cards import BOTH, PINS
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo, Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs7
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

from card_profiles import CardProfile, SigningScheme
from jpki.card import Card, CardPrivateKey, Exchange, JpkiApplication, PinNeeded, SessionEnded
from jpki.terms import Role

PKCS1 = padding.PKCS1v15()
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "JPKI-TEST")])
BEGIN = datetime(2026, 11, 22, tzinfo=UTC)
END = BEGIN + timedelta(days=1)


@pytest.fixture(params=BOTH, ids=lambda role: role.value)
def key(card: Card, profile: CardProfile, request: pytest.FixtureRequest) -> Iterator[CardPrivateKey]:
    role: Role = request.param
    with JpkiApplication.select(card, profile) as jpki:
        jpki.verify_pin(role, PINS[role])
        yield CardPrivateKey.of(jpki, role)


HASHES = [hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()]  # noqa: S303 - cards sign it


@pytest.mark.parametrize("algorithm", HASHES, ids=lambda known: known.name)
def test_pkcs1_signatures_verify_with_the_public_key(key: CardPrivateKey, algorithm: hashes.HashAlgorithm) -> None:
    key.public_key().verify(key.sign(b"message", PKCS1, algorithm), b"message", PKCS1, algorithm)


def test_a_digest_made_elsewhere_is_signed_as_such(key: CardPrivateKey) -> None:
    digest = hashlib.sha384(b"message").digest()
    signature = key.sign(digest, PKCS1, Prehashed(hashes.SHA384()))
    key.public_key().verify(signature, b"message", PKCS1, hashes.SHA384())


@pytest.mark.parametrize("salt", [32, padding.PSS.DIGEST_LENGTH], ids=["32 bytes", "digest length"])
def test_pss_signatures_verify_with_the_public_key(key: CardPrivateKey, salt: int) -> None:
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), salt)
    key.public_key().verify(key.sign(b"message", pss, hashes.SHA256()), b"message", pss, hashes.SHA256())


UNSUPPORTED = {
    "sha224": (PKCS1, hashes.SHA224()),
    "sha3-256": (PKCS1, hashes.SHA3_256()),
    "data without a hash": (PKCS1, NoDigestInfo()),
    "EMSA-PSS with sha512": (padding.PSS(padding.MGF1(hashes.SHA512()), 64), hashes.SHA512()),
    "EMSA-PSS with sha256": (padding.PSS(padding.MGF1(hashes.SHA256()), 20), hashes.SHA256()),
    "EMSA-PSS with sha256 ": (padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH), hashes.SHA256()),
    "EMSA-PSS with sha256  ": (padding.PSS(padding.MGF1(hashes.SHA384()), 32), hashes.SHA256()),
    "EME-OAEP with sha256": (padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None), hashes.SHA256()),
}


@pytest.mark.parametrize("named", UNSUPPORTED)
def test_what_the_card_does_not_do_is_refused_by_name(key: CardPrivateKey, trace: list[Exchange], named: str) -> None:
    trace.clear()
    with pytest.raises(UnsupportedAlgorithm, match=named.strip()):
        key.sign(b"message", *UNSUPPORTED[named])  # type: ignore[arg-type]
    assert trace == []


def test_pss_is_refused_where_the_card_has_no_such_scheme(card: Card, profile: CardProfile) -> None:
    schemes = {p1: scheme for p1, scheme in profile.jpki.schemes.items() if "pss" not in scheme.value}
    poorer = replace(profile, applications=(replace(profile.jpki, schemes=schemes),))
    with JpkiApplication.select(card, poorer) as jpki:
        jpki.verify_pin(Role.AUTHENTICATION, PINS[Role.AUTHENTICATION])
        key = CardPrivateKey.of(jpki, Role.AUTHENTICATION)
        assert SigningScheme.PSS_SHA256_PREHASHED not in jpki.profile.jpki.schemes.values()
        with pytest.raises(UnsupportedAlgorithm):
            key.sign(b"message", padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


def test_a_digest_of_another_length_is_refused(key: CardPrivateKey) -> None:
    with pytest.raises(ValueError, match="length"):
        key.sign(bytes(20), PKCS1, Prehashed(hashes.SHA256()))


def test_it_signs_a_certificate_request(key: CardPrivateKey) -> None:
    request = x509.CertificateSigningRequestBuilder().subject_name(NAME).sign(key, hashes.SHA256())
    assert request.is_signature_valid
    assert request.public_key() == key.public_key()


def certificate(key: CardPrivateKey) -> x509.Certificate:
    builder = x509.CertificateBuilder().subject_name(NAME).issuer_name(NAME).serial_number(7)
    builder = builder.public_key(key.public_key()).not_valid_before(BEGIN).not_valid_after(END)
    return builder.sign(key, hashes.SHA256())


def test_it_signs_a_certificate(key: CardPrivateKey) -> None:
    made = certificate(key)
    made.verify_directly_issued_by(made)


def test_it_signs_a_revocation_list(key: CardPrivateKey) -> None:
    revoked = x509.RevokedCertificateBuilder().serial_number(7).revocation_date(BEGIN).build()
    builder = x509.CertificateRevocationListBuilder().issuer_name(NAME).last_update(BEGIN).next_update(END)
    made = builder.add_revoked_certificate(revoked).sign(key, hashes.SHA256())
    assert made.is_signature_valid(key.public_key())


def test_it_signs_an_ocsp_response(key: CardPrivateKey) -> None:
    signer = certificate(key)
    builder = ocsp.OCSPResponseBuilder().add_response(
        signer, signer, hashes.SHA256(), ocsp.OCSPCertStatus.GOOD, BEGIN, END, None, None
    )
    response = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer).sign(key, hashes.SHA256())
    key.public_key().verify(response.signature, response.tbs_response_bytes, PKCS1, hashes.SHA256())


def test_it_signs_a_pkcs7_message(key: CardPrivateKey) -> None:
    builder = pkcs7.PKCS7SignatureBuilder().set_data(b"message").add_signer(certificate(key), key, hashes.SHA256())
    made = builder.sign(Encoding.DER, [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.NoAttributes])
    signature = made[-256:]
    key.public_key().verify(signature, b"message", PKCS1, hashes.SHA256())


def test_it_knows_its_size_and_its_public_key(key: CardPrivateKey) -> None:
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 2048
    assert key.public_key().public_numbers().e == 65537


GIVING_AWAY: dict[str, Callable[[CardPrivateKey], object]] = {
    "private numbers": lambda key: key.private_numbers(),
    "private bytes": lambda key: key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    "decryption": lambda key: key.decrypt(bytes(256), PKCS1),
}


@pytest.mark.parametrize("named", GIVING_AWAY)
def test_it_gives_nothing_of_the_private_key_away(key: CardPrivateKey, named: str) -> None:
    with pytest.raises(UnsupportedAlgorithm, match=named):
        GIVING_AWAY[named](key)


@pytest.mark.parametrize("copying", [copy.copy, copy.deepcopy, pickle.dumps])
def test_it_is_neither_copied_nor_pickled(key: CardPrivateKey, copying: Callable[[object], object]) -> None:
    with pytest.raises(TypeError):
        copying(key)


def test_it_needs_its_pin(card: Card, profile: CardProfile) -> None:
    with JpkiApplication.select(card, profile) as jpki:
        key = CardPrivateKey.of(jpki, Role.AUTHENTICATION)
        with pytest.raises(PinNeeded):
            key.sign(b"message", PKCS1, hashes.SHA256())


def test_it_ends_with_its_session(card: Card, profile: CardProfile) -> None:
    with JpkiApplication.select(card, profile) as jpki:
        jpki.verify_pin(Role.AUTHENTICATION, PINS[Role.AUTHENTICATION])
        key = CardPrivateKey.of(jpki, Role.AUTHENTICATION)
    with pytest.raises(SessionEnded):
        key.sign(b"message", PKCS1, hashes.SHA256())

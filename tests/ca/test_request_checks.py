"""What is checked of a request before a certificate is thought of."""

from __future__ import annotations

import pytest
from authorities import Applicants, request_of
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import CertificateSigningRequestBuilder, Name
from prime_pool import PrimePool

from jpki.ca import BadRequest, IssueRefused, KeyWeakness, WeakKey, check_request
from jpki.formats import CertificateRequest, rsa_public_key_info
from jpki.terms import Role

ROLE = Role.AUTHENTICATION
KEY = PrimePool(5).generate().private_key


def builder() -> CertificateSigningRequestBuilder:
    return CertificateSigningRequestBuilder().subject_name(Name([]))


def test_a_request_of_ours_passes_and_gives_its_key() -> None:
    key_info = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert check_request(ROLE, request_of(KEY)).public_key_info == key_info


def test_a_request_of_another_program_passes() -> None:
    made = builder().sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)
    assert check_request(ROLE, made).key_hash == check_request(ROLE, request_of(KEY)).key_hash


def test_two_requests_for_one_key_have_one_key_hash_and_two_digests() -> None:
    one, other = check_request(ROLE, request_of(KEY, "one")), check_request(ROLE, request_of(KEY, "other"))
    assert one.key_hash == other.key_hash
    assert one.digest != other.digest


def test_a_request_signed_by_another_key_is_refused() -> None:
    good = CertificateRequest.parse(request_of(KEY))
    other = PrimePool(6).generate().private_key
    signature = other.sign(good.info, padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(BadRequest) as caught:
        check_request(ROLE, good.raw.replace(good.signature, signature))
    assert caught.value.problem == "not signed by the key it holds"


def test_a_request_changed_after_it_was_signed_is_refused() -> None:
    with pytest.raises(BadRequest):
        check_request(ROLE, request_of(KEY, "one").replace(b"one", b"two"))


@pytest.mark.parametrize("hash_function", [hashes.SHA384(), hashes.SHA512()], ids=lambda item: item.name)
def test_a_request_signed_by_another_algorithm_is_refused(hash_function: hashes.SHA384 | hashes.SHA512) -> None:
    made = builder().sign(KEY, hash_function).public_bytes(Encoding.DER)
    with pytest.raises(BadRequest):
        check_request(ROLE, made)


def test_a_key_of_another_algorithm_is_refused() -> None:
    made = builder().sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(Encoding.DER)
    with pytest.raises(WeakKey) as caught:
        check_request(ROLE, made)
    assert caught.value.weakness is KeyWeakness.ALGORITHM


@pytest.mark.parametrize(
    ("bits", "exponent", "weakness"),
    [(1024, 65537, KeyWeakness.LENGTH), (3072, 65537, KeyWeakness.LENGTH), (2048, 3, KeyWeakness.EXPONENT)],
)
def test_a_key_of_another_length_or_exponent_is_refused(bits: int, exponent: int, weakness: KeyWeakness) -> None:
    key = rsa.generate_private_key(public_exponent=exponent, key_size=bits)
    with pytest.raises(WeakKey) as caught:
        check_request(ROLE, request_of(key))
    assert (caught.value.role, caught.value.weakness) == (ROLE, weakness)


def test_a_weak_key_is_refused_with_what_is_wrong() -> None:
    modulus = (1 << 2047) + 751 - (1 << 2047) % 751
    good = CertificateRequest.parse(request_of(KEY))
    with pytest.raises(WeakKey) as caught:
        check_request(ROLE, good.raw.replace(good.public_key_info, rsa_public_key_info(modulus, 65537)))
    assert caught.value.weakness is KeyWeakness.SMALL_FACTOR


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_a_request_that_is_cut_short_is_refused(cut: int) -> None:
    with pytest.raises(BadRequest):
        check_request(ROLE, request_of(KEY)[:cut])


def test_octets_behind_a_request_are_refused() -> None:
    with pytest.raises(BadRequest):
        check_request(ROLE, request_of(KEY) + b"\x00")


def test_a_request_with_any_one_octet_changed_is_refused_or_another_good_one() -> None:
    good = bytearray(Applicants(9).request())
    for at in range(len(good)):
        good[at] ^= 0x55
        with pytest.raises(IssueRefused):
            check_request(ROLE, bytes(good))
        good[at] ^= 0x55

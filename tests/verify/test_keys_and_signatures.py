"""Keys that are no honest RSA keys, and signatures that are almost right: judged, refused, and never a crash."""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from judging import document, failed, judged
from prime_pool import primes
from small_pki import AUTH_CA, DOCUMENT, HOLDER, NOW, SHA256_RSA, SIGN_CA, bits, integer, revoked, sequence, signed

from jpki.formats import FormatError
from jpki.terms import Role
from jpki.verify import BadRoot, CertificateAlone, CheckName, Problem, SignedDocument, Trust

CHOICE = random.Random(20261122)  # noqa: S311 - which numbers are tried is no secret
RSA = bytes.fromhex("300d06092a864886f70d0101010500")
RSA_WITHOUT_NULL = bytes.fromhex("300b06092a864886f70d010101")
RSASSA_PSS = bytes.fromhex("300b06092a864886f70d01010a")
RSAES_OAEP = bytes.fromhex("300b06092a864886f70d010107")
P, Q = primes()[:2]
ODD = CHOICE.getrandbits(2048) | 1 << 2047 | 1
_FRAME = len(SHA256_RSA) + 5 + 256  # octets behind what is signed: algorithm, head and content of the signature


def key_info(modulus: int, exponent: int = 65537, identifier: bytes = RSA) -> bytes:
    return sequence(identifier, bits(sequence(integer(modulus), integer(exponent))))


def of_another_kind(info: bytes, identifier: bytes) -> bytes:
    """Returns the same key under another identifier of its algorithm."""
    at = info.index(RSA)
    return sequence(identifier, info[at + len(RSA) :])


KINDS = {
    "RSASSA-PSS": RSASSA_PSS,
    "RSAES-OAEP": RSAES_OAEP,
    "rsaEncryption without NULL": RSA_WITHOUT_NULL,
    "a signature algorithm": SHA256_RSA,
}


@pytest.mark.parametrize("identifier", KINDS.values(), ids=KINDS.keys())
def test_a_key_for_another_algorithm_is_no_key_for_this_one(identifier: bytes) -> None:
    certificate = SIGN_CA.issue(HOLDER, info=of_another_kind(HOLDER.info, identifier))
    verdict = judged(document(certificate))
    assert failed(verdict) == {CheckName.KEY}
    found = verdict.check(CheckName.KEY)
    assert found is not None
    assert found.problem is Problem.NOT_RSA
    assert {check.name for check in verdict.not_made} == {CheckName.SIGNATURE}
    with pytest.raises(BadRoot) as caught:
        Trust.test(SIGN_CA.root(info=of_another_kind(SIGN_CA.key.info, identifier)))
    assert caught.value.problem == "key refused: not-rsa"


ODD_KEYS = {
    "even": (ODD - 1, 65537, CheckName.SIGNATURE),
    "a power of two": (1 << 2047, 65537, CheckName.SIGNATURE),
    "all ones": ((1 << 2048) - 1, 65537, CheckName.SIGNATURE),
    "a square": (P * P, 65537, CheckName.SIGNATURE),
    "three primes": (3 * (ODD >> 2 | 1), 65537, CheckName.SIGNATURE),
    "8,191 bits": (ODD << 6143 | 1, 65537, CheckName.SIGNATURE),
    "one": (1, 65537, CheckName.KEY),
    "2,047 bits": (ODD >> 1, 65537, CheckName.KEY),
    "exponent 1": (P * Q, 1, CheckName.KEY),
    "exponent 2": (P * Q, 2, CheckName.KEY),
    "exponent 3": (P * Q, 3, CheckName.KEY),
    "exponent of 2,000 bits": (P * Q, 1 << 2000 | 1, CheckName.KEY),
    "exponent over the modulus": (P * Q, 1 << 3000 | 1, CheckName.KEY),
}


@pytest.mark.parametrize(("modulus", "exponent", "check"), ODD_KEYS.values(), ids=ODD_KEYS.keys())
def test_a_strange_key_is_refused_or_verifies_nothing(modulus: int, exponent: int, check: CheckName) -> None:
    certificate = SIGN_CA.issue(HOLDER, info=key_info(modulus, exponent))
    signature = bytes((modulus.bit_length() + 7) // 8 - 1) + b"\x01"
    assert failed(judged(SignedDocument(DOCUMENT, signature, certificate))) == {check}
    with pytest.raises(BadRoot):
        Trust.test(SIGN_CA.root(info=key_info(modulus, exponent)))


@pytest.mark.parametrize(
    "numbers",
    [
        integer(-(P * Q)) + integer(65537),
        integer(P * Q) + integer(-65537),
        integer(0) + integer(65537),
        b"\x02\x82\x01\x02\x00\x00" + (P * Q).to_bytes(256, "big") + integer(65537),
        integer(P * Q) + b"\x02\x04\x00\x01\x00\x01",
        integer(P * Q) + integer(65537) + integer(1),
        integer(P * Q),
    ],
    ids=["negative", "negative exponent", "zero", "leading zeros", "zeros before the exponent", "three numbers", "one"],
)
def test_numbers_that_are_no_key_are_no_certificate(numbers: bytes) -> None:
    certificate = SIGN_CA.issue(HOLDER, info=sequence(RSA, bits(sequence(numbers))))
    with pytest.raises(FormatError) as caught:
        judged(document(certificate))
    assert caught.value.what == "public key"


# --- almost right -----------------------------------------------------------------------------------------------------


def small_signature() -> tuple[bytes, bytes]:
    """Returns a document whose signature begins with a zero octet, and that signature."""
    for number in itertools.count():
        content = b"document %d" % number
        signature = HOLDER.sign(content)
        if signature[0] == 0:
            return content, signature
    raise AssertionError


def test_a_signature_is_neither_shortened_nor_lengthened_nor_another_number_with_the_same_rest() -> None:
    content, signature = small_signature()
    key = HOLDER.private.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    same_rest = (int.from_bytes(signature, "big") + key.public_numbers().n).to_bytes(256, "big")
    certificate = SIGN_CA.issue(HOLDER)
    assert judged(SignedDocument(content, signature, certificate)).valid
    for wrong in (signature[1:], b"\x00" + signature, signature + b"\x00", signature[:-1], same_rest):
        assert failed(judged(SignedDocument(content, wrong, certificate))) == {CheckName.SIGNATURE}


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "an octet less": lambda signature: signature[:-1],
    "a zero behind it": lambda signature: signature + b"\x00",
    "a zero before it": lambda signature: b"\x00" + signature,
    "nothing": lambda _: b"",
    "zeros": lambda signature: bytes(len(signature)),
}


def signed_otherwise(whole: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Returns a certificate or list of the signature authority with its own signature changed."""
    tbs = whole[4:-_FRAME]
    assert signed(tbs, SIGN_CA.key) == whole
    return sequence(tbs, SHA256_RSA, bits(change(SIGN_CA.key.sign(tbs))))


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_the_signature_of_a_certificate_or_a_list_has_the_length_of_its_key(change: Callable[[bytes], bytes]) -> None:
    certificate = signed_otherwise(SIGN_CA.issue(HOLDER), change)
    assert failed(judged(document(certificate))) == {CheckName.CERTIFICATE_SIGNATURE}
    assert failed(judged(document(), signed_otherwise(SIGN_CA.revocation_list(), change))) == {CheckName.LIST_SIGNATURE}


# What PKCS#1 v1.5 pads, and what a careless verifier would take for it with an exponent of 3: the rest is free there.
DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
PADDINGS: dict[str, Callable[[bytes], bytes]] = {
    "padding that is too short, and garbage behind": lambda digest: (
        b"\x00\x01" + b"\xff" * 8 + b"\x00" + DIGEST_INFO + digest + bytes(256 - 11 - 51)
    ),
    "no padding": lambda digest: (DIGEST_INFO + digest).rjust(256, b"\x00"),
    "padding for encryption": lambda digest: b"\x00\x02" + b"\x55" * 202 + b"\x00" + DIGEST_INFO + digest,
    "a bare digest": lambda digest: b"\x00\x01" + b"\xff" * 221 + b"\x00" + digest,
    "a digest of another length": lambda digest: (
        b"\x00\x01" + b"\xff" * 203 + b"\x00" + DIGEST_INFO[:-1] + b"\x1f" + digest[:-1]
    ),
    "without NULL": lambda digest: (
        b"\x00\x01" + b"\xff" * 204 + b"\x00" + bytes.fromhex("302f300b0609608648016503040201") + b"\x04\x20" + digest
    ),
    "SHA-1 told, and these octets": lambda digest: (
        b"\x00\x01" + b"\xff" * 218 + b"\x00" + bytes.fromhex("3021300906052b0e03021a05000414") + digest[:20]
    ),
}


@pytest.mark.parametrize("padded", PADDINGS.values(), ids=PADDINGS.keys())
def test_a_signature_over_another_padding_does_not_fit(padded: Callable[[bytes], bytes]) -> None:
    block = padded(hashlib.sha256(DOCUMENT).digest())
    assert len(block) == 256
    assert isinstance(HOLDER.private, rsa.RSAPrivateKey)
    numbers = HOLDER.private.private_numbers()
    signature = pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n).to_bytes(256, "big")
    assert failed(judged(SignedDocument(DOCUMENT, signature, SIGN_CA.issue(HOLDER)))) == {CheckName.SIGNATURE}


def test_the_number_of_a_certificate_of_the_other_authority_is_another_number() -> None:
    """Each authority counts for itself: what one has revoked says nothing of the other's."""
    lists = SIGN_CA.revocation_list(), AUTH_CA.revocation_list(revoked())
    assert judged(document(), *lists, at=NOW).valid
    own = judged(CertificateAlone(AUTH_CA.issue(HOLDER), Role.AUTHENTICATION), *lists)
    assert failed(own) == {CheckName.REVOCATION}

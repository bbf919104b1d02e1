"""One bit flipped anywhere in what was signed, or one octet put in its place, and nothing is valid any more."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judging import CHALLENGE, EVIDENCE, TRUST, document, judged, login
from small_pki import DOCUMENT, HOLDER, NOW, SHA256_RSA, SIGN_CA, revoked, signed

from jpki.errors import BadInput
from jpki.formats import CertificateList
from jpki.verify import (
    CertificateAlone,
    Evidence,
    Login,
    LoginResponse,
    SignedDocument,
    Trust,
    verify,
)

CERTIFICATE = SIGN_CA.issue(HOLDER)
SIGNATURE = HOLDER.sign(DOCUMENT)
LIST = SIGN_CA.revocation_list(*(revoked(serial) for serial in range(1, 30)))
LOGIN = login()


def is_valid(judge: Callable[[], bool]) -> bool:
    """Returns whether it is valid; a typed refusal is a no. Any other exception is a failure of the test."""
    try:
        return judge()
    except BadInput:
        return False


def of_certificate(altered: bytes) -> bool:
    return judged(SignedDocument(DOCUMENT, SIGNATURE, altered)).valid


def of_certificate_alone(altered: bytes) -> bool:
    return judged(CertificateAlone(altered)).valid


def of_signature(altered: bytes) -> bool:
    return judged(SignedDocument(DOCUMENT, altered, CERTIFICATE)).valid


def of_document(altered: bytes) -> bool:
    return judged(SignedDocument(altered, SIGNATURE, CERTIFICATE)).valid


def of_list(altered: bytes) -> bool:
    return judged(document(), altered).valid


def of_login_nonce(altered: bytes) -> bool:
    response = LoginResponse(CHALLENGE.origin, altered, LOGIN.signature, LOGIN.certificate)
    return judged(Login(response, CHALLENGE)).valid


def of_login_origin(altered: bytes) -> bool:
    response = LoginResponse(altered.decode("latin-1"), CHALLENGE.nonce, LOGIN.signature, LOGIN.certificate)
    return judged(Login(response, CHALLENGE)).valid


def of_root(altered: bytes) -> bool:
    return verify(document(), Trust.test(altered), EVIDENCE, NOW).valid


ALTERED: dict[str, tuple[bytes, Callable[[bytes], bool]]] = {
    "certificate": (CERTIFICATE, of_certificate),
    "certificate alone": (CERTIFICATE, of_certificate_alone),
    "signature": (SIGNATURE, of_signature),
    "document": (DOCUMENT, of_document),
    "list": (LIST, of_list),
    "nonce": (CHALLENGE.nonce, of_login_nonce),
    "origin": (CHALLENGE.origin.encode(), of_login_origin),
    "root": (SIGN_CA.root(), of_root),
}


@pytest.mark.parametrize("what", ALTERED)
def test_the_unaltered_one_is_valid(what: str) -> None:
    original, judge = ALTERED[what]
    assert is_valid(lambda: judge(original))


@pytest.mark.parametrize("what", ALTERED)
@settings(max_examples=150)
@given(data=st.data())
def test_a_flipped_bit_is_never_valid(what: str, data: st.DataObject) -> None:
    original, judge = ALTERED[what]
    bit = data.draw(st.integers(0, len(original) * 8 - 1))
    altered = bytearray(original)
    altered[bit // 8] ^= 1 << bit % 8
    assert not is_valid(lambda: judge(bytes(altered)))


@pytest.mark.parametrize("what", ALTERED)
@settings(max_examples=100)
@given(data=st.data())
def test_octets_taken_out_put_in_or_replaced_are_never_valid(what: str, data: st.DataObject) -> None:
    original, judge = ALTERED[what]
    start = data.draw(st.integers(0, len(original)))
    end = data.draw(st.integers(start, min(len(original), start + 8)))
    altered = original[:start] + data.draw(st.binary(max_size=8)) + original[end:]
    if altered != original:
        assert not is_valid(lambda: judge(altered))


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_noise_is_never_valid_and_never_a_crash(noise: bytes) -> None:
    for what, (original, judge) in ALTERED.items():
        if noise != original:
            assert not is_valid(lambda judge=judge: judge(noise)), what  # type: ignore[misc]


@settings(max_examples=200)
@given(st.data())
def test_a_certificate_signed_again_after_a_change_is_judged_without_a_crash(data: st.DataObject) -> None:
    """The root's signature is right, whatever it signs: so every check behind it is reached."""
    tbs_start = 4
    tbs_end = tbs_start + 4 + int.from_bytes(CERTIFICATE[6:8], "big")
    tbs = bytearray(CERTIFICATE[tbs_start:tbs_end])
    at = data.draw(st.integers(0, len(tbs) - 1))
    tbs[at] = data.draw(st.integers(0, 255))
    certificate = signed(bytes(tbs), SIGN_CA.key, SHA256_RSA)
    verdicts = {is_valid(lambda: judged(SignedDocument(DOCUMENT, SIGNATURE, certificate)).valid) for _ in range(2)}
    assert len(verdicts) == 1


@settings(max_examples=200)
@given(st.data())
def test_a_list_signed_again_after_a_change_never_frees_a_revoked_certificate(data: st.DataObject) -> None:
    """The entry is what it is: only where its own octets, or the scope's, changed may the list not name it."""
    tbs = bytearray(CertificateList.parse(SIGN_CA.revocation_list(revoked())).tbs)
    at = data.draw(st.integers(0, len(tbs) - 1))
    tbs[at] ^= 1 << data.draw(st.integers(0, 7))
    altered = signed(bytes(tbs), SIGN_CA.key, SHA256_RSA)
    serial_at = bytes(tbs).find(bytes.fromhex("0a0b0c0d"))
    freed = is_valid(lambda: verify(document(), TRUST, Evidence.of(altered), NOW).valid)
    assert not freed or serial_at < 0

"""What is checked of a certification request before anybody is asked whether its holder may have a certificate."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from jpki.formats import SHA256_WITH_RSA, CertificateRequest, FormatError, RsaPublicKey, rsa_public_key_info
from jpki.terms import Role

from .errors import BadRequest, IssueRefused, WeakKey
from .weak_keys import KeyWeakness, weakness_of, weaknesses_of

__all__ = ["CheckedRequest", "check_request", "check_requests", "key_hash", "key_hash_of"]

_EXPONENT = 65537
_MODULUS_OCTETS = 256
_HASH_OCTETS = 16
_PADDING = padding.PKCS1v15()
_HASH = hashes.SHA256()

# The one DER form of an RSA key of 2048 bits with the exponent 65537: all of it but the modulus is known.
_FORM = rsa_public_key_info(1 << 2047, _EXPONENT)
_BEFORE, _AFTER = _FORM[: -_MODULUS_OCTETS - 5], _FORM[-5:]


class CheckedRequest(NamedTuple):
    """A request whose key can be certified. `digest` is the SHA-256 of the whole request."""

    public_key_info: bytes
    key_hash: bytes
    digest: bytes


def key_hash(modulus: bytes) -> bytes:
    """Returns the 16 octets by which the store tells public keys apart: the start of the modulus' SHA-256."""
    return sha256(modulus).digest()[:_HASH_OCTETS]


def key_hash_of(key: RsaPublicKey) -> bytes:
    """Returns the same for a key as read."""
    return key_hash(key.modulus.to_bytes((key.bits + 7) // 8, "big"))


def check_request(role: Role, raw: bytes) -> CheckedRequest:
    """Returns a PKCS#10 request after its checks; raises BadRequest, WeakKey. Its subject and attributes mean nothing.

    Checked are its form, its key (RSA, 2048 bits, exponent 65537, none of the weaknesses of `weakness_of`) and its
    signature (sha256WithRSAEncryption) by that key. Source: docs/authority.md, requests
    """
    found = check_requests([(role, raw)])[0]
    if isinstance(found, IssueRefused):
        raise found
    return found


def check_requests(requests: Sequence[tuple[Role, bytes]]) -> list[CheckedRequest | IssueRefused]:
    """Returns each request after its checks, or why it is refused."""
    # Stage by stage and not one by one: each stage's code and tables then stay in the processor's caches.
    read = [_read(role, raw) for role, raw in requests]
    weaknesses = iter(weaknesses_of([one.number for one in read if isinstance(one, _Read)]))
    strong = [_strong(one, next(weaknesses)) if isinstance(one, _Read) else one for one in read]
    return [_proved(one) if isinstance(one, _Read) else one for one in strong]


class _Read(NamedTuple):
    """A request that can be read, with its key of the right length and exponent."""

    role: Role
    request: CertificateRequest
    modulus: bytes
    number: int


def _read(role: Role, raw: bytes) -> _Read | IssueRefused:
    """Returns a request and the modulus of its key, or why it is refused; what follows is left for later."""
    try:
        request = CertificateRequest.parse(raw)
        modulus = _modulus(role, request.public_key_info)
    except FormatError as error:
        return BadRequest(role=role, problem=error.problem)
    except WeakKey as refusal:
        return refusal
    if request.signature_algorithm != SHA256_WITH_RSA:
        return BadRequest(role=role, problem="another signature algorithm than sha256WithRSAEncryption")
    return _Read(role, request, modulus, int.from_bytes(modulus, "big"))


def _strong(one: _Read, weakness: KeyWeakness | None) -> _Read | WeakKey:
    return one if weakness is None else WeakKey(role=one.role, weakness=weakness)


def _proved(one: _Read) -> CheckedRequest | BadRequest:
    """Returns a request that is signed by the key it holds, or its refusal."""
    key = RSAPublicNumbers(_EXPONENT, one.number).public_key()
    try:
        key.verify(one.request.signature, one.request.info, _PADDING, _HASH)
    except InvalidSignature:
        return BadRequest(role=one.role, problem="not signed by the key it holds")
    return CheckedRequest(one.request.public_key_info, key_hash(one.modulus), sha256(one.request.raw).digest())


def _modulus(role: Role, public_key_info: bytes) -> bytes:
    """Returns the modulus of a key of the one form that is taken; raises WeakKey, FormatError."""
    modulus = public_key_info[len(_BEFORE) : -len(_AFTER)]
    if (
        len(public_key_info) == len(_FORM)
        and public_key_info.startswith(_BEFORE)
        and public_key_info.endswith(_AFTER)
        and modulus[0] & 0x80
    ):
        return modulus
    try:
        key = RsaPublicKey.parse(public_key_info)
    except FormatError as error:
        if "not RSA" in error.problem:
            raise WeakKey(role=role, weakness=KeyWeakness.ALGORITHM) from error
        raise
    raise WeakKey(role=role, weakness=weakness_of(key.modulus, key.exponent) or KeyWeakness.LENGTH)

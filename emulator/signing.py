"""COMPUTE DIGITAL SIGNATURE: the private keys of an application, each behind its PIN."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo, Prehashed
from cryptography.hazmat.primitives.hashes import SHA256, Hash

from card_profiles import Key, SigningScheme
from jpki.formats import Command, Response, StatusWord

from .session import Refusal, Session
from .state import RsaKey

__all__ = ["compute_signature"]

_NO_KEY = StatusWord(0x6A88)
_EXECUTION_ERROR = StatusWord(0x6400)
_HASH_LENGTH = 32
_LONGEST_PKCS1 = 245  # 256 bytes less the eleven that PKCS#1 v1.5 padding needs

_PKCS1 = padding.PKCS1v15()
_PSS = padding.PSS(padding.MGF1(SHA256()), _HASH_LENGTH)


def compute_signature(session: Session, command: Command) -> Response:
    """Answers COMPUTE DIGITAL SIGNATURE (80 2A): P1 names the scheme, P2 the key; the key's PIN was verified.

    A successor key that waits for its certificate signs only inside the card's own secure channel.
    Source: docs/facts.md, commands; docs/personalisation.md, commands.
    """
    status = session.profile.status
    scheme = session.application.schemes.get(command.p1) if session.application else None
    if session.application is not None and scheme is None:
        raise Refusal(status.parameters)
    declared = session.refer(command.p2)
    if not isinstance(declared, Key) or session.file is None or scheme is None:
        raise Refusal(status.internal)
    if session.verified.isdisjoint(declared.pins) or (session.file == declared.next_file and not session.own):
        raise Refusal(status.not_allowed)
    key = session.contents.keys.get(session.file)
    if key is None:
        raise Refusal(_NO_KEY)
    data = command.body
    if not data or (scheme is SigningScheme.PKCS1 and len(data) > _LONGEST_PKCS1):
        raise Refusal(status.length)
    if scheme in _PREHASHED and len(data) != _HASH_LENGTH:
        raise Refusal(status.conditions)
    return Response(_sign(key, scheme, data))


_PREHASHED = (SigningScheme.PKCS1_SHA256_PREHASHED, SigningScheme.PSS_SHA256_PREHASHED)


def _bare_hash(data: bytes) -> bytes:
    digest = Hash(SHA256())
    digest.update(data)
    return digest.finalize()


def _unchanged(data: bytes) -> bytes:
    return data


_Algorithm: TypeAlias = NoDigestInfo | Prehashed | SHA256

# What each scheme does first, and how the outcome is padded.
_SCHEMES: dict[SigningScheme, tuple[Callable[[bytes], bytes], padding.AsymmetricPadding, _Algorithm]] = {
    SigningScheme.PKCS1: (_unchanged, _PKCS1, NoDigestInfo()),
    SigningScheme.PKCS1_BARE_SHA256: (_bare_hash, _PKCS1, NoDigestInfo()),
    SigningScheme.PKCS1_SHA256_PREHASHED: (_unchanged, _PKCS1, Prehashed(SHA256())),
    SigningScheme.PKCS1_SHA256: (_unchanged, _PKCS1, SHA256()),
    SigningScheme.PSS_SHA256_PREHASHED: (_unchanged, _PSS, Prehashed(SHA256())),
    SigningScheme.PSS_SHA256: (_unchanged, _PSS, SHA256()),
}


def _sign(key: RsaKey, scheme: SigningScheme, data: bytes) -> bytes:
    prepare, pad, algorithm = _SCHEMES[scheme]
    prepared = prepare(data)
    signature = key.private_key.sign(prepared, pad, algorithm)
    # A signature spoilt by a fault gives the primes away: a wrong one must not leave the card.
    try:
        key.private_key.public_key().verify(signature, prepared, pad, cast(SHA256, algorithm))
    except InvalidSignature:
        raise Refusal(_EXECUTION_ERROR) from None
    return signature

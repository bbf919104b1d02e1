"""Cards whose certificates are real ones over their keys: for whatever reads, signs and verifies with a card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from made_cards import finished_state
from prime_pool import PrimePool

from card_profiles import CardProfile, load_profile
from emulator import ApplicationState, CardState
from jpki.formats import TokenInfo, encode_presence
from jpki.terms import Pin, Role

SIGN_PASSWORD = Pin("ABC123")
AUTH_PIN = Pin("1234")
PINS = {Role.SIGNATURE: SIGN_PASSWORD, Role.AUTHENTICATION: AUTH_PIN}
BOTH = (Role.SIGNATURE, Role.AUTHENTICATION)
# Lengths seen on cards: docs/facts.md, files and keys. The largest that eight exchanges read is 7 * 256.
LENGTHS: Mapping[Role, int] = {Role.SIGNATURE: 1990, Role.AUTHENTICATION: 1583}
AUTHORITY_LENGTH = 1310

_FILLER = x509.ObjectIdentifier("1.3.6.1.4.1.55555.1")
_BEGIN, _END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)


def made_certificate(
    name: str, public_key: rsa.RSAPublicKey, issuer: str, issuer_key: rsa.RSAPrivateKey, length: int
) -> bytes:
    """Returns a certificate of exactly `length` bytes in DER."""
    filler = length - 800
    while True:
        builder = x509.CertificateBuilder(
            issuer_name=_name(issuer),
            subject_name=_name(name),
            public_key=public_key,
            serial_number=0x06D18006,
            not_valid_before=_BEGIN,
            not_valid_after=_END,
            extensions=[],
        ).add_extension(x509.UnrecognizedExtension(_FILLER, bytes(filler)), critical=False)
        der = builder.sign(issuer_key, hashes.SHA256()).public_bytes(Encoding.DER)
        if len(der) == length:
            return der
        filler += length - len(der)


def _name(common: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "JPKI-TEST"), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


@cache
def certified_state(
    profile_name: str = "mynumber",
    roles: tuple[Role, ...] = BOTH,
    authentication_length: int = LENGTHS[Role.AUTHENTICATION],
    seed: int = 0,
) -> CardState:
    """Returns a sealed card with keys, PINs and certificates for these roles, and none of them for the others."""
    profile = load_profile(profile_name)
    pool = PrimePool(seed)
    state = finished_state(profile, pool)
    lengths = {**LENGTHS, Role.AUTHENTICATION: authentication_length}
    files: dict[int, bytes] = {0x0009: bytes(16)}
    for role in roles:
        found = profile.jpki.roles[role]
        authority_key = pool.generate().private_key
        key = state.applications["jpki"].keys[found.key.file].private_key.public_key()
        files[found.certificate.id] = made_certificate(role.value, key, "authority", authority_key, lengths[role])
        files[found.authority_certificate.id] = made_certificate(
            "authority", authority_key.public_key(), "authority", authority_key, AUTHORITY_LENGTH
        )
    files |= _facts(profile, roles)
    return state.with_application("jpki", _contents(profile, state.applications["jpki"], files, roles))


def _facts(profile: CardProfile, roles: Iterable[Role]) -> dict[int, bytes]:
    token, presence = profile.jpki.token, profile.jpki.presence
    assert token is not None
    assert presence is not None
    info = TokenInfo.of(
        label=token.label,
        manufacturer=token.manufacturer,
        model=token.model,
        serial="0000000000000001",
        flags=token.flags,
        max_pin=token.max_pin,
        min_pin=token.min_pin,
    )
    return {token.file: info.raw, presence: encode_presence(roles)}


def _contents(
    profile: CardProfile, contents: ApplicationState, files: Mapping[int, bytes], roles: Iterable[Role]
) -> ApplicationState:
    sizes = {file.id: file.size for file in profile.jpki.files}
    here = [profile.jpki.roles[role] for role in roles]
    return replace(
        contents,
        files={file: content.ljust(sizes[file], b"\xff") for file, content in files.items()},
        pins={found.pin.name: contents.pins[found.pin.name] for found in here},
        keys={found.key.file: contents.keys[found.key.file] for found in here},
    )

"""OCSP responders, questions and answers made with nothing but `jpki.formats` and keys from the pool."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache

from issued import DAY, authority, key

from jpki.formats import (
    CERT_GOOD,
    SHA1,
    CertId,
    Certificate,
    CertStatus,
    OcspTemplate,
    cert_id_issuer,
    encode_single_response,
    load_certificate_profile,
    signed,
)
from jpki.terms import Role

RESPONDER_KEY = 5
NOW = DAY + timedelta(minutes=5)
LATER = NOW + timedelta(hours=1)
SERIAL = 0x06D1_8006


def responder_tbs(role: Role, **different: object) -> bytes:
    """Returns the certificate of a role's responder, not signed, with the fields of one's choice different."""
    profile = load_certificate_profile(f"ocsp-{role.short}")
    fields: dict[str, object] = {
        "serial": 0x0100_0002,
        "not_before": DAY,
        "not_after": DAY + timedelta(days=profile.validity_days),
        "public_key_info": key(RESPONDER_KEY).public_key_info,
        "common_name": profile.common_name(generation=1),
    }
    return profile.responder_template(authority(role)).tbs(**(fields | different))  # type: ignore[arg-type]


@cache
def responder(role: Role) -> Certificate:
    """Returns the certificate of the responder that answers for a role's authority."""
    tbs = responder_tbs(role)
    return Certificate.parse(signed(tbs, key(0).sign(tbs)))


def cert_id(role: Role = Role.SIGNATURE, serial: int = SERIAL, algorithm: str = SHA1) -> CertId:
    """Returns how a question names a certificate of a role's authority."""
    return CertId.of(cert_id_issuer(authority(role), algorithm), serial)


def single(
    status: CertStatus = CERT_GOOD,
    named: CertId | None = None,
    until: datetime | None = LATER,
    cutoff: datetime | None = None,
) -> bytes:
    """Returns what an answer says of one certificate."""
    return encode_single_response(named or cert_id(), status, NOW, until, cutoff)


def answer(*singles: bytes, role: Role = Role.SIGNATURE, nonce: bytes | None = None) -> bytes:
    """Returns the answer of a role's responder, signed with its key."""
    template = OcspTemplate.prepare(responder(role))
    tbs = template.tbs(singles or (single(),), NOW, nonce)
    return template.response(tbs, key(RESPONDER_KEY).sign(tbs))

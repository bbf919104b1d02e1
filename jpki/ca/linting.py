"""Certificates looked at before anything is signed: the exact to-be-signed octets, under a throw-away key.

A profile that was changed, a municipality's name or a host that does not fit shows here, and not in a certificate that
nobody can take back. The first certificate of each municipality, key and process is looked at.
Source: RFC 5280, 4; docs/authority.md, signing
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509.oid import NameOID

from jpki.formats import (
    OCSP_SIGNING,
    TEST_AUTHENTICATION_POLICY,
    TEST_RESPONDER_POLICY,
    TEST_SIGNATURE_POLICY,
    Certificate,
    CertificateProfile,
    FormatError,
    ProfileKind,
    key_identifier,
    signed,
)
from jpki.terms import Role

from .errors import CertificateUnsound
from .keys import new_rsa_key

__all__ = ["lint"]

_TEST_ORGANIZATION = "JPKI-TEST"
_POLICIES = {Role.SIGNATURE: TEST_SIGNATURE_POLICY, Role.AUTHENTICATION: TEST_AUTHENTICATION_POLICY}
# RFC 5280, appendix A.1: the most characters that a relying program need take.
_MOST_CHARACTERS = {
    NameOID.COUNTRY_NAME: 2,
    NameOID.LOCALITY_NAME: 128,
    NameOID.ORGANIZATION_NAME: 64,
    NameOID.ORGANIZATIONAL_UNIT_NAME: 64,
    NameOID.COMMON_NAME: 64,
}


@cache
def _throw_away_key() -> RSAPrivateKey:
    """Returns a key that certifies nothing, made once in this process."""
    return new_rsa_key()


def lint(tbs: bytes, role: Role, authority: Certificate, profile: CertificateProfile) -> None:
    """Raises CertificateUnsound for a certificate that must not be signed: what it says is not what was meant."""
    signature = _throw_away_key().sign(tbs, padding.PKCS1v15(), hashes.SHA256())
    encoded = signed(tbs, signature)
    try:
        found = Certificate.parse(encoded)
        found.check_extensions()
        problem = next(_problems(found, role, authority, profile), None) or _problem_for_others(encoded)
    except FormatError as error:
        problem = error.problem
    if problem is not None:
        raise CertificateUnsound(role=role, problem=problem)


def _problems(found: Certificate, role: Role, authority: Certificate, profile: CertificateProfile) -> Iterator[str]:
    if found.version != 3 or found.issuer.raw != authority.subject.raw:
        yield "not a certificate of this authority"
    if not found.not_before < found.not_after <= authority.not_after:
        yield "it ends before it begins, or after the authority's own"
    if tuple(extension.oid for extension in found.extensions) != profile.extension_oids:
        yield "other extensions than the profile's, or in another order"
    if frozenset(one.oid for one in found.extensions if one.critical) != profile.critical_extensions:
        yield "other critical extensions than the profile's"
    if found.key_usage != profile.key_usage or found.unknown_critical_extensions:
        yield "a use of the key that is not the profile's, or a critical extension that nobody reads"
    yield from _key_problems(found, authority)
    yield from _mark_problems(found, role, profile.kind)
    yield from _kind_problems(found, profile)


def _key_problems(found: Certificate, authority: Certificate) -> Iterator[str]:
    named = found.authority_key_id
    if named is None or named.key_id != authority.subject_key_id:
        yield "it does not name the authority's key"
    if found.subject_key_id != key_identifier(found.public_key_info):
        yield "its key identifier is not its key's"
    if found.basic_constraints is not None and found.basic_constraints.ca:
        yield "it would be an authority's"


def _mark_problems(found: Certificate, role: Role, kind: ProfileKind) -> Iterator[str]:
    if found.issuer.texts("O") != (_TEST_ORGANIZATION,):
        yield "its issuer is not marked as a test"
    if found.policies != (TEST_RESPONDER_POLICY if kind is ProfileKind.RESPONDER else _POLICIES[role],):
        yield "a policy that is not the tests'"
    if any("jpki.go.jp" in url.lower() for url in (*found.ocsp_urls, *found.cps_urls)):
        yield "a host of the real authority"


def _kind_problems(found: Certificate, profile: CertificateProfile) -> Iterator[str]:
    purposes = found.extended_key_usage or ()
    answers = profile.kind is ProfileKind.RESPONDER
    if purposes != profile.extended_key_usage or (OCSP_SIGNING in purposes) != answers:
        yield "a purpose of the key that is not the profile's"
    if answers:
        # Nobody asks whether it is revoked, so it says so, and names no place to ask at (RFC 6960, 4.2.2.2.1).
        if not found.ocsp_no_check or found.distribution_points or found.ocsp_urls:
            yield "a responder's certificate that is to be checked"
        return
    points = found.distribution_points
    if len(points) != 1 or len(points[0].directory_names) != 1 or points[0].reasons is not None:
        yield "not one distribution point by a directory name"


def _problem_for_others(encoded: bytes) -> str | None:
    """Returns what another library, or a program that goes by RFC 5280 strictly, would say."""
    try:
        read = x509.load_der_x509_certificate(encoded)
        extensions = read.extensions
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return "another library cannot read it"
    if len(extensions) == 0:
        return "another library finds no extensions"
    for attribute in (*read.subject, *read.issuer):
        if len(attribute.value) > _MOST_CHARACTERS.get(attribute.oid, 64):
            return "a name longer than RFC 5280 allows"
    return None

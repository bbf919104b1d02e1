"""A root: a self-signed certificate of an authority, judged once when it is taken into a trust."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import rsa

from jpki.formats import SHA256_WITH_RSA, Certificate, CertificateProfile, Name
from jpki.terms import CertificateName, Role

from .errors import BadRoot, WrongRealm
from .keys import key_problem, rsa_key, signature_fits
from .policies import AUTHORITY_NAMES, AUTHORITY_PROFILES, Realm

__all__ = ["Root", "organization", "realm_of"]


def realm_of(name: Name) -> Realm | None:
    """Returns the realm whose authority has this name, octet for octet, or None."""
    found = AUTHORITY_NAMES.get(name.raw)
    return None if found is None else found[0]


def organization(name: Name) -> str:
    """Returns the organizations in a name, as one text for an error."""
    return ", ".join(name.texts("O"))


@dataclass(frozen=True, slots=True)
class Root:
    """A root of one authority and generation, with its key held ready.

    `key_id` is its subjectKeyIdentifier: generations share one name, so this and the signature choose among them.
    """

    certificate: Certificate
    realm: Realm
    role: Role
    key_id: bytes
    key: rsa.RSAPublicKey = field(compare=False, repr=False)

    def __post_init__(self) -> None:
        # A root says its realm by its name alone, however the value comes about.
        if AUTHORITY_NAMES.get(self.certificate.subject.raw) != (self.realm, self.role):
            raise WrongRealm(realm=self.realm.value, organization=organization(self.certificate.subject))

    @classmethod
    def of(cls, der: bytes, realm: Realm) -> Root:
        """Reads a root of a realm; raises FormatError, WrongRealm, BadRoot.

        Judged: name, version, algorithm and key, its own signature, basicConstraints (critical, CA:TRUE), keyUsage
        (critical, keyCertSign and cRLSign exactly), subjectKeyIdentifier, and that no other extension is critical. Its
        period of validity is judged with each verdict, for that verdict's moment.
        """
        certificate = Certificate.parse(der)
        certificate.check_extensions()
        found, role = AUTHORITY_NAMES.get(certificate.subject.raw, (None, Role.SIGNATURE))
        if found is not realm:
            raise WrongRealm(realm=realm.value, organization=organization(certificate.subject))
        key, key_id = rsa_key(certificate.public_key_info), certificate.subject_key_id
        problem = _problem(certificate, key, AUTHORITY_PROFILES[role])
        if problem is not None or key is None or key_id is None:
            raise BadRoot(problem=problem or "incomplete", fingerprint=certificate.fingerprint.hex())
        return cls(certificate, realm, role, key_id, key)

    @property
    def name(self) -> CertificateName:
        """Returns the root's own name by authority and number."""
        return self.certificate.name(self.role)

    @property
    def fingerprint(self) -> str:
        """Returns the SHA-256 of the certificate, 64 hexadecimal digits."""
        return self.certificate.fingerprint.hex()


def _problem(certificate: Certificate, key: rsa.RSAPublicKey | None, profile: CertificateProfile) -> str | None:
    if certificate.version != 3:
        return "not version 3"
    if certificate.signature_algorithm != SHA256_WITH_RSA:
        return "not signed with sha256WithRSAEncryption"
    refused = key_problem(key)
    if refused is not None or key is None:
        return f"key refused: {refused.value if refused is not None else 'none'}"
    self_issued = certificate.issuer.raw == certificate.subject.raw
    if not self_issued or not signature_fits(key, certificate.signature, certificate.tbs):
        return "not signed by itself"
    constraints = certificate.basic_constraints
    if constraints is None or not constraints.ca:
        return "not an authority (basicConstraints)"
    if certificate.key_usage != profile.key_usage:
        return "key usage is not keyCertSign and cRLSign"
    critical = {extension.oid for extension in certificate.extensions if extension.critical}
    if critical != profile.critical_extensions:
        return "other extensions are critical than keyUsage and basicConstraints"
    if not certificate.subject_key_id:
        return "no subjectKeyIdentifier"
    return None

"""Whom a verifier trusts: roots and policies of one realm, Japan's or the tests', never of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from jpki.formats import Certificate, FormatError, Name, from_pem
from jpki.terms import Role

from .errors import BadRoot, BadSubject, FingerprintMismatch, PolicyNotKnown, WrongRealm
from .policies import POLICIES, Realm
from .published import published_roots
from .roots import Root, organization

__all__ = ["Trust"]

_FINGERPRINT_DIGITS = 64


@dataclass(frozen=True, slots=True)
class Trust:
    """The roots a verifier believes, and the certificate policies it accepts. There is no default and no mixture.

    `Trust.japan()` and `Trust.test(root, …)` make one. Every root and policy must be of the trust's realm, however the
    value comes about: WrongRealm, PolicyNotKnown and BadRoot (two roots with one name and key identifier) otherwise.
    """

    realm: Realm
    roots: tuple[Root, ...]
    policies: frozenset[str]
    _by_key_id: Mapping[bytes, tuple[Root, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_key_id: dict[bytes, tuple[Root, ...]] = {}
        for root in self.roots:
            if root.realm is not self.realm:
                raise WrongRealm(realm=self.realm.value, organization=organization(root.certificate.subject))
            others = by_key_id.get(root.key_id, ())
            if any(other.role is root.role for other in others):
                raise BadRoot(problem="another root has its name and key identifier", fingerprint=root.fingerprint)
            by_key_id[root.key_id] = (*others, root)
        for policy in self.policies:
            if policy not in POLICIES or POLICIES[policy].realm is not self.realm:
                raise PolicyNotKnown(policy=policy, realm=self.realm.value)
        object.__setattr__(self, "_by_key_id", MappingProxyType(by_key_id))

    @classmethod
    def japan(cls) -> Trust:
        """Returns trust in the published roots of Japan's authorities, expired ones for moments of their time."""
        return cls(Realm.JAPAN, published_roots(), _policies(Realm.JAPAN))

    @classmethod
    def test(cls, *roots: bytes) -> Trust:
        """Returns trust in these roots of test authorities (DER or PEM, O=JPKI-TEST) and in test policies, no others.

        Raises FormatError, WrongRealm, BadRoot; BadSubject where no root is given.
        """
        if not roots:
            raise BadSubject(what="trust", problem="a test trust has at least one root")
        read = tuple(dict.fromkeys(Root.of(_der(root), Realm.TEST) for root in roots))
        return cls(Realm.TEST, read, _policies(Realm.TEST))

    def adding(self, root: bytes, *, fingerprint: str) -> Trust:
        """Returns the same trust and one root more (DER or PEM), which must have this fingerprint and be of this realm.

        `fingerprint` is the SHA-256 in hexadecimal, with or without colons or blanks. Raises FormatError,
        FingerprintMismatch, WrongRealm, BadRoot, BadSubject for a fingerprint that is none.
        """
        der, expected = _der(root), _fingerprint(fingerprint)
        found = Certificate.parse(der).fingerprint.hex()
        if found != expected:
            raise FingerprintMismatch(expected=expected, found=found)
        added = Root.of(der, self.realm)
        return self if added in self.roots else replace(self, roots=(*self.roots, added))

    def accepting(self, policy: str) -> Trust:
        """Returns the same trust, which accepts one more policy of its realm: a phone's. Raises PolicyNotKnown."""
        return replace(self, policies=self.policies | {policy})

    def root_of(self, certificate: Certificate) -> Root | None:
        """Returns the root whose key a certificate names as its issuer's, or None."""
        try:
            named = certificate.authority_key_id
        except FormatError:
            return None
        if named is None or named.key_id is None:
            return None
        return self.root_with(named.key_id, certificate.issuer)

    def root_with(self, key_id: bytes, issuer: Name) -> Root | None:
        """Returns the root whose key has this identifier, or None.

        Of two authorities with one key it is the one with the issuer's name, which else decides nothing.
        """
        roots = self._by_key_id.get(key_id, ())
        named = (root for root in roots if root.certificate.subject.raw == issuer.raw)
        return next(named, roots[0] if roots else None)

    def accepts(self, policy: str, role: Role) -> bool:
        """Returns whether a certificate of this role may be issued under a policy."""
        return policy in self.policies and POLICIES[policy].role is role


def _policies(realm: Realm) -> frozenset[str]:
    return frozenset(oid for oid, meaning in POLICIES.items() if meaning.realm is realm and meaning.by_default)


def _der(root: bytes) -> bytes:
    if not root.lstrip().startswith(b"-----BEGIN"):
        return root
    blocks = from_pem(root.decode("ascii", "replace"), "CERTIFICATE")
    if len(blocks) != 1:
        raise BadSubject(what="root", problem=f"{len(blocks)} certificates in one PEM text")
    return blocks[0]


def _fingerprint(text: str) -> str:
    digits = text.replace(":", "").replace(" ", "").lower()
    if len(digits) != _FINGERPRINT_DIGITS or not set(digits) <= set("0123456789abcdef"):
        raise BadSubject(what="fingerprint", problem="a SHA-256 is 64 hexadecimal digits")
    return digits

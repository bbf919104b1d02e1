"""What is expected of a certificate: authority, policies, usages, key. The certificate profiles say most of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType

from jpki.formats import (
    PHONE_SIGNATURE_POLICY,
    TEST_SIGNATURE_POLICY,
    CertificateProfile,
    Name,
    load_certificate_profile,
)
from jpki.terms import Role

__all__ = [
    "AUTHORITY_NAMES",
    "AUTHORITY_PROFILES",
    "HOLDER_PROFILES",
    "MINIMUM_RSA_BITS",
    "POLICIES",
    "RSA_EXPONENT",
    "TEST_POLICY_ARC",
    "PolicyMeaning",
    "Realm",
]


class Realm(Enum):
    """The two worlds that never meet in one trust: Japan's authorities, and authorities made for tests."""

    JAPAN = "japan"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class PolicyMeaning:
    """What a certificate under a policy is for, whose it is, where its key lives; and if a trust accepts it unasked."""

    role: Role
    realm: Realm
    device: str
    by_default: bool = True


# The profiles our certification authority writes by. They are Japan's but for organisation, policies and hosts.
HOLDER_PROFILES: Mapping[Role, CertificateProfile] = {role: load_certificate_profile(role.short) for role in Role}
AUTHORITY_PROFILES: Mapping[Role, CertificateProfile] = {
    role: load_certificate_profile(f"ca-{role.short}") for role in Role
}


def _authority_name(realm: Realm, role: Role) -> Name:
    """Returns the name that all generations of an authority share."""
    profile = AUTHORITY_PROFILES[role]
    return (replace(profile, organization="JPKI") if realm is Realm.JAPAN else profile).authority_name


AUTHORITY_NAMES: Mapping[bytes, tuple[Realm, Role]] = MappingProxyType(
    {_authority_name(realm, role).raw: (realm, role) for realm in Realm for role in Role}
)
"""Which authority a name belongs to. Two names are the same where their octets are."""


def _meanings() -> Mapping[str, PolicyMeaning]:
    found = {profile.policy: PolicyMeaning(role, Realm.TEST, "card") for role, profile in HOLDER_PROFILES.items()}
    for role, profile in HOLDER_PROFILES.items():
        for policy in profile.japan_policies:
            # A phone's policy is known at second hand only: it is accepted where somebody asks for it.
            phone = policy == PHONE_SIGNATURE_POLICY
            found[policy] = PolicyMeaning(role, Realm.JAPAN, "phone" if phone else "card", by_default=not phone)
    return MappingProxyType(found)


POLICIES = _meanings()
"""The certificate policies that are known, by object identifier."""
TEST_POLICY_ARC = TEST_SIGNATURE_POLICY.rpartition(".")[0] + "."

MINIMUM_RSA_BITS = 2048
RSA_EXPONENT = 65537

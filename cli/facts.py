"""Facts that reports of several commands hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jpki.terms import CertificateName, Role

from .values import Word

if TYPE_CHECKING:
    from card_profiles import CardProfile
    from jpki.formats import Certificate
    from jpki.terms import FourAttributes

__all__ = ["attribute_facts", "certificate_facts", "profile_fact", "role_of_word"]


def profile_fact(profile: CardProfile) -> Word:
    """Returns a card profile: its name in JSON, its title in text."""
    return Word(profile.name, said={code: f"{title} ({profile.name})" for code, title in profile.titles.items()})


def certificate_facts(certificate: Certificate, name: CertificateName | None) -> dict[str, object]:
    """Returns what a certificate says; the four attributes of its holder only where it has them."""
    facts: dict[str, object] = {
        "name": name,
        "serial": str(certificate.name(Role.SIGNATURE)).partition(":")[2],
        "subject": str(certificate.subject),
        "issuer": str(certificate.issuer),
        "not_before": certificate.not_before,
        "not_after": certificate.not_after,
        "key_usage": sorted(certificate.key_usage or ()),
        "policies": certificate.policies,
        "key_bits": certificate.public_key.modulus.bit_length(),
        "sha256": certificate.fingerprint,
    }
    if (attributes := certificate.attributes) is not None:
        facts["attributes"] = attribute_facts(attributes)
        facts["attribute_problems"] = certificate.attribute_problems
    return facts


def attribute_facts(attributes: FourAttributes) -> dict[str, object]:
    """Returns the four attributes of a holder as a signature certificate has them."""
    return {
        "holder_name": attributes.name,
        "holder_name_flags": attributes.name_flags,
        "address": attributes.address,
        "address_flags": attributes.address_flags,
        "birth_date": attributes.birth_date.day,
        "birth_date_written": attributes.birth_date.raw,
        "sex": Word(attributes.sex.meaning, of="sex"),
        "sex_written": attributes.sex.raw,
    }


def role_of_word(word: str) -> tuple[Role, bool]:
    """Returns the role that `sign`, `auth`, `ca-sign` or `ca-auth` means, and whether the authority's is meant."""
    return Role.from_short(word.removeprefix("ca-")), word.startswith("ca-")

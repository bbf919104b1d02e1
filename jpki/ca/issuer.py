"""One authority at work: its own certificate, its key, and the prepared certificates of each municipality."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from jpki.formats import (
    Certificate,
    CertificateProfile,
    CertificateTemplate,
    Municipality,
    load_certificate_profile,
    signed,
)
from jpki.store import StoredAuthorityKey
from jpki.terms import CertificateName, FourAttributes, Role

from .errors import ForeignKey
from .keys import KeySource, SigningKey
from .linting import lint
from .residents import Resident
from .sealing import Random
from .settings import AuthoritySettings

__all__ = ["Contents", "Issuer", "authority_profile", "holder_profile"]

_SEQUENCES = 100_000
_RANDOM_OCTETS = 7  # 14 characters


def authority_profile(role: Role) -> CertificateProfile:
    """Returns the profile of an authority's own certificate."""
    return load_certificate_profile(f"ca-{role.short}")


def holder_profile(role: Role) -> CertificateProfile:
    """Returns the profile of the certificates that an authority issues."""
    return load_certificate_profile(role.short)


class Contents(NamedTuple):
    """What a certificate shall say."""

    number: int
    not_before: datetime
    not_after: datetime
    public_key_info: bytes
    attributes: FourAttributes | None


class Issuer:
    """Signs for one authority with one generation of its key."""

    __slots__ = (
        "_key",
        "_linted",
        "_profile",
        "_random",
        "_settings",
        "_templates",
        "certificate",
        "name",
        "role",
    )

    def __init__(self, own: StoredAuthorityKey, keys: KeySource, settings: AuthoritySettings, random: Random) -> None:
        """Raises KeysUnusable where the key cannot be had, or is not the one that the certificate holds."""
        self.name: CertificateName = own.name
        self.role = own.name.authority
        self.certificate = Certificate.parse(own.encoded)
        self._key: SigningKey = keys.signing_key(self.role, own.generation, own.place)
        if self._key.public_key_info != self.certificate.public_key_info:
            raise ForeignKey(file=keys.place(self.role, own.generation, own.place), role=self.role)
        self._profile = holder_profile(self.role)
        self._settings = settings
        self._random = random
        self._templates: dict[tuple[str, str], CertificateTemplate] = {}
        self._linted: set[tuple[str, str]] = set()

    def sign(self, tbs: bytes) -> bytes:
        """Returns what was to be signed, signed."""
        return signed(tbs, self._key.sign(tbs))

    def sign_digest(self, digest: bytes) -> bytes:
        """Returns the signature of the content that has this SHA-256 digest: of a list too long to be held at once."""
        return self._key.sign_digest(digest)

    def to_be_signed(self, resident: Resident, contents: Contents) -> bytes:
        """Returns a resident's certificate as it is to be signed; raises CertificateUnsound."""
        tbs = self._template(resident).tbs(
            serial=contents.number,
            not_before=contents.not_before,
            not_after=contents.not_after,
            public_key_info=contents.public_key_info,
            common_name=self._common_name(resident, contents),
            attributes=contents.attributes,
        )
        place = _place(resident)
        if place not in self._linted:
            lint(tbs, self.role, self.certificate, self._profile)
            self._linted.add(place)
        return tbs

    def point_name(self, resident: Resident) -> bytes:
        """Returns the directory name (DER) under which the revocation of a resident's certificate is published."""
        point = self._template(resident).distribution_point
        if point is None:
            raise ValueError("a certificate profile without a distribution point")
        return point.raw

    def _template(self, resident: Resident) -> CertificateTemplate:
        place = _place(resident)
        template = self._templates.get(place)
        if template is None:
            hosts = self._settings.hosts(self.role)
            template = self._templates[place] = self._profile.template(self.certificate, Municipality(*place), hosts)
        return template

    def _common_name(self, resident: Resident, contents: Contents) -> str:
        if self.role is Role.SIGNATURE:
            return self._profile.common_name(
                requested_at=contents.not_before,
                sequence=contents.number % _SEQUENCES,
                office=resident.municipality_code + self._settings.counter,
            )
        return self._profile.common_name(
            random=self._random(_RANDOM_OCTETS).hex().upper(),
            municipality_code=resident.municipality_code,
            suffix=self._settings.counter,
        )


def _place(resident: Resident) -> tuple[str, str]:
    return resident.prefecture_romaji, resident.municipality_romaji

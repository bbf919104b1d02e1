"""A certificate profile: how a kind of certificate is written, and what a verifier may expect of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from jpki.terms import JST, Role

from . import object_identifiers as oids
from .certificate import Certificate
from .certificate_rules import CommonNameRule, ExtensionRule, Pairs, ProfileKind
from .certificate_template import CertificateTemplate, Hosts, Municipality, Surroundings
from .errors import FormatError
from .extensions import AuthorityKeyId
from .names import Name

__all__ = ["CertificateProfile"]

_WHAT = "certificate profile"


@dataclass(frozen=True, slots=True)
class CertificateProfile:
    """A kind of certificate, as its TOML file says. Texts in names may hold place holders in braces.

    `policy` is what we issue under, `japan_policies` what Japan's authorities do; an authority's own certificate has
    neither, and no common name. `former_name_format` has `{family}`, `{former}` and `{given}`, `alias_format` has
    `{name}` and `{alias}`; both are empty where certificates hold no name. `validity_years`, `next_update_hours`
    (of revocation lists) and `delta_next_update_hours` are an authority's, `validity_days` a responder's, 0 elsewhere.
    """

    name: str
    role: Role
    kind: ProfileKind
    organization: str
    test_mark: str
    subject: Pairs
    extensions: tuple[ExtensionRule, ...]
    common_name_rule: CommonNameRule | None
    policy: str
    japan_policies: tuple[str, ...]
    former_name_format: str
    alias_format: str
    validity_years: int
    validity_days: int
    next_update_hours: int
    delta_next_update_hours: int

    @property
    def extension_oids(self) -> tuple[str, ...]:
        """Returns the types of the extensions in the order in which they are written."""
        return tuple(rule.oid for rule in self.extensions)

    @property
    def critical_extensions(self) -> frozenset[str]:
        """Returns the types of the extensions that are critical."""
        return frozenset(rule.oid for rule in self.extensions if rule.critical)

    @property
    def key_usage(self) -> frozenset[str]:
        """Returns what the key may be used for, in the words of RFC 5280."""
        return next((rule.usages for rule in self.extensions if rule.oid == oids.KEY_USAGE), frozenset())

    @property
    def extended_key_usage(self) -> tuple[str, ...]:
        """Returns the purposes by object identifier; empty where the certificates do not say."""
        return next((rule.purposes for rule in self.extensions if rule.oid == oids.EXTENDED_KEY_USAGE), ())

    @property
    def authority_name(self) -> Name:
        """Returns the name of the authority; FormatError where this is no authority's profile."""
        self._check_authority()
        return self._surroundings(None).name(self.subject)

    def authority_tbs(self, *, serial: int, not_before: datetime, not_after: datetime, public_key_info: bytes) -> bytes:
        """Returns a self-signed authority's certificate to be signed; raises FormatError as a template does."""
        self._check_authority()
        template = CertificateTemplate.prepare(self.subject, self.extensions, self._surroundings(None), None, None)
        return template.tbs(serial=serial, not_before=not_before, not_after=not_after, public_key_info=public_key_info)

    def template(self, authority: Certificate, municipality: Municipality, hosts: Hosts) -> CertificateTemplate:
        """Returns what all certificates of a municipality under one authority's key share, encoded.

        Raises FormatError for a profile of another kind, and for an authority without a subject key identifier.
        """
        if self.kind is not ProfileKind.HOLDER:
            raise FormatError(what=_WHAT, problem=f"{self.name} is for no holder")
        texts = {
            "prefecture": municipality.prefecture,
            "municipality": municipality.name,
            "ocsp": hosts.ocsp,
            "cps": hosts.cps,
        }
        return self._issued(authority, texts)

    def responder_template(self, authority: Certificate) -> CertificateTemplate:
        """Returns what all certificates of the OCSP responders of one authority's key share, encoded.

        Raises FormatError for a profile of another kind, for one of another authority, and for an authority without a
        subject key identifier.
        """
        if self.kind is not ProfileKind.RESPONDER:
            raise FormatError(what=_WHAT, problem=f"{self.name} is for no responder")
        if self._surroundings(None).name(self.subject[:-1]).raw != authority.subject.raw:
            raise FormatError(what=_WHAT, problem=f"{self.name} is for the responder of another authority")
        return self._issued(authority, {})

    def _issued(self, authority: Certificate, texts: dict[str, str]) -> CertificateTemplate:
        if self.common_name_rule is None or authority.subject_key_id is None:
            raise FormatError(what=_WHAT, problem="no identifier of the authority's key")
        issuer_key = AuthorityKeyId(authority.subject_key_id, authority.issuer, authority.serial)
        return CertificateTemplate.prepare(
            self.subject,
            self.extensions,
            self._surroundings(issuer_key, texts),
            authority.subject,
            self.common_name_rule.whole,
        )

    def _check_authority(self) -> None:
        if self.kind is not ProfileKind.AUTHORITY:
            raise FormatError(what=_WHAT, problem=f"{self.name} is no authority")

    def _surroundings(self, issuer_key: AuthorityKeyId | None, texts: dict[str, str] | None = None) -> Surroundings:
        fixed = {"organization": self.organization, "test_mark": self.test_mark}
        return Surroundings(fixed | (texts or {}), issuer_key)

    def common_name(self, **parts: str | int | datetime) -> str:
        """Returns the common name put together from its parts, which differ from profile to profile.

        `sign`: requested_at (a moment, written in Japan's time), sequence (0 to 99,999), office (9 characters).
        `auth`: random (14 characters), municipality_code (5 digits), suffix (4 characters). Characters are `[0-9A-Z]`.
        `ocsp-sign`, `ocsp-auth`: generation (of the authority's key, from 1 on).
        Raises FormatError for parts that are missing or do not fit.
        """
        rule = self.common_name_rule
        if rule is None:
            raise FormatError(what=_WHAT, problem=f"{self.name} has no common name")
        local = {key: _in_japan(part) if isinstance(part, datetime) else part for key, part in parts.items()}
        common_name = ""
        try:
            for form, pattern in rule.parts:
                text = form.format_map(local)
                if not pattern.fullmatch(text):
                    raise FormatError(what="common name", problem="a part does not fit")
                common_name += text
        except (KeyError, ValueError, TypeError):
            raise FormatError(what="common name", problem="a part is missing or of another kind") from None
        return common_name


@lru_cache(maxsize=64)
def _in_japan(moment: datetime) -> datetime:
    """Returns a moment in Japan's time; a batch has one."""
    return moment.astimezone(JST)

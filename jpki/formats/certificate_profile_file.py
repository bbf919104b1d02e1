"""Reads a certificate profile: one of those in the folder `certificate_profiles`, by name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from functools import cache
from importlib import resources
from string import Formatter

from jpki.terms import Role

from . import object_identifiers as oids
from .certificate_profile import CertificateProfile
from .certificate_rules import ATTRIBUTES, CommonNameRule, ExtensionRule, Pairs, ProfileKind
from .errors import NoSuchProfile, ProfileError
from .extensions import KEY_USAGES
from .profile_table import ProfileTable

__all__ = ["certificate_profile_names", "load_certificate_profile", "parse_certificate_profile"]

_FORMAT = 1
_SUFFIX = ".toml"
_FOLDER = "certificate_profiles"
_TEST_ORGANIZATION = re.compile(r".+-TEST")
_TEST_MARK = "テスト"
_COMMON_PLACE_HOLDERS = frozenset(("organization", "test_mark"))
_PLACE_HOLDERS = _COMMON_PLACE_HOLDERS | {"prefecture", "municipality", "common_name", "ocsp", "cps"}
_COMMON_NAME = "{common_name}"
_COMMON_NAME_PARTS = frozenset(
    ("requested_at", "sequence", "office", "random", "municipality_code", "suffix", "generation")
)
_POLICIES = {
    "signature": oids.SIGNATURE_POLICY,
    "phone-signature": oids.PHONE_SIGNATURE_POLICY,
    "authentication": oids.AUTHENTICATION_POLICY,
    "test-signature": oids.TEST_SIGNATURE_POLICY,
    "test-authentication": oids.TEST_AUTHENTICATION_POLICY,
    "test-responder": oids.TEST_RESPONDER_POLICY,
}
_PURPOSES = {"clientAuth": oids.CLIENT_AUTHENTICATION, "OCSPSigning": oids.OCSP_SIGNING}


def certificate_profile_names() -> tuple[str, ...]:
    """Returns the names of the profiles that ship with the toolkit, in alphabetical order."""
    entries = (entry.name for entry in (resources.files(__package__) / _FOLDER).iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in entries if name.endswith(_SUFFIX)))


@cache
def load_certificate_profile(name: str) -> CertificateProfile:
    """Returns the profile of this name that ships with the toolkit; raises NoSuchProfile."""
    if name not in certificate_profile_names():
        raise NoSuchProfile(name=name, known=certificate_profile_names())
    text = (resources.files(__package__) / _FOLDER / f"{name}{_SUFFIX}").read_text("utf-8")
    return parse_certificate_profile(name, text)


def parse_certificate_profile(source: str, text: str) -> CertificateProfile:
    """Reads a profile from TOML text; raises ProfileError, which names the source.

    Refused is also what could be taken for a certificate of Japan's: an organisation that does not end with -TEST, a
    test mark that does not say テスト, a policy outside the test arc.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(profile=source, where="", problem=f"not TOML: {error}") from error
    return _profile(ProfileTable(source, "", values))


def _profile(table: ProfileTable) -> CertificateProfile:
    if table.number("format", 0, 1 << 31) != _FORMAT:
        raise table.wrong("format", f"not {_FORMAT}, the only one known here")
    kind = ProfileKind(_one_of(table, "kind", tuple(kind.value for kind in ProfileKind)))
    is_authority = kind is ProfileKind.AUTHORITY
    organization, test_mark = table.text("organization"), table.text("test_mark")
    if not _TEST_ORGANIZATION.fullmatch(organization):
        raise table.wrong("organization", "does not end with -TEST")
    if _TEST_MARK not in test_mark:
        raise table.wrong("test_mark", f"does not say {_TEST_MARK}")
    subject = _names(table, "subject")
    if [text for _, text in subject if _COMMON_NAME in text] != [] if is_authority else subject[-1][1] != _COMMON_NAME:
        raise table.wrong("subject", "the common name stands last in a holder's or responder's, and only there")
    issued, japan = ("", ()) if is_authority else _policies(table.table("policy"), kind)
    former_name, alias = _holder_name(table.table("holder_name")) if "holder_name" in table else ("", "")
    profile = CertificateProfile(
        name=table.text("name"),
        role=Role(_one_of(table, "role", tuple(role.value for role in Role))),
        kind=kind,
        organization=organization,
        test_mark=test_mark,
        subject=subject,
        extensions=tuple(_extension(item, issued, subject) for item in table.tables("extension")),
        common_name_rule=None if is_authority else _common_name(table),
        policy=issued,
        japan_policies=japan,
        former_name_format=former_name,
        alias_format=alias,
        validity_years=table.number("validity_years", 1, 30) if is_authority else 0,
        validity_days=table.number("validity_days", 1, 366) if kind is ProfileKind.RESPONDER else 0,
        next_update_hours=table.number("next_update_hours", 1, 24 * 365) if is_authority else 0,
        delta_next_update_hours=table.number("delta_next_update_hours", 1, 24 * 365) if is_authority else 0,
    )
    table.end()
    _check_extensions(table, profile)
    if kind is not ProfileKind.HOLDER:
        _check_texts(table, profile)
    return profile


def _check_texts(table: ProfileTable, profile: CertificateProfile) -> None:
    """Refuses place holders for what only a holder's certificate has: a municipality, hosts."""
    for _, text in profile.subject:
        _check_place_holders(table, "subject", text, _COMMON_PLACE_HOLDERS | {"common_name"})
    for rule in profile.extensions:
        for _, text in (*rule.name, ("", rule.url)):
            _check_place_holders(table, "extension", text, _COMMON_PLACE_HOLDERS)


def _check_extensions(table: ProfileTable, profile: CertificateProfile) -> None:
    """Refuses one type twice, and whatever lets anyone but a responder sign OCSP answers, or a responder do more."""
    if len(set(profile.extension_oids)) != len(profile.extensions):
        raise table.wrong("extension", "one type twice")
    answers = profile.extended_key_usage == (oids.OCSP_SIGNING,) and oids.OCSP_NO_CHECK in profile.extension_oids
    may_answer = oids.OCSP_SIGNING in profile.extended_key_usage or oids.OCSP_NO_CHECK in profile.extension_oids
    if not answers if profile.kind is ProfileKind.RESPONDER else may_answer:
        raise table.wrong("extension", "OCSPSigning and ocspNoCheck are a responder's, and all it has")


def _one_of(table: ProfileTable, key: str, known: tuple[str, ...]) -> str:
    word = table.text(key)
    if word not in known:
        raise table.wrong(key, f"not one of {', '.join(known)}")
    return word


def _check_place_holders(table: ProfileTable, key: str, text: str, allowed: frozenset[str]) -> str:
    try:
        named = {field for _, field, _, _ in Formatter().parse(text) if field is not None}
    except ValueError:
        raise table.wrong(key, "braces that do not match") from None
    if not named <= allowed:
        raise table.wrong(key, f"no place holder but {', '.join(sorted(allowed))}")
    return text


def _names(table: ProfileTable, key: str) -> Pairs:
    pairs = table.pairs(key)
    for word, text in pairs:
        if word not in oids.NAME_WORDS:
            raise table.wrong(key, "an attribute type without a name here")
        _check_place_holders(table, key, text, _PLACE_HOLDERS)
    return pairs


def _policies(table: ProfileTable, kind: ProfileKind) -> tuple[str, tuple[str, ...]]:
    issued = _POLICIES[_one_of(table, "issued", tuple(_POLICIES))]
    if not issued.startswith(oids.TEST_POLICY_ARC):
        raise table.wrong("issued", "not a policy of the test arc")
    if (issued == oids.TEST_RESPONDER_POLICY) != (kind is ProfileKind.RESPONDER):
        raise table.wrong("issued", "a policy of certificates of another kind")
    japan = table.texts("japan") if kind is ProfileKind.HOLDER else ()
    if not set(japan) <= _POLICIES.keys():
        raise table.wrong("japan", f"not of {', '.join(_POLICIES)}")
    table.end()
    return issued, tuple(_POLICIES[word] for word in japan)


def _common_name(table: ProfileTable) -> CommonNameRule:
    pairs = table.pairs("common_name")
    for text, _ in pairs:
        _check_place_holders(table, "common_name", text, _COMMON_NAME_PARTS)
    try:
        parts = tuple((text, re.compile(pattern)) for text, pattern in pairs)
        whole = re.compile("".join(f"(?:{pattern})" for _, pattern in pairs))
    except re.error as error:
        raise table.wrong("common_name", f"not a pattern: {error}") from error
    return CommonNameRule(parts, whole)


def _holder_name(table: ProfileTable) -> tuple[str, str]:
    former = _check_place_holders(
        table, "former_name", table.text("former_name"), frozenset(("family", "former", "given"))
    )
    alias = _check_place_holders(table, "alias", table.text("alias"), frozenset(("name", "alias")))
    table.end()
    return former, alias


def _extension(table: ProfileTable, policy: str, subject: Pairs) -> ExtensionRule:
    word = _one_of(table, "type", tuple(_TYPES))
    critical = table.flag("critical")
    rule = _TYPES[word](table, critical, policy, subject)
    table.end()
    return rule


def _usages(table: ProfileTable, critical: bool, policy: str, subject: Pairs) -> ExtensionRule:
    usages = frozenset(table.texts("usages"))
    if not usages <= set(KEY_USAGES):
        raise table.wrong("usages", f"not of {', '.join(KEY_USAGES)}")
    return ExtensionRule(oids.KEY_USAGE, critical, usages=usages)


def _purposes(table: ProfileTable, critical: bool, policy: str, subject: Pairs) -> ExtensionRule:
    purposes = table.texts("purposes")
    if not set(purposes) <= _PURPOSES.keys():
        raise table.wrong("purposes", f"not of {', '.join(_PURPOSES)}")
    return ExtensionRule(oids.EXTENDED_KEY_USAGE, critical, purposes=tuple(_PURPOSES[word] for word in purposes))


def _subject_names(table: ProfileTable, critical: bool, policy: str, subject: Pairs) -> ExtensionRule:
    if "name" in table:
        return ExtensionRule(oids.SUBJECT_ALTERNATIVE_NAME, critical, name=_names(table, "name"))
    content = _one_of(table, "content", (ATTRIBUTES,))
    return ExtensionRule(oids.SUBJECT_ALTERNATIVE_NAME, critical, content=content)


def _issuer_names(table: ProfileTable, critical: bool, policy: str, subject: Pairs) -> ExtensionRule:
    return ExtensionRule(oids.ISSUER_ALTERNATIVE_NAME, critical, name=_names(table, "name"))


def _constraints(table: ProfileTable, critical: bool, policy: str, subject: Pairs) -> ExtensionRule:
    if not table.flag("ca"):
        raise table.wrong("ca", "only authorities carry this extension")
    return ExtensionRule(oids.BASIC_CONSTRAINTS, critical)


def _no_check(table: ProfileTable, critical: bool, policy: str, subject: Pairs) -> ExtensionRule:
    return ExtensionRule(oids.OCSP_NO_CHECK, critical)


def _points(table: ProfileTable, critical: bool, policy: str, subject: Pairs) -> ExtensionRule:
    name = subject if table.flag("own") else _names(table, "name")
    return ExtensionRule(oids.CRL_DISTRIBUTION_POINTS, critical, name=name)


def _policy(table: ProfileTable, critical: bool, policy: str, subject: Pairs) -> ExtensionRule:
    if not policy:
        raise table.wrong("type", "no policy to name here")
    url = _check_place_holders(table, "cps", table.text("cps"), frozenset(("cps",))) if "cps" in table else ""
    return ExtensionRule(oids.CERTIFICATE_POLICIES, critical, policy=policy, url=url)


def _access(table: ProfileTable, critical: bool, policy: str, subject: Pairs) -> ExtensionRule:
    url = _check_place_holders(table, "ocsp", table.text("ocsp"), frozenset(("ocsp",)))
    return ExtensionRule(oids.AUTHORITY_INFORMATION_ACCESS, critical, url=url)


def _authority_key(table: ProfileTable, critical: bool, policy: str, subject: Pairs) -> ExtensionRule:
    return ExtensionRule(oids.AUTHORITY_KEY_IDENTIFIER, critical)


def _subject_key(table: ProfileTable, critical: bool, policy: str, subject: Pairs) -> ExtensionRule:
    return ExtensionRule(oids.SUBJECT_KEY_IDENTIFIER, critical)


_TYPES: dict[str, Callable[[ProfileTable, bool, str, Pairs], ExtensionRule]] = {
    "keyUsage": _usages,
    "extKeyUsage": _purposes,
    "subjectAltName": _subject_names,
    "issuerAltName": _issuer_names,
    "basicConstraints": _constraints,
    "cRLDistributionPoints": _points,
    "ocspNoCheck": _no_check,
    "certificatePolicies": _policy,
    "authorityInfoAccess": _access,
    "authorityKeyIdentifier": _authority_key,
    "subjectKeyIdentifier": _subject_key,
}

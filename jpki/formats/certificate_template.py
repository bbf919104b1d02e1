"""Certificates from prepared parts: what a municipality's certificates share is encoded once, the rest for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, lru_cache
from itertools import groupby

from jpki.terms import FourAttributes

from . import object_identifiers as oids
from .certificate_rules import ATTRIBUTES, ExtensionRule, Pairs
from .der import (
    NULL,
    OCTET_STRING,
    SEQUENCE,
    SET,
    DerReader,
    encode,
    encode_integer,
    encode_oid,
    encode_text,
    encode_time,
)
from .distribution_points import DistributionPoint, DistributionPointName, encode_distribution_points
from .errors import BadHost, FormatError
from .extensions import (
    AuthorityKeyId,
    BasicConstraints,
    encode_extension,
    encode_key_usage,
    encode_ocsp_url,
    encode_policy,
)
from .four_attributes import encode_attributes
from .names import GeneralName, Name
from .public_key import key_identifier
from .signed import SHA256_WITH_RSA

__all__ = ["CertificateTemplate", "Hosts", "Municipality"]

_WHAT = "certificate to be issued"
_MAX_SERIAL_BITS = 159
_VERSION_3 = encode(0xA0, encode_integer(2))
_COMMON_NAME_TYPE = encode_oid(oids.COMMON_NAME)
_KEY_IDENTIFIER = encode(OCTET_STRING, bytes(20))[:-20]
_KEY = encode_extension(oids.SUBJECT_KEY_IDENTIFIER, _KEY_IDENTIFIER + bytes(20))[: -20 - len(_KEY_IDENTIFIER)]
_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")
_LIVE_HOST = re.compile(r"(.*\.)?jpki\.go\.jp", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hosts:
    """The hosts that stand in certificates, each a name with or without `:port`: of the OCSP responder and of the CPS.

    Raises BadHost for what is no host name, and for anything under jpki.go.jp: what we issue never points there.
    """

    ocsp: str
    cps: str

    def __post_init__(self) -> None:
        for host in (self.ocsp, self.cps):
            name, colon, port = host.partition(":")
            if not _HOST.fullmatch(name) or (colon and not re.fullmatch("[0-9]{1,5}", port)):
                raise BadHost(host=host, problem="form")
            if _LIVE_HOST.fullmatch(name):
                raise BadHost(host=host, problem="live")


@dataclass(frozen=True, slots=True)
class Municipality:
    """A municipality as certificates name it, in Roman letters: `Tokyo-to` and `Chiyoda-ku`."""

    prefecture: str
    name: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the fixed parts of a certificate depend on besides its profile: place holders' texts, the issuer's key."""

    texts: dict[str, str]
    issuer_key: AuthorityKeyId | None

    def name(self, pairs: Pairs) -> Name:
        """Returns the name with every place holder filled in."""
        return Name.of(*((word, text.format_map(self.texts)) for word, text in pairs))


@dataclass(frozen=True, slots=True)
class CertificateTemplate:
    """The prepared parts of the certificates of one profile, one authority key and one municipality.

    `distribution_point` is the directory name under which their revocation is published, None where they name none.
    """

    distribution_point: Name | None
    _issuer: bytes = field(repr=False)
    _subject: bytes = field(repr=False)
    _common_name: re.Pattern[str] | None
    _parts: tuple[bytes | ExtensionRule, ...] = field(repr=False)

    @classmethod
    def prepare(
        cls,
        subject: Pairs,
        rules: Sequence[ExtensionRule],
        surroundings: Surroundings,
        issuer: Name | None,
        common_name: re.Pattern[str] | None,
    ) -> CertificateTemplate:
        """Returns a template. With a pattern for common names the subject's last attribute is left for later.

        `issuer` is None for a certificate that is its own issuer.
        """
        fixed = surroundings.name(subject if common_name is None else subject[:-1])
        content = fixed.raw if common_name is None else b"".join(_relative_names(fixed))
        parts: list[bytes | ExtensionRule] = []
        for late, run in groupby(rules, _is_late):
            together = tuple(run)
            parts += together if late else [b"".join(encode_rule(rule, surroundings) for rule in together)]
        points = [rule.name for rule in rules if rule.oid == oids.CRL_DISTRIBUTION_POINTS]
        point = surroundings.name(points[0]) if points else None
        return cls(point, (issuer or fixed).raw, content, common_name, tuple(parts))

    def tbs(
        self,
        *,
        serial: int,
        not_before: datetime,
        not_after: datetime,
        public_key_info: bytes,
        common_name: str = "",
        attributes: FourAttributes | None = None,
    ) -> bytes:
        """Returns a certificate to be signed with sha256WithRSAEncryption; `signed` joins it and the signature.

        Raises FormatError for a serial number that is not positive or has over 20 octets, for a common name not of the
        profile's pattern, for attributes where the profile has none and the reverse, and for a key that is not one.
        """
        extensions = []
        for part in self._parts:
            if isinstance(part, bytes):
                extensions.append(part)
            elif part.content == ATTRIBUTES:
                if attributes is None:
                    raise FormatError(what=_WHAT, problem="no attributes where the profile has them")
                value, attributes = encode_attributes(attributes), None
                extensions.append(encode_extension(part.oid, value, critical=part.critical))
            else:
                value = _KEY_IDENTIFIER + key_identifier(public_key_info)
                extensions.append(encode_extension(part.oid, value, critical=True) if part.critical else _KEY + value)
        if attributes is not None:
            raise FormatError(what=_WHAT, problem="attributes where the profile has none")
        return encode(
            SEQUENCE,
            _VERSION_3,
            _serial_number(serial),
            SHA256_WITH_RSA,
            self._issuer,
            _validity(not_before, not_after),
            self._named(common_name),
            public_key_info,
            encode(0xA3, encode(SEQUENCE, *extensions)),
        )

    def _named(self, common_name: str) -> bytes:
        if self._common_name is None:
            if common_name:
                raise FormatError(what=_WHAT, problem="a common name where the profile has none")
            return self._subject
        if not self._common_name.fullmatch(common_name):
            raise FormatError(what=_WHAT, problem="a common name not of the profile's pattern")
        text = encode_text(common_name)
        return encode(SEQUENCE, self._subject, _before_common_name(len(text)), text)


@cache
def _before_common_name(length: int) -> bytes:
    """Returns what stands in a relative name before a common name of so many octets."""
    return encode(SET, encode(SEQUENCE, _COMMON_NAME_TYPE, bytes(length)))[:-length]


def _relative_names(name: Name) -> list[bytes]:
    whole = DerReader.whole(name.raw, _WHAT)
    return [whole.element(SET) for _ in name.rdns]


def _serial_number(number: int) -> bytes:
    if number <= 0 or number.bit_length() > _MAX_SERIAL_BITS:
        raise FormatError(what=_WHAT, problem="a serial number that is not positive or has over 20 octets")
    return encode_integer(number)


@lru_cache(maxsize=1024)
def _validity(not_before: datetime, not_after: datetime) -> bytes:
    """Returns the validity; a batch has one beginning and, for the two certificates of a person, one end."""
    return encode(SEQUENCE, encode_time(not_before), encode_time(not_after))


def _is_late(rule: ExtensionRule) -> bool:
    return rule.content == ATTRIBUTES or rule.oid == oids.SUBJECT_KEY_IDENTIFIER


def encode_rule(rule: ExtensionRule, surroundings: Surroundings) -> bytes:
    """Returns the extension of a rule that does not depend on the holder."""
    return encode_extension(rule.oid, _VALUES[rule.oid](rule, surroundings), critical=rule.critical)


def _directory_names(rule: ExtensionRule, surroundings: Surroundings) -> bytes:
    return encode(SEQUENCE, GeneralName.directory(surroundings.name(rule.name)).raw)


def _distribution_point(rule: ExtensionRule, surroundings: Surroundings) -> bytes:
    name = DistributionPointName.directory(surroundings.name(rule.name))
    return encode_distribution_points(DistributionPoint(name))


def _issuer_key(rule: ExtensionRule, surroundings: Surroundings) -> bytes:
    if surroundings.issuer_key is None:
        raise FormatError(what=_WHAT, problem="an issuer's key identifier in a certificate that is its own issuer")
    return surroundings.issuer_key.encode()


_VALUES: dict[str, Callable[[ExtensionRule, Surroundings], bytes]] = {
    oids.KEY_USAGE: lambda rule, _: encode_key_usage(rule.usages),
    oids.EXTENDED_KEY_USAGE: lambda rule, _: encode(SEQUENCE, *map(encode_oid, rule.purposes)),
    oids.CERTIFICATE_POLICIES: lambda rule, by: encode_policy(rule.policy, rule.url.format_map(by.texts)),
    oids.SUBJECT_ALTERNATIVE_NAME: _directory_names,
    oids.ISSUER_ALTERNATIVE_NAME: _directory_names,
    oids.BASIC_CONSTRAINTS: lambda *_: BasicConstraints(ca=True).encode(),
    oids.CRL_DISTRIBUTION_POINTS: _distribution_point,
    oids.AUTHORITY_INFORMATION_ACCESS: lambda rule, by: encode_ocsp_url(rule.url.format_map(by.texts)),
    oids.AUTHORITY_KEY_IDENTIFIER: _issuer_key,
    oids.OCSP_NO_CHECK: lambda *_: encode(NULL),
}

"""X.509 certificates. Source: RFC 5280, section 4."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import ClassVar

from jpki.terms import CertificateName, FourAttributes, Role

from . import object_identifiers as oids
from .der import SEQUENCE, DerReader
from .distribution_points import DistributionPoint, read_distribution_points
from .extensions import (
    AuthorityKeyId,
    BasicConstraints,
    Extended,
    Extension,
    Policy,
    read_extensions,
    read_key_usage,
    read_null,
    read_ocsp_urls,
    read_octets,
    read_oids,
    read_policies,
)
from .four_attributes import attribute_problems, read_attributes
from .names import GeneralName, Name, OtherName, read_general_names
from .public_key import RsaPublicKey, check_public_key_info
from .shared_values import read_once
from .signed import read_signed

__all__ = ["Certificate"]

_WHAT = "certificate"
_MAX_OCTETS = 0xFFFF
_MAX_SERIAL_BITS = 159  # 20 octets, of which the first bit is the sign
_VERSION_3 = b"\xa0\x03\x02\x01\x02"


def _general_names(value: bytes, what: str) -> tuple[GeneralName, ...]:
    return read_general_names(DerReader.whole(value, what))


# Values that a whole hierarchy shares are read once; what differs from holder to holder is not kept.
_key_usage = read_once(read_key_usage, 64)
_oids = read_once(read_oids, 64)
_policies = read_once(read_policies, 64)
_basic_constraints = read_once(BasicConstraints.parse, 64)
_authority_key_id = read_once(AuthorityKeyId.parse, 64)
_ocsp_urls = read_once(read_ocsp_urls, 64)
_issuer_names = read_once(_general_names, 64)
_distribution_points = read_once(read_distribution_points, 4096)  # one for each municipality


@dataclass(frozen=True, repr=False)
class Certificate(Extended):
    """A certificate as read: `raw` is all of it, `tbs` what is signed, moments are in UTC.

    `parse` judges the structure and the fields; the value of an extension is read when it is first asked for, and its
    property raises FormatError then. `signature_algorithm` is the algorithm identifier as written.
    """

    _what: ClassVar[str] = _WHAT

    raw: bytes
    tbs: bytes
    version: int
    serial: int
    signature_algorithm: bytes
    issuer: Name
    not_before: datetime
    not_after: datetime
    subject: Name
    public_key_info: bytes
    extensions: tuple[Extension, ...]
    signature: bytes

    @classmethod
    def parse(cls, raw: bytes) -> Certificate:
        """Reads a DER certificate of up to 65,535 octets; raises FormatError. Its signature is not checked here.

        Refused besides what is not DER: a serial number that is not positive or has over 20 octets, an extension twice,
        and two different signature algorithms in the two places that name one.
        """
        tbs, algorithm, signature = read_signed(raw[: _MAX_OCTETS + 1], _WHAT)
        fields = DerReader.whole(tbs, _WHAT)
        version = _version(fields)
        serial = fields.integer()
        if serial <= 0 or serial.bit_length() > _MAX_SERIAL_BITS:
            raise fields.wrong("a serial number that is not positive or has over 20 octets")
        if fields.element(SEQUENCE) != algorithm:
            raise fields.wrong("two signature algorithms")
        issuer = Name.read_shared(fields)
        validity = fields.enter()
        not_before, not_after = validity.time(), validity.time()
        validity.finish()
        subject = Name.read(fields)
        public_key_info = fields.element(SEQUENCE)
        check_public_key_info(public_key_info)
        extensions = _tail(fields, version)
        return cls(
            raw,
            tbs,
            version,
            serial,
            algorithm,
            issuer,
            not_before,
            not_after,
            subject,
            public_key_info,
            extensions,
            signature,
        )

    def __repr__(self) -> str:
        return f"Certificate(serial {self.serial:X})"

    def name(self, authority: Role) -> CertificateName:
        """Returns the name by authority and number; which authority, the caller knows."""
        return CertificateName(authority, self.serial)

    @cached_property
    def fingerprint(self) -> bytes:
        """Returns the SHA-256 of the whole certificate."""
        return hashlib.sha256(self.raw).digest()

    @cached_property
    def public_key(self) -> RsaPublicKey:
        """Returns the key; raises FormatError where it is not RSA."""
        return RsaPublicKey.parse(self.public_key_info)

    @cached_property
    def key_usage(self) -> frozenset[str] | None:
        """Returns what the key may be used for (`digitalSignature`, …), or None where the certificate does not say."""
        return self._read(oids.KEY_USAGE, _key_usage)

    @cached_property
    def extended_key_usage(self) -> tuple[str, ...] | None:
        """Returns the purposes by object identifier, or None where the certificate does not say."""
        return self._read(oids.EXTENDED_KEY_USAGE, _oids)

    @property
    def policies(self) -> tuple[str, ...]:
        """Returns the policies by object identifier, in the order written."""
        return tuple(policy.oid for policy in self._policies)

    @property
    def cps_urls(self) -> tuple[str, ...]:
        """Returns the addresses of the practice statements that the policies name."""
        return tuple(url for policy in self._policies for url in policy.cps_urls)

    @cached_property
    def _policies(self) -> tuple[Policy, ...]:
        return self._read(oids.CERTIFICATE_POLICIES, _policies) or ()

    @cached_property
    def basic_constraints(self) -> BasicConstraints | None:
        """Returns whether this is an authority's certificate, or None where it does not say (then it is not)."""
        return self._read(oids.BASIC_CONSTRAINTS, _basic_constraints)

    @cached_property
    def authority_key_id(self) -> AuthorityKeyId | None:
        """Returns which key signed this certificate, or None."""
        return self._read(oids.AUTHORITY_KEY_IDENTIFIER, _authority_key_id)

    @cached_property
    def subject_key_id(self) -> bytes | None:
        """Returns the identifier of the certified key, or None."""
        return self._read(oids.SUBJECT_KEY_IDENTIFIER, read_octets)

    @cached_property
    def distribution_points(self) -> tuple[DistributionPoint, ...]:
        """Returns where the revocation of this certificate is published."""
        return self._read(oids.CRL_DISTRIBUTION_POINTS, _distribution_points) or ()

    @cached_property
    def ocsp_urls(self) -> tuple[str, ...]:
        """Returns the addresses of OCSP responders."""
        return self._read(oids.AUTHORITY_INFORMATION_ACCESS, _ocsp_urls) or ()

    @cached_property
    def ocsp_no_check(self) -> bool:
        """Returns whether the revocation of this OCSP responder's certificate is not to be asked for.

        Source: RFC 6960, 4.2.2.2.1.
        """
        return self._read(oids.OCSP_NO_CHECK, read_null) or False

    @cached_property
    def subject_alternative_names(self) -> tuple[GeneralName, ...]:
        """Returns the other names of the subject."""
        return self._read(oids.SUBJECT_ALTERNATIVE_NAME, _general_names) or ()

    @cached_property
    def issuer_alternative_names(self) -> tuple[GeneralName, ...]:
        """Returns the other names of the issuer."""
        return self._read(oids.ISSUER_ALTERNATIVE_NAME, _issuer_names) or ()

    @property
    def other_names(self) -> tuple[OtherName, ...]:
        """Returns the subject's names of the kinds that object identifiers say, unknown ones too."""
        return tuple(name.other_name for name in self.subject_alternative_names if name.other_name is not None)

    @cached_property
    def attributes(self) -> FourAttributes | None:
        """Returns the holder's four attributes, or None where the certificate holds none of them."""
        return read_attributes(self.other_names, _WHAT)

    @property
    def attribute_problems(self) -> tuple[str, ...]:
        """Returns what is odd about the attributes, as `field: problem`; they are given out as written all the same."""
        return () if self.attributes is None else attribute_problems(self.attributes)

    @property
    def unknown_critical_extensions(self) -> tuple[str, ...]:
        """Returns the critical extensions that no property here reads: whoever relies on the rest must refuse."""
        return tuple(item.oid for item in self.extensions if item.critical and item.oid not in _READ)

    def check_extensions(self) -> None:
        """Reads the value of every extension that has a property here; raises FormatError at the first bad one."""
        for extension in self.extensions:
            for name in _READ.get(extension.oid, ()):
                getattr(self, name)


_READ = {
    oids.KEY_USAGE: ("key_usage",),
    oids.EXTENDED_KEY_USAGE: ("extended_key_usage",),
    oids.CERTIFICATE_POLICIES: ("policies",),
    oids.BASIC_CONSTRAINTS: ("basic_constraints",),
    oids.AUTHORITY_KEY_IDENTIFIER: ("authority_key_id",),
    oids.SUBJECT_KEY_IDENTIFIER: ("subject_key_id",),
    oids.CRL_DISTRIBUTION_POINTS: ("distribution_points",),
    oids.AUTHORITY_INFORMATION_ACCESS: ("ocsp_urls",),
    oids.OCSP_NO_CHECK: ("ocsp_no_check",),
    oids.SUBJECT_ALTERNATIVE_NAME: ("subject_alternative_names", "attributes"),
    oids.ISSUER_ALTERNATIVE_NAME: ("issuer_alternative_names",),
}


def _version(fields: DerReader) -> int:
    if fields.raw.startswith(_VERSION_3, fields.at):
        fields.at += len(_VERSION_3)
        return 3
    explicit = fields.optional(0xA0)
    if explicit is None:
        return 1
    version = explicit.integer()
    explicit.finish()
    if version != 1:
        raise fields.wrong("a version that is written out as 1, or unknown")
    return 2


def _tail(fields: DerReader, version: int) -> tuple[Extension, ...]:
    for unique_identifier in (0x81, 0x82):
        if fields.next_tag == unique_identifier:
            fields.value(unique_identifier)
            if version == 1:
                raise fields.wrong("a unique identifier in version 1")
    explicit = fields.optional(0xA3)
    fields.finish()
    if explicit is None:
        return ()
    if version != 3:
        raise fields.wrong("extensions before version 3")
    extensions = read_extensions(explicit.enter())
    explicit.finish()
    return extensions

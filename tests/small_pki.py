"""A small PKI written octet by octet, without the code under test, so that any one thing in it can be made wrong.

The values follow docs/relying-party.md: test authorities of two roles, holders of both, lists. What `certificate` and
`revocation_list` are told by keyword differs from that; everything else stays right.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from prime_pool import primes

from jpki.terms import Role

NOW = datetime(2026, 11, 22, 3, 0, 0, tzinfo=UTC)
ORIGIN = "https://bank.example"
DOCUMENT = "賃貸借契約書".encode()

SHA256_RSA = bytes.fromhex("300d06092a864886f70d01010b0500")
SHA384_RSA = bytes.fromhex("300d06092a864886f70d01010c0500")
SHA1_RSA = bytes.fromhex("300d06092a864886f70d0101050500")
POLICIES = {Role.SIGNATURE: "1.2.392.200149.8.5.1.0.20", Role.AUTHENTICATION: "1.2.392.200149.8.5.1.0.30"}
UNITS = {Role.SIGNATURE: "JPKI for digital signature", Role.AUTHENTICATION: "JPKI for user authentication"}
ATTRIBUTES = {1: "番号　花子", 4: "319800217", 3: "2", 5: "東京都清瀬市中里五丁目８４２番地", 2: "00000", 6: "0" * 16}


def element(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def sequence(*parts: bytes) -> bytes:
    return element(0x30, *parts)


def integer(number: int, tag: int = 0x02) -> bytes:
    return element(tag, number.to_bytes(max(1, number.bit_length() // 8 + 1), "big", signed=True))


def oid(dotted: str) -> bytes:
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    content = bytearray()
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        content += bytes(reversed(groups))
    return element(0x06, bytes(content))


def utf8(text: str) -> bytes:
    return element(0x0C, text.encode())


def bits(octets: bytes, unused: int = 0) -> bytes:
    return element(0x03, bytes((unused,)), octets)


def moment(at: datetime) -> bytes:
    if at.year < 2050:
        return element(0x17, at.strftime("%y%m%d%H%M%SZ").encode())
    return generalized(at)


def generalized(at: datetime) -> bytes:
    return element(0x18, at.strftime("%Y%m%d%H%M%SZ").encode())


def name(*attributes: tuple[str, str], country_tag: int = 0x13) -> bytes:
    kinds = {"C": "2.5.4.6", "O": "2.5.4.10", "OU": "2.5.4.11", "CN": "2.5.4.3", "L": "2.5.4.7"}
    rdns = []
    for kind, text in attributes:
        value = element(country_tag, text.encode()) if kind == "C" else utf8(text)
        rdns.append(element(0x31, sequence(oid(kinds[kind]), value)))
    return sequence(*rdns)


def authority_name(role: Role, organization: str = "JPKI-TEST", country_tag: int = 0x13) -> bytes:
    agency = "Japan Agency for Local Authority Information Systems"
    attributes = (("C", "JP"), ("O", organization), ("OU", UNITS[role]), ("OU", agency))
    return name(*attributes, country_tag=country_tag)


def municipality_name(role: Role, city: str = "Kiyose-shi CRLDP") -> bytes:
    return name(
        ("C", "JP"),
        ("O", "JPKI-TEST"),
        ("OU", UNITS[role]),
        ("OU", "CRL Distribution Points"),
        ("OU", "Tokyo-to"),
        ("CN", city),
    )


def extension(kind: str, value: bytes, *, critical: bool = False) -> bytes:
    return sequence(oid(kind), element(0x01, b"\xff") if critical else b"", element(0x04, value))


def key_usage(octet: int, *, critical: bool = True) -> bytes:
    unused = (octet & -octet).bit_length() - 1
    return extension("2.5.29.15", bits(bytes((octet,)), unused), critical=critical)


def extended_key_usage(*kinds: str) -> bytes:
    return extension("2.5.29.37", sequence(*(oid(kind) for kind in kinds)))


def policies(*kinds: str, critical: bool = True) -> bytes:
    infos = (sequence(oid(kind)) for kind in kinds)
    return extension("2.5.29.32", sequence(*infos), critical=critical)


def basic_constraints(*, ca: bool, critical: bool = True) -> bytes:
    return extension("2.5.29.19", sequence(element(0x01, b"\xff") if ca else b""), critical=critical)


def other_name(kind: str, text: str) -> bytes:
    return element(0xA0, oid(kind), element(0xA0, utf8(text)))


def alternative_names(attributes: Mapping[int, str], *more: bytes) -> bytes:
    names = (other_name(f"1.2.392.200149.8.5.5.{number}", text) for number, text in attributes.items())
    return extension("2.5.29.17", sequence(*names, *more))


def directory(written: bytes) -> bytes:
    return element(0xA4, written)


def full_name(*general_names: bytes) -> bytes:
    return element(0xA0, element(0xA0, *general_names))


def distribution_points(*points: bytes) -> bytes:
    return extension("2.5.29.31", sequence(*(sequence(point) for point in points)))


def authority_key_id(key_id: bytes | None, issuer: bytes | None = None, serial: int | None = None) -> bytes:
    parts = [b"" if key_id is None else element(0x80, key_id)]
    if issuer is not None and serial is not None:
        parts += [element(0xA1, directory(issuer)), integer(serial, 0x82)]
    return extension("2.5.29.35", sequence(*parts))


@dataclass(frozen=True)
class Key:
    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

    @property
    def info(self) -> bytes:
        return self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    @property
    def key_id(self) -> bytes:
        rsa_public_key = self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.PKCS1
        )
        return hashlib.sha1(rsa_public_key).digest()  # noqa: S324

    def sign(self, message: bytes, algorithm: hashes.HashAlgorithm | None = None) -> bytes:
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            return self.private.sign(message, ec.ECDSA(algorithm or hashes.SHA256()))
        return self.private.sign(message, padding.PKCS1v15(), algorithm or hashes.SHA256())


def key_of(p: int, q: int, e: int = 65537) -> Key:
    d = pow(e, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(e, p * q))
    return Key(numbers.private_key(unsafe_skip_rsa_key_validation=True))


def numbered_key(number: int) -> Key:
    """Returns one of fifty keys of 2,048 bits; the same number is the same key."""
    pool = primes()
    return key_of(pool[2 * number], pool[2 * number + 1])


def signed(tbs: bytes, key: Key, algorithm: bytes = SHA256_RSA) -> bytes:
    hashing = {SHA384_RSA: hashes.SHA384(), SHA1_RSA: hashes.SHA1()}.get(algorithm, hashes.SHA256())  # noqa: S303
    return sequence(tbs, algorithm, bits(key.sign(tbs, hashing)))


def certificate(
    *,
    key: Key,
    info: bytes,
    issuer: bytes,
    subject: bytes,
    serial: int,
    extensions: Iterable[bytes],
    not_before: datetime,
    not_after: datetime,
    version: bytes = b"\xa0\x03\x02\x01\x02",
    algorithm: bytes = SHA256_RSA,
    inner_algorithm: bytes | None = None,
) -> bytes:
    written = b"".join(extensions)
    tbs = sequence(
        version,
        integer(serial),
        inner_algorithm or algorithm,
        issuer,
        sequence(moment(not_before), moment(not_after)),
        subject,
        info,
        element(0xA3, sequence(written)) if written else b"",
    )
    return signed(tbs, key, algorithm)


@dataclass(frozen=True)
class Authority:
    """A test authority of one role and generation."""

    role: Role
    key: Key
    serial: int
    organization: str = "JPKI-TEST"
    not_before: datetime = NOW - timedelta(days=3 * 365)
    not_after: datetime = NOW + timedelta(days=7 * 365)

    @property
    def name(self) -> bytes:
        return authority_name(self.role, self.organization)

    def root(
        self, *, without: Iterable[str] = (), replaced: Mapping[str, bytes] | None = None, **changes: object
    ) -> bytes:
        extensions = {
            "key_usage": key_usage(0x06),
            "basic_constraints": basic_constraints(ca=True),
            "points": distribution_points(full_name(directory(self.name))),
            "subject_key_id": extension("2.5.29.14", element(0x04, self.key.key_id)),
        } | dict(replaced or {})
        kept = [value for what, value in extensions.items() if what not in without]
        fields: dict[str, object] = {
            "key": self.key,
            "info": self.key.info,
            "issuer": self.name,
            "subject": self.name,
            "serial": self.serial,
            "extensions": kept,
            "not_before": self.not_before,
            "not_after": self.not_after,
        }
        return certificate(**(fields | changes))  # type: ignore[arg-type]

    def extensions(self, info_key: Key) -> dict[str, bytes]:
        sign = self.role is Role.SIGNATURE
        found = {"key_usage": key_usage(0xC0 if sign else 0x80)}
        if sign:
            found["names"] = alternative_names(ATTRIBUTES)
        else:
            found["extended_key_usage"] = extended_key_usage("1.3.6.1.5.5.7.3.2")
        found |= {
            "policies": policies(POLICIES[self.role]),
            "points": distribution_points(full_name(directory(municipality_name(self.role)))),
            "access": extension(
                "1.3.6.1.5.5.7.1.1",
                sequence(sequence(oid("1.3.6.1.5.5.7.48.1"), element(0x86, b"http://ocsp.example"))),
            ),
            "authority_key_id": authority_key_id(self.key.key_id, self.name, self.serial),
            "subject_key_id": extension("2.5.29.14", element(0x04, hashlib.sha1(info_key.info).digest())),  # noqa: S324
        }
        return found

    def issue(
        self,
        holder: Key,
        *,
        without: Iterable[str] = (),
        replaced: Mapping[str, bytes] | None = None,
        more: Iterable[bytes] = (),
        **changes: object,
    ) -> bytes:
        """Returns a holder's certificate: extensions by word left out or replaced, more of them, other fields."""
        extensions = self.extensions(holder) | dict(replaced or {})
        kept = [value for what, value in extensions.items() if what not in without]
        subject = name(("C", "JP"), ("L", "Tokyo-to"), ("L", "Kiyose-shi"), ("CN", "20261001120000123450132210001"))
        fields: dict[str, object] = {
            "key": self.key,
            "info": holder.info,
            "issuer": self.name,
            "subject": subject,
            "serial": 0x0A0B0C0D,
            "extensions": [*kept, *more],
            "not_before": NOW - timedelta(days=50),
            "not_after": NOW + timedelta(days=4 * 365),
        }
        return certificate(**(fields | changes))  # type: ignore[arg-type]

    def revocation_list(
        self,
        *entries: bytes,
        number: int | None = 41,
        this_update: datetime = NOW - timedelta(hours=3),
        next_update: datetime | None = NOW + timedelta(hours=45),
        point: bytes | None = b"\x81\x01\xff",
        key_id: bytes | None = None,
        signing_key: Key | None = None,
        issuer: bytes | None = None,
        delta_base: int | None = None,
        more: Iterable[bytes] = (),
        version: bytes = b"\x02\x01\x01",
        algorithm: bytes = SHA256_RSA,
        without: Iterable[str] = (),
    ) -> bytes:
        """Returns a list; `point` is the content of issuingDistributionPoint: only user certificates as it stands."""
        extensions = {
            "authority_key_id": authority_key_id(self.key.key_id if key_id is None else key_id, self.name, self.serial),
            "number": b"" if number is None else extension("2.5.29.20", integer(number)),
            "delta": b"" if delta_base is None else extension("2.5.29.27", integer(delta_base), critical=True),
            "point": b"" if point is None else extension("2.5.29.28", sequence(point), critical=True),
        }
        kept = [value for what, value in extensions.items() if what not in without]
        written = b"".join((*kept, *more))
        tbs = sequence(
            version,
            algorithm,
            self.name if issuer is None else issuer,
            moment(this_update),
            b"" if next_update is None else moment(next_update),
            sequence(*entries) if entries else b"",
            element(0xA0, sequence(written)) if written else b"",
        )
        return signed(tbs, signing_key or self.key, algorithm)


def revoked(
    serial: int = 0x0A0B0C0D,
    at: datetime = NOW - timedelta(days=1),
    reason: int | None = 1,
    *,
    invalid_since: datetime | None = None,
    more: Iterable[bytes] = (),
) -> bytes:
    """Returns an entry of a list; by default of the certificate that `issue` makes, revoked for keyCompromise."""
    extensions = b"" if reason is None else extension("2.5.29.21", integer(reason, 0x0A))
    if invalid_since is not None:
        extensions += extension("2.5.29.24", generalized(invalid_since))
    extensions += b"".join(more)
    return sequence(integer(serial), moment(at), sequence(extensions) if extensions else b"")


SIGN_CA = Authority(Role.SIGNATURE, numbered_key(0), 0x067C6A21)
AUTH_CA = Authority(Role.AUTHENTICATION, numbered_key(1), 0x06D18006)
EARLIER_SIGN_CA = Authority(Role.SIGNATURE, numbered_key(2), 0x0132C4AB)
HOLDER = numbered_key(3)
STRANGER = numbered_key(4)
AUTHORITIES = {Role.SIGNATURE: SIGN_CA, Role.AUTHENTICATION: AUTH_CA}

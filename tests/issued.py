"""Authorities, certificates and revocation lists made with nothing but `jpki.formats` and keys from the pool."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from prime_pool import primes

from jpki.formats import (
    AuthorityKeyId,
    Certificate,
    CertificateList,
    DistributionPointName,
    Hosts,
    IssuingDistributionPoint,
    Municipality,
    Name,
    RevocationReason,
    certificate_list_tbs,
    encode_revoked,
    from_pem,
    load_certificate_profile,
    rsa_public_key_info,
    signed,
)
from jpki.terms import BirthDate, FourAttributes, Role, Sex

DAY = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
END = datetime(2031, 11, 21, 14, 59, 59, tzinfo=UTC)
HOSTS = Hosts(ocsp="ocsp.jpki-test.example", cps="www.jpki-test.example:8080")
CHIYODA = Municipality("Tokyo-to", "Chiyoda-ku")
HANAKO = FourAttributes(
    name="公的　花子",
    name_flags="00001",
    address="東京都千代田区霞が関１丁目１番１号",
    address_flags="00000000001000000",
    birth_date=BirthDate("319890107"),
    sex=Sex("2"),
)
LIST_ISSUER = Name.of(("C", "JP"), ("O", "JPKI-TEST"))
USERS = IssuingDistributionPoint(only_user_certificates=True)
COMMON_NAMES = {Role.SIGNATURE: "2026112210020300042131010001", Role.AUTHENTICATION: "0123456789ABCD131010001"}


@dataclass(frozen=True)
class Key:
    """A key pair of the pool."""

    private: rsa.RSAPrivateKey

    @property
    def public_key_info(self) -> bytes:
        numbers = self.private.public_key().public_numbers()
        return rsa_public_key_info(numbers.n, numbers.e)

    def sign(self, content: bytes) -> bytes:
        return self.private.sign(content, padding.PKCS1v15(), hashes.SHA256())


@cache
def key(number: int) -> Key:
    """Returns the key of two neighbours in the pool; the same number gives the same key."""
    p, q = primes()[2 * number : 2 * number + 2]
    d = pow(65537, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=d % (p - 1),
        dmq1=d % (q - 1),
        iqmp=pow(q, -1, p),
        public_numbers=rsa.RSAPublicNumbers(65537, p * q),
    )
    return Key(numbers.private_key(unsafe_skip_rsa_key_validation=True))


AUTHORITY_KEY, HOLDER_KEY, OTHER_KEY = 0, 1, 2


@cache
def authority(role: Role) -> Certificate:
    """Returns the authority's certificate of a role."""
    tbs = load_certificate_profile(f"ca-{role.short}").authority_tbs(
        serial=0x0100_0001,
        not_before=DAY,
        not_after=datetime(2036, 11, 21, 14, 59, 59, tzinfo=UTC),
        public_key_info=key(AUTHORITY_KEY).public_key_info,
    )
    return Certificate.parse(signed(tbs, key(AUTHORITY_KEY).sign(tbs)))


def holder_tbs(role: Role, **different: object) -> bytes:
    """Returns a holder's certificate, not signed, with the fields of one's choice different."""
    fields: dict[str, object] = {
        "serial": 0x06D1_8006,
        "not_before": DAY,
        "not_after": END,
        "public_key_info": key(HOLDER_KEY).public_key_info,
        "common_name": COMMON_NAMES[role],
        "attributes": HANAKO if role is Role.SIGNATURE else None,
    }
    template = load_certificate_profile(role.short).template(authority(role), CHIYODA, HOSTS)
    return template.tbs(**(fields | different))  # type: ignore[arg-type]


def holder(role: Role, **different: object) -> Certificate:
    """Returns a holder's certificate, with the fields of one's choice different."""
    tbs = holder_tbs(role, **different)
    return Certificate.parse(signed(tbs, key(AUTHORITY_KEY).sign(tbs)))


def list_of(
    entries: bytes = b"",
    point: IssuingDistributionPoint | None = USERS,
    *,
    delta_base: int | None = None,
    by: AuthorityKeyId | None = None,
) -> bytes:
    """Returns a list of these entries; `by` is the issuer and its key, some issuer's where it is None."""
    issuer = by or AuthorityKeyId(b"\xaa" * 20, LIST_ISSUER, 5)
    assert issuer.issuer is not None
    tbs = certificate_list_tbs(
        issuer=issuer.issuer,
        this_update=DAY,
        next_update=DAY + timedelta(hours=48),
        number=7,
        authority_key_id=issuer,
        entries=entries,
        issuing_distribution_point=point,
        delta_base=delta_base,
    )
    return signed(tbs, key(AUTHORITY_KEY).sign(tbs))


def parsed_list(entries: bytes = b"", point: IssuingDistributionPoint | None = USERS) -> CertificateList:
    """Returns a list of these entries as it is read."""
    return CertificateList.parse(list_of(entries, point))


def revocation_list(role: Role, *serials: int, point: DistributionPointName | None = None) -> bytes:
    """Returns the list of a role's authority in which these numbers were superseded."""
    own = authority(role)
    entries = encode_revoked((serial, DAY, RevocationReason.SUPERSEDED) for serial in serials)
    by = AuthorityKeyId(own.subject_key_id, own.subject, own.serial)
    return list_of(entries, IssuingDistributionPoint(point, only_user_certificates=True), by=by)


def published(folder: object, name: str) -> bytes:
    """Returns the DER of a published authority certificate in `tests/data/jpki-ca`."""
    (der,) = from_pem((folder / f"{name}.pem").read_text("ascii"), "CERTIFICATE")  # type: ignore[operator]
    return der

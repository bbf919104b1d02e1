"""Authorities with keys of their own, and applicants with requests for keys of the pool."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from prime_pool import PrimePool

from emulator import RsaKey
from jpki.ca import (
    Authority,
    AuthoritySettings,
    Issued,
    IssuedCertificate,
    IssueRequest,
    KeyMissing,
    LoadedKey,
    Occasion,
    Refused,
    Resident,
    read_residents,
)
from jpki.formats import IssuerMasterKey, Name, RevocationReason, certificate_request, rsa_public_key_info
from jpki.store import Store
from jpki.terms import CertificateName, Role, Sex

NOW = datetime(2026, 11, 22, 0, 0, 0, tzinfo=UTC)
BOTH = (Role.SIGNATURE, Role.AUTHENTICATION)
RESIDENTS = Path(__file__).parent / "data" / "residents-1000.csv"
AUTHORITY_PRIMES = Path(__file__).parent / "data" / "authority-primes.txt"

ADULT = Resident(
    resident_id="R900000",
    name="公的　花子",
    furigana="コウテキ　ハナコ",
    former_name="",
    alias="",
    birth_date=date(1989, 1, 7),
    sex=Sex("2"),
    municipality_code="13101",
    prefecture="東京都",
    municipality="千代田区",
    prefecture_romaji="Tokyo-to",
    municipality_romaji="Chiyoda-ku",
    address="東京都千代田区霞が関１丁目１番１号",
    nationality="JP",
    residence_expiry=None,
    adult_ward=False,
    substitutes=(),
)


@cache
def authority_key(role: Role) -> LoadedKey:
    """Returns the key of the test authority of a role. No key of the pool is the same."""
    lines = [line for line in AUTHORITY_PRIMES.read_text("ascii").splitlines() if not line.startswith("#")]
    p, q = (int(line, 16) for line in (lines[:2] if role is Role.SIGNATURE else lines[2:]))
    return LoadedKey(RsaKey(p=p, q=q).private_key)


@cache
def seal_key() -> LoadedKey:
    """Returns the key that seals the audit trail of test authorities; no certificate is for it."""
    return LoadedKey(PrimePool(9_999).generate().private_key)


class PoolKeys:
    """A key source in memory; `made` counts how many keys were made."""

    def __init__(self) -> None:
        self._keys: dict[tuple[Role, int], LoadedKey] = {}
        self.made = 0

    def place(self, role: Role, generation: int, uri: str | None = None) -> str:
        return f"memory:{role.short}-{generation}"

    def signing_key(self, role: Role, generation: int, uri: str | None = None, *, make: bool = False) -> LoadedKey:
        if (role, generation) not in self._keys:
            if not make:
                raise KeyMissing(file=self.place(role, generation))
            self._keys[role, generation] = authority_key(role)
            self.made += 1
        return self._keys[role, generation]

    def holds(self, role: Role, generation: int, uri: str | None = None) -> bool:
        return (role, generation) in self._keys

    def seal_key(self, uri: str | None = None, *, make: bool = False) -> LoadedKey:
        return seal_key()

    def master_key(self, *, make: bool = False) -> IssuerMasterKey:
        return IssuerMasterKey(bytes(range(32)))


def new_authority(
    folder: Path, keys: PoolKeys | None = None, settings: AuthoritySettings | None = None, address: str = ""
) -> Authority:
    """Returns an authority in a store of its own, at this address or in this folder, made at NOW."""
    store = Store.create(address or folder / "authority.sqlite3", taken_up=bool(address))
    return Authority.create(store, keys or PoolKeys(), settings or AuthoritySettings(), NOW)


def request_of(key: RSAPrivateKey, subject: str = "card") -> bytes:
    """Returns a PKCS#10 request for a key, signed with it."""
    numbers = key.public_key().public_numbers()
    return certificate_request(
        Name.of(("CN", subject)),
        rsa_public_key_info(numbers.n, numbers.e),
        lambda content: key.sign(content, padding.PKCS1v15(), hashes.SHA256()),
    )


def real_residents() -> list[Resident]:
    """Returns the thousand residents of the data file."""
    return list(read_residents(RESIDENTS))


class Applicants:
    """People who ask for certificates, each with a number and a new key of the pool for every request."""

    def __init__(self, seed: int = 1) -> None:
        self.keys = PrimePool(seed)
        self._count = 0

    def person(self, **different: object) -> Resident:
        """Returns another adult."""
        self._count += 1
        return replace(ADULT, resident_id=f"R{900000 + self._count}", **different)  # type: ignore[arg-type]

    def request(self) -> bytes:
        """Returns a request with a new key."""
        return request_of(self.keys.generate().private_key)

    def asks(
        self,
        resident: Resident | None = None,
        roles: Iterable[Role] = BOTH,
        *,
        requests: Mapping[Role, bytes] | None = None,
        job: str = "job 1",
        occasion: Occasion = Occasion.FIRST,
        card_expiry: date | None = None,
        reason: RevocationReason = RevocationReason.SUPERSEDED,
    ) -> IssueRequest:
        """Returns what a person asks for: by default an adult nobody knows yet, both certificates."""
        return IssueRequest(
            resident=resident or self.person(),
            requests=requests or {role: self.request() for role in roles},
            job=job,
            card_expiry=card_expiry,
            occasion=occasion,
            reason=reason,
        )


def issued(outcome: Issued | Refused) -> Issued:
    """Returns the outcome where something was issued; raises the refusal's error otherwise."""
    if isinstance(outcome, Refused):
        raise outcome.error
    return outcome


def issue_one(authority: Authority, request: IssueRequest, at: datetime = NOW) -> Issued:
    """Returns what was issued to one applicant; raises the refusal's error."""
    return issued(authority.issue([request], at)[0])


def refusal(authority: Authority, request: IssueRequest, at: datetime = NOW) -> object:
    """Returns the error with which an applicant is refused, who must be."""
    outcome = authority.issue([request], at)[0]
    assert isinstance(outcome, Refused)
    assert outcome.holder == request.holder
    return outcome.error


def certificate_of(outcome: Issued, role: Role) -> IssuedCertificate:
    """Returns the certificate of one role, which must have been issued."""
    found = outcome.of(role)
    assert found is not None
    return found


def name_in(outcome: Issued, role: Role) -> CertificateName:
    """Returns the name of the certificate of one role."""
    return certificate_of(outcome, role).name

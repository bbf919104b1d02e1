"""The chain of serial numbers: over renewals in one authority, and between the two certificates of one holder."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from jpki.formats import RsaPublicKey
from jpki.store import CertificateState, Store, StoredCertificate, StoreReading
from jpki.terms import CertificateName, Role

from .errors import AmbiguousNumber, NoSuchCertificate
from .requests import key_hash_of
from .revoking import Revocation, revocation_of, stored_certificate

__all__ = ["CertificateStatus", "Chain", "chain_of", "find", "list_certificates", "status_of_key"]

_NUMBER = re.compile("(?:0[xX])?([0-9A-Fa-f]{1,8})")


@dataclass(frozen=True, slots=True)
class CertificateStatus:
    """What the authority knows of a certificate at a moment.

    `predecessor` and `successor` are the holder's certificates of the same role before and after it; `counterpart` is
    the newest one of the other role that it was, or is, a pair with, None where the holder has none. `confirmed_at` is
    None until the certificate is known to be on its card.
    """

    name: CertificateName
    holder: str
    state: CertificateState
    municipality: str
    not_before: datetime
    not_after: datetime
    confirmed_at: datetime | None
    revocation: Revocation | None
    predecessor: CertificateName | None
    successor: CertificateName | None
    counterpart: CertificateName | None


@dataclass(frozen=True, slots=True)
class Chain:
    """A certificate with all of its holder's before it (oldest first), all after it, and its counterpart."""

    certificate: CertificateStatus
    predecessors: tuple[CertificateStatus, ...]
    successors: tuple[CertificateStatus, ...]
    counterpart: CertificateStatus | None

    @property
    def newest(self) -> CertificateStatus:
        """Returns the last certificate of the chain."""
        return self.successors[-1] if self.successors else self.certificate


def chain_of(store: Store, name: CertificateName, at: datetime) -> Chain:
    """Returns the chain through a certificate, as it is at a moment; raises NoSuchCertificate."""
    with store.snapshot() as view:
        stored = stored_certificate(view, name)
        family = view.of_holders([stored.holder])[stored.holder]
    own = [one for one in family if one.name.authority is name.authority]
    status = _status(stored, family, at)
    counterpart = next((one for one in family if one.name == status.counterpart), None)
    return Chain(
        certificate=status,
        predecessors=tuple(_status(one, family, at) for one in own if one.ordinal < stored.ordinal),
        successors=tuple(_status(one, family, at) for one in own if one.ordinal > stored.ordinal),
        counterpart=_status(counterpart, family, at) if counterpart is not None else None,
    )


def find(store: Store, text: str) -> CertificateName:
    """Returns the certificate that a name (`sign:01000002`) or a bare number (`01000002`, hexadecimal) means.

    Raises NoSuchCertificate, AmbiguousNumber where both authorities gave the number, and BadCertificateName.
    """
    number = _NUMBER.fullmatch(text.strip())
    if number is None:
        names = [CertificateName.parse(text)]
    else:
        names = [CertificateName(role, int(number[1], 16)) for role in Role]
    with store.snapshot() as view:
        found = [name for name in names if view.certificate(name) is not None]
    if not found:
        raise NoSuchCertificate(number=str(names[0]) if number is None else f"{names[0].number:08X}")
    if len(found) > 1:
        raise AmbiguousNumber(number=f"{found[0].number:08X}", names=found)
    return found[0]


def status_of_key(store: Store, key: RsaPublicKey, at: datetime) -> CertificateStatus | None:
    """Returns the certificate of a public key, as it is at a moment, or None where there is none."""
    wanted = key_hash_of(key)
    with store.snapshot() as view:
        stored = view.with_keys([wanted]).get(wanted)
        family = () if stored is None else view.of_holders([stored.holder])[stored.holder]
    return None if stored is None else _status(stored, family, at)


def list_certificates(
    store: Store,
    *,
    at: datetime,
    role: Role | None,
    holder: str | None,
    state: CertificateState | None,
    after: CertificateName | None,
    limit: int,
) -> tuple[CertificateStatus, ...]:
    """Returns one page of certificates in order of name, as they are at a moment."""
    with store.snapshot() as view:
        page = view.certificates(role=role, holder=holder, state=state, at=at, after=after, limit=limit)
        families = _families(view, page)
    return tuple(_status(one, families[one.holder], at) for one in page)


def _families(view: StoreReading, page: Sequence[StoredCertificate]) -> Mapping[str, tuple[StoredCertificate, ...]]:
    return view.of_holders(sorted({one.holder for one in page}))


def _status(stored: StoredCertificate, family: Sequence[StoredCertificate], at: datetime) -> CertificateStatus:
    neighbours = {one.ordinal: one.name for one in family if one.name.authority is stored.name.authority}
    return CertificateStatus(
        name=stored.name,
        holder=stored.holder,
        state=stored.state_at(at),
        municipality=stored.municipality,
        not_before=stored.not_before,
        not_after=stored.not_after,
        confirmed_at=stored.confirmed_at,
        revocation=revocation_of(stored.revocation) if stored.revocation is not None else None,
        predecessor=neighbours.get(stored.ordinal - 1),
        successor=neighbours.get(stored.ordinal + 1),
        counterpart=_counterpart(stored, family),
    )


def _counterpart(stored: StoredCertificate, family: Sequence[StoredCertificate]) -> CertificateName | None:
    """Returns the newest certificate of the other role that names this one, or is named by it.

    One that was discarded before it came onto a card gives way to any other.
    """
    pairs = [
        one
        for one in family
        if one.name.authority is not stored.name.authority
        and (one.counterpart == stored.name or one.name == stored.counterpart)
    ]
    kept = [one for one in pairs if one.confirmed_at is not None or one.revocation is None]
    return max(kept or pairs, key=lambda one: one.ordinal).name if pairs else None

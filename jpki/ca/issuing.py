"""What is asked of an authority when a certificate is to be issued, what becomes of it, and who decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from hashlib import sha256
from typing import NamedTuple

from jpki.formats import RevocationReason
from jpki.store import CertificateState, StoredCertificate, StoredEvent
from jpki.terms import CertificateName, Role, day_in_japan

from .errors import (
    AlreadyCertified,
    ClaimEnded,
    IssueRefused,
    KeyInUse,
    NotEntitled,
    NothingToRenew,
    OutlivesAuthority,
    RenewalTooEarly,
)
from .life import end_of_claim
from .periods import first_day_of_renewal
from .requests import CheckedRequest
from .residents import Resident
from .rules import Certifiable, Refusal, decide

__all__ = [
    "IssueRequest",
    "Issued",
    "IssuedCertificate",
    "Occasion",
    "Plan",
    "Planned",
    "Refused",
    "foresee",
    "plan",
    "refuse_without_claim",
]

_ORDER = (Role.SIGNATURE, Role.AUTHENTICATION)
_SUBMISSION_OCTETS = 16


class Occasion(Enum):
    """Why a certificate is issued; it says what becomes of a valid one of the same role that the holder has.

    FIRST: there must be none. RENEWAL: there must be one in its last three months; it stays valid until the new one is
    confirmed. REPLACEMENT: it is revoked at once.
    """

    FIRST = "first"
    RENEWAL = "renewal"
    REPLACEMENT = "replacement"


@dataclass(frozen=True, slots=True)
class IssueRequest:
    """The certificates asked for one resident: a PKCS#10 request (DER) for one role, or for both at once as one act.

    `job` names the piece of work that asks: asked again with the same request and job, the certificate issued then is
    the answer. `card_expiry` is the last day stored on the card, None for a new card. `reason` is why a replaced
    certificate is revoked.
    """

    resident: Resident
    requests: Mapping[Role, bytes] = field(repr=False)
    job: str
    card_expiry: date | None = None
    occasion: Occasion = Occasion.FIRST
    reason: RevocationReason = RevocationReason.SUPERSEDED

    def __post_init__(self) -> None:
        if not self.requests or self.reason in (RevocationReason.CERTIFICATE_HOLD, RevocationReason.REMOVE_FROM_CRL):
            raise ValueError("no request, or a reason that ends no certificate")

    @property
    def holder(self) -> str:
        """Returns the resident's number in the register: all that the store knows of the person."""
        return self.resident.resident_id


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A certificate that was issued. `predecessor` is the holder's one before it, `counterpart` the other role's."""

    name: CertificateName
    encoded: bytes = field(repr=False)
    predecessor: CertificateName | None
    counterpart: CertificateName | None


@dataclass(frozen=True, slots=True)
class Issued:
    """All that was asked for is issued and on the disk. `repeated` says that all of it had been before."""

    holder: str
    certificates: tuple[IssuedCertificate, ...]
    repeated: bool = False

    def of(self, role: Role) -> IssuedCertificate | None:
        """Returns the certificate of one role, or None where it was not asked for."""
        return next((one for one in self.certificates if one.name.authority is role), None)


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing of what was asked for is issued, and why."""

    holder: str
    error: IssueRefused


class Planned(NamedTuple):
    """One certificate to be made, in its place behind the holder's others."""

    checked: CheckedRequest
    decision: Certifiable
    submission: bytes
    ordinal: int
    predecessor: CertificateName | None


class Plan(NamedTuple):
    """What is to be done for one holder: certificates to make, those made before, and revocations of old ones."""

    request: IssueRequest
    family: tuple[StoredCertificate, ...]
    new: Mapping[Role, Planned]
    old: Mapping[Role, StoredCertificate]
    revoked: tuple[tuple[StoredCertificate, RevocationReason], ...]
    current: Mapping[Role, CertificateName]


def _submission(request: IssueRequest, role: Role, checked: CheckedRequest) -> bytes:
    """Returns 16 octets that are equal where the same job asks for the same certificate again."""
    asked = f"{request.job}\0{request.holder}\0{role.value}\0"
    return sha256(asked.encode() + checked.digest).digest()[:_SUBMISSION_OCTETS]


def plan(
    request: IssueRequest,
    checked: Mapping[Role, CheckedRequest],
    *,
    at: datetime,
    family: tuple[StoredCertificate, ...],
    events: tuple[StoredEvent, ...] = (),
    known: Mapping[bytes, StoredCertificate],
    ends: Mapping[Role, datetime],
) -> Plan:
    """Returns what to do about a request, or raises IssueRefused. Nothing is read or written here.

    `family` are all certificates of the holder, `events` what was reported of them, `known` the certificates with the
    keys in question, `ends` the last seconds of the authorities' own certificates. Source: docs/authority.md, issuing
    """
    wanted = {role: _submission(request, role, one) for role, one in checked.items()}
    old = _submitted_before(wanted, checked, known) if known else {}
    new = [role for role in checked if role not in old]
    if new and events:
        refuse_without_claim(new[0], events)
    renewed: dict[Role, datetime] = {}
    revoked: list[tuple[StoredCertificate, RevocationReason]] = []
    last: dict[Role, StoredCertificate] = {}
    for role in new if family or request.occasion is Occasion.RENEWAL else ():
        own = [one for one in family if one.name.authority is role]
        base, ended = _earlier(request, role, own, at)
        revoked += ended
        if base is not None:
            renewed[role] = base.not_after
        if own:
            last[role] = own[-1]
    decisions = _entitled(request, new, renewed=renewed, at=at, ends=ends) if new else {}
    planned = {}
    for role, decision in decisions.items():
        before = last.get(role)
        ordinal, predecessor = (before.ordinal + 1, before.name) if before is not None else (1, None)
        planned[role] = Planned(checked[role], decision, wanted[role], ordinal, predecessor)
    return Plan(request, family, planned, old, tuple(revoked), _current(family, at) if family else {})


def refuse_without_claim(role: Role, events: tuple[StoredEvent, ...]) -> None:
    """Raises ClaimEnded for somebody whose claim to certificates has ended by what was reported of them."""
    end = end_of_claim(events)
    if end is not None:
        raise ClaimEnded(role=role, kind=end.kind, ended_at=end.occurred_at)


def _submitted_before(
    wanted: Mapping[Role, bytes], checked: Mapping[Role, CheckedRequest], known: Mapping[bytes, StoredCertificate]
) -> dict[Role, StoredCertificate]:
    """Returns the certificates that the same job was given for the same requests; raises KeyInUse for any other."""
    old = {}
    for role, one in checked.items():
        stored = known.get(one.key_hash)
        if stored is None:
            continue
        if stored.submission != wanted[role] or stored.name.authority is not role or stored.revocation is not None:
            raise KeyInUse(role=role, name=stored.name)
        old[role] = stored
    return old


def foresee(
    request: IssueRequest,
    *,
    at: datetime,
    family: tuple[StoredCertificate, ...],
    events: tuple[StoredEvent, ...] = (),
    ends: Mapping[Role, datetime],
) -> dict[Role, Certifiable | IssueRefused]:
    """Returns, for each role asked for, what would be issued or why nothing would be; the PKCS#10 is not looked at."""
    found: dict[Role, Certifiable | IssueRefused] = {}
    for role in request.requests:
        own = tuple(one for one in family if one.name.authority is role)
        try:
            refuse_without_claim(role, events)
            base, _ = _earlier(request, role, own, at)
            renewed = {role: base.not_after} if base is not None else {}
            found |= _entitled(request, [role], renewed=renewed, at=at, ends=ends)
        except IssueRefused as refusal:
            found[role] = refusal
    return found


def _current(family: Sequence[StoredCertificate], at: datetime) -> dict[Role, CertificateName]:
    """Returns the newest valid certificate of each role."""
    valid = (one for one in family if one.state_at(at) is CertificateState.VALID)
    return {one.name.authority: one.name for one in sorted(valid, key=lambda one: one.ordinal)}


def _earlier(
    request: IssueRequest, role: Role, own: Sequence[StoredCertificate], at: datetime
) -> tuple[StoredCertificate | None, list[tuple[StoredCertificate, RevocationReason]]]:
    """Returns the certificate that is renewed, if so, and those that end now; raises IssueRefused."""
    present = [one for one in own if one.state_at(at) in (CertificateState.VALID, CertificateState.HELD)]
    if request.occasion is Occasion.REPLACEMENT:
        return None, [(one, request.reason) for one in present]
    if request.occasion is Occasion.FIRST:
        if present:
            raise AlreadyCertified(role=role, name=present[-1].name)
        return None, []
    live = [one for one in present if one.revocation is None]
    if not live:
        raise NothingToRenew(role=role)
    confirmed = [one for one in live if one.confirmed_at is not None]
    base = confirmed[-1] if confirmed else live[0]
    first_day = first_day_of_renewal(day_in_japan(base.not_after))
    if day_in_japan(at) < first_day:
        raise RenewalTooEarly(role=role, name=base.name, first_day=first_day)
    # An earlier attempt at this renewal that never came onto the card: discarded before hand-over.
    return base, [(one, RevocationReason.UNSPECIFIED) for one in live if one.ordinal > base.ordinal]


def _entitled(
    request: IssueRequest,
    roles: Sequence[Role],
    *,
    renewed: Mapping[Role, datetime],
    at: datetime,
    ends: Mapping[Role, datetime],
) -> dict[Role, Certifiable]:
    decisions = decide(
        request.resident,
        at,
        card_expiry=request.card_expiry,
        previous_not_after=renewed,
    )
    entitled = {}
    for role in roles:
        decision = decisions.of(role)
        if isinstance(decision, Refusal):
            raise NotEntitled(role=role, reasons=decision.reasons)
        if decision.not_after > ends[role]:
            raise OutlivesAuthority(role=role, not_after=ends[role])
        entitled[role] = decision
    return entitled

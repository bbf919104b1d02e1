"""A batch of requests, from the check to the commit.

Numbers and intents are on the disk before anything is signed; certificates, their chain and the revocations that go
with them are committed together afterwards. Between the two nothing is locked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from jpki.store import (
    Intent,
    NewCertificate,
    Store,
    StoreConflict,
    StoredCertificate,
    StoredEvent,
    StoreReading,
    StoreWriting,
    told,
)
from jpki.terms import CertificateName, Role

from .errors import CertificateUnsound, ClockBehind, HolderBusy, IssueRefused, KeyInUse, NumbersExhausted
from .issuer import Contents, Issuer
from .issuing import Issued, IssuedCertificate, IssueRequest, Plan, Planned, Refused, plan, refuse_without_claim
from .requests import CheckedRequest, check_requests
from .residents import Resident
from .revoking import end_replaced, replaced
from .settings import HIGHEST_NUMBER

__all__ = ["CLOCK_TOLERANCE", "Batch"]

Checked = Mapping[Role, CheckedRequest]

CLOCK_TOLERANCE = timedelta(minutes=5)
"""So far the clocks of machines that issue from one store may be apart."""


class _Place(NamedTuple):
    """What was taken for one certificate: its name, and the number of its distribution point."""

    name: CertificateName
    point: int


class _Draft(NamedTuple):
    """One certificate before it is signed."""

    name: CertificateName
    point: int
    counterpart: CertificateName | None
    plan: Plan
    planned: Planned
    tbs: bytes

    def __repr__(self) -> str:
        return f"_Draft({self.name})"  # and not what the certificate says of its holder


class _Made(NamedTuple):
    """A plan that was carried out, before it is committed."""

    plan: Plan
    certificates: tuple[NewCertificate, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Requests that are issued together at one moment (whole seconds)."""

    store: Store
    issuer: Callable[[Role], Issuer]
    at: datetime
    own_keys: Mapping[bytes, CertificateName] = field(default_factory=dict)
    points: dict[tuple[Role, bytes], int] = field(default_factory=dict)
    """Distribution points that are in the store already; more are added."""

    def issue(self, requests: Sequence[IssueRequest]) -> list[Issued | Refused]:
        """Returns what became of each request, in their order; with nothing issued raises StoreError, ClockBehind."""
        plans = self._plans(requests, _checked(requests))
        todo = [one for one in plans if isinstance(one, Plan) and one.new]
        outcome: dict[str, Issued | Refused] = {}
        if todo:
            drafts, unsound = self._drafts(todo, self._take_places(todo))
            # Stage by stage and not one by one: each stage's code and tables then stay in the processor's caches.
            signed = [self.issuer(draft.name.authority).sign(draft.tbs) for draft in drafts]
            made = list(map(self._certificate, drafts, signed))
            sound = [one for one in todo if one.request.holder not in unsound] if unsound else todo
            outcome = {result.holder: result for result in self._commit(_by_plan(sound, made))} | unsound
        return [
            one if isinstance(one, Refused) else outcome[one.request.holder] if one.new else _repeated(self.store, one)
            for one in plans
        ]

    def _plans(self, requests: Sequence[IssueRequest], checked: Sequence[Checked | Refused]) -> list[Plan | Refused]:
        good = [one for one in checked if not isinstance(one, Refused)]
        asked = dict.fromkeys(role for one in good for role in one)
        ends = {role: self.issuer(role).certificate.not_after for role in asked}
        hashes = [part.key_hash for one in good for part in one.values()]
        people = [request.holder for request in requests]
        with self.store.snapshot() as view:
            known = view.with_keys(hashes)
            families = view.of_holders(people)
            events = view.events_of_all(people)
            for role in ends:
                last = view.last_issued(role)
                if last is not None and self.at < last - CLOCK_TOLERANCE:
                    raise ClockBehind(role=role, last=last)
        repetitions = len(set(hashes)) < len(hashes) or len(set(people)) < len(people)
        own = not self.own_keys.keys().isdisjoint(hashes)
        plans: list[Plan | Refused] = []
        holders: set[str] = set()
        keys: set[bytes] = set()
        for request, one in zip(requests, checked, strict=True):
            if isinstance(one, Refused):
                plans.append(one)
                continue
            try:
                if repetitions:
                    _refuse_repetition(request, one, holders, keys)
                if own:
                    _refuse_own(one, self.own_keys)
                family = families.get(request.holder, ())
                reported = events.get(request.holder, ())
                found = plan(request, one, at=self.at, family=family, events=reported, known=known, ends=ends)
            except IssueRefused as error:
                plans.append(Refused(request.holder, error))
                continue
            holders.add(request.holder)
            plans.append(found)
        return plans

    def _take_places(self, plans: Sequence[Plan]) -> Sequence[Mapping[Role, _Place]]:
        """Returns places for the certificates of each plan; their numbers and intents are committed."""
        places: list[dict[Role, _Place]] = [{} for _ in plans]
        new: dict[tuple[Role, bytes], int] = {}
        with self.store.transaction() as change:
            for role in Role:
                wanting = [(own, one) for own, one in zip(places, plans, strict=True) if role in one.new]
                numbers = change.take_numbers(role, len(wanting)) if wanting else range(0)
                if numbers.stop > HIGHEST_NUMBER + 1:
                    raise NumbersExhausted(role=role)
                for (own, one), number in zip(wanting, numbers, strict=True):
                    point = self._point(change, role, one.request.resident, new)
                    own[role] = _Place(CertificateName(role, number), point)
            change.note_intents(
                [
                    Intent(own[role].name, one.request.holder, one.request.job, planned.submission, self.at)
                    for one, own in zip(plans, places, strict=True)
                    for role, planned in one.new.items()
                ]
            )
        self.points.update(new)
        return places

    def _point(self, change: StoreWriting, role: Role, resident: Resident, new: dict[tuple[Role, bytes], int]) -> int:
        """Returns the number of the distribution point of a resident's certificate."""
        name = self.issuer(role).point_name(resident)
        known = self.points.get((role, name)) or new.get((role, name))
        if known is None:
            known = new[role, name] = change.take_point(role, resident.municipality_code, name)
        return known

    def _drafts(
        self, plans: Sequence[Plan], places: Sequence[Mapping[Role, _Place]]
    ) -> tuple[list[_Draft], dict[str, Issued | Refused]]:
        """Returns all certificates of all plans, in this order, as they are to be signed; and by holder what is not."""
        drafts: list[_Draft] = []
        unsound: dict[str, Issued | Refused] = {}
        for one, own in zip(plans, places, strict=True):
            try:
                drafts += self._drafts_of(one, own)
            except CertificateUnsound as error:
                unsound[one.request.holder] = Refused(one.request.holder, error)
        return drafts, unsound

    def _drafts_of(self, one: Plan, own: Mapping[Role, _Place]) -> list[_Draft]:
        """Returns all certificates of a plan as they are to be signed; raises CertificateUnsound."""
        drafts = []
        for role, planned in one.new.items():
            decision = planned.decision
            key = planned.checked.public_key_info
            name, point = own[role]
            contents = Contents(name.number, self.at, decision.not_after, key, decision.attributes)
            other = own.get(role.other)
            counterpart = other.name if other is not None else one.current.get(role.other)
            tbs = self.issuer(role).to_be_signed(one.request.resident, contents)
            drafts.append(_Draft(name, point, counterpart, one, planned, tbs))
        return drafts

    def _certificate(self, draft: _Draft, encoded: bytes) -> NewCertificate:
        name, point, counterpart, one, planned, _ = draft
        return NewCertificate(
            name,
            one.request.holder,
            planned.ordinal,
            self.issuer(name.authority).name,
            one.request.resident.municipality_code,
            point,
            self.at,
            planned.decision.not_after,
            planned.checked.key_hash,
            planned.submission,
            counterpart,
            encoded,
        )

    def _commit(self, made: Sequence[_Made]) -> list[Issued | Refused]:
        try:
            with self.store.transaction() as change:
                return self._add(change, made)
        except StoreConflict:
            # Somebody took a key of this batch between the two transactions: each request for itself, then.
            return [self._commit_alone(one) for one in made]

    def _commit_alone(self, one: _Made) -> Issued | Refused:
        try:
            with self.store.transaction() as change:
                return self._add(change, [one])[0]
        except StoreConflict:
            return _changed_meanwhile(one)

    def _add(self, change: StoreWriting, made: Sequence[_Made]) -> list[Issued | Refused]:
        """Adds what was made for holders whose certificates are as they were planned with; the others are refused.

        So is whoever was reported dead or gone meanwhile: from here on nobody can be, before this is committed.
        """
        people = [one.plan.request.holder for one in made]
        families = change.of_holders(people)
        events = change.events_of_all(people)
        refused = [
            _refusal(one, families.get(person, ()), events.get(person, ()))
            for person, one in zip(people, made, strict=True)
        ]
        kept = [one for one, refusal in zip(made, refused, strict=True) if refusal is None]
        new = [certificate for one in kept for certificate in one.certificates]
        ended = [(stored, replaced(stored, reason, self.at)) for one in kept for stored, reason in one.plan.revoked]
        if new:
            entry = change.note("issue", self.at, told(certificates=new, revoked=[one for _, one in ended]))
            change.add_certificates(new, entry)
            end_replaced(change, ended, entry)
        return [refusal or _issued(change, one) for one, refusal in zip(made, refused, strict=True)]


def _checked(requests: Sequence[IssueRequest]) -> list[Checked | Refused]:
    """Returns what was asked for in each request after its checks, or its refusal."""
    found = iter(check_requests([each for request in requests for each in request.requests.items()]))
    checked: list[Checked | Refused] = []
    for request in requests:
        own: dict[Role, CheckedRequest] = {}
        refusal = None
        for role in request.requests:
            one = next(found)
            if isinstance(one, IssueRefused):
                refusal = refusal or Refused(request.holder, one)
            else:
                own[role] = one
        checked.append(refusal or own)
    return checked


def _by_plan(plans: Sequence[Plan], certificates: Iterable[NewCertificate]) -> list[_Made]:
    each = iter(certificates)
    return [_Made(one, tuple(islice(each, len(one.new)))) for one in plans]


def _refuse_repetition(request: IssueRequest, checked: Checked, holders: set[str], keys: set[bytes]) -> None:
    """Raises IssueRefused where a request shares its holder or a key with an earlier one of its batch."""
    if request.holder in holders:
        raise HolderBusy(role=next(iter(checked)))
    for role, one in checked.items():
        if one.key_hash in keys:
            raise KeyInUse(role=role, name=None)
        keys.add(one.key_hash)


def _refuse_own(checked: Checked, own_keys: Mapping[bytes, CertificateName]) -> None:
    """Raises KeyInUse for the key of an authority itself."""
    for role, one in checked.items():
        if one.key_hash in own_keys:
            raise KeyInUse(role=role, name=own_keys[one.key_hash])


def _refusal(one: _Made, family: tuple[StoredCertificate, ...], events: tuple[StoredEvent, ...]) -> Refused | None:
    """Returns why what was made is not issued after all, by what the store says now."""
    if family != one.plan.family:
        return _changed_meanwhile(one)
    if events:
        try:
            refuse_without_claim(one.certificates[0].name.authority, events)
        except IssueRefused as error:
            return Refused(one.plan.request.holder, error)
    return None


def _changed_meanwhile(one: _Made) -> Refused:
    return Refused(one.plan.request.holder, HolderBusy(role=one.certificates[0].name.authority))


def _issued(view: StoreReading, one: _Made) -> Issued:
    new = [
        IssuedCertificate(made.name, made.encoded, planned.predecessor, made.counterpart)
        for made, planned in zip(one.certificates, one.plan.new.values(), strict=True)
    ]
    if one.plan.old:
        found = _found(view, one.plan) | {made.name.authority: made for made in new}
        new = [found[role] for role in one.plan.request.requests]
    return Issued(one.plan.request.holder, tuple(new))


def _repeated(store: Store, one: Plan) -> Issued:
    with store.snapshot() as view:
        found = _found(view, one)
    return Issued(one.request.holder, tuple(found[role] for role in one.request.requests), repeated=True)


def _found(view: StoreReading, one: Plan) -> dict[Role, IssuedCertificate]:
    """Returns the certificates that were issued for this request before."""
    encoded = view.encoded([stored.name for stored in one.old.values()])
    found = {}
    for role, stored in one.old.items():
        before = [other for other in one.family if other.name.authority is role and other.ordinal < stored.ordinal]
        predecessor = before[-1].name if before else None
        found[role] = IssuedCertificate(stored.name, encoded[stored.name], predecessor, stored.counterpart)
    return found

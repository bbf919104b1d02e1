"""A batch of requests, from the check to the commit.

Numbers and intents are on the disk before anything is signed; certificates, their chain and the revocations that go
with them are committed together afterwards. Between the two nothing is locked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from jpki.store import Intent, NewCertificate, Store, StoreConflict, StoredRevocation, StoreReading, StoreWriting
from jpki.terms import CertificateName, Role

from .errors import HolderBusy, IssueRefused, KeyInUse, NumbersExhausted
from .issuer import Contents, Issuer
from .issuing import Issued, IssuedCertificate, IssueRequest, Plan, Planned, Refused, plan
from .requests import CheckedRequest, check_requests
from .settings import HIGHEST_NUMBER

__all__ = ["Batch"]

Checked = Mapping[Role, CheckedRequest]


class _Draft(NamedTuple):
    """One certificate before it is signed."""

    name: CertificateName
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

    def issue(self, requests: Sequence[IssueRequest]) -> list[Issued | Refused]:
        """Returns what became of each request, in their order; raises StoreError with nothing of the batch issued."""
        plans = self._plans(requests, _checked(requests))
        todo = [one for one in plans if isinstance(one, Plan) and one.new]
        outcome = {}
        if todo:
            drafts = self._drafts(todo, self._take_numbers(todo))
            # Stage by stage and not one by one: each stage's code and tables then stay in the processor's caches.
            signed = [self.issuer(draft.name.authority).sign(draft.tbs) for draft in drafts]
            made = list(map(self._certificate, drafts, signed))
            outcome = {result.holder: result for result in self._commit(_by_plan(todo, made))}
        return [
            one if isinstance(one, Refused) else outcome[one.request.holder] if one.new else _repeated(self.store, one)
            for one in plans
        ]

    def _plans(self, requests: Sequence[IssueRequest], checked: Sequence[Checked | Refused]) -> list[Plan | Refused]:
        good = [one for one in checked if not isinstance(one, Refused)]
        ends = {role: self.issuer(role).certificate.not_after for role in {role for one in good for role in one}}
        hashes = [part.key_hash for one in good for part in one.values()]
        people = [request.holder for request in requests]
        with self.store.snapshot() as view:
            known = view.with_keys(hashes)
            families = view.of_holders(people)
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
                found = plan(request, one, at=self.at, family=family, known=known, ends=ends)
            except IssueRefused as error:
                plans.append(Refused(request.holder, error))
                continue
            holders.add(request.holder)
            plans.append(found)
        return plans

    def _take_numbers(self, plans: Sequence[Plan]) -> Sequence[Mapping[Role, CertificateName]]:
        """Returns names for the certificates of each plan; their numbers and intents are committed."""
        names: list[dict[Role, CertificateName]] = [{} for _ in plans]
        with self.store.transaction() as change:
            for role in Role:
                wanting = [own for own, one in zip(names, plans, strict=True) if role in one.new]
                numbers = change.take_numbers(role, len(wanting)) if wanting else range(0)
                if numbers.stop > HIGHEST_NUMBER + 1:
                    raise NumbersExhausted(role=role)
                for own, number in zip(wanting, numbers, strict=True):
                    own[role] = CertificateName(role, number)
            change.note_intents(
                [
                    Intent(own[role], one.request.holder, one.request.job, planned.submission, self.at)
                    for one, own in zip(plans, names, strict=True)
                    for role, planned in one.new.items()
                ]
            )
        return names

    def _drafts(self, plans: Sequence[Plan], names: Sequence[Mapping[Role, CertificateName]]) -> list[_Draft]:
        """Returns all certificates of all plans, in this order, as they are to be signed."""
        drafts = []
        for one, own in zip(plans, names, strict=True):
            for role, planned in one.new.items():
                decision = planned.decision
                key = planned.checked.public_key_info
                contents = Contents(own[role].number, self.at, decision.not_after, key, decision.attributes)
                counterpart = own.get(role.other) or one.current.get(role.other)
                tbs = self.issuer(role).to_be_signed(one.request.resident, contents)
                drafts.append(_Draft(own[role], counterpart, one, planned, tbs))
        return drafts

    def _certificate(self, draft: _Draft, encoded: bytes) -> NewCertificate:
        name, counterpart, one, planned, _ = draft
        return NewCertificate(
            name,
            one.request.holder,
            planned.ordinal,
            self.issuer(name.authority).name,
            one.request.resident.municipality_code,
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
        """Adds what was made for holders whose certificates are as they were planned with; the others are refused."""
        families = change.of_holders([one.plan.request.holder for one in made])
        same = [families.get(one.plan.request.holder, ()) == one.plan.family for one in made]
        kept = [one for one, unchanged in zip(made, same, strict=True) if unchanged]
        change.add_certificates([certificate for one in kept for certificate in one.certificates])
        for stored, reason in (ended for one in kept for ended in one.plan.revoked):
            if stored.revocation is not None:
                change.end_hold(stored.name, reason, self.at)
            else:
                change.add_revocations([(stored, StoredRevocation(stored.name, reason, self.at, self.at))])
        return [
            _issued(change, one) if unchanged else _changed_meanwhile(one)
            for one, unchanged in zip(made, same, strict=True)
        ]


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

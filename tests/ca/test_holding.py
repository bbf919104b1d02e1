"""Many certificates put on hold by one act: chosen by their date or by name, again and again, beside others."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest
from authorities import NOW, Applicants, PoolKeys, issue_one
from published_states import GOOD, Published, published

from jpki.ca import (
    Authority,
    CertificateState,
    HoldPlan,
    Issued,
    IssuedBefore,
    LoadedKey,
    MassHold,
    NamedCertificates,
    Occasion,
)
from jpki.formats import RevocationReason
from jpki.store import Store, StoredRevocation, told, told_holds
from jpki.terms import CertificateName, Role

DAY = timedelta(days=1)
LATER = NOW + 10 * DAY
HOLD = RevocationReason.CERTIFICATE_HOLD


@pytest.fixture
def names(authority: Authority, applicants: Applicants) -> list[CertificateName]:
    """Three pairs of certificates: issued at NOW, a day later, and two days later."""
    pairs = [issue_one(authority, applicants.asks(), NOW + number * DAY) for number in range(3)]
    return [one.name for pair in pairs for one in pair.certificates]


def held(authority: Authority, names: list[CertificateName]) -> list[bool]:
    found = [authority.chain(name, LATER).certificate.state for name in names]
    return [state is CertificateState.HELD for state in found]


def test_what_was_issued_before_a_moment_is_on_hold_and_published_so(
    authority: Authority, names: list[CertificateName]
) -> None:
    act = authority.hold_all(IssuedBefore(NOW + 2 * DAY), LATER)
    assert act.plan() == HoldPlan({Role.SIGNATURE: 2, Role.AUTHENTICATION: 2})
    assert sum(act.steps()) == act.plan().total + 4
    told_of = [published(authority, name, LATER + DAY) for name in names]
    assert told_of == [Published(HOLD.text, LATER)] * 4 + [GOOD] * 2


def test_one_authority_alone(authority: Authority, names: list[CertificateName]) -> None:
    assert sum(authority.hold_all(IssuedBefore(LATER, (Role.AUTHENTICATION,)), LATER).steps()) == 3
    assert held(authority, names) == [name.authority is Role.AUTHENTICATION for name in names]


def test_what_is_issued_after_the_act_began_is_not_meant(authority: Authority, names: list[CertificateName]) -> None:
    act = authority.hold_all(IssuedBefore(NOW + 100 * DAY), NOW + DAY)
    assert sum(act.steps()) == 2
    assert held(authority, names) == [True, True, False, False, False, False]


def test_begun_again_it_holds_what_is_left_and_changes_nothing_else(
    authority: Authority, names: list[CertificateName]
) -> None:
    sum(authority.hold_all(NamedCertificates(names[:2]), LATER).steps())
    again = authority.hold_all(IssuedBefore(LATER), LATER + DAY)
    assert sum(again.steps()) == 4
    assert sum(again.steps()) == 0
    since = [found.revoked_at for name in names if (found := authority.chain(name, LATER).certificate.revocation)]
    assert since == [LATER] * 2 + [LATER + DAY] * 4


def test_of_those_that_are_named_the_others_are_counted(authority: Authority, names: list[CertificateName]) -> None:
    authority.revoke(names[0], HOLD, LATER)
    authority.revoke(names[1], RevocationReason.KEY_COMPROMISE, LATER)
    unknown = (CertificateName(Role.SIGNATURE, 0x0FFF_FFFF), CertificateName(Role.SIGNATURE, 1 << 40))
    act = authority.hold_all(NamedCertificates([*names[:3], *unknown]), LATER)
    assert act.plan() == HoldPlan({Role.SIGNATURE: 1, Role.AUTHENTICATION: 0}, 1, 1, 0, unknown)
    assert list(act.steps()) == [1]


def test_what_has_expired_stays_as_it_is(authority: Authority, names: list[CertificateName]) -> None:
    at = datetime(2032, 1, 1, tzinfo=NOW.tzinfo)
    assert authority.hold_all(NamedCertificates(names), at).plan().expired == len(names)
    assert sum(authority.hold_all(IssuedBefore(at), at).steps()) == 0


def test_what_somebody_revokes_between_plan_and_step_is_left_to_him(
    authority: Authority, names: list[CertificateName]
) -> None:
    steps = authority.hold_all(NamedCertificates(names), LATER).steps()
    first = next(steps)  # those of one authority; the others were looked at with them
    other = next(name for name, is_held in zip(names, held(authority, names), strict=True) if not is_held)
    authority.revoke(other, RevocationReason.KEY_COMPROMISE, LATER)
    assert first + sum(steps) == len(names) - 1
    found = authority.chain(other, LATER).certificate.revocation
    assert found is not None
    assert found.reason is RevocationReason.KEY_COMPROMISE


def test_two_acts_at_once_hold_each_certificate_once(
    authority: Authority, names: list[CertificateName], address: str
) -> None:
    def act(_: int) -> int:
        with Authority(Store.open(address), authority._keys) as own:
            return sum(own.hold_all(NamedCertificates(names), LATER).steps())

    with ThreadPoolExecutor(4) as acts:
        assert sum(acts.map(act, range(4))) == len(names)


class StoppedKey:
    """An authority's key that says when it is asked to sign, and does so when it may."""

    def __init__(self, key: LoadedKey) -> None:
        self._key = key
        self.public_key_info = key.public_key_info
        self.asked, self.may = threading.Event(), threading.Event()

    def sign(self, content: bytes) -> bytes:
        self.asked.set()
        assert self.may.wait(20)
        return self._key.sign(content)


@pytest.fixture
def in_flight(
    authority: Authority, names: list[CertificateName], applicants: Applicants, address: str
) -> Iterator[InFlight]:
    """Gives a batch of another process that has its numbers, and signs when it may."""
    keys = PoolKeys()
    key = StoppedKey(keys.signing_key(Role.SIGNATURE, 1, make=True))
    keys._keys[Role.SIGNATURE, 1] = key  # type: ignore[assignment]
    keys.signing_key(Role.AUTHENTICATION, 1, make=True)
    with Authority(Store.open(address), keys) as other, ThreadPoolExecutor(1) as desk:
        batch = desk.submit(issue_one, other, applicants.asks(), LATER - timedelta(minutes=1))
        assert key.asked.wait(20)
        yield InFlight(key, batch)
        key.may.set()


class InFlight(NamedTuple):
    key: StoppedKey
    batch: Future[Issued]

    def land(self) -> list[CertificateName]:
        self.key.may.set()
        return [one.name for one in self.batch.result(20).certificates]


def test_what_was_being_issued_when_the_act_came_by_is_held_once_it_is_there(
    authority: Authority, names: list[CertificateName], applicants: Applicants, in_flight: InFlight
) -> None:
    # Behind the numbers that are open, so that the act has come by them before they are stored.
    later = [one.name for one in issue_one(authority, applicants.asks(), LATER - DAY).certificates]
    landed: list[CertificateName] = []
    act = authority.hold_all(IssuedBefore(LATER), LATER)
    total = sum(act.steps(pause=lambda _: landed.extend(in_flight.land())))
    assert {one.number for one in landed} == {one.number - 1 for one in later}
    assert held(authority, [*names, *later, *landed]) == [True] * 10
    assert (total, act.unfinished) == (10, ())


def test_what_is_stored_while_the_act_goes_on_behind_it_is_held(
    authority: Authority, names: list[CertificateName], in_flight: InFlight
) -> None:
    steps = authority.hold_all(IssuedBefore(LATER), LATER).steps(pause=lambda _: pytest.fail("nothing to wait for"))
    first = next(steps)
    landed = in_flight.land()
    assert first + sum(steps) == 8
    assert held(authority, landed) == [True, True]


def test_what_does_not_come_is_named_and_held_by_the_same_act_again(
    authority: Authority, names: list[CertificateName], in_flight: InFlight
) -> None:
    waited: list[float] = []
    act = authority.hold_all(IssuedBefore(LATER), LATER)
    assert sum(act.steps(patience=2, pause=waited.append)) == 6
    assert sum(waited) == 2
    assert act.unfinished == tuple(one.name for one in authority.unfinished(LATER))
    assert len(set(act.unfinished)) == 2
    landed = in_flight.land()
    assert sum(act.steps()) == 2
    assert act.unfinished == ()
    assert held(authority, landed) == [True, True]


def test_numbers_that_are_open_since_long_ago_are_named_and_not_waited_for(
    authority: Authority, names: list[CertificateName], in_flight: InFlight
) -> None:
    act = authority.hold_all(IssuedBefore(LATER + DAY), LATER + DAY)
    assert sum(act.steps(pause=lambda _: pytest.fail("nobody signs so long"))) == 6
    assert len(act.unfinished) == 2


def test_numbers_of_the_other_authority_or_taken_afterwards_are_not_waited_for(
    authority: Authority, names: list[CertificateName], in_flight: InFlight
) -> None:
    act = authority.hold_all(IssuedBefore(LATER, (Role.AUTHENTICATION,)), LATER)
    sum(act.steps(patience=0))
    assert [name.authority for name in act.unfinished] == [Role.AUTHENTICATION]
    before = authority.hold_all(IssuedBefore(LATER - DAY), LATER)
    sum(before.steps(pause=lambda _: pytest.fail("it was issued afterwards")))
    assert before.unfinished == ()


def test_who_is_in_the_way_for_too_long_is_waited_for_again(
    authority: Authority, names: list[CertificateName], address: str
) -> None:
    holds, enough = threading.Event(), threading.Event()

    def another_writes() -> None:
        with authority.store.transaction() as change:
            change.take_numbers(Role.SIGNATURE, 1)
            holds.set()
            enough.wait(0.35)

    with Store.open(address, busy_seconds=0.2) as store, ThreadPoolExecutor(1) as other:
        writing = other.submit(another_writes)
        assert holds.wait(20)
        assert sum(MassHold(store, IssuedBefore(LATER), LATER).steps()) == len(names)
        writing.result(20)


def test_who_revokes_one_at_the_same_moment_is_not_written_over_and_ends_nothing(
    authority: Authority, names: list[CertificateName], address: str
) -> None:
    chosen = next(name for name in names if name.authority is Role.SIGNATURE)
    revoked, seen = threading.Event(), threading.Event()

    def another_revokes() -> None:
        with authority.store.transaction() as change:
            stored = change.certificate(chosen)
            assert stored is not None
            one = StoredRevocation(chosen, RevocationReason.KEY_COMPROMISE, LATER, LATER)
            change.add_revocations([(stored, one)], change.note("revoke", LATER, told(revoked=[one])))
            revoked.set()
            seen.wait(0.3)  # the act has looked, and waits for this transaction to end

    with Authority(Store.open(address), authority._keys) as own, ThreadPoolExecutor(1) as other:
        revoking = other.submit(another_revokes)
        assert revoked.wait(20)
        assert sum(own.hold_all(NamedCertificates(names), LATER).steps()) == len(names) - 1
        revoking.result(20)
    found = authority.chain(chosen, LATER).certificate.revocation
    assert found is not None
    assert found.reason is RevocationReason.KEY_COMPROMISE


def test_issuing_goes_on_and_what_it_replaces_is_superseded_or_held(
    authority: Authority, names: list[CertificateName], applicants: Applicants
) -> None:
    person = applicants.person()
    issue_one(authority, applicants.asks(person), NOW + 2 * DAY)
    steps = authority.hold_all(IssuedBefore(LATER), LATER).steps()
    next(steps)
    replaced = applicants.asks(person, job="job 2", occasion=Occasion.REPLACEMENT)
    newer = [one.name for one in issue_one(authority, replaced, LATER + DAY).certificates]
    sum(steps)
    assert held(authority, newer) == [False, False]


def test_the_audit_trail_names_every_certificate_as_any_revocation_does(
    authority: Authority, names: list[CertificateName]
) -> None:
    sum(authority.hold_all(IssuedBefore(LATER), LATER).steps())
    with authority.store.snapshot() as view:
        bodies = [json.loads(entry.body) for entry in view.audit_entries()]
    groups = [group for body in bodies if body["kind"] == "hold" for group in body["facts"]["revoked"]]
    assert sorted(name for group in groups for name in group["names"]) == sorted(map(str, names))


def test_the_facts_of_holds_are_those_of_revocations(authority: Authority, names: list[CertificateName]) -> None:
    own = [name for name in names if name.authority is Role.SIGNATURE]
    with authority.store.snapshot() as view:
        (chosen,) = view.named_states(own, LATER).holdable
    assert told_holds(chosen, LATER) == told(revoked=[StoredRevocation(name, HOLD, LATER, LATER) for name in own])

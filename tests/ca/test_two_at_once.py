"""Two who do something to the same certificate in the same moment, each with the store opened for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Event, local
from typing import TypeVar

import pytest
from authorities import BOTH, NOW, Applicants, PoolKeys, issue_one, name_in, new_authority

from jpki.ca import (
    AlreadyRevoked,
    Authority,
    CertificateState,
    HolderBusy,
    Issued,
    ListOrder,
    ListRefused,
    NothingToRenew,
    Occasion,
    Refused,
    make_lists,
)
from jpki.ca.issuer import Issuer
from jpki.errors import JpkiError
from jpki.formats import RevocationReason
from jpki.store import PublishedList, Scope, Store, StoreReading, StoreWriting
from jpki.terms import Role

T = TypeVar("T")

IN_TIME = datetime(2030, 11, 1, tzinfo=UTC)  # in the last three months of what is issued at NOW
HOUR = timedelta(hours=1)
ROUNDS = 12
AUTH = Role.AUTHENTICATION


@pytest.fixture
def two(tmp_path: Path, address: str) -> Iterator[list[Authority]]:
    keys = PoolKeys()
    new_authority(tmp_path, keys, address=address).close()
    both = [Authority(Store.open(address), keys) for _ in range(2)]
    yield both
    for one in both:
        one.close()


def together(*work: Callable[[], T]) -> list[T | JpkiError]:
    """Does all of it at once, and returns what came of each, errors of ours included."""
    barrier = Barrier(len(work))

    def begin(one: Callable[[], T]) -> T | JpkiError:
        barrier.wait(60)
        try:
            return one()
        except JpkiError as error:
            return error

    with ThreadPoolExecutor(len(work)) as threads:
        return list(threads.map(begin, work))


def kinds(outcomes: Sequence[object]) -> set[type]:
    return {type(outcome.error) if isinstance(outcome, Refused) else type(outcome) for outcome in outcomes}


def test_of_two_reasons_given_at_once_one_is_recorded(two: list[Authority], applicants: Applicants) -> None:
    reasons = (RevocationReason.KEY_COMPROMISE, RevocationReason.AFFILIATION_CHANGED)
    for _ in range(ROUNDS):
        name = name_in(issue_one(two[0], applicants.asks(roles=[AUTH])), AUTH)
        found = together(
            lambda name=name: two[0].revoke(name, reasons[0], NOW),
            lambda name=name: two[1].revoke(name, reasons[1], NOW),
        )
        recorded = two[0].chain(name, NOW).certificate.revocation
        assert recorded is not None
        (refused,) = [one for one in found if isinstance(one, AlreadyRevoked)]
        assert (refused.reason, [one for one in found if one != refused]) == (recorded.reason, [recorded])


def test_of_two_renewals_at_once_one_is_issued(two: list[Authority], applicants: Applicants) -> None:
    people = [applicants.person() for _ in range(ROUNDS)]
    first = [issue_one(two[0], applicants.asks(person)) for person in people]
    for person, old in zip(people, first, strict=True):
        asks = [applicants.asks(person, job=f"desk {desk}", occasion=Occasion.RENEWAL) for desk in range(2)]
        batches = together(
            lambda ask=asks[0]: two[0].issue([ask], IN_TIME), lambda ask=asks[1]: two[1].issue([ask], IN_TIME)
        )
        found = [outcome for batch in batches if isinstance(batch, list) for outcome in batch]
        assert len(found) == 2
        # The later one either saw the first or was overtaken by it; in the first case it discards that one.
        assert kinds(found) in ({Issued}, {Issued, HolderBusy})
        for role in BOTH:
            chain = two[0].chain(name_in(old, role), IN_TIME)
            valid = [one for one in chain.successors if one.state is CertificateState.VALID]
            assert len(valid) == 1
            assert [one.predecessor for one in chain.successors] == [
                chain.certificate.name,
                *(one.name for one in chain.successors[:-1]),
            ]


def test_a_certificate_revoked_while_it_is_renewed_is_not_valid_again(
    two: list[Authority], applicants: Applicants
) -> None:
    people = [applicants.person() for _ in range(ROUNDS)]
    names = [name_in(issue_one(two[0], applicants.asks(person, [AUTH])), AUTH) for person in people]
    for person, name in zip(people, names, strict=True):
        asked = applicants.asks(person, [AUTH], job="renewal", occasion=Occasion.RENEWAL)
        renewed, _ = together(
            lambda asked=asked: two[0].issue([asked], IN_TIME)[0],
            lambda name=name: two[1].revoke(name, RevocationReason.KEY_COMPROMISE, IN_TIME),
        )
        assert kinds([renewed]) <= {Issued, HolderBusy, NothingToRenew}
        found = two[0].chain(name, IN_TIME)
        assert found.certificate.revocation is not None
        assert found.certificate.revocation.reason is RevocationReason.KEY_COMPROMISE
        assert len(found.successors) == isinstance(renewed, Issued)


@pytest.mark.parametrize("occasion", [Occasion.RENEWAL, Occasion.REPLACEMENT])
def test_what_was_revoked_between_the_plan_and_the_commit_stops_the_issue(
    two: list[Authority], applicants: Applicants, monkeypatch: pytest.MonkeyPatch, occasion: Occasion
) -> None:
    person = applicants.person()
    name = name_in(issue_one(two[0], applicants.asks(person, [AUTH])), AUTH)
    sign = two[0].issuer(AUTH).sign

    def slow_sign(_: object, tbs: bytes) -> bytes:
        monkeypatch.undo()
        two[1].revoke(name, RevocationReason.KEY_COMPROMISE, IN_TIME)
        return sign(tbs)

    monkeypatch.setattr("jpki.ca.issuer.Issuer.sign", slow_sign)
    asked = applicants.asks(person, [AUTH], job="job 2", occasion=occasion)
    assert kinds(two[0].issue([asked], IN_TIME)) == {HolderBusy}
    found = two[0].chain(name, IN_TIME)
    assert found.successors == ()
    assert found.certificate.revocation is not None
    assert found.certificate.revocation.reason is RevocationReason.KEY_COMPROMISE


def test_two_lists_made_at_once_have_two_numbers_and_the_higher_is_recorded(two: list[Authority]) -> None:
    last = 0
    for _ in range(ROUNDS):
        found = together(*(lambda one=one: one.certificate_list(AUTH, NOW).recorded for one in two))
        numbers = {one.number for one in found if isinstance(one, PublishedList)}
        assert len(numbers) == 2
        assert min(numbers) > last
        with two[0].store.snapshot() as view:
            newest = view.newest_list(Scope(two[0].certificates[AUTH].name))
        assert newest is not None
        assert newest.number == max(numbers)
        last = max(numbers)


class OneInTheMiddle:
    """Holds one who makes lists between taking a number and looking at the store, for a second one to come before it.

    The second looks, then a revocation is confirmed, then the first goes on; the second signs when the first is done.
    Where the second does not get that far while the first is held, both go on as they can.
    """

    def __init__(self, patch: pytest.MonkeyPatch, confirm: Callable[[], object]) -> None:
        self._mine = local()
        self._numbered, self._confirmed, self._first_done = Event(), Event(), Event()
        take, look, sign = StoreWriting.take_list_number, Store.snapshot, Issuer.sign_digest

        def taken(change: StoreWriting, role: Role) -> int:
            number = take(change, role)
            self._mine.numbered = True
            return number

        @contextmanager
        def looked(store: Store) -> Iterator[StoreReading]:
            mine, self._mine.numbered = getattr(self._mine, "numbered", False), False
            if mine and self._mine.first:
                self._numbered.set()
                self._confirmed.wait(0.5)
            with look(store) as view:
                if mine and not self._mine.first:
                    view.revision(AUTH)
                    self._mine.looked = True
                yield view

        def signed(issuer: Issuer, digest: bytes) -> bytes:
            if getattr(self._mine, "looked", False):
                self._mine.looked = False
                confirm()
                self._confirmed.set()
                self._first_done.wait(30)
            return sign(issuer, digest)

        patch.setattr(StoreWriting, "take_list_number", taken)
        patch.setattr(Store, "snapshot", looked)
        patch.setattr(Issuer, "sign_digest", signed)

    def first(self, make: Callable[[], T]) -> T:
        self._mine.first = True
        try:
            return make()
        finally:
            self._first_done.set()

    def second(self, make: Callable[[], T]) -> T:
        self._mine.first = False
        assert self._numbered.wait(30)
        return make()


def single(authority: Authority) -> tuple[PublishedList, ...]:
    return (authority.certificate_list(AUTH, NOW).recorded,)


def full_round(authority: Authority) -> tuple[PublishedList, ...]:
    return make_lists(authority, ListOrder(municipal=True), NOW)


@pytest.mark.parametrize("make", [single, full_round])
def test_a_list_of_a_higher_number_has_every_revocation_that_a_lower_one_has(
    two: list[Authority],
    applicants: Applicants,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Authority], tuple[PublishedList, ...]],
) -> None:
    name = name_in(issue_one(two[0], applicants.asks(roles=[AUTH])), AUTH)
    with monkeypatch.context() as patch:
        held = OneInTheMiddle(patch, lambda: two[1].revoke(name, RevocationReason.KEY_COMPROMISE, NOW))
        found = together(lambda: held.first(lambda: make(two[0])), lambda: held.second(lambda: make(two[1])))
    lists = [one for each in found if isinstance(each, tuple) for one in each]
    assert [type(each) for each in found] == [tuple, tuple]
    for scope in {one.scope for one in lists}:
        own = sorted((one for one in lists if one.scope == scope), key=lambda one: one.number)
        assert len({one.number for one in own}) == len(own)
        assert [one.revision for one in own] == sorted(one.revision for one in own)
        assert [one.entries for one in own] == sorted(one.entries for one in own)
    # Whoever asks afterwards has it.
    assert [one.entries for one in make(two[0]) if one.authority is AUTH] == [1] * (1 if make is single else 2)


@pytest.mark.parametrize("municipal", [False, True], ids=["of everything", "of all"])
def test_a_round_goes_on_past_lists_that_an_urgent_one_overtook(
    two: list[Authority], applicants: Applicants, monkeypatch: pytest.MonkeyPatch, municipal: bool
) -> None:
    name = name_in(issue_one(two[0], applicants.asks(roles=[AUTH])), AUTH)
    sign = Issuer.sign_digest
    urgent: list[PublishedList] = []

    def interrupted(issuer: Issuer, digest: bytes) -> bytes:
        monkeypatch.undo()
        two[1].revoke(name, RevocationReason.KEY_COMPROMISE, NOW)
        urgent.extend(make_lists(two[1], ListOrder(municipal=municipal, urgent=True, roles=(AUTH,)), NOW))
        return sign(issuer, digest)

    monkeypatch.setattr(Issuer, "sign_digest", interrupted)
    made = make_lists(two[0], ListOrder(municipal=True), NOW)
    assert not {one.scope for one in made} & {one.scope for one in urgent}
    with two[0].store.snapshot() as view:
        newest = {one for role in BOTH for one in view.newest_lists(two[0].certificates[role].name)}
        assert newest == {*made, *urgent}
        assert {one.scope.point for one in newest if one.authority is AUTH} == {
            0,
            *(point.id for point in view.points(AUTH)),
        }
    assert {one.entries for one in urgent} == {1}


@pytest.mark.parametrize("behind", [True, False], ids=["gone on behind it", "not gone on"])
@pytest.mark.parametrize("make", [single, full_round])
def test_lists_that_do_not_go_with_one_that_was_taken_over_meanwhile_are_made_again_a_few_times(
    two: list[Authority],
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Authority], tuple[PublishedList, ...]],
    behind: bool,
) -> None:
    sign = Issuer.sign_digest
    scope = Scope(two[0].certificates[AUTH].name)

    def taken_over(issuer: Issuer, digest: bytes) -> bytes:
        monkeypatch.undo()
        shown = PublishedList(scope, 1000, NOW + HOUR, NOW + 2 * HOUR, 0, 1, bytes(32), 0)
        with two[1].store.transaction() as change:
            change.add_list(shown, [b"x"], elsewhere=True)
            if behind:
                change.skip_numbers(AUTH, next_number=0, next_list=1001)
        return sign(issuer, digest)

    name = name_in(issue_one(two[0], Applicants().asks(roles=[AUTH])), AUTH)
    two[0].revoke(name, RevocationReason.KEY_COMPROMISE, NOW)
    monkeypatch.setattr(Issuer, "sign_digest", taken_over)
    if not behind:
        with pytest.raises(ListRefused):
            make(two[0])
        return
    made = {one.number: one for one in make(two[0]) if one.scope == scope}
    assert [(number, one.this_update, one.entries) for number, one in made.items()] == [(1001, NOW + HOUR, 1)]

"""Two who do something to the same certificate in the same moment, each with the store opened for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest
from authorities import BOTH, NOW, Applicants, PoolKeys, issue_one, name_in, new_authority

from jpki.ca import (
    AlreadyRevoked,
    Authority,
    CertificateState,
    HolderBusy,
    Issued,
    NothingToRenew,
    Occasion,
    Refused,
)
from jpki.errors import JpkiError
from jpki.formats import RevocationReason
from jpki.store import Store
from jpki.terms import Role

T = TypeVar("T")

IN_TIME = datetime(2030, 11, 1, tzinfo=UTC)  # in the last three months of what is issued at NOW
ROUNDS = 12
AUTH = Role.AUTHENTICATION


@pytest.fixture
def two(tmp_path: Path) -> Iterator[list[Authority]]:
    keys = PoolKeys()
    new_authority(tmp_path, keys).close()
    both = [Authority(Store.open(tmp_path / "authority.sqlite3"), keys) for _ in range(2)]
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
    for _ in range(ROUNDS):
        person = applicants.person()
        old = issue_one(two[0], applicants.asks(person))
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
    for _ in range(ROUNDS):
        person = applicants.person()
        name = name_in(issue_one(two[0], applicants.asks(person, [AUTH])), AUTH)
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
    sign = two[0]._issuer(AUTH).sign

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
    for turn in range(ROUNDS):
        found = together(*(lambda one=one: one.certificate_list(AUTH, NOW) for one in two))
        numbers = {one.number for one in found if not isinstance(one, JpkiError)}
        assert numbers
        assert numbers <= {2 * turn + 1, 2 * turn + 2}
        with two[0].store.snapshot() as view:
            newest = view.newest_list(AUTH)
        assert newest is not None
        assert newest.number == max(numbers) == 2 * turn + 2

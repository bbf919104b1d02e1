"""What one writer decides by, another one does not change under it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from store_rows import CA, NOW, row

from jpki.store import PublishedList, Scope, Store, StoreConflict, StoredCard, StoredRevocation, StoreWriting
from jpki.terms import CertificateName, Role

FIRST = 0x0100_0002
NAME = CertificateName(Role.SIGNATURE, FIRST)
SERIAL = b"card 1"


@pytest.fixture
def two(store: Store, address: str) -> Iterator[tuple[Store, Store]]:
    with Store.open(address) as one, Store.open(address) as other:
        yield one, other


def list_of(number: int) -> PublishedList:
    return PublishedList(Scope(CA), number, NOW, NOW + timedelta(days=1), 0, 1, bytes(32), 0)


def waits(
    two: tuple[Store, Store], first: Callable[[StoreWriting], object], second: Callable[[StoreWriting], object]
) -> bool:
    """Returns whether the second does not get its answer before the first one's transaction has ended."""
    asked, answered = threading.Event(), threading.Event()

    def ask() -> None:
        with two[1].transaction() as change:
            asked.set()
            second(change)
            answered.set()

    with ThreadPoolExecutor(1) as pool:
        with two[0].transaction() as change:
            first(change)
            done = pool.submit(ask)
            early = answered.wait(0.3)
        done.result(30)
    return not early


@pytest.mark.parametrize(
    "second",
    [
        lambda change: change.of_holders(["R5", "R1"]),
        lambda change: change.certificate(NAME),
        lambda change: change.revocation(NAME),
        lambda change: change.events_of("R1"),
        lambda change: change.cards_of("R1"),
    ],
    ids=["of holders", "certificate", "revocation", "events", "cards"],
)
def test_whoever_asks_about_a_person_waits_for_the_one_who_did(
    two: tuple[Store, Store], second: Callable[[StoreWriting], object]
) -> None:
    with two[0].transaction() as change:
        change.add_certificates([row(FIRST, holder="R1")])
    assert waits(two, lambda change: change.of_holders(["R1"]), second)
    assert waits(two, lambda change: change.certificate(NAME), second)


@pytest.mark.parametrize(
    "ask",
    [
        lambda change: change.of_holders(["nobody yet"]),
        lambda change: change.certificate(CertificateName(Role.SIGNATURE, 5)),
        lambda change: change.card(SERIAL),
        lambda change: change.open_job(SERIAL),
        lambda change: change.take_point(Role.SIGNATURE, "13101", b"a new point"),
    ],
    ids=["person", "number", "card", "job", "point"],
)
def test_what_is_not_there_yet_is_decided_about_by_one_at_a_time(
    two: tuple[Store, Store], ask: Callable[[StoreWriting], object]
) -> None:
    assert waits(two, ask, ask)


def test_a_point_that_two_meet_at_once_has_one_number(two: tuple[Store, Store]) -> None:
    found: list[int] = []

    def take(change: StoreWriting) -> None:
        found.append(change.take_point(Role.AUTHENTICATION, "01100", b"a new point"))

    assert waits(two, take, take)
    assert len(set(found)) == 1


def test_a_revision_is_seen_only_with_all_that_are_lower(two: tuple[Store, Store]) -> None:
    with two[0].transaction() as change:
        change.add_certificates([row(FIRST), row(FIRST + 1)])

    def revoke(number: int) -> Callable[[StoreWriting], object]:
        def of(change: StoreWriting) -> None:
            stored = change.certificate(CertificateName(Role.SIGNATURE, number))
            assert stored is not None
            change.add_revocations([(stored, StoredRevocation(stored.name, 1, NOW, NOW))])

        return of

    before = 0
    with two[0].snapshot() as view:
        before = view.revision(Role.SIGNATURE)
    assert waits(two, revoke(FIRST), revoke(FIRST + 1))
    with two[0].snapshot() as view:
        assert view.revision(Role.SIGNATURE) == before + 2
        assert {one.number for one in view.changed_since(Role.SIGNATURE, before + 1)} == {FIRST + 1}


def test_of_two_lists_recorded_at_once_the_lower_is_refused_where_it_comes_second(two: tuple[Store, Store]) -> None:
    def record(number: int) -> Callable[[StoreWriting], object]:
        return lambda change: change.add_list(list_of(number), [b"x"])

    with pytest.raises(StoreConflict) as caught:
        waits(two, record(6), record(5))
    assert caught.value.what == "revocation_list.number"
    assert waits(two, record(7), record(8))
    with two[0].snapshot() as view:
        newest = view.newest_list(Scope(CA))
        assert newest is not None
        assert newest.number == 8
        assert list(view.list_content(newest)) == [b"x"]


def test_writers_who_have_nothing_to_do_with_each_other_do_not_wait_on_a_server(
    store_on_server: Store, made_database: str
) -> None:
    with Store.open(made_database) as one, Store.open(made_database) as other:
        assert not waits(
            (one, other), lambda change: change.of_holders(["R1"]), lambda change: change.of_holders(["R2"])
        )
        card = StoredCard(SERIAL, "R1", "p", NOW.date(), None)
        assert not waits((one, other), lambda change: change.add_card(card), lambda change: change.note_intents([]))


def test_more_persons_than_the_server_could_lock_one_by_one_are_held_together(
    store_on_server: Store, made_database: str
) -> None:
    many = [f"R{number}" for number in range(20_000)]
    with Store.open(made_database) as one, Store.open(made_database) as other:
        ask = lambda change: change.of_holders(many)  # noqa: E731 - as the others above
        assert waits((one, other), ask, lambda change: change.of_holders(["R1"]))
        assert waits((one, other), lambda change: change.of_holders(["R1"]), ask)

"""Lists in the store: which lines they will have, joined by the database, and which list is the newest."""

from __future__ import annotations

from datetime import timedelta

import pytest
from store_rows import CA, NOW, row

import jpki.store.lists
from jpki.store import ListBlock, PublishedList, Scope, Store, StoreConflict, StoredRevocation
from jpki.terms import CertificateName, Role

DAY = timedelta(days=1)
SIGN = Role.SIGNATURE
EVERYTHING = Scope(CA)
FIRST = 0x0100_0002


def name(number: int) -> CertificateName:
    return CertificateName(SIGN, number)


def revoke(store: Store, numbers: range | list[int], *, point: bool = True) -> None:
    """Stores certificates and their revocations; without a point they are numbers that nobody knows more of."""
    with store.transaction() as change:
        if not point:
            for number in numbers:
                one = StoredRevocation(name(number), 4, NOW, NOW)
                change.add_revocation(one, issuer=CA, not_after=NOW + 1000 * DAY)
            return
        change.add_certificates([row(number) for number in numbers])
        stored = change.named([name(number) for number in numbers])
        change.add_revocations((stored[one], StoredRevocation(one, 4, NOW, NOW)) for one in stored)


def lines(store: Store, scope: Scope = EVERYTHING) -> list[int]:
    """Returns the numbers in the lines of a complete list, in their order, after what the blocks say of themselves."""
    with store.snapshot() as view:
        return numbers_of(list(view.list_lines(scope, after=None)))


def numbers_of(blocks: list[ListBlock]) -> list[int]:
    found = []
    for block in blocks:
        length = len(block.octets) // block.entries
        for at in range(0, len(block.octets), length):
            found.append(int.from_bytes(block.octets[at + 4 : at + 8], "big"))
        assert len(found[-block.entries :]) == block.entries
    return found


def published(number: int, scope: Scope = EVERYTHING, **different: object) -> PublishedList:
    facts: dict[str, object] = {
        "this_update": NOW,
        "next_update": NOW + DAY,
        "entries": 0,
        "size": 3,
        "digest": bytes(32),
        "revision": 0,
    }
    return PublishedList(scope, number, **(facts | different))  # type: ignore[arg-type]


@pytest.mark.parametrize("numbers", [[], [FIRST], list(range(FIRST, FIRST + 3000))], ids=["none", "one", "thousands"])
def test_lines_come_joined_and_in_order_of_number(store: Store, numbers: list[int]) -> None:
    revoke(store, numbers[::-1])
    assert lines(store) == numbers


def test_lines_far_apart_and_close_together_all_come_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpki.store.lists, "_FEWEST_NUMBERS", 4)
    monkeypatch.setattr(jpki.store.lists, "_MOST_NUMBERS", 64)
    close = list(range(FIRST, FIRST + 50))
    apart = [FIRST + 100, FIRST + 163, FIRST + 164, FIRST + 1000, FIRST + 100_000, 0x7FFF_FFFE, 0x7FFF_FFFF]
    again = list(range(FIRST + 200_000, FIRST + 200_300))
    numbers = sorted(close + apart + again)
    revoke(store, numbers)
    assert lines(store) == numbers


def test_every_octet_comes_through(store: Store) -> None:
    numbers = [0x0100_0000 | high << 16 | low << 8 | low for high in (0, 0x80, 0xFF) for low in range(256)]
    numbers = sorted(set(numbers) - {CA.number})
    revoke(store, numbers)
    assert lines(store) == numbers


def test_a_number_without_a_point_is_in_the_list_of_everything_alone(store: Store) -> None:
    revoke(store, [FIRST])
    revoke(store, [FIRST + 1], point=False)
    assert lines(store) == [FIRST, FIRST + 1]
    assert lines(store, Scope(CA, 1)) == [FIRST]
    assert lines(store, Scope(CA, 2)) == []


def test_a_delta_counts_what_it_takes_away(store: Store) -> None:
    revoke(store, [FIRST, FIRST + 1])
    with store.transaction() as change:
        since = change.revision(SIGN)
        change.release(name(FIRST), NOW)
    revoke(store, [FIRST + 2])
    with store.snapshot() as view:
        for scope in (EVERYTHING, Scope(CA, 1)):
            (block,) = view.delta_lines(scope, since=since)
            assert (block.entries, block.removals) == (2, 1)
        assert list(view.delta_lines(Scope(CA, 2), since=since)) == []


@pytest.mark.parametrize("many", [1, 9], ids=["few at once", "many at once"])
def test_lists_are_recorded_together_or_not_at_all(store: Store, many: int) -> None:
    with store.transaction() as change:
        points = [change.take_point(SIGN, f"{number:05}", b"name %d" % number) for number in range(many)]
        first = [published(1, Scope(CA, point)) for point in points]
        change.add_lists([(one, [b"one", b"two"]) for one in first])
    second = [published(2, Scope(CA, point)) for point in points]
    with pytest.raises(StoreConflict), store.transaction() as change:
        change.add_lists([(one, [b"more"]) for one in (*second[:-1], published(1, Scope(CA, points[-1])))])
    with store.snapshot() as view:
        assert list(view.newest_lists(CA)) == first
        assert [b"".join(view.list_content(one)) for one in first] == [b"onetwo"] * many
    with store.transaction() as change:
        change.add_lists([(one, [b"more"]) for one in second])
    with store.snapshot() as view:
        assert list(view.newest_lists(CA)) == second
        assert [list(view.list_content(one)) for one in first] == [[]] * many
        assert [list(view.list_content(one)) for one in second] == [[b"more"]] * many


@pytest.mark.parametrize("many", [1, 9], ids=["few at once", "many at once"])
@pytest.mark.parametrize(
    ("base", "other"), [(0, 0), (1, 1), (0, 1), (1, 0)], ids=["complete", "delta", "after", "before"]
)
def test_a_list_that_knows_less_than_one_of_a_lower_number_is_refused(
    store: Store, many: int, base: int, other: int
) -> None:
    with store.transaction() as change:
        points = [change.take_point(SIGN, f"{number:05}", b"name %d" % number) for number in range(many)]
        change.add_lists([(published(2, Scope(CA, point), revision=7, base=other), [b"x"]) for point in points])
    for number, revision in ((3, 6), (3, 7)) if base == other else ((3, 6), (1, 8), (1, 7)):
        lists = [(published(number, Scope(CA, point), revision=revision, base=base), [b"y"]) for point in points]
        if revision == 7:
            with store.transaction() as change:
                change.add_lists(lists)
            continue
        with pytest.raises(StoreConflict) as caught, store.transaction() as change:
            change.add_lists(lists)
        assert caught.value.what == "revocation_list.revision"


def test_a_list_made_elsewhere_is_not_compared_by_what_it_knows(store: Store) -> None:
    with store.transaction() as change:
        change.add_list(published(2, revision=7), [b"x"])
        change.add_list(published(5, revision=0), [b"y"], elsewhere=True)
    with pytest.raises(StoreConflict), store.transaction() as change:
        change.add_list(published(4, revision=0), [b"z"], elsewhere=True)


def test_lists_are_overtaken_by_those_of_a_higher_number_that_know_as_much(store: Store) -> None:
    with store.transaction() as change:
        points = [change.take_point(SIGN, f"{number:05}", b"name %d" % number) for number in range(9)]
        scopes = [Scope(CA, point) for point in points]
        change.add_lists([(published(3, scopes[0], revision=7), [b"x"]), (published(3, scopes[1], revision=5), [b"x"])])
        change.add_list(published(3, scopes[2], revision=7, base=1), [b"x"])
        for number, expected in ((2, scopes[1:]), (3, scopes), (4, scopes)):
            some = [published(number, scope, revision=6) for scope in scopes]
            left = change.not_overtaken(some)
            assert [one.scope for one in left] == expected
            assert [one.scope for one in change.not_overtaken(some[:2])] == [
                one for one in scopes[:2] if one in expected
            ]


def test_the_newest_delta_is_the_one_with_the_highest_number(store: Store) -> None:
    with store.transaction() as change:
        for number, base, urgent in ((1, 0, False), (2, 1, False), (3, 0, True), (4, 1, False), (5, 3, True)):
            change.add_list(published(number, base=base, urgent=urgent), [b"list"])
    with store.snapshot() as view:
        assert [(one.number, one.base) for one in view.newest_lists(CA)] == [(3, 0), (5, 3)]
        assert [(one.number, one.base) for one in view.newest_lists(CA, regular=True)] == [(1, 0), (4, 1)]
        newest = [view.newest_list(EVERYTHING, delta=delta) for delta in (False, True)]
        assert [None if one is None else one.number for one in newest] == [3, 5]


def test_what_an_outlet_was_given_takes_the_place_of_what_it_had(store: Store) -> None:
    first = [published(1), published(1, Scope(CA, 1)), published(2, base=1)]
    second = [published(3), published(4, base=3)]
    with store.transaction() as change:
        for one in (*first, *second):
            change.add_list(one, [b"list"])
        change.note_pushed("/srv/jpki", [], NOW)
        change.note_pushed("/srv/jpki", first, NOW)
        change.note_pushed("/srv/jpki", second, NOW + DAY)
    with store.snapshot() as view:
        found = {(one.scope.point, one.delta): one.number for one in view.copies()}
    assert found == {(0, False): 3, (1, False): 1, (0, True): 4}

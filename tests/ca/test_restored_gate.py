"""What an authority that was put back has to be shown: the newest list of every kind that it makes, none run out."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from authorities import BOTH, NOW, Applicants, PoolKeys, issue_one, name_in, new_authority, seal_key

from jpki.ca import Authority, ListOrder, NotCaughtUp, check_audit_trail, make_lists
from jpki.ca.backup.mark import mark_restored
from jpki.formats import AuthorityKeyId, CertificateList, RevocationReason, RevokedEntry, certificate_list_tbs
from jpki.store import PublishedList, Scope, Store
from jpki.terms import CertificateName, Role

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SIGN, AUTH = BOTH
EVERYTHING = ListOrder(municipal=True)
DELTAS = replace(EVERYTHING, delta=True)


class Lost:
    """An authority that makes lists of every kind, and what it published; a copy of its store, put back."""

    def __init__(self, folder: Path, keys: PoolKeys, applicants: Applicants) -> None:
        with new_authority(folder, keys) as before:
            self.name = name_in(issue_one(before, applicants.asks()), SIGN)
            self.complete = self.encoded(before, make_lists(before, EVERYTHING, NOW))
            self.older_deltas = self.encoded(before, make_lists(before, DELTAS, NOW + HOUR / 2))
            self.old_deltas = self.encoded(before, make_lists(before, DELTAS, NOW + HOUR))
            copied(folder / "authority.sqlite3", folder / "backup.sqlite3")
            before.revoke(self.name, RevocationReason.KEY_COMPROMISE, NOW + 2 * HOUR)
            self.deltas = self.encoded(before, make_lists(before, DELTAS, NOW + 3 * HOUR))
            self.later = self.encoded(before, make_lists(before, EVERYTHING, NOW + 4 * HOUR))
            self.later_deltas = self.encoded(before, make_lists(before, DELTAS, NOW + 5 * HOUR))
        self.restored = Authority(Store.open(folder / "backup.sqlite3"), keys)
        mark_restored(self.restored.store, NOW + 3 * HOUR, made_at=NOW + HOUR, sha256="0" * 64)
        self.keys = tuple(self.restored.certificates[role].name for role in BOTH)

    @staticmethod
    def encoded(authority: Authority, lists: tuple[PublishedList, ...]) -> dict[tuple[Role, bool], bytes]:
        """Returns the lists by authority, and whether they are of a municipality."""
        with authority.store.snapshot() as view:
            return {(one.authority, one.scope.point > 0): b"".join(view.list_content(one)) for one in lists}

    def show(self, lists: dict[tuple[Role, bool], bytes], at: datetime, *, municipal: bool | None = None) -> None:
        for (role, of_municipality), encoded in lists.items():
            if municipal in (None, of_municipality):
                self.restored.catch_up(role, encoded, at)

    def owed(self) -> tuple[tuple[CertificateName, ...], ...]:
        """Returns the keys of which complete lists, deltas, and lists of municipalities are owed."""
        mark = self.restored.owed()
        assert mark is not None
        assert mark.seal
        return mark.lists, mark.deltas, mark.municipal


def copied(source: Path, target: Path) -> None:
    connection = sqlite3.connect(source)
    connection.execute("VACUUM INTO ?", (str(target),))
    connection.close()


@pytest.fixture
def lost(tmp_path: Path, keys: PoolKeys, applicants: Applicants) -> Iterator[Lost]:
    made = Lost(tmp_path, keys, applicants)
    yield made
    made.restored.close()


def test_every_kind_of_list_that_the_copy_knows_of_is_owed(lost: Lost) -> None:
    assert lost.owed() == (lost.keys, lost.keys, lost.keys)


def test_with_all_that_is_in_force_nothing_is_lost(lost: Lost) -> None:
    at = NOW + 4 * HOUR
    lost.show(lost.complete, at, municipal=False)
    assert lost.owed() == ((), lost.keys, lost.keys)
    with pytest.raises(NotCaughtUp) as caught:
        lost.restored.certificate_list(SIGN, at)
    assert (caught.value.owed, caught.value.deltas) == ("deltas", lost.keys)
    lost.show(lost.deltas, at, municipal=False)
    assert lost.owed() == ((), (), lost.keys)
    with pytest.raises(NotCaughtUp) as caught:
        lost.restored.certificate_list(SIGN, at)
    assert (caught.value.owed, caught.value.municipal) == ("municipal", lost.keys)
    lost.show(lost.complete, at, municipal=True)
    assert lost.owed() == ((), (), lost.keys)
    lost.show(lost.deltas, at, municipal=True)
    assert lost.owed() == ((), (), ())
    lost.restored.state_nothing_published(at, seal=True)
    made = lost.restored.certificate_list(SIGN, at)
    assert [one.serial for one in CertificateList.parse(made.encoded)] == [lost.name.number]


def test_a_list_that_has_run_out_settles_nothing_before_somebody_states_it(lost: Lost) -> None:
    at = NOW + 400 * DAY
    for lists in (lost.complete, lost.deltas):
        lost.show(lists, at)
    assert lost.owed() == (lost.keys, lost.keys, lost.keys)
    lost.restored.state_nothing_published(at, lists=lost.keys[:1])
    assert lost.owed() == ((lost.keys[1],),) * 3
    lost.restored.state_nothing_published(at, lists=lost.keys[1:], seal=True)
    assert lost.restored.owed() is None
    with lost.restored.store.snapshot() as view:
        assert [b'"nothing published"' in entry.body for entry in view.audit_entries()].count(True) == 2


def test_a_list_settles_up_to_its_last_second(lost: Lost) -> None:
    lost.show(lost.complete, NOW + 2 * DAY + timedelta(seconds=1), municipal=False)
    assert lost.owed()[0] == lost.keys
    lost.show(lost.complete, NOW + 2 * DAY, municipal=False)
    assert lost.owed()[0] == ()


def test_a_delta_that_has_run_out_settles_nothing_though_its_list_has_not(lost: Lost) -> None:
    for lists in (lost.complete, lost.deltas):
        lost.show(lists, NOW + 30 * HOUR, municipal=False)
    assert lost.owed() == ((), lost.keys, lost.keys)


def test_a_delta_to_a_list_that_nobody_showed_makes_this_one_owed(lost: Lost) -> None:
    at = NOW + 6 * HOUR
    lost.show(lost.complete, at, municipal=False)
    lost.show(lost.later_deltas, at, municipal=False)
    assert lost.owed() == (lost.keys, (), lost.keys)
    lost.show(lost.later, at, municipal=False)
    # The delta that was shown before may not be the newest one to this list.
    assert lost.owed() == ((), lost.keys, lost.keys)
    lost.show(lost.deltas, at, municipal=False)
    assert lost.owed() == ((), lost.keys, lost.keys)
    lost.show(lost.later_deltas, at, municipal=False)
    assert lost.owed() == ((), (), lost.keys)


def test_a_delta_older_than_the_copys_own_settles_nothing(lost: Lost) -> None:
    at = NOW + 4 * HOUR
    lost.show(lost.older_deltas, at, municipal=False)
    assert lost.owed()[1] == lost.keys
    lost.show(lost.old_deltas, at, municipal=False)
    assert lost.owed()[1] == ()


def signed(authority: Authority, role: Role, number: int, *entries: RevokedEntry) -> bytes:
    issuer = authority.issuer(role)
    tbs = certificate_list_tbs(
        issuer=issuer.certificate.subject,
        this_update=NOW,
        next_update=NOW + DAY,
        number=number,
        authority_key_id=AuthorityKeyId(issuer.certificate.subject_key_id),
        entries=b"".join(one.encode() for one in entries),
    )
    return issuer.sign(tbs)


def test_a_municipality_that_came_with_a_list_gets_its_code_and_the_trail_holds(
    tmp_path: Path, keys: PoolKeys, applicants: Applicants
) -> None:
    with new_authority(tmp_path, keys) as before:
        copied(tmp_path / "authority.sqlite3", tmp_path / "backup.sqlite3")
        issue_one(before, applicants.asks(applicants.person(municipality_code="13221")))
        published = Lost.encoded(before, make_lists(before, EVERYTHING, NOW))
    with Authority(Store.open(tmp_path / "backup.sqlite3"), keys) as restored:
        for role in BOTH:
            restored.catch_up(role, published[role, True], NOW + HOUR)
        with restored.store.snapshot() as view:
            assert [one.municipality for one in view.points(SIGN)] == [""]
        issue_one(restored, applicants.asks(applicants.person(municipality_code="13221")), NOW + HOUR)
        with restored.store.snapshot() as view:
            assert [one.municipality for role in BOTH for one in view.points(role)] == ["13221", "13221"]
        assert_trail_holds(restored.store)


def test_a_certificate_of_a_municipality_whose_code_nobody_gave_is_no_finding(
    authority: Authority, applicants: Applicants
) -> None:
    with authority.store.transaction() as change:
        for role in BOTH:
            resident = applicants.person()
            change.take_point(role, "", authority.issuer(role).point_name(resident))
    # As a process that met the distribution point before somebody gave its code.
    issue_one(authority, applicants.asks())
    assert_trail_holds(authority.store)


def assert_trail_holds(store: Store) -> None:
    found = check_audit_trail(store, seal_key().public_key_info)
    assert [one for one in found.findings if "row" in str(one)] == []


def test_a_list_that_was_shown_does_not_count_as_one_in_turn(lost: Lost) -> None:
    lost.restored.catch_up(SIGN, lost.later[SIGN, False], NOW + 6 * HOUR)
    scope = Scope(lost.keys[0])
    with lost.restored.store.snapshot() as view:
        newest, regular = view.newest_list(scope), view.newest_list(scope, regular=True)
    assert newest is not None
    assert regular is not None
    assert (newest.this_update, newest.urgent) == (NOW + 4 * HOUR, True)
    assert (regular.this_update, regular.urgent) == (NOW, False)


def test_whoever_makes_a_list_and_whoever_catches_up_wait_for_each_other_in_one_order(
    tmp_path: Path, keys: PoolKeys, made_database: str
) -> None:
    with new_authority(tmp_path, keys, address=made_database) as authority:
        line = RevokedEntry(0x0100_0005, NOW, RevocationReason.KEY_COMPROMISE)
        published = signed(authority, SIGN, 99, line)
        done = threading.Event()

        def catch_up() -> None:
            with Authority(Store.open(made_database), keys) as other:
                other.catch_up(SIGN, published, NOW + HOUR)
            done.set()

        with ThreadPoolExecutor(1) as pool:
            with authority.store.transaction() as change:
                change.hold_lists(authority.certificates[SIGN].name)
                caught_up = pool.submit(catch_up)
                assert not done.wait(2)
                change.take_list_number(SIGN)
            caught_up.result(30)

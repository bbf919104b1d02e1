"""`jpki ca status`: what is late, what is broken, and how a monitoring program hears of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from authorities import NOW, Applicants, issue_one, name_in, new_authority
from command_line import Program
from offices import Office
from running_service import RunningService
from schemas import assert_follows_its_schema

from jpki.ca import (
    AnsweringStatus,
    Authority,
    Due,
    Health,
    ListOrder,
    StatusFacts,
    deadlines,
    health_of,
    judge,
    make_lists,
    status_facts,
)
from jpki.formats import RevocationReason
from jpki.store import CertificateState, Scope
from jpki.terms import Role

HOUR = timedelta(hours=1)
PERIOD = timedelta(hours=48)


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    with new_authority(tmp_path) as made:
        yield made


def facts_of(authority: Authority) -> StatusFacts:
    with authority.store.snapshot() as view:
        return status_facts(view)


def found(authority: Authority, at: datetime, **more: AnsweringStatus) -> set[tuple[Health, Due, str]]:
    facts = facts_of(authority)
    facts = replace(facts, seal=replace(facts.seal, unsealed=False))
    return {(one.health, one.due, one.subject) for one in judge(facts, at, **more)}


def published(authority: Authority) -> Authority:
    for role in Role:
        authority.certificate_list(role, NOW)
    return authority


def test_an_authority_without_lists_is_broken(authority: Authority) -> None:
    assert found(authority, NOW) == {
        (Health.BROKEN, Due.LIST, "crl/sign-1"),
        (Health.BROKEN, Due.LIST, "crl/auth-1"),
    }


@pytest.mark.parametrize(
    ("after", "health"),
    [
        (timedelta(), None),
        (PERIOD - HOUR - timedelta(seconds=1), None),
        (PERIOD - HOUR, Health.LATE),
        (PERIOD, Health.LATE),
        (PERIOD + timedelta(seconds=1), Health.BROKEN),
    ],
)
def test_a_list_is_late_an_hour_before_its_predecessor_ends(
    authority: Authority, after: timedelta, health: Health | None
) -> None:
    due = {(health, Due.LIST, "crl/sign-1"), (health, Due.LIST, "crl/auth-1")} if health else set()
    assert found(published(authority), NOW + after) == due


@pytest.mark.parametrize("kind", [ListOrder(municipal=True), ListOrder(municipal=True, delta=True)])
def test_a_list_out_of_turn_does_not_hide_that_a_regular_one_is_late(authority: Authority, kind: ListOrder) -> None:
    issue_one(authority, Applicants().asks())
    make_lists(authority, ListOrder(municipal=True), NOW)
    if kind.delta:
        make_lists(authority, kind, NOW)
    regular = facts_of(authority)
    make_lists(authority, replace(kind, urgent=True), NOW + 20 * HOUR)
    facts = facts_of(authority)
    for before, after in zip(regular.lists, facts.lists, strict=True):
        if after.delta is kind.delta:
            assert after.first_due == before.first_due
            assert after.first_end == after.lists[0].next_update == NOW + (44 if kind.delta else 68) * HOUR
    end = NOW + (24 if kind.delta else 48) * HOUR
    late = {(Health.LATE, one.due, one.subject) for one in deadlines(facts, NOW) if one.at == end - HOUR}
    assert len(late) == 4
    assert late & found(authority, end - HOUR - timedelta(seconds=1)) == set()
    assert late <= found(authority, end - HOUR)
    # Relying parties have the one out of turn.
    assert late <= found(authority, end + HOUR)


def test_where_all_lists_came_out_of_turn_the_newest_says_when_the_next_is_due(authority: Authority) -> None:
    for role in Role:
        authority.certificate_list(role, NOW, urgent=True)
    assert {one.first_due for one in facts_of(authority).lists} == {NOW + PERIOD - HOUR}


def test_a_municipality_without_a_list_is_broken_where_others_have_theirs(authority: Authority) -> None:
    applicants = Applicants()
    issue_one(authority, applicants.asks())
    make_lists(authority, ListOrder(), NOW)
    assert found(authority, NOW) == set()  # this authority has no lists of municipalities
    make_lists(authority, ListOrder(municipal=True), NOW)
    assert found(authority, NOW) == set()
    elsewhere = applicants.person(municipality_code="47348", prefecture_romaji="Okinawa-ken")
    issue_one(authority, applicants.asks(replace(elsewhere, municipality_romaji="Aguni-son"), [Role.SIGNATURE]))
    assert found(authority, NOW) == {(Health.BROKEN, Due.LIST, "crl/sign-1-*")}
    make_lists(authority, ListOrder(full=False, municipal=True), NOW)
    assert found(authority, NOW) == set()


def test_a_key_is_late_after_four_years(authority: Authority) -> None:
    late = {one for one in found(authority, NOW + timedelta(days=4 * 365)) if one[1] is Due.KEY}
    assert late == {(Health.LATE, Due.KEY, "sign-1"), (Health.LATE, Due.KEY, "auth-1")}


def test_an_outlet_that_lacks_the_newest_list_is_late_and_then_broken(authority: Authority) -> None:
    published(authority)
    issuer = authority.certificates[Role.SIGNATURE].name
    with authority.store.transaction() as change:
        first = change.newest_list(Scope(issuer))
        assert first is not None
        change.note_pushed("/srv/jpki", [first], NOW)
    assert found(authority, NOW + HOUR) == set()
    authority.certificate_list(Role.SIGNATURE, NOW + HOUR)
    (outlet,) = facts_of(authority).outlets
    assert (outlet.outlet, outlet.copies, outlet.behind, outlet.pushed_at) == ("/srv/jpki", 1, 1, NOW)
    copy = (Due.COPY, "/srv/jpki")
    assert found(authority, NOW + HOUR + timedelta(minutes=14)) == set()
    assert (Health.LATE, *copy) in found(authority, NOW + HOUR + timedelta(minutes=15))
    assert (Health.BROKEN, *copy) in found(authority, NOW + PERIOD + timedelta(seconds=1))


def test_a_service_that_is_silent_is_broken_and_none_is_no_fault(authority: Authority) -> None:
    published(authority)
    told = AnsweringStatus(NOW, NOW, None)
    assert found(authority, NOW + timedelta(seconds=60), answering=told) == set()
    silent = {(Health.BROKEN, Due.ANSWERING, "service")}
    assert found(authority, NOW + timedelta(seconds=61), answering=told) == silent
    blind = replace(told, looked_at=NOW - timedelta(seconds=61))
    assert found(authority, NOW, answering=blind) == {(Health.BROKEN, Due.ANSWERING, "store")}


def test_entries_without_a_seal_are_late_after_a_day(authority: Authority) -> None:
    facts = facts_of(published(authority))
    assert facts.seal.unsealed
    assert health_of(judge(facts, (facts.seal.at or NOW) + timedelta(hours=23))) is Health.FINE
    (late,) = judge(facts, (facts.seal.at or NOW) + timedelta(days=1))
    assert (late.health, late.due) == (Health.LATE, Due.SEAL)


def test_a_seal_that_is_dated_ahead_is_told_because_none_can_follow_it(authority: Authority) -> None:
    authority.seal(NOW + 60 * PERIOD)
    facts = facts_of(published(authority))
    (told,) = judge(facts, NOW + HOUR)
    assert (told.health, told.due, told.since) == (Health.BROKEN, Due.SEAL, NOW + 60 * PERIOD)
    ahead = timedelta(minutes=5)
    assert judge(replace(facts, seal=replace(facts.seal, at=NOW + HOUR + ahead, unsealed=False)), NOW + HOUR) == ()


def test_deadlines_come_in_their_order(authority: Authority) -> None:
    moments = [one.at for one in deadlines(facts_of(published(authority)), NOW)]
    assert moments == sorted(moments)
    assert len(moments) >= 4


def test_certificates_are_counted_by_state(authority: Authority) -> None:
    applicants = Applicants()
    some = [issue_one(authority, applicants.asks()) for _ in range(4)]
    authority.revoke(name_in(some[0], Role.SIGNATURE), RevocationReason.KEY_COMPROMISE, NOW)
    authority.revoke(name_in(some[1], Role.AUTHENTICATION), RevocationReason.CERTIFICATE_HOLD, NOW)
    later = NOW + timedelta(days=6 * 365)
    with authority.store.snapshot() as view:
        for at in (NOW, later):
            counts = view.counts(at)
            assert counts == {(role, state): view.count(role, state, at) for role in Role for state in CertificateState}
        assert view.counts(NOW)[Role.SIGNATURE, CertificateState.REVOKED] == 1
        assert view.counts(NOW)[Role.AUTHENTICATION, CertificateState.HELD] == 1
        assert all(view.at_most(role) == 4 for role in Role)


def test_the_exit_code_is_for_monitoring(own_office: Office) -> None:
    jpki = Program(own_office.path)
    done = jpki("ca", "status", "--ca", own_office.ca, "--json")
    assert_follows_its_schema(done.json)
    assert (done.code, done.json["health"], done.json["findings"]) == (0, "fine", [])
    assert done.json["certificate_counts"][0]["valid"] == 1
    told = jpki("ca", "status", "--ca", own_office.ca)
    assert (told.code, "fine" in told.out) == (0, True)


def test_a_service_that_was_killed_shows_and_one_that_was_ended_does_not(own_office: Office) -> None:
    jpki = Program(own_office.path)
    with RunningService(own_office.ca) as running:
        running.wait_until((own_office.ca / "service.json").exists)
        answering = jpki("ca", "status", "--ca", own_office.ca, "--json").json["answering"]
        assert answering["looked_at"] is not None
        running.process.kill()
        running.process.wait()
    assert jpki("ca", "status", "--ca", own_office.ca, "--json").json["answering"] is not None
    with RunningService(own_office.ca) as running:
        running.wait_until((own_office.ca / "service.json").exists)
        assert running.stop() == 0
    assert jpki("ca", "status", "--ca", own_office.ca, "--json").json["answering"] is None


def test_a_new_authority_has_a_broken_state(tmp_path: Path) -> None:
    from offices import made_office

    office = made_office(tmp_path, datetime.now(UTC).replace(microsecond=0))
    done = Program(tmp_path)("ca", "status", "--ca", office.ca, "--json")
    assert_follows_its_schema(done.json)
    assert (done.code, done.json["health"]) == (13, "broken")

"""Events that take effect in the store: once, whole or not at all, told apart by identifier and person by number."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from authorities import NOW, Applicants, issue_one, name_in

from jpki.ca import (
    Authority,
    LifeEvent,
    Occasion,
    Resident,
    UnknownPerson,
    read_life_events,
)
from jpki.ca.life import (
    CardOfAnother,
    EventBeforeCertificate,
    EventChanged,
    EventForTheDead,
    EventInFuture,
    EventOutOfOrder,
    NothingHeld,
    UnknownEventKind,
)
from jpki.store import Store, StoredCard
from jpki.terms import CertificateName, Role

HOUR = timedelta(hours=1)
HAPPENED, APPLIED = NOW + HOUR, NOW + 2 * HOUR
CARD, NEW_CARD = bytes.fromhex("4A504B49000001"), bytes.fromhex("4A504B49000002")


def named(identifier: str) -> str:
    """Returns the name under which an event is kept: nothing of what the reporter called it."""
    return sha256(identifier.encode()).hexdigest()


class Register:
    """A person with a pair of certificates issued at NOW, and reports of what happens to them."""

    def __init__(self, authority: Authority, applicants: Applicants) -> None:
        self.authority, self.applicants = authority, applicants
        self.resident: Resident = applicants.person()
        self.names = self.issued(Occasion.FIRST, NOW)

    @property
    def person(self) -> str:
        return self.resident.resident_id

    def issued(self, occasion: Occasion, at: datetime) -> tuple[CertificateName, CertificateName]:
        asked = self.applicants.asks(self.resident, job=occasion.value, occasion=occasion)
        found = issue_one(self.authority, asked, at)
        return name_in(found, Role.SIGNATURE), name_in(found, Role.AUTHENTICATION)

    def event(
        self, kind: str, occurred_at: datetime | date = HAPPENED, *, named: str = "E-1", **facts: Any
    ) -> LifeEvent:
        return replace(LifeEvent(named, self.person, kind, occurred_at), **facts)

    def send(self, event: LifeEvent, at: datetime = APPLIED) -> Any:
        return self.authority.apply_event(event, at)

    def states(self, *names: CertificateName) -> list[str]:
        chains = [self.authority.chain(name, APPLIED).certificate for name in names or self.names]
        return [one.state.value for one in chains]

    def kept(self) -> tuple[object, ...]:
        """Returns all that an event could have changed."""
        with self.authority.store.snapshot() as view:
            events = view.events_of(self.person)
            revisions = [view.revision(role) for role in Role]
            entries = [entry.body for entry in view.audit_entries()]
        return (events, revisions, entries, self.states())


@pytest.fixture
def register(authority: Authority, applicants: Applicants) -> Register:
    return Register(authority, applicants)


def test_an_event_is_kept_with_its_outcome_and_its_entry_in_the_audit_trail(register: Register) -> None:
    done = register.send(register.event("move"))
    assert (done.event, done.kind, done.applied_at, done.repeated) == ("E-1", "move", APPLIED, False)
    assert [(one.name, one.action.value, one.since) for one in done.outcome.changes] == [
        (register.names[0], "revoke", HAPPENED)
    ]
    with register.authority.store.snapshot() as view:
        (kept,) = view.events_of(register.person)
        entry = json.loads(list(view.audit_entries())[-1].body)
    assert (kept.kind, kept.occurred_at, kept.noted_at) == ("move", HAPPENED, APPLIED)
    outcome = json.loads(kept.outcome)
    assert outcome["changes"][0]["name"] == str(register.names[0])
    assert entry["kind"] == "event"
    assert entry["facts"]["revoked"][0]["names"] == [str(register.names[0])]
    assert (entry["facts"]["events"][0]["id"], entry["facts"]["events"][0]["kind"]) == (named("E-1"), "move")
    assert "E-1" not in json.dumps(entry)


def test_no_attribute_of_the_person_is_in_the_audit_trail(register: Register) -> None:
    register.send(register.event("death"))
    with register.authority.store.snapshot() as view:
        whole = b"".join(entry.body for entry in view.audit_entries()).decode()
    resident = register.resident
    for attribute in (resident.name, resident.address, str(resident.birth_date)):
        assert attribute not in whole


def test_the_same_event_again_changes_nothing_and_tells_the_first_outcome(register: Register) -> None:
    first = register.send(register.event("move"))
    before = register.kept()
    assert register.send(register.event("move"), APPLIED + HOUR) == replace(first, repeated=True)
    assert register.kept() == before


def test_an_event_that_was_followed_by_a_death_is_still_told_as_repeated(register: Register) -> None:
    register.send(register.event("move"))
    register.send(register.event("death", named="E-2"))
    assert register.send(register.event("move")).repeated


def test_another_event_of_the_same_name_is_refused(register: Register, applicants: Applicants) -> None:
    register.send(register.event("move"))
    before = register.kept()
    other = Register(register.authority, applicants)
    for changed in (register.event("death"), register.event("move", NOW), other.event("move")):
        with pytest.raises(EventChanged) as refused:
            register.send(changed)
        assert refused.value.facts == {"event": "E-1", "kind": changed.kind, "applied_at": APPLIED}
    assert register.states() == before[-1]
    assert other.states() == ["valid", "valid"]


REFUSED = {
    "of no row": (("marriage", HAPPENED), UnknownEventKind),
    "from the future": (("move", APPLIED + HOUR), EventInFuture),
    "with nothing on hold": (("card-found", HAPPENED), NothingHeld),
    "before the certificate": (("stop-use", NOW - HOUR), EventBeforeCertificate),
}


@pytest.mark.parametrize("which", REFUSED)
def test_a_refused_event_changes_nothing_and_can_be_sent_again(register: Register, which: str) -> None:
    (kind, occurred_at), error = REFUSED[which]
    before = register.kept()
    for _ in range(2):
        with pytest.raises(error):
            register.send(register.event(kind, occurred_at))
    assert register.kept() == before
    assert not register.send(register.event("move")).repeated


def test_an_event_of_the_future_is_taken_when_its_moment_has_come(register: Register) -> None:
    event = register.event("move", APPLIED + HOUR)
    with pytest.raises(EventInFuture):
        register.send(event)
    assert register.send(event, APPLIED + HOUR).outcome.changes


def test_a_part_of_a_second_does_not_make_the_present_the_future(register: Register) -> None:
    now = APPLIED + timedelta(milliseconds=600)
    assert register.send(register.event("move", now - timedelta(milliseconds=100)), now).outcome.changes


def test_events_of_a_person_come_in_order(register: Register) -> None:
    register.send(register.event("move", HAPPENED))
    before = register.kept()
    with pytest.raises(EventOutOfOrder) as refused:
        register.send(register.event("name-change", HAPPENED - timedelta(seconds=1), named="E-2"))
    assert refused.value.last == HAPPENED
    assert register.kept() == before


def test_nothing_follows_a_death(register: Register) -> None:
    register.send(register.event("death"))
    with pytest.raises(EventForTheDead):
        register.send(register.event("move", APPLIED, named="E-2"))


@pytest.mark.parametrize("kind", ["move", "death", "marriage"])
def test_somebody_who_never_had_anything_is_unknown_and_nothing_is_kept(authority: Authority, kind: str) -> None:
    event = LifeEvent("E-1", "R000999", kind, HAPPENED)
    with pytest.raises(UnknownPerson) as refused:
        authority.apply_event(event, APPLIED)
    assert refused.value.facts == {"event": "E-1", "kind": kind}
    with authority.store.snapshot() as view:
        assert (view.event(named("E-1")), view.events_of("R000999")) == (None, ())


def test_an_unknown_persons_event_is_applied_when_it_is_sent_again_after_the_issue(
    authority: Authority, applicants: Applicants
) -> None:
    event = LifeEvent("E-1", "R900001", "move", HAPPENED)
    with pytest.raises(UnknownPerson):
        authority.apply_event(event, APPLIED)
    register = Register(authority, applicants)
    assert register.person == "R900001"
    assert authority.apply_event(event, APPLIED).outcome.changes


def add_card(register: Register, serial: bytes, names: tuple[CertificateName, ...], holder: str = "") -> None:
    with register.authority.store.transaction() as change:
        change.add_card(StoredCard(serial, holder or register.person, "mynumber", date(2036, 1, 7), None))
        job = change.begin_job(serial, "first", NOW)
        for name in names:
            change.note_issued(job.number, name)
        change.end_job(job.number, NOW)


def test_somebody_with_a_card_alone_is_known(register: Register) -> None:
    add_card(register, CARD, (), holder="R000777")
    event = LifeEvent("E-1", "R000777", "move", HAPPENED)
    assert register.send(event).outcome.changes == ()
    assert register.send(event).repeated


def test_an_event_about_a_card_leaves_what_is_on_the_persons_other_card(register: Register) -> None:
    add_card(register, CARD, register.names)
    newer = register.issued(Occasion.REPLACEMENT, NOW + timedelta(minutes=1))
    add_card(register, NEW_CARD, newer)
    register.send(register.event("card-stolen", card=CARD.hex().upper()))
    assert register.states(*newer) == ["valid", "valid"]
    register.send(register.event("card-stolen", card=NEW_CARD.hex().upper(), named="E-2"))
    assert register.states(*newer) == ["revoked", "revoked"]


def test_an_event_about_another_persons_card_is_refused(register: Register, applicants: Applicants) -> None:
    add_card(register, CARD, register.names)
    other = Register(register.authority, applicants)
    with pytest.raises(CardOfAnother):
        register.send(other.event("card-stolen", card=CARD.hex().upper()))
    assert register.states() == other.states() == ["valid", "valid"]


def test_what_a_feed_said_is_what_counts(register: Register) -> None:
    text = (
        f'{{"id": "E-7", "person": "{register.person}", "kind": "move", "occurred_at": "2026-11-22T10:00:00+09:00"}}\n'
    )
    facts = json.loads(text)
    otherwise = [
        text.replace(" ", ""),
        json.dumps(dict(reversed(facts.items())), indent=1).replace("\n", " "),
        text.replace("2026-11-22T10:00:00+09:00", "2026-11-22T01:00:00Z"),
        text.replace("move", "\\u006dove"),
    ]
    told = []
    for line in read_life_events([one.strip().encode() + b"\n" for one in (text, *otherwise)]):
        assert isinstance(line.read, LifeEvent)
        told.append(register.authority.apply_event(line.read, APPLIED).repeated)
    assert told == [False, True, True, True, True]


@pytest.mark.parametrize(
    "different",
    [{"departure": date(2026, 11, 22)}, {"card": "4A504B49"}, {"role": Role.SIGNATURE}, {"occurred_at": NOW.date()}],
)
def test_any_other_fact_makes_another_event(register: Register, different: dict[str, Any]) -> None:
    register.send(register.event("move"))
    with pytest.raises(EventChanged):
        register.send(replace(register.event("move"), **different))


def test_a_death_reported_late_ends_all_and_says_so(register: Register) -> None:
    day = timedelta(days=1)
    register.send(register.event("move", NOW + 5 * day), NOW + 5 * day)
    done = register.send(register.event("death", NOW + 3 * day, named="E-2"), NOW + 7 * day)
    assert done.outcome.late
    assert [one.since for one in done.outcome.changes] == [NOW + 3 * day]
    assert register.states() == ["revoked", "revoked"]
    again = register.send(register.event("death", NOW + 3 * day, named="E-2"), NOW + 8 * day)
    assert again == replace(done, repeated=True)
    with pytest.raises(EventForTheDead):
        register.send(register.event("move", NOW + 9 * day, named="E-3"), NOW + 9 * day)


def test_two_feeds_of_the_same_events_apply_each_of_them_once(authority: Authority, applicants: Applicants) -> None:
    people = [Register(authority, applicants) for _ in range(12)]
    kinds = ("card-lost", "card-found", "card-lost", "stop-use")
    events = [
        one.event(kind, HAPPENED, named=f"{one.person}-{number}") for number, kind in enumerate(kinds) for one in people
    ]

    def feed(which: int) -> list[bool]:
        with Authority(Store.open(authority.store.file), authority._keys) as own:
            return [own.apply_event(event, APPLIED).repeated for event in events]

    with ThreadPoolExecutor(3) as feeds:
        told = list(feeds.map(feed, range(3)))
    assert all(sorted(answers) == [False, True, True] for answers in zip(*told, strict=True))
    with authority.store.snapshot() as view:
        assert sum(json.loads(one.body)["kind"] == "event" for one in view.audit_entries()) == len(events)
    assert {state for one in people for state in one.states()} == {"revoked"}

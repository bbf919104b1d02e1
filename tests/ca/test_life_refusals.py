"""Events that are not applied, and from when on those count that are: days and moments, cards, roles, phones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from lives import AUTH, ENDS, HELD_PAIR, NEEDED, NOW, PAIR, SIGN, YESTERDAY, event, held, outcome, played, taken, valid

from jpki.ca.life import (
    BadEventFact,
    Carrier,
    CertificateOutlivesCard,
    EventBeforeCertificate,
    EventForTheDead,
    EventInFuture,
    EventOutOfOrder,
    LifeEvent,
    LifeEventRefused,
    LifeOutcome,
    LifePolicy,
    NothingHeld,
    PersonHistory,
    UnknownEventKind,
    load_life_table,
)
from jpki.store import CertificateState
from jpki.terms import CertificateName, Role

TOMORROW = NOW + timedelta(days=1)
SECOND = timedelta(seconds=1)
TODAY = date(2026, 11, 22)
KINDS = sorted(load_life_table().rows)
LAST = load_life_table().last.value
THIS_CARD, OTHER_CARD = "4A504B49000001", "4A504B49000002"


def whole(kind: str, occurred_at: datetime | date = NOW, **facts: Any) -> LifeEvent:
    """Returns an event that says all that its kind needs."""
    return event(kind, occurred_at, **NEEDED.get(kind, {}) | facts)


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_an_event_without_a_row_is_refused() -> None:
    with pytest.raises(UnknownEventKind) as refused:
        played(event("marriage"))
    assert refused.value.facts == {"event": "E-1", "kind": "marriage"}


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_taken_for_the_dead(kind: str) -> None:
    with pytest.raises(EventForTheDead) as refused:
        played(whole(kind), history=PersonHistory(YESTERDAY, ended=True))
    assert refused.value.facts == {"event": "E-1", "kind": kind}


def test_a_death_is_the_last_event_and_no_other_is() -> None:
    ended = {kind for kind in KINDS if PersonHistory().followed_by(whole(kind), LAST).ended}
    assert ended == {"death"}


def test_a_person_stays_dead() -> None:
    assert PersonHistory(YESTERDAY, ended=True).followed_by(event("move"), LAST).ended


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_from_the_future_is_refused(kind: str) -> None:
    with pytest.raises(EventInFuture) as refused:
        played(whole(kind, NOW + SECOND), ())
    assert refused.value.due >= NOW + SECOND


def test_a_day_that_has_begun_is_not_the_future_and_the_next_one_is() -> None:
    assert outcome(played(event("move", TODAY)), SIGN) == "revoke affiliationChanged"
    with pytest.raises(EventInFuture) as refused:
        played(event("move", TODAY + timedelta(days=1)))
    assert refused.value.due == datetime(2026, 11, 22, 15, 0, 0, tzinfo=UTC)


def test_leaving_japan_is_taken_on_the_day_of_leaving_and_not_before() -> None:
    leaving = event("emigration-continued", YESTERDAY, departure=TODAY)
    assert outcome(played(leaving), SIGN) == "revoke affiliationChanged"
    with pytest.raises(EventInFuture) as refused:
        played(event("emigration-continued", YESTERDAY, departure=date(2026, 11, 23)))
    assert refused.value.due == datetime(2026, 11, 22, 15, 0, 0, tzinfo=UTC)


def test_the_expiry_of_a_card_is_the_future_until_its_day_is_over() -> None:
    with pytest.raises(EventInFuture) as refused:
        played(event("card-expired", TODAY))
    assert refused.value.due == datetime(2026, 11, 22, 14, 59, 59, tzinfo=UTC)


ENDING = sorted(kind for kind, row in load_life_table().rows.items() if row.ends_claim)


def test_what_ends_a_persons_claim_is_as_the_table_says() -> None:
    assert ENDING == ["death", "deletion", "emigration", "residence-status-lost"]


@pytest.mark.parametrize("kind", ENDING)
def test_what_ends_a_persons_claim_is_taken_late_and_is_told_as_late(kind: str) -> None:
    late = taken(whole(kind, YESTERDAY - SECOND), history=PersonHistory(YESTERDAY))
    in_time = taken(whole(kind, YESTERDAY - SECOND))
    assert (late.changes, late.late, in_time.late) == (in_time.changes, True, False)
    assert len(late.changes) == 2


@pytest.mark.parametrize("kind", ENDING)
def test_what_comes_late_ends_also_what_was_issued_meanwhile(kind: str) -> None:
    newer = tuple(valid(one.name, not_before=NOW) for one in PAIR)
    late = taken(whole(kind, YESTERDAY - SECOND), newer, history=PersonHistory(YESTERDAY))
    assert {change.since for change in late.changes} == {NOW}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ENDING])
def test_an_event_before_the_last_one_that_was_applied_is_refused(kind: str) -> None:
    with pytest.raises(EventOutOfOrder) as refused:
        played(whole(kind, YESTERDAY - SECOND), history=PersonHistory(YESTERDAY))
    assert refused.value.facts == {"event": "E-1", "kind": kind, "last": YESTERDAY}


def test_two_events_of_one_moment_are_in_order() -> None:
    assert outcome(played(event("move", YESTERDAY), history=PersonHistory(YESTERDAY)), SIGN) != "stays"


def test_an_event_of_the_same_day_without_a_time_is_in_order() -> None:
    assert outcome(played(event("move", TODAY), history=PersonHistory(NOW)), SIGN) != "stays"


def test_a_moment_of_the_day_of_the_last_event_is_in_order() -> None:
    history = PersonHistory().followed_by(event("name-change", TODAY), LAST)
    assert history.last == datetime(2026, 11, 21, 15, 0, 0, tzinfo=UTC)
    assert outcome(played(event("move", NOW), history=history), SIGN) != "stays"


def test_a_day_that_follows_a_later_moment_does_not_set_the_history_back() -> None:
    history = PersonHistory(NOW).followed_by(event("move", TODAY), LAST)
    assert history.last == NOW


@pytest.mark.parametrize("kind", ["card-lost", "stop-use", "key-leaked", "record-error"])
def test_an_event_before_the_certificate_that_it_would_end_or_hold_is_refused(kind: str) -> None:
    with pytest.raises(EventBeforeCertificate) as refused:
        played(event(kind, YESTERDAY), (valid(SIGN, not_before=YESTERDAY + SECOND),))
    assert refused.value.facts == {"event": "E-1", "kind": kind, "name": SIGN, "not_before": YESTERDAY + SECOND}


CORRECTIONS = ["move", "name-change", "birth-date-correction", "sex-correction", "address-correction"]
ENDS_OF_A_CLAIM = ["death", "emigration", "deletion", "residence-status-lost"]
ENDS_OF_A_CARD = ["card-lost", "card-stolen", "card-returned", "card-reissued", "card-discarded"]


@pytest.mark.parametrize("kind", [*CORRECTIONS, "emigration-continued"])
@pytest.mark.parametrize("make", [valid, held], ids=["valid", "on hold"])
def test_what_was_issued_after_a_correction_says_it_already_and_is_passed_over(kind: str, make: Any) -> None:
    newer = CertificateName(Role.SIGNATURE, 0x01000009)
    done = taken(whole(kind, YESTERDAY), (valid(SIGN), valid(AUTH, not_before=NOW), make(newer, not_before=NOW)))
    assert (outcome(done.changes, SIGN), outcome(done.changes, AUTH)) == ("revoke affiliationChanged", "stays")
    assert (outcome(done.changes, newer), done.passed_over) == ("stays", (newer,))


@pytest.mark.parametrize("kind", CORRECTIONS)
def test_what_has_ended_is_not_told_as_passed_over(kind: str) -> None:
    revoked = valid(SIGN, state=CertificateState.REVOKED, not_before=NOW)
    assert taken(event(kind, YESTERDAY), (revoked,)) == LifeOutcome((), ())


@pytest.mark.parametrize("kind", ENDS_OF_A_CLAIM)
def test_the_end_of_a_claim_ends_what_was_issued_after_it_from_its_own_beginning(kind: str) -> None:
    newer = valid(SIGN, not_before=NOW)
    done = taken(whole(kind, YESTERDAY), (newer, valid(AUTH)))
    assert done.passed_over == ()
    assert {change.name: change.since for change in done.changes}[SIGN] == NOW
    assert {outcome(done.changes, name) for name in (SIGN, AUTH)} == {"revoke affiliationChanged"}


@pytest.mark.parametrize("kind", ENDS_OF_A_CARD)
def test_the_end_of_a_card_ends_what_was_issued_onto_it_afterwards(kind: str) -> None:
    newer = valid(SIGN, not_before=NOW, card=THIS_CARD)
    changes = played(event(kind, YESTERDAY, card=THIS_CARD), (newer,))
    assert [(change.name, change.since) for change in changes] == [(SIGN, NOW)]


@pytest.mark.parametrize("kind", ENDS_OF_A_CARD)
@pytest.mark.parametrize(("named", "card"), [(None, THIS_CARD), (THIS_CARD, None), (None, None)])
def test_a_certificate_issued_later_ends_with_a_card_only_where_it_is_known_to_be_on_it(
    kind: str, named: str | None, card: str | None
) -> None:
    with pytest.raises(EventBeforeCertificate):
        played(event(kind, YESTERDAY, card=named), (valid(SIGN, not_before=NOW, card=card),))


def test_an_event_of_the_very_moment_of_the_issue_is_taken() -> None:
    assert [change.since for change in played(event("death", NOW), (valid(SIGN, not_before=NOW),))] == [NOW]


def test_an_event_before_a_certificate_that_it_does_not_touch_is_taken() -> None:
    assert played(event("move", YESTERDAY), (valid(AUTH, not_before=NOW),)) == ()


def test_a_certificate_issued_in_the_course_of_the_day_of_an_event_ends_with_its_issue() -> None:
    changes = played(event("death", TODAY), (valid(SIGN, not_before=NOW - SECOND),))
    assert [change.since for change in changes] == [NOW - SECOND]


@pytest.mark.parametrize("certificates", [(), PAIR], ids=["none", "valid"])
def test_the_end_of_a_hold_where_nothing_is_on_hold_is_refused(certificates: tuple[()]) -> None:
    with pytest.raises(NothingHeld) as refused:
        played(event("card-found"), certificates)
    assert refused.value.facts == {"event": "E-1", "kind": "card-found"}


def test_a_hold_ends_in_a_revocation_where_the_successor_is_in_use() -> None:
    newer = CertificateName(Role.AUTHENTICATION, 0x01000009)
    for card in (None, OTHER_CARD):
        followed = (held(AUTH, card=THIS_CARD), valid(newer, not_before=YESTERDAY, card=card))
        changes = played(event("card-found", card=THIS_CARD), followed)
        assert outcome(changes, AUTH) == "revoke cessationOfOperation"
        waiting = (held(AUTH), valid(newer, not_before=YESTERDAY, confirmed=False))
        assert outcome(played(event("card-found"), waiting), AUTH) == "release"


def test_the_end_of_a_hold_that_began_later_is_refused() -> None:
    with pytest.raises(EventOutOfOrder) as refused:
        played(event("card-found", YESTERDAY - SECOND), (held(AUTH),))
    assert refused.value.last == YESTERDAY


def test_a_hold_that_began_in_the_course_of_the_day_it_ended_does_not_end_before_it_began() -> None:
    changes = played(event("card-found", TODAY), (held(AUTH, NOW - SECOND),))
    assert [(change.action.value, change.since) for change in changes] == [("release", NOW - SECOND)]


def test_a_card_does_not_expire_before_its_certificates() -> None:
    with pytest.raises(CertificateOutlivesCard) as refused:
        played(event("card-expired", date(2026, 11, 20)))
    assert refused.value.facts == {"event": "E-1", "kind": "card-expired", "name": SIGN, "not_after": ENDS}


@pytest.mark.parametrize(("kind", "needed"), [(kind, *facts) for kind, facts in NEEDED.items()])
def test_an_event_that_lacks_what_its_kind_needs_is_refused(kind: str, needed: str) -> None:
    with pytest.raises(BadEventFact) as refused:
        played(event(kind))
    assert (refused.value.fact, refused.value.problem) == (needed, "missing")


@pytest.mark.parametrize(
    ("kind", "fact", "value"),
    [("move", "departure", TODAY), ("death", "card", THIS_CARD), ("move", "role", Role.SIGNATURE)],
)
def test_an_event_with_a_fact_that_its_kind_does_not_take_is_refused(kind: str, fact: str, value: Any) -> None:
    with pytest.raises(BadEventFact) as refused:
        played(event(kind, **{fact: value}))
    assert (refused.value.fact, refused.value.problem) == (fact, "not for this kind of event")


def test_a_moment_without_time_zone_is_no_event() -> None:
    with pytest.raises(ValueError, match="time zone"):
        event("move", datetime(2026, 11, 22))  # noqa: DTZ001


# --- what an event leaves alone ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("card-found", "card-expired")])
def test_an_event_of_somebody_without_certificates_is_taken_and_does_nothing(kind: str) -> None:
    assert played(whole(kind), ()) == ()


@pytest.mark.parametrize("state", [CertificateState.REVOKED, CertificateState.EXPIRED])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("card-found", "card-expired")])
def test_what_has_ended_is_not_touched_again(kind: str, state: CertificateState) -> None:
    assert played(whole(kind, NOW), (valid(SIGN, state=state), valid(AUTH, state=state, not_before=NOW))) == ()


def test_a_second_hold_changes_nothing() -> None:
    assert played(event("card-lost"), HELD_PAIR) == ()


@pytest.mark.parametrize("kind", ["stop-use", "key-leaked", "record-error"])
@pytest.mark.parametrize("role", Role)
def test_an_event_about_one_certificate_leaves_the_other(kind: str, role: Role) -> None:
    assert [change.name.authority for change in played(event(kind, role=role))] == [role]


@pytest.mark.parametrize("kind", ["card-lost", "card-stolen", "card-returned", "card-reissued", "card-discarded"])
def test_an_event_about_one_card_leaves_the_certificates_on_another(kind: str) -> None:
    new = CertificateName(Role.SIGNATURE, 0x01000009)
    certificates = (valid(SIGN, card=THIS_CARD), valid(AUTH), valid(new, card=OTHER_CARD, not_before=NOW))
    assert [change.name for change in played(event(kind, YESTERDAY, card=THIS_CARD), certificates)] == [SIGN, AUTH]


def test_changes_are_cut_to_the_second() -> None:
    changes = played(event("move", YESTERDAY + timedelta(microseconds=999_999)))
    assert [change.since for change in changes] == [YESTERDAY]


def test_an_event_in_another_time_zone_counts_from_the_same_moment() -> None:
    local = datetime.fromisoformat("2026-11-22T01:00:00+09:00")
    assert {change.since for change in played(event("death", local))} == {datetime(2026, 11, 21, 16, tzinfo=UTC)}


# --- phones -----------------------------------------------------------------------------------------------------------

PHONE_SIGN = CertificateName(Role.SIGNATURE, 0x01000020)
PHONE_AUTH = CertificateName(Role.AUTHENTICATION, 0x01000021)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("card-expired", "renewal")])
def test_a_certificate_on_a_phone_has_the_fate_of_the_cards(kind: str) -> None:
    make = held if kind == "card-found" else valid
    phone = (make(PHONE_SIGN, carrier=Carrier.PHONE), make(PHONE_AUTH, carrier=Carrier.PHONE))
    changes = played(whole(kind), (make(SIGN), make(AUTH), *phone))
    assert outcome(changes, PHONE_SIGN) == outcome(changes, SIGN)
    assert outcome(changes, PHONE_AUTH) == outcome(changes, AUTH)


def test_a_phones_certificate_ends_with_the_one_that_is_renewed_on_the_card() -> None:
    newer = valid(CertificateName(Role.SIGNATURE, 0x01000030), not_before=YESTERDAY)
    changes = played(event("renewal"), (valid(SIGN), valid(PHONE_SIGN, carrier=Carrier.PHONE), newer))
    assert [change.name for change in changes] == [SIGN, PHONE_SIGN]


def test_a_new_certificate_on_a_phone_ends_none_on_the_card() -> None:
    assert played(event("renewal"), (valid(SIGN), valid(PHONE_SIGN, carrier=Carrier.PHONE))) == ()


def test_every_refusal_names_the_event_and_nothing_about_the_person() -> None:
    with pytest.raises(LifeEventRefused) as refused:
        played(event("card-found"), policy=LifePolicy(False, False))
    assert "R000056" not in str(refused.value)

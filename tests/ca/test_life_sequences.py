"""Whatever happens to a person, in whatever order: what never comes back, and what may."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from lives import AUTH, DEFAULT, ISSUED, NEEDED, NOW, PAIR, SIGN, after, event, played

from jpki.ca.life import HolderCertificate, LifeChange, LifeEventRefused, LifePolicy, PersonHistory, load_life_table
from jpki.store import CertificateState
from jpki.terms import Role, day_in_japan

VALID, HELD, REVOKED = CertificateState.VALID, CertificateState.HELD, CertificateState.REVOKED
LAST = load_life_table().last.value
Step = tuple[str, int, dict[str, Any]]
Certificates = tuple[HolderCertificate, ...]


def facts_of(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    if kind == "authority-key-compromised":
        return st.fixed_dictionaries({"role": st.sampled_from(list(Role))})
    return st.just(NEEDED.get(kind, {}))


KINDS = st.sampled_from(sorted(load_life_table().rows))
# Mostly holds and their ends: any other event is the end of most lives.
LIKELY = st.one_of(KINDS, st.sampled_from(["card-lost", "card-found", "card-lost", "card-found", "move"]))
STEPS = st.lists(
    LIKELY.flatmap(lambda kind: st.tuples(st.just(kind), st.integers(-1, 40), facts_of(kind))), max_size=12
)
POLICIES = st.builds(LifePolicy, st.booleans(), st.booleans())


def lives(steps: list[Step], policy: LifePolicy) -> Iterator[tuple[str, tuple[LifeChange, ...], Certificates]]:
    """Yields what each event did and the certificates after it; those that are refused change nothing.

    A step says how many days after the one before it something happens; every other event is known by its day alone.
    """
    certificates: Certificates = PAIR
    history, moment = PersonHistory(), ISSUED
    for number, (kind, days, facts) in enumerate(steps):
        moment += timedelta(days=days)
        happened = event(kind, day_in_japan(moment) if number % 2 else moment, **facts)
        try:
            changes = played(happened, certificates, history=history, at=NOW, policy=policy)
        except LifeEventRefused:
            continue
        history = history.followed_by(happened, LAST)
        certificates = tuple(after(one, changes) for one in certificates)
        yield kind, changes, certificates


@given(STEPS, POLICIES)
def test_nothing_brings_a_revoked_certificate_back(steps: list[Step], policy: LifePolicy) -> None:
    ended: set[object] = set()
    for _, _, certificates in lives(steps, policy):
        assert all(one.state is REVOKED for one in certificates if one.name in ended)
        ended |= {one.name for one in certificates if one.state is REVOKED}


@given(STEPS)
def test_a_signature_certificate_once_on_hold_is_never_valid_again_by_default(steps: list[Step]) -> None:
    was_held = False
    for _, _, certificates in lives(steps, DEFAULT):
        state = next(one.state for one in certificates if one.name == SIGN)
        assert not (was_held and state is VALID)
        was_held = was_held or state is HELD


@given(STEPS, POLICIES)
def test_only_a_found_card_ends_a_hold_with_a_valid_certificate(steps: list[Step], policy: LifePolicy) -> None:
    before = {SIGN: VALID, AUTH: VALID}
    for kind, _, certificates in lives(steps, policy):
        for one in certificates:
            if before[one.name] is HELD and one.state is VALID:
                assert kind == "card-found"
                assert policy.hold_can_end(one.name.authority)
            before[one.name] = one.state


@given(STEPS, POLICIES)
def test_after_a_death_nothing_is_valid_and_nothing_is_taken(steps: list[Step], policy: LifePolicy) -> None:
    dead = False
    for kind, _, certificates in lives(steps, policy):
        assert not dead
        dead = kind == "death"
        assert not (dead and any(one.state is not REVOKED for one in certificates))


@given(STEPS, POLICIES)
def test_no_change_is_dated_before_its_certificate_or_after_now(steps: list[Step], policy: LifePolicy) -> None:
    for _, changes, _ in lives(steps, policy):
        assert all(ISSUED <= change.since <= NOW for change in changes)


def test_an_authentication_certificate_comes_back_from_a_hold_and_can_be_held_again() -> None:
    steps: list[Step] = [("card-lost", 1, {}), ("card-found", 1, {}), ("card-lost", 1, {}), ("card-found", 1, {})]
    states = [next(one.state for one in found if one.name == AUTH) for _, _, found in lives(steps, DEFAULT)]
    assert states == [HELD, VALID, HELD, VALID]

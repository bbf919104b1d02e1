"""Every row of the table of a certificate's life, as the engine plays it: the expected outcomes are typed out here."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from lives import AUTH, DEPARTURE, HELD_PAIR, NEEDED, NOW, PAIR, SIGN, YESTERDAY, event, outcome, played, valid

from jpki.ca.life import LifeAction, LifeEffect, LifePolicy, Reporter, load_life_table
from jpki.terms import CertificateName, Role

# The kind; what becomes of a valid signature and authentication certificate, and of those two on hold.
ROWS = {
    "move": ("revoke affiliationChanged", "stays", "revoke affiliationChanged", "stays"),
    "name-change": ("revoke affiliationChanged", "stays", "revoke affiliationChanged", "stays"),
    "birth-date-correction": ("revoke affiliationChanged", "stays", "revoke affiliationChanged", "stays"),
    "sex-correction": ("revoke affiliationChanged", "stays", "revoke affiliationChanged", "stays"),
    "address-correction": ("revoke affiliationChanged", "stays", "revoke affiliationChanged", "stays"),
    "death": ("revoke affiliationChanged",) * 4,
    "emigration": ("revoke affiliationChanged",) * 4,
    "emigration-continued": ("revoke affiliationChanged", "stays", "revoke affiliationChanged", "stays"),
    "deletion": ("revoke affiliationChanged",) * 4,
    "residence-status-lost": ("revoke affiliationChanged",) * 4,
    "card-lost": ("hold certificateHold", "hold certificateHold", "stays", "stays"),
    "card-stolen": ("revoke keyCompromise",) * 4,
    "card-returned": ("revoke cessationOfOperation",) * 4,
    "card-reissued": ("revoke superseded",) * 4,
    "card-discarded": ("revoke unspecified",) * 4,
    "stop-use": ("revoke cessationOfOperation",) * 4,
    "key-leaked": ("revoke keyCompromise",) * 4,
    "record-error": ("revoke affiliationChanged",) * 4,
}
ELSEWHERE = {"card-found", "card-expired", "renewal", "authority-key-compromised"}  # tests of their own, below

NEWER_SIGN = CertificateName(Role.SIGNATURE, 0x01000009)
NEWER_AUTH = CertificateName(Role.AUTHENTICATION, 0x0100000A)
RENEWED = datetime(2026, 11, 1, tzinfo=UTC)


def test_every_kind_of_event_has_a_row_and_a_test() -> None:
    assert set(load_life_table().rows) == set(ROWS) | ELSEWHERE


@pytest.mark.parametrize("kind", ROWS)
def test_a_valid_pair_of_certificates_gets_what_the_row_says(kind: str) -> None:
    changes = played(event(kind, **NEEDED.get(kind, {})))
    assert (outcome(changes, SIGN), outcome(changes, AUTH)) == ROWS[kind][:2]


@pytest.mark.parametrize("kind", ROWS)
def test_a_pair_on_hold_gets_what_the_row_says(kind: str) -> None:
    changes = played(event(kind, **NEEDED.get(kind, {})), HELD_PAIR)
    assert (outcome(changes, SIGN), outcome(changes, AUTH)) == ROWS[kind][2:]


@pytest.mark.parametrize("kind", ROWS)
def test_what_ends_on_hold_is_revoked_since_the_hold(kind: str) -> None:
    changes = played(event(kind, **NEEDED.get(kind, {})), HELD_PAIR)
    assert all(change.since == YESTERDAY for change in changes)


@pytest.mark.parametrize("kind", sorted(set(ROWS) - set(NEEDED)))
def test_an_event_counts_from_its_moment(kind: str) -> None:
    assert {change.since for change in played(event(kind, YESTERDAY))} == {YESTERDAY}


@pytest.mark.parametrize("kind", ["emigration", "emigration-continued"])
def test_leaving_japan_counts_from_the_beginning_of_the_day_of_leaving(kind: str) -> None:
    changes = played(event(kind, departure=DEPARTURE))
    assert {change.since for change in changes} == {datetime(2026, 11, 19, 15, 0, 0, tzinfo=UTC)}


def test_a_card_that_is_found_brings_the_authentication_certificate_back_and_ends_the_other() -> None:
    changes = played(event("card-found"), HELD_PAIR)
    assert (outcome(changes, SIGN), outcome(changes, AUTH)) == ("revoke cessationOfOperation", "release")
    assert {change.name: change.since for change in changes} == {SIGN: YESTERDAY, AUTH: NOW}


@pytest.mark.parametrize(
    ("authentication", "signature", "expected"),
    [
        (True, False, ("revoke cessationOfOperation", "release")),
        (True, True, ("release", "release")),
        (False, False, ("revoke cessationOfOperation", "revoke cessationOfOperation")),
        (False, True, ("release", "revoke cessationOfOperation")),
    ],
)
def test_a_hold_ends_as_the_policy_has_it(authentication: bool, signature: bool, expected: tuple[str, str]) -> None:
    policy = LifePolicy(authentication_hold_can_end=authentication, signature_hold_can_end=signature)
    changes = played(event("card-found"), HELD_PAIR, policy=policy)
    assert (outcome(changes, SIGN), outcome(changes, AUTH)) == expected


def test_by_default_a_hold_ends_for_an_authentication_certificate_only() -> None:
    assert load_life_table().policy == LifePolicy() == LifePolicy(True, False)


def test_a_card_expires_without_a_revocation() -> None:
    ended = datetime(2026, 11, 20, 14, 59, 59, tzinfo=UTC)
    over = (valid(SIGN, not_after=ended), valid(AUTH, not_after=ended))
    assert played(event("card-expired", date(2026, 11, 20)), over) == ()


@pytest.mark.parametrize("role", Role)
def test_a_compromised_key_of_one_authority_ends_what_it_issued(role: Role) -> None:
    changes = played(event("authority-key-compromised", role=role))
    expected = {role: "revoke cACompromise", role.other: "stays"}
    assert (outcome(changes, SIGN), outcome(changes, AUTH)) == (
        expected[Role.SIGNATURE],
        expected[Role.AUTHENTICATION],
    )


def test_a_renewal_ends_the_certificates_before_it() -> None:
    newer = (valid(NEWER_SIGN, not_before=RENEWED), valid(NEWER_AUTH, not_before=RENEWED))
    changes = played(event("renewal"), (*PAIR, *newer))
    assert [outcome(changes, name) for name in (SIGN, AUTH, NEWER_SIGN, NEWER_AUTH)] == [
        "revoke superseded",
        "revoke superseded",
        "stays",
        "stays",
    ]


def test_a_renewal_that_is_not_confirmed_ends_nothing() -> None:
    newer = (valid(NEWER_SIGN, not_before=RENEWED, confirmed=False),)
    assert played(event("renewal"), (*PAIR, *newer)) == ()


def test_a_renewal_of_one_certificate_leaves_the_other() -> None:
    newer = (valid(NEWER_SIGN, not_before=RENEWED),)
    changes = played(event("renewal"), (*PAIR, *newer))
    assert [change.name for change in changes] == [SIGN]


def test_a_certificate_issued_after_a_renewal_does_not_end_those_before_it() -> None:
    newer = (valid(NEWER_SIGN, not_before=NOW),)
    assert played(event("renewal", YESTERDAY), (*PAIR, *newer)) == ()


# The texts of the file that people rely on, cell by cell: since when, who reports it, what follows.
SINCE = {"emigration": "departure", "emigration-continued": "departure", "card-expired": "end of day"}
REPORTED_BY = {
    Reporter.REGISTER: "move name-change birth-date-correction sex-correction address-correction death emigration "
    "emigration-continued deletion residence-status-lost",
    Reporter.CARD: "card-lost card-stolen card-found card-returned card-reissued card-expired card-discarded",
    Reporter.HOLDER: "stop-use key-leaked renewal",
    Reporter.AUTHORITY: "record-error authority-key-compromised",
}
FOLLOWS = {
    "signature-anew": "move name-change birth-date-correction sex-correction address-correction card-found",
    "card-given-back": "death emigration deletion residence-status-lost",
    "before-leaving": "emigration-continued",
    "office": "card-lost",
    "both-anew card-anew": "card-stolen",
    "both-anew": "card-reissued",
    "card-anew": "card-expired",
    "no-more": "card-returned card-discarded stop-use",
    "certificate-anew": "key-leaked record-error",
    "new-in-use": "renewal",
    "new-authority": "authority-key-compromised",
}


def test_every_row_counts_from_where_it_should() -> None:
    rows = load_life_table().rows
    assert {kind: row.since.value.value for kind, row in rows.items()} == dict.fromkeys(rows, "moment") | SINCE


def test_every_row_is_reported_by_who_should() -> None:
    found = {kind: row.reporter for kind, row in load_life_table().rows.items()}
    assert found == {kind: who for who, kinds in REPORTED_BY.items() for kind in kinds.split()}


def test_every_row_says_what_follows() -> None:
    found = {kind: " ".join(row.follows.value) for kind, row in load_life_table().rows.items()}
    assert found == {kind: follows for follows, kinds in FOLLOWS.items() for kind in kinds.split()}


def test_only_a_hold_can_be_undone_and_only_by_finding_the_card() -> None:
    undone = {
        (kind, role): fate.undone_by.value
        for kind, row in load_life_table().rows.items()
        for role, fate in row.fates.items()
        if fate.undone_by is not None and fate.undone_by.value is not None
    }
    assert undone == {("card-lost", role): "card-found" for role in Role}


def test_nothing_but_death_is_the_last_event() -> None:
    assert load_life_table().last.value == ("death",)


def test_every_action_is_played_by_some_row() -> None:
    effects = {fate.effect.value for row in load_life_table().rows.values() for fate in row.fates.values()}
    assert effects == set(LifeEffect)
    assert {action.value for action in LifeAction} < {effect.value for effect in LifeEffect}

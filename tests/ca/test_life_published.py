"""Every row of the table of a certificate's life, played through the store; read is what is published of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from authorities import NOW, Applicants, issue_one, name_in, new_authority
from published_states import GOOD, Published, published

from jpki.ca import Authority, AuthoritySettings, LifeEvent, Occasion, Resident
from jpki.ca.life import load_life_table
from jpki.formats import RevocationReason
from jpki.terms import CertificateName, Role

DAY = timedelta(days=1)
HELD_AT, HAPPENED, APPLIED = NOW + DAY, NOW + 2 * DAY, NOW + 3 * DAY
DEPARTURE = date(2026, 11, 24)
DEPARTED = datetime(2026, 11, 23, 15, 0, 0, tzinfo=UTC)
END = date(2031, 1, 7)  # of the certificates issued at NOW, in Japan
IN_TIME = datetime(2030, 11, 1, tzinfo=UTC)  # for a renewal

# The kind: the reason that is published of a valid signature and authentication certificate, "" where nothing is.
ROWS = {
    "move": ("affiliationChanged", ""),
    "name-change": ("affiliationChanged", ""),
    "birth-date-correction": ("affiliationChanged", ""),
    "sex-correction": ("affiliationChanged", ""),
    "address-correction": ("affiliationChanged", ""),
    "death": ("affiliationChanged", "affiliationChanged"),
    "emigration": ("affiliationChanged", "affiliationChanged"),
    "emigration-continued": ("affiliationChanged", ""),
    "deletion": ("affiliationChanged", "affiliationChanged"),
    "residence-status-lost": ("affiliationChanged", "affiliationChanged"),
    "card-lost": ("certificateHold", "certificateHold"),
    "card-stolen": ("keyCompromise", "keyCompromise"),
    "card-returned": ("cessationOfOperation", "cessationOfOperation"),
    "card-reissued": ("superseded", "superseded"),
    "card-discarded": ("unspecified", "unspecified"),
    "stop-use": ("cessationOfOperation", "cessationOfOperation"),
    "key-leaked": ("keyCompromise", "keyCompromise"),
    "record-error": ("affiliationChanged", "affiliationChanged"),
}
ELSEWHERE = {"card-found", "card-expired", "renewal", "authority-key-compromised"}
NEEDED: dict[str, dict[str, Any]] = {
    "emigration": {"departure": DEPARTURE},
    "emigration-continued": {"departure": DEPARTURE},
}
HOLD = RevocationReason.CERTIFICATE_HOLD


class Life:
    """One resident with a pair of certificates that were issued at NOW."""

    def __init__(self, authority: Authority, applicants: Applicants) -> None:
        self.authority, self.applicants = authority, applicants
        self.resident: Resident = applicants.person()
        first = issue_one(authority, applicants.asks(self.resident))
        self.names = (name_in(first, Role.SIGNATURE), name_in(first, Role.AUTHENTICATION))
        for name in self.names:
            authority.confirm(name, NOW)
        self._count = 0

    def hold(self, at: datetime = HELD_AT, *names: CertificateName) -> None:
        for name in names or self.names:
            self.authority.revoke(name, HOLD, at)

    def happens(self, kind: str, occurred_at: datetime | date = HAPPENED, at: datetime = APPLIED, **facts: Any) -> None:
        self._count += 1
        event = LifeEvent(f"E-{self._count}", self.resident.resident_id, kind, occurred_at, **facts)
        self.authority.apply_event(event, at)

    def published(self, at: datetime = APPLIED) -> tuple[Published, Published]:
        sign, auth = (published(self.authority, name, at) for name in self.names)
        return sign, auth


@pytest.fixture
def life(authority: Authority, applicants: Applicants) -> Life:
    return Life(authority, applicants)


def told(reason: str, since: datetime) -> Published:
    return Published(reason, since) if reason else GOOD


def test_every_kind_of_event_is_played() -> None:
    assert set(load_life_table().rows) == set(ROWS) | ELSEWHERE


@pytest.mark.parametrize("kind", ROWS)
def test_what_is_published_of_a_valid_pair_is_what_the_row_says(life: Life, kind: str) -> None:
    assert life.published(NOW) == (GOOD, GOOD)
    life.happens(kind, **NEEDED.get(kind, {}))
    since = DEPARTED if kind in NEEDED else HAPPENED
    sign, auth = ROWS[kind]
    assert life.published() == (told(sign, since), told(auth, since))


@pytest.mark.parametrize("kind", ROWS)
def test_what_is_published_of_a_pair_on_hold_is_what_the_row_says_since_the_hold(life: Life, kind: str) -> None:
    life.hold()
    life.happens(kind, **NEEDED.get(kind, {}))
    sign, auth = (reason or HOLD.text for reason in ROWS[kind])
    assert life.published() == (told(sign, HELD_AT), told(auth, HELD_AT))


POLICIES = {
    "as by default": ({}, ("cessationOfOperation", "")),
    "both end": ({"signature_hold_can_end": True}, ("", "")),
    "neither ends": ({"authentication_hold_can_end": False}, ("cessationOfOperation", "cessationOfOperation")),
    "the other way round": (
        {"signature_hold_can_end": True, "authentication_hold_can_end": False},
        ("", "cessationOfOperation"),
    ),
}


@pytest.fixture
def of_policy(tmp_path: Path, applicants: Applicants, request: pytest.FixtureRequest) -> Iterator[Life]:
    with new_authority(tmp_path, settings=AuthoritySettings(**POLICIES[request.param][0])) as made:
        yield Life(made, applicants)


@pytest.mark.parametrize(
    ("of_policy", "expected"), [(name, expected) for name, (_, expected) in POLICIES.items()], indirect=["of_policy"]
)
def test_a_found_card_ends_holds_as_the_settings_say(of_policy: Life, expected: tuple[str, str]) -> None:
    of_policy.happens("card-lost", HELD_AT)
    assert of_policy.published() == (told(HOLD.text, HELD_AT), told(HOLD.text, HELD_AT))
    of_policy.happens("card-found", HAPPENED)
    assert of_policy.published(APPLIED + DAY) == (told(expected[0], HELD_AT), told(expected[1], HELD_AT))


def test_a_card_that_is_found_and_lost_again_is_on_hold_again(life: Life) -> None:
    for kind in ("card-lost", "card-found", "card-lost"):
        life.happens(kind)
    sign, auth = life.published()
    assert (sign.reason, auth.reason) == ("cessationOfOperation", HOLD.text)


def test_an_expired_card_leaves_nothing_on_any_list(life: Life) -> None:
    at = datetime(2031, 1, 8, tzinfo=UTC)
    life.happens("card-expired", END, at)
    assert life.published(at) == (GOOD, GOOD)


@pytest.mark.parametrize("role", Role)
def test_a_compromised_key_ends_what_that_authority_issued(life: Life, role: Role) -> None:
    life.happens("authority-key-compromised", role=role)
    expected = tuple("cACompromise" if name.authority is role else "" for name in life.names)
    assert life.published() == (told(expected[0], HAPPENED), told(expected[1], HAPPENED))


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_renewal_ends_what_was_on_hold_when_the_new_certificate_is_confirmed(life: Life, confirmed: bool) -> None:
    asked = life.applicants.asks(life.resident, job="renewal", occasion=Occasion.RENEWAL, card_expiry=date(2036, 1, 7))
    newer = [one.name for one in issue_one(life.authority, asked, IN_TIME).certificates]
    life.hold(IN_TIME + DAY)
    if confirmed:
        for name in newer:
            life.authority.confirm(name, IN_TIME + 2 * DAY)
    life.happens("renewal", IN_TIME + 3 * DAY, IN_TIME + 4 * DAY)
    at = IN_TIME + 5 * DAY
    reason = "superseded" if confirmed else HOLD.text
    assert life.published(at) == (told(reason, IN_TIME + DAY), told(reason, IN_TIME + DAY))
    assert [published(life.authority, name, at) for name in newer] == [GOOD, GOOD]


def replaced(life: Life, *roles: Role) -> tuple[CertificateName, ...]:
    """Returns certificates that were issued after HAPPENED, in place of the first ones."""
    asked = life.applicants.asks(life.resident, roles, job="replacement", occasion=Occasion.REPLACEMENT)
    return tuple(one.name for one in issue_one(life.authority, asked, HAPPENED + timedelta(hours=1)).certificates)


def test_a_move_that_is_told_late_passes_the_certificate_of_the_new_address_over(life: Life) -> None:
    (newer,) = replaced(life, Role.SIGNATURE)
    life.happens("move")
    assert published(life.authority, newer, APPLIED) == GOOD


def test_a_death_that_is_told_late_ends_also_what_was_issued_after_it(life: Life) -> None:
    newer = replaced(life, Role.SIGNATURE, Role.AUTHENTICATION)
    life.happens("death")
    begin = HAPPENED + timedelta(hours=1)
    assert [published(life.authority, name, APPLIED) for name in newer] == [Published("affiliationChanged", begin)] * 2

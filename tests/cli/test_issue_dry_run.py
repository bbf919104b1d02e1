"""`jpki issue --dry-run`: what would be issued, and nothing touched."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from command_line import Invoke, Program
from issue_commands import LANGUAGES, SIGN, cards_in_the_ledger, issue, issue_words, valid
from offices import ADULT, CHILD, DUE, NO_BIRTH_DATE, OTHER, SUBSTITUTES, Office
from schemas import assert_follows_its_schema
from told import differences

from jpki.formats import RevocationReason


@pytest.mark.parametrize(("who", "code"), [(ADULT, 0), (CHILD, 0), (NO_BIRTH_DATE, 8), (SUBSTITUTES, 0)])
def test_a_dry_run_touches_nothing(jpki: Program, office: Office, who: str, code: int) -> None:
    before = office.blank().read_bytes()
    done = jpki(*issue_words("--dry-run", "--json", who=who))
    assert done.code == code, done.told
    assert_follows_its_schema(done.json)
    assert (office.card.read_bytes(), cards_in_the_ledger(office), valid(office, who)) == (before, 0, [])


def test_a_dry_run_says_what_would_be_written_and_refused(invoke: Invoke, office: Office) -> None:
    adult, child = (invoke(*issue_words("--dry-run", "--json", who=who)).json for who in (SUBSTITUTES, CHILD))
    assert adult["certificates"][0]["attributes"]["holder_name"] == "高橋　花子"
    assert adult["certificates"][0]["attributes"]["holder_name_flags"] == "10000"
    assert adult["notices"] == [{"notice": "substitute not needed", "position": 2}]
    assert [(one["granted"], one["refusal"]) for one in child["certificates"]] == [(False, "NotEntitled"), (True, None)]


@LANGUAGES
def test_a_dry_run_says_the_same_as_text(invoke: Invoke, office: Office, language: str) -> None:
    report = invoke(*issue_words("--dry-run", "--json", who=SUBSTITUTES)).json
    text = invoke(*issue_words("--dry-run", "--lang", language, who=SUBSTITUTES)).out
    assert differences(text, report, japanese=language == "ja") == []


def test_a_dry_run_of_a_renewal_knows_the_card(invoke: Invoke, old_office: Office) -> None:
    told = invoke(*issue_words("--renew", "--dry-run", "--json", who=DUE)).json
    with old_office.authority() as authority, authority.store.snapshot() as view:
        (card,) = view.cards_of(DUE)
    assert told["card_expiry"] == card.expires_on.isoformat()
    assert [one["granted"] for one in told["certificates"]] == [True, True]


@pytest.mark.parametrize(
    ("more", "who"),
    [((), ADULT), (("--replace",), ADULT), ((), NO_BIRTH_DATE), (("--role", "sign"), CHILD), ((), CHILD)],
)
def test_a_dry_run_ends_as_the_real_one_would_with_a_blank_card(
    invoke: Invoke, issued_office: Office, more: tuple[str, ...], who: str
) -> None:
    issued_office.card.unlink()
    issued_office.blank()
    codes = [invoke(*issue_words(*more, "--dry-run", who=who)).code, issue(invoke, *more, who=who).code]
    assert codes[0] == codes[1]


@pytest.mark.parametrize(("more", "who"), [((), ADULT), (("--role", "auth"), ADULT), ((), OTHER)])
@pytest.mark.usefixtures("issued_office")
def test_a_dry_run_of_a_renewal_ends_as_the_real_one_would(invoke: Invoke, more: tuple[str, ...], who: str) -> None:
    codes = [
        invoke(*issue_words("--renew", *more, "--dry-run", who=who)).code,
        issue(invoke, "--renew", *more, who=who).code,
    ]
    assert codes == [8, 8]


def test_a_dry_run_of_the_renewal_of_one_certificate_ends_well(invoke: Invoke, old_office: Office) -> None:
    with old_office.authority() as authority:
        authority.revoke(authority.find(SIGN), RevocationReason.CESSATION_OF_OPERATION, datetime.now(UTC))
    codes = [invoke(*issue_words("--renew", *role, "--dry-run", who=DUE)).code for role in ((), ("--role", "auth"))]
    assert codes == [issue(invoke, "--renew", who=DUE).code, 0]

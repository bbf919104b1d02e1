"""Which entries of which lists count: the rule of docs/relying-party.md, revocation, row by row."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from judging import TRUST, document, failed, judged
from small_pki import (
    AUTH_CA,
    EARLIER_SIGN_CA,
    HOLDER,
    NOW,
    SIGN_CA,
    directory,
    distribution_points,
    element,
    extension,
    full_name,
    municipality_name,
    revoked,
    sequence,
)

from jpki.terms import Role
from jpki.verify import CheckName, Evidence, Missing, Outcome, Problem, Result, verify

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOLD, REMOVED, KEY_COMPROMISE = 6, 8, 1


def old(*entries: bytes, number: int = 40, age: timedelta = 2 * DAY) -> bytes:
    """Returns a list that the right one, number 41, has replaced."""
    return SIGN_CA.revocation_list(*entries, number=number, this_update=NOW - age, next_update=NOW - age + 2 * DAY)


def later(*entries: bytes) -> bytes:
    """Returns a list issued an hour after the moment of the judgement."""
    return SIGN_CA.revocation_list(*entries, number=42, this_update=NOW + HOUR, next_update=NOW + 2 * DAY)


def delta(*entries: bytes) -> bytes:
    return SIGN_CA.revocation_list(*entries, number=42, delta_base=41, this_update=NOW - HOUR)


def good() -> bytes:
    return SIGN_CA.revocation_list()


def test_a_revocation_is_not_undone_by_a_later_list_that_leaves_it_out() -> None:
    verdict = judged(document(), old(revoked()), good())
    assert failed(verdict) == {CheckName.REVOCATION}


def test_a_hold_that_the_newer_list_leaves_out_has_ended() -> None:
    assert judged(document(), old(revoked(reason=HOLD)), good()).valid


def test_a_hold_of_which_only_an_old_list_knows_is_not_forgotten_for_a_forged_newer_one() -> None:
    forged = SIGN_CA.revocation_list(signing_key=AUTH_CA.key)
    verdict = judged(document(), old(revoked(reason=HOLD)), forged)
    assert CheckName.REVOCATION in failed(verdict)


def test_a_stale_list_still_revokes() -> None:
    verdict = judged(document(), old(revoked(), age=3 * DAY))
    assert failed(verdict) == {CheckName.LIST_FRESH, CheckName.REVOCATION}
    assert verdict.result is Result.INVALID


def test_a_stale_list_that_says_nothing_leaves_it_open() -> None:
    verdict = judged(document(), old(age=3 * DAY))
    check = verdict.check(CheckName.REVOCATION)
    assert check is not None
    assert check.outcome is Outcome.NOT_MADE
    assert check.given == {"check": "list-fresh"}
    assert verdict.result is Result.INDETERMINATE


@pytest.mark.parametrize("first", [41, 42])
def test_of_two_lists_of_one_moment_the_one_with_the_higher_number_is_relied_on(first: int) -> None:
    lists = [SIGN_CA.revocation_list(number=number) for number in (first, 83 - first)]
    check = judged(document(), *lists).check(CheckName.REVOCATION)
    assert check is not None
    assert check.passed
    assert check.given["list"] == 42


def test_a_delta_revokes_but_never_stands_in_for_a_list() -> None:
    assert failed(judged(document(), good(), delta(revoked()))) == {CheckName.REVOCATION}
    assert judged(document(), good(), delta()).valid
    assert not judged(document(), delta()).valid


def test_a_hold_in_a_delta_as_old_as_the_list_counts() -> None:
    together = SIGN_CA.revocation_list(revoked(reason=HOLD), delta_base=40, this_update=NOW - 3 * HOUR)
    assert failed(judged(document(), good(), together)) == {CheckName.REVOCATION}


def test_a_list_of_the_moment_itself_revokes_whatever_date_it_gives() -> None:
    listed = SIGN_CA.revocation_list(revoked(at=NOW + DAY), this_update=NOW)
    assert failed(judged(document(), listed)) == {CheckName.REVOCATION}


def test_a_delta_that_takes_a_hold_back_does_not_overrule_the_complete_list() -> None:
    complete = SIGN_CA.revocation_list(revoked(reason=HOLD))
    assert not judged(document(), complete, delta(revoked(reason=REMOVED))).valid


def test_a_removal_in_a_delta_is_no_revocation() -> None:
    assert judged(document(), good(), delta(revoked(reason=REMOVED))).valid


@pytest.mark.parametrize(
    ("entry", "valid"),
    [
        (revoked(at=NOW), False),
        (revoked(at=NOW - DAY), False),
        (revoked(at=NOW - DAY, reason=HOLD), False),
        (revoked(at=NOW + timedelta(minutes=1)), True),
        (revoked(at=NOW + timedelta(minutes=1), invalid_since=NOW - DAY), False),
        (revoked(at=NOW + timedelta(minutes=1), invalid_since=NOW + timedelta(seconds=30)), True),
    ],
    ids=["now", "yesterday", "held yesterday", "afterwards", "afterwards, known bad before", "bad afterwards"],
)
def test_a_later_list_counts_for_a_past_moment_where_it_tells_of_a_time_up_to_it(entry: bytes, valid: bool) -> None:
    assert judged(document(), good(), later(entry)).valid is valid


def test_of_lists_with_faults_the_one_with_the_fewest_is_told_of() -> None:
    elsewhere = full_name(directory(municipality_name(Role.SIGNATURE, "Chofu-shi CRLDP")))
    both = SIGN_CA.revocation_list(point=elsewhere, signing_key=AUTH_CA.key, number=50)
    one = SIGN_CA.revocation_list(signing_key=AUTH_CA.key, number=51)
    for lists in ((both, one), (one, both)):
        assert failed(judged(document(), *lists)) == {CheckName.LIST_SIGNATURE}


def test_the_list_issued_at_the_very_moment_is_the_one_relied_on() -> None:
    now = SIGN_CA.revocation_list(number=42, this_update=NOW)
    before = SIGN_CA.revocation_list(revoked(reason=HOLD))
    for lists in ((before, now), (now, before)):
        verdict = judged(document(), *lists)
        assert verdict.valid
        check = verdict.check(CheckName.REVOCATION)
        assert check is not None
        assert check.given["list"] == 42


@pytest.mark.parametrize("first", [1, 2, 3])
def test_of_later_lists_alone_the_first_after_the_moment_is_told_of(first: int) -> None:
    hours = [first, *({1, 2, 3} - {first})]
    lists = [SIGN_CA.revocation_list(number=41 + hour, this_update=NOW + hour * HOUR) for hour in hours]
    verdict = judged(document(), *lists)
    check = verdict.check(CheckName.LIST_FRESH)
    assert check is not None
    assert check.given == {"this_update": "2026-11-22T04:00:00Z"}
    assert failed(verdict) == {CheckName.LIST_FRESH}


def test_a_later_list_alone_says_nothing_good_of_the_past() -> None:
    verdict = judged(document(), later())
    assert failed(verdict) == {CheckName.LIST_FRESH}


@pytest.mark.parametrize(
    ("at", "valid"),
    [
        (NOW - 3 * HOUR, True),
        (NOW - 3 * HOUR - timedelta(seconds=1), False),
        (NOW + 45 * HOUR, True),
        (NOW + 45 * HOUR + timedelta(microseconds=1), False),
    ],
    ids=["thisUpdate", "before thisUpdate", "nextUpdate", "after nextUpdate"],
)
def test_a_list_holds_from_this_update_to_next_update(at: datetime, valid: bool) -> None:
    assert judged(document(), good(), at=at).valid is valid


def test_a_revocation_is_named_rather_than_a_hold() -> None:
    verdict = judged(document(), SIGN_CA.revocation_list(revoked(reason=HOLD)), delta(revoked(reason=KEY_COMPROMISE)))
    check = verdict.check(CheckName.REVOCATION)
    assert check is not None
    assert check.problem is Problem.REVOKED
    assert check.given["reason"] == "keyCompromise"
    assert check.given["list"] == 42


@pytest.mark.parametrize(
    "point", [b"\x83\x02\x06\x40", b"\x84\x01\xff", b"\x82\x01\xff"], ids=["some reasons", "indirect", "authorities"]
)
def test_a_list_that_is_not_for_everything_revokes_but_never_stands_in_for_one_that_is(point: bytes) -> None:
    partial = SIGN_CA.revocation_list(revoked(), point=point, number=900)
    assert failed(judged(document(), good(), partial)) == {CheckName.REVOCATION}
    assert failed(judged(document(), partial)) == {CheckName.LIST_SCOPE, CheckName.REVOCATION}
    assert judged(document(), good(), SIGN_CA.revocation_list(point=point, number=900)).valid


@pytest.mark.parametrize("number", [0, 1])
def test_an_older_list_without_a_number_has_none_that_could_be_higher(number: int) -> None:
    before = SIGN_CA.revocation_list(number=None, this_update=NOW - DAY)
    assert judged(document(), before, SIGN_CA.revocation_list(number=number)).valid


def test_a_partial_list_has_numbers_of_its_own() -> None:
    partial = SIGN_CA.revocation_list(point=b"\x83\x02\x06\x40", number=900, this_update=NOW - DAY)
    assert judged(document(), good(), partial).valid


def test_a_hold_that_only_an_older_partial_list_names_has_ended() -> None:
    partial = SIGN_CA.revocation_list(revoked(reason=HOLD), point=b"\x83\x02\x01\x02", this_update=NOW - DAY)
    assert judged(document(), partial, good()).valid


def test_a_number_in_a_list_of_attribute_certificates_is_another_ones() -> None:
    assert judged(document(), good(), SIGN_CA.revocation_list(revoked(), point=b"\x85\x01\xff", number=900)).valid


def test_a_number_of_another_issuer_in_an_indirect_list_does_not_decide() -> None:
    theirs = extension("2.5.29.29", sequence(directory(AUTH_CA.name)), critical=True)
    indirect = SIGN_CA.revocation_list(revoked(more=[theirs]), point=b"\x84\x01\xff", number=900)
    assert judged(document(), good(), indirect).valid
    assert failed(judged(document(), indirect)) == {CheckName.LIST_SCOPE}


@pytest.mark.parametrize(
    "more", [b"\x81\x02\x06\x40", element(0xA2, directory(AUTH_CA.name))], ids=["some reasons", "another issuer"]
)
def test_a_point_of_the_certificate_counts_where_its_own_issuer_publishes_all_reasons(more: bytes) -> None:
    name = full_name(directory(municipality_name(Role.SIGNATURE)))
    certificate = SIGN_CA.issue(HOLDER, replaced={"points": distribution_points(name + more)})
    answer = verify(document(certificate), TRUST, Evidence.of(SIGN_CA.revocation_list(point=name)), NOW)
    assert isinstance(answer, Missing)
    assert failed(answer.verdict) == {CheckName.LIST_SCOPE}


def test_the_other_authoritys_list_is_no_list_for_it() -> None:
    answer = verify(document(), TRUST, Evidence.of(AUTH_CA.revocation_list(revoked())), NOW)
    assert isinstance(answer, Missing)
    assert [str(need.root) for need in answer.crl_for] == ["sign:067C6A21"]
    assert {check.problem for check in answer.verdict.not_made} == {Problem.NO_LIST}


def test_another_generations_list_is_no_list_for_it_and_the_verdict_says_so() -> None:
    answer = verify(document(), TRUST, Evidence.of(EARLIER_SIGN_CA.revocation_list(revoked())), NOW)
    assert isinstance(answer, Missing)
    assert failed(answer.verdict) == {CheckName.LIST_KEY}


def test_a_list_with_another_name_for_the_issuer_is_not_looked_at() -> None:
    answer = verify(document(), TRUST, Evidence.of(SIGN_CA.revocation_list(issuer=AUTH_CA.name)), NOW)
    assert isinstance(answer, Missing)


def test_what_is_wrong_anyway_asks_for_no_list() -> None:
    answer = verify(document(content=b"another"), TRUST, Evidence(), NOW)
    assert not isinstance(answer, Missing)
    assert answer.crl_for == ()
    assert answer.result is Result.INVALID


def test_a_list_that_cannot_be_relied_on_names_what_would_help() -> None:
    verdict = verify(document(), TRUST, Evidence.of(old(age=3 * DAY)), NOW)
    assert not isinstance(verdict, Missing)
    (need,) = verdict.crl_for
    assert need.key_id == SIGN_CA.key.key_id
    assert [str(point).endswith("CN=Kiyose-shi CRLDP") for point in need.points] == [True]


def test_a_serial_number_is_compared_as_a_number() -> None:
    near = (0x0A0B0C0D + 1, 0x0A0B0C, 0x0A0B0C0D00, 0xFF0A0B0C0D, 0x0D0C0B0A)
    assert judged(document(), SIGN_CA.revocation_list(*(revoked(serial) for serial in near))).valid


def test_thousands_of_entries_do_not_hide_the_one() -> None:
    entries = [revoked(serial) for serial in range(1, 3000)]
    assert judged(document(), SIGN_CA.revocation_list(*entries)).valid
    assert not judged(document(), SIGN_CA.revocation_list(*entries[:1500], revoked(), *entries[1500:])).valid

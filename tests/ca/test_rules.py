"""Who gets which certificate and for how long: edges of ages, months, leap years, midnight in Japan, renewal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from authorities import ADULT

from jpki.ca import (
    Certifiable,
    Decisions,
    NameFormats,
    Notice,
    NoticeKind,
    Reason,
    Refusal,
    Resident,
    decide,
)
from jpki.ca.periods import age_on, birthday_after, first_day_of_renewal
from jpki.terms import JST, Role, Sex

HANAKO = replace(
    ADULT,
    name="試験　花子",
    furigana="シケン　ハナコ",
    birth_date=date(1990, 6, 15),
    address="東京都千代田区霞が関１丁目",
)
FORMATS = NameFormats.of_profile()


def noon(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(hour=12, tzinfo=JST)


def end(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T14:59:59+00:00")


def last_days(decisions: Decisions) -> tuple[str | None, str | None]:
    """Returns the last day of each certificate that can be issued, after checking the last second."""
    days: list[str | None] = []
    for role in Role:
        decision = decisions.of(role)
        days.append(decision.not_after.date().isoformat() if isinstance(decision, Certifiable) else None)
        assert isinstance(decision, Refusal) or decision.not_after == end(decision.not_after.date().isoformat())
    return days[0], days[1]


def reasons(decisions: Decisions, role: Role = Role.SIGNATURE) -> tuple[Reason, ...]:
    decision = decisions.of(role)
    return decision.reasons if isinstance(decision, Refusal) else ()


def written_name(resident: Resident, name_formats: NameFormats = FORMATS) -> tuple[str, str] | tuple[Reason, ...]:
    decision = decide(resident, noon("2026-11-22"), name_formats=name_formats).signature
    if isinstance(decision, Refusal):
        return decision.reasons
    assert decision.attributes is not None
    return decision.attributes.name, decision.attributes.name_flags


# How long


@pytest.mark.parametrize(
    ("day", "birth", "fifth"),
    [
        ("2026-06-14", "1990-06-15", "2030-06-15"),
        ("2026-06-15", "1990-06-15", "2031-06-15"),
        ("2026-06-16", "1990-06-15", "2031-06-15"),
        ("2026-12-31", "1990-12-31", "2031-12-31"),
        ("2026-12-31", "1990-01-01", "2031-01-01"),
        ("2027-01-01", "1990-01-01", "2032-01-01"),
        ("2027-01-01", "1990-12-31", "2031-12-31"),
        ("2027-02-27", "2000-02-29", "2031-02-28"),
        ("2027-02-28", "2000-02-29", "2032-02-29"),
        ("2028-02-28", "2000-02-29", "2032-02-29"),
        ("2028-02-29", "2000-02-29", "2033-02-28"),
        ("2028-02-29", "1990-02-28", "2033-02-28"),
        ("2028-02-29", "1990-03-01", "2032-03-01"),
    ],
)
def test_a_certificate_lasts_to_the_fifth_birthday_after_the_day_of_issue(day: str, birth: str, fifth: str) -> None:
    resident = replace(HANAKO, birth_date=date.fromisoformat(birth))
    assert last_days(decide(resident, noon(day))) == (fifth, fifth)


def test_days_change_at_midnight_in_japan() -> None:
    before = datetime(2026, 6, 14, 14, 59, 59, tzinfo=UTC)
    assert last_days(decide(HANAKO, before)) == ("2030-06-15", "2030-06-15")
    assert last_days(decide(HANAKO, before + timedelta(seconds=1))) == ("2031-06-15", "2031-06-15")


def test_the_same_moment_in_another_time_zone_decides_the_same() -> None:
    moment = datetime(2026, 6, 14, 15, 0, 0, tzinfo=UTC)
    assert decide(HANAKO, moment.astimezone(JST)) == decide(HANAKO, moment)


def test_a_moment_without_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        decide(HANAKO, datetime(2026, 6, 14, 15))  # noqa: DTZ001


@pytest.mark.parametrize(("birth", "card"), [("2008-11-22", "2036-11-22"), ("2008-11-23", "2030-11-23")])
def test_a_card_lasts_to_the_tenth_birthday_and_under_18_to_the_fifth(birth: str, card: str) -> None:
    decisions = decide(replace(HANAKO, birth_date=date.fromisoformat(birth)), noon("2026-11-22"))
    assert decisions.card_expiry == date.fromisoformat(card)


def test_nothing_passes_the_end_of_a_foreign_residents_stay() -> None:
    resident = replace(HANAKO, nationality="XX", residence_expiry=date(2027, 2, 28))
    decisions = decide(resident, noon("2026-11-22"))
    assert last_days(decisions) == ("2027-02-28", "2027-02-28")
    assert decisions.card_expiry == date(2027, 2, 28)


def test_nothing_passes_the_expiry_stored_on_the_card() -> None:
    decisions = decide(HANAKO, noon("2026-11-22"), card_expiry=date(2027, 6, 15))
    assert last_days(decisions) == ("2027-06-15", "2027-06-15")
    assert decisions.card_expiry == date(2027, 6, 15)


def test_a_stored_expiry_does_not_lengthen_a_certificate() -> None:
    decisions = decide(HANAKO, noon("2026-11-22"), card_expiry=date(2036, 6, 15))
    assert last_days(decisions) == ("2031-06-15", "2031-06-15")


def test_a_stay_that_ends_before_the_stored_expiry_ends_the_certificates() -> None:
    resident = replace(HANAKO, nationality="XX", residence_expiry=date(2027, 2, 28))
    decisions = decide(resident, noon("2026-11-22"), card_expiry=date(2030, 6, 15))
    assert last_days(decisions) == ("2027-02-28", "2027-02-28")
    assert decisions.card_expiry == date(2027, 2, 28)


def test_a_card_and_a_stay_hold_to_the_end_of_their_last_day() -> None:
    resident = replace(HANAKO, nationality="XX", residence_expiry=date(2026, 11, 22))
    last_second = datetime(2026, 11, 22, 14, 59, 59, tzinfo=UTC)
    assert last_days(decide(resident, last_second, card_expiry=date(2026, 11, 22))) == ("2026-11-22", "2026-11-22")
    after = decide(resident, last_second + timedelta(seconds=1), card_expiry=date(2026, 11, 22))
    assert reasons(after) == reasons(after, Role.AUTHENTICATION) == (Reason.STAY_ENDED, Reason.CARD_EXPIRED)
    assert after.back_to_a_person


# Renewal


@pytest.mark.parametrize(
    ("expiry", "first_day"),
    [
        ("2023-07-07", "2023-04-08"),
        ("2023-05-28", "2023-03-01"),
        ("2030-05-01", "2030-02-02"),
        ("2030-01-31", "2029-11-01"),
        ("2031-03-31", "2031-01-01"),
        ("2031-05-31", "2031-03-01"),
        ("2032-05-31", "2032-03-01"),
        ("2032-05-29", "2032-03-01"),
        ("2032-05-28", "2032-02-29"),
        ("2031-02-28", "2030-11-29"),
        ("2032-02-29", "2031-11-30"),
        ("2031-12-31", "2031-10-01"),
        ("2031-03-01", "2030-12-02"),
    ],
)
def test_renewal_opens_on_the_day_after_the_same_day_three_months_before(expiry: str, first_day: str) -> None:
    assert first_day_of_renewal(date.fromisoformat(expiry)) == date.fromisoformat(first_day)


@pytest.mark.parametrize(
    ("day", "last_day"),
    [
        ("2026-03-15", "2030-06-15"),  # three months are left: an early renewal, to the fifth birthday
        ("2026-03-16", "2031-06-15"),  # the first day with less
        ("2026-06-14", "2031-06-15"),
        ("2026-06-15", "2032-06-15"),  # the last day, itself a birthday, does not count
        ("2026-06-16", "2031-06-15"),  # expired: not a renewal any more, to the fifth birthday
    ],
)
def test_a_renewal_with_less_than_three_months_left_counts_to_the_sixth_birthday(day: str, last_day: str) -> None:
    previous = {Role.SIGNATURE: end("2026-06-15"), Role.AUTHENTICATION: end("2026-06-15")}
    assert last_days(decide(HANAKO, noon(day), previous_not_after=previous)) == (last_day, last_day)


def test_the_first_day_of_renewal_begins_at_midnight_in_japan() -> None:
    previous = {Role.AUTHENTICATION: end("2026-06-15")}
    before = datetime(2026, 3, 15, 14, 59, 59, tzinfo=UTC)
    assert last_days(decide(HANAKO, before, previous_not_after=previous))[1] == "2030-06-15"
    assert last_days(decide(HANAKO, before + timedelta(seconds=1), previous_not_after=previous))[1] == "2031-06-15"


def test_a_renewal_of_one_certificate_does_not_lengthen_the_other() -> None:
    previous = {Role.AUTHENTICATION: end("2026-06-15")}
    assert last_days(decide(HANAKO, noon("2026-05-01"), previous_not_after=previous)) == ("2030-06-15", "2031-06-15")


def test_a_renewal_does_not_pass_the_expiry_stored_on_the_card() -> None:
    previous = {role: end("2026-06-15") for role in Role}
    decisions = decide(HANAKO, noon("2026-05-01"), previous_not_after=previous, card_expiry=date(2031, 6, 14))
    assert last_days(decisions) == ("2031-06-14", "2031-06-14")


# Who


def test_the_signature_certificate_begins_with_the_fifteenth_birthday() -> None:
    resident = replace(HANAKO, birth_date=date(2011, 11, 23))
    day_before = decide(resident, noon("2026-11-22"))
    assert reasons(day_before) == (Reason.UNDER_15,)
    assert last_days(day_before)[1] is not None
    assert not day_before.back_to_a_person
    assert last_days(decide(resident, noon("2026-11-23")))[0] is not None


def test_who_was_born_on_29_february_turns_15_on_the_28th_of_a_common_year() -> None:
    resident = replace(HANAKO, birth_date=date(2012, 2, 29))
    assert reasons(decide(resident, noon("2027-02-27"))) == (Reason.UNDER_15,)
    assert reasons(decide(resident, noon("2027-02-28"))) == ()


def test_an_adult_ward_gets_the_authentication_certificate_only() -> None:
    decisions = decide(replace(HANAKO, adult_ward=True), noon("2026-11-22"))
    assert reasons(decisions) == (Reason.ADULT_WARD,)
    assert last_days(decisions) == (None, "2031-06-15")
    assert not decisions.back_to_a_person


def test_both_reasons_against_signing_are_named() -> None:
    decisions = decide(replace(HANAKO, adult_ward=True, birth_date=date(2015, 1, 1)), noon("2026-11-22"))
    assert reasons(decisions) == (Reason.UNDER_15, Reason.ADULT_WARD)


@pytest.mark.parametrize(
    ("birth", "reason"),
    [(None, Reason.BIRTH_DATE_UNKNOWN), (date(2026, 11, 23), Reason.BIRTH_DATE_IN_FUTURE)],
)
def test_a_record_without_a_birth_date_of_the_past_goes_back(birth: date | None, reason: Reason) -> None:
    decisions = decide(replace(HANAKO, birth_date=birth), noon("2026-11-22"))
    assert reasons(decisions) == reasons(decisions, Role.AUTHENTICATION) == (reason,)
    assert decisions.card_expiry is None


def test_a_child_born_today_gets_an_authentication_certificate() -> None:
    decisions = decide(replace(HANAKO, birth_date=date(2026, 11, 22)), noon("2026-11-22"))
    assert last_days(decisions) == (None, "2031-11-22")


def test_a_record_that_goes_back_names_every_reason() -> None:
    resident = replace(HANAKO, birth_date=None, name="𠀋", furigana="", address="髙い" * 101, adult_ward=True)
    assert reasons(decide(resident, noon("2026-11-22"))) == (
        Reason.BIRTH_DATE_UNKNOWN,
        Reason.NAME_NOT_WRITABLE,
        Reason.ADDRESS_TOO_LONG,
    )


def test_a_record_that_goes_back_gets_no_certificate_even_where_none_would_hold_its_text() -> None:
    child = replace(HANAKO, birth_date=date(2020, 1, 1), name="𠀋", furigana="")
    assert reasons(decide(child, noon("2026-11-22")), Role.AUTHENTICATION) == (Reason.NAME_NOT_WRITABLE,)


# Contents


def test_an_address_of_200_characters_as_written_is_not_too_long() -> None:
    address = "辻\U000e0100" * 199 + "ﾀﾞ"
    decision = decide(replace(HANAKO, address=address), noon("2026-11-22")).signature
    assert isinstance(decision, Certifiable)
    assert decision.attributes is not None
    assert decision.attributes.address == "辻" * 199 + "ダ"
    assert decision.attributes.address_flags == "1" * 199 + "0"
    longer = decide(replace(HANAKO, address=address + "１"), noon("2026-11-22"))
    assert reasons(longer) == (Reason.ADDRESS_TOO_LONG,)


def test_an_address_is_written_by_table_and_wish_but_never_in_kana() -> None:
    resident = replace(HANAKO, address="髙輪𩸽町", furigana="シケン　ハナコ")
    assert reasons(decide(resident, noon("2026-11-22"))) == (Reason.ADDRESS_NOT_WRITABLE,)
    decision = decide(replace(resident, substitutes=(("𩸽", "魚"),)), noon("2026-11-22")).signature
    assert isinstance(decision, Certifiable)
    assert decision.attributes is not None
    assert (decision.attributes.address, decision.attributes.address_flags) == ("高輪魚町", "1010")


def test_a_former_name_beyond_the_repertoire_without_substitute_goes_back() -> None:
    assert written_name(replace(HANAKO, former_name="𩸽田")) == (Reason.FORMER_NAME_NOT_WRITABLE,)


def test_a_former_name_stands_after_a_family_name_in_kana_too() -> None:
    resident = replace(HANAKO, name="𩸽　花子", furigana="ホッケ　ハナコ", former_name="髙橋")
    assert written_name(resident) == ("ホッケ［高橋］　花子", "1110100000")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("スミス　アン マリー", "スミス［山田］　アン マリー"),
        ("VAN DYKE　ANN", "VAN DYKE［山田］　ANN"),
        ("SMITH ANN", "SMITH［山田］　ANN"),
    ],
)
def test_a_former_name_stands_after_the_family_name(name: str, expected: str) -> None:
    assert written_name(replace(HANAKO, name=name, former_name="山田")) == (expected, "0" * len(expected))


def test_a_former_name_needs_a_name_divided_into_family_and_given_name() -> None:
    assert written_name(replace(HANAKO, name="花子", former_name="山田")) == (Reason.NAME_NOT_DIVIDED,)


def test_an_alias_beyond_the_repertoire_without_substitute_goes_back() -> None:
    assert written_name(replace(HANAKO, alias="𩸽　太郎")) == (Reason.ALIAS_NOT_WRITABLE,)


def test_an_alias_by_the_table_is_flagged_where_it_is_replaced() -> None:
    assert written_name(replace(HANAKO, name="LI NA", alias="髙木")) == ("LI NA（高木）", "000000100")


def test_a_record_with_a_former_name_and_an_alias_goes_back() -> None:
    assert written_name(replace(HANAKO, former_name="山田", alias="山田")) == (Reason.FORMER_NAME_AND_ALIAS,)


def test_the_formats_of_names_are_handed_in() -> None:
    formats = NameFormats(former_name="{family}({former}) {given}", alias="{alias}={name}")
    assert written_name(replace(HANAKO, former_name="山田"), formats) == ("試験(山田) 花子", "0" * 9)
    assert written_name(replace(HANAKO, alias="山田"), formats) == ("山田=試験　花子", "0" * 8)


def test_a_substitute_asked_for_a_character_of_the_repertoire_is_ignored_with_a_notice() -> None:
    resident = replace(HANAKO, name="髙濵　ﾊﾅ", substitutes=(("髙", "孝"), ("濵", "浜"), ("ハ", "は")))
    decisions = decide(resident, noon("2026-11-22"))
    assert written_name(resident) == ("孝濵　ハナ", "10000")
    assert decisions.notices == (
        Notice(NoticeKind.SUBSTITUTE_NOT_NEEDED, 2),
        Notice(NoticeKind.SUBSTITUTE_NOT_NEEDED, 3),
    )


def test_a_substitute_asked_for_a_character_that_stands_nowhere_is_noticed() -> None:
    decisions = decide(replace(HANAKO, substitutes=(("髙", "高"),)), noon("2026-11-22"))
    assert decisions.notices == (Notice(NoticeKind.SUBSTITUTE_NOT_USED, 1),)
    assert not decisions.back_to_a_person


@pytest.mark.parametrize("substitute", ["𠮷", "髙", "①", "?", "？", "〓", "　", " ", "・"])
def test_a_substitute_beyond_the_repertoire_or_a_mere_sign_sends_the_record_back(substitute: str) -> None:
    resident = replace(HANAKO, name="髙橋　花子", substitutes=(("髙", substitute),))
    assert written_name(resident) == (Reason.SUBSTITUTE_NOT_WRITABLE,)


@pytest.mark.parametrize("sex", ["1", "2", "9"])
def test_sex_is_written_as_it_stands_in_the_record(sex: str) -> None:
    decision = decide(replace(HANAKO, sex=Sex(sex)), noon("2026-11-22")).signature
    assert isinstance(decision, Certifiable)
    assert decision.attributes is not None
    assert decision.attributes.sex.raw == sex


def test_a_decision_does_not_print_what_it_says_of_a_person() -> None:
    shown = repr(decide(HANAKO, noon("2026-11-22")))
    assert not any(secret in shown for secret in ("試験", "花子", "霞が関", "19900615"))


def test_ages_and_birthdays_agree_over_a_leap_cycle() -> None:
    birth = date(2000, 2, 29)
    day = date(2026, 1, 1)
    while day < date(2030, 1, 1):
        following = birthday_after(day, birth, 1)
        assert day < following <= day + timedelta(days=366)
        assert age_on(following, birth) == age_on(day, birth) + 1
        assert age_on(following - timedelta(days=1), birth) == age_on(day, birth)
        day += timedelta(days=1)

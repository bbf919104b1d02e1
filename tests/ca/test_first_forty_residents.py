"""The forty edge cases at the head of the residents' file: what each gets, typed here by hand from the rules.

All are decided at 2026-11-22T00:00:00Z, nine in the morning of that day in Japan, for a new card.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from jpki.ca import Certifiable, Decision, Notice, NoticeKind, Reason, Resident, decide, read_residents
from jpki.terms import Role

RESIDENTS = Path(__file__).parent.parent / "data" / "residents-1000.csv"
MOMENT = datetime(2026, 11, 22, 0, 0, 0, tzinfo=UTC)

UNDER_15 = "under 15"
WARD = "adult ward"
NO_BIRTH_DATE = "birth date unknown"
TOO_LONG = "address too long"

# Of each resident the last day, or why there is none: of the signature and the authentication certificate and the card.
PERIODS = {
    "R000001": (UNDER_15, "2030-11-23", "2030-11-23"),
    "R000002": ("2031-11-22", "2031-11-22", "2031-11-22"),
    "R000003": ("2031-11-21", "2031-11-21", "2031-11-21"),
    "R000004": ("2030-11-23", "2030-11-23", "2030-11-23"),
    "R000005": ("2031-11-22", "2031-11-22", "2036-11-22"),
    "R000006": ("2031-11-21", "2031-11-21", "2036-11-21"),
    "R000007": ("2030-12-24", "2030-12-24", "2035-12-24"),
    "R000008": ("2030-12-25", "2030-12-25", "2035-12-25"),
    "R000009": ("2031-01-07", "2031-01-07", "2036-01-07"),
    "R000010": ("2031-01-08", "2031-01-08", "2036-01-08"),
    "R000011": (UNDER_15, "2031-04-30", "2031-04-30"),
    "R000012": (UNDER_15, "2031-05-01", "2031-05-01"),
    "R000013": ("2031-02-28", "2031-02-28", "2036-02-29"),
    "R000014": (UNDER_15, "2031-02-28", "2031-02-28"),
    "R000015": ("2031-07-29", "2031-07-29", "2036-07-29"),
    "R000016": (NO_BIRTH_DATE, NO_BIRTH_DATE, None),
    "R000017": ("2031-06-15", "2031-06-15", "2036-06-15"),
    "R000018": ("2031-03-03", "2031-03-03", "2036-03-03"),
    "R000019": ("2031-04-04", "2031-04-04", "2036-04-04"),
    "R000020": ("2031-05-05", "2031-05-05", "2036-05-05"),
    "R000021": ("2031-06-06", "2031-06-06", "2036-06-06"),
    "R000022": ("2031-07-07", "2031-07-07", "2036-07-07"),
    "R000023": ("2031-01-01", "2031-01-01", "2036-01-01"),
    "R000024": ("2031-01-01", "2031-01-01", "2036-01-01"),
    "R000025": ("2031-08-08", "2031-08-08", "2036-08-08"),
    "R000026": ("2031-09-09", "2031-09-09", "2036-09-09"),
    "R000027": ("2028-03-31", "2028-03-31", "2028-03-31"),
    "R000028": ("2031-11-11", "2031-11-11", "2036-11-11"),
    "R000029": ("2030-12-12", "2030-12-12", "2031-01-15"),
    "R000030": ("2026-12-01", "2026-12-01", "2026-12-01"),
    "R000031": ("2030-05-05", "2030-05-05", "2030-05-05"),
    "R000032": ("2030-05-05", "2030-05-05", "2030-05-05"),
    "R000033": ("2031-04-16", "2031-04-16", "2036-04-16"),
    "R000034": (TOO_LONG, TOO_LONG, "2036-05-17"),
    "R000035": ("2031-06-18", "2031-06-18", "2036-06-18"),
    "R000036": ("2031-07-19", "2031-07-19", "2036-07-19"),
    "R000037": (WARD, "2031-08-20", "2036-08-20"),
    "R000038": ("2030-11-23", "2030-11-23", "2035-11-23"),
    "R000039": ("2031-11-22", "2031-11-22", "2036-11-22"),
    "R000040": ("2031-11-21", "2031-11-21", "2036-11-21"),
}

# Of each resident with a signature certificate: name, its flags, address (of which no character is replaced), birth
# date, sex.
ATTRIBUTES = {
    "R000002": ("境界　当日", "00000", "東京都千代田区霞が関１丁目１番２号", "420111122", "2"),
    "R000003": ("境界　翌日", "00000", "東京都千代田区霞が関１丁目１番３号", "420111121", "1"),
    "R000004": ("成人　前日", "00000", "神奈川県横浜市西区桜木町１－１", "420081123", "2"),
    "R000005": ("成人　当日", "00000", "神奈川県横浜市西区桜木町１－２", "420081122", "1"),
    "R000006": ("成人　翌日", "00000", "神奈川県横浜市西区桜木町１－３", "420081121", "2"),
    "R000007": ("大正　末日", "00000", "京都府京都市左京区吉田本町", "219261224", "2"),
    "R000008": ("昭和　初日", "00000", "京都府京都市左京区吉田本町", "319261225", "1"),
    "R000009": ("昭和　末日", "00000", "京都府京都市左京区岡崎", "319890107", "2"),
    "R000010": ("平成　初日", "00000", "京都府京都市左京区岡崎", "419890108", "1"),
    "R000013": ("閏日　生", "0000", "東京都千代田区丸の内２丁目", "420000229", "1"),
    "R000015": ("明治　生", "0000", "東京都千代田区永田町１丁目", "119120729", "2"),
    "R000017": ("性別　不詳", "00000", "東京都千代田区永田町３丁目", "419900615", "9"),
    "R000018": ("吉田　土之助", "100100", "東京都千代田区有楽町１丁目", "319700303", "1"),
    "R000019": ("高埼　濵子", "11000", "東京都千代田区有楽町１丁目", "319710404", "2"),
    "R000020": ("辻　桜", "101", "東京都千代田区有楽町１丁目", "319720505", "2"),
    "R000021": ("ホッケ　ジョウ", "1110111", "東京都千代田区有楽町２丁目", "319730606", "1"),
    "R000022": ("ヤマダ　タロウ", "0000000", "東京都千代田区有楽町２丁目", "319740707", "1"),
    "R000023": ("同姓　同名", "00000", "東京都千代田区大手町１丁目１番", "319800101", "1"),
    "R000024": ("同姓　同名", "00000", "東京都千代田区大手町１丁目１番", "319800101", "1"),
    "R000025": ("旧姓［山田］　花子", "000000000", "神奈川県横浜市西区みなとみらい２丁目", "319850808", "2"),
    "R000026": ("旧姓［吉田］　吉子", "000100000", "神奈川県横浜市西区みなとみらい２丁目", "319860909", "2"),
    "R000027": ("WANG XIAOMING（王　小明）", "0000000000000000000", "神奈川県横浜市西区元町１丁目", "419911010", "1"),
    "R000028": ("PARK JIWOO（木村　智子）", "00000000000000000", "神奈川県横浜市西区元町１丁目", "419921111", "2"),
    "R000029": ("MADONNA", "0000000", "神奈川県横浜市西区元町２丁目", "419931212", "2"),
    "R000030": ("ＯＬＩＶＥＩＲＡ　ＪＯＡＯ", "0000000000000", "神奈川県横浜市西区元町２丁目", "419940113", "1"),
    "R000031": (
        "JEAN-BAPTISTE ANNE-MARIE O'NEILL",
        "00000000000000000000000000000000",
        "神奈川県横浜市西区元町２丁目",
        "419950214",
        "2",
    ),
    "R000032": ("A" * 100 + " " + "B" * 80, "0" * 181, "神奈川県横浜市西区元町３丁目", "419960315", "1"),
    "R000033": ("長住所　二百", "000000", "京都府京都市左京区寺町通丸太町上る" + "松蔭町" * 61, "319600416", "1"),
    "R000035": ("住所　波線", "00000", "東京都千代田区日比谷公園１－６\uff5e７　Ａ－１０１", "319620618", "1"),
    "R000036": ("住所　減号", "00000", "東京都千代田区日比谷公園１\u2212６\u301c７", "319630719", "2"),
    "R000038": ("明日　誕生", "00000", "東京都千代田区外神田２丁目", "319861123", "2"),
    "R000039": ("今日　誕生", "00000", "東京都千代田区外神田２丁目", "319861122", "1"),
    "R000040": ("昨日　誕生", "00000", "東京都千代田区外神田２丁目", "319861121", "2"),
}

NOTICES = {"R000019": (Notice(NoticeKind.SUBSTITUTE_NOT_NEEDED, 3),)}


@pytest.fixture(scope="module")
def residents() -> dict[str, Resident]:
    return {resident.resident_id: resident for resident in read_residents(RESIDENTS)}


def last_day_or_reason(decision: Decision) -> str:
    if isinstance(decision, Certifiable):
        return decision.not_after.isoformat()
    return ", ".join(reason.value for reason in decision.reasons)


def as_typed(outcome: str) -> str:
    return f"{outcome}T14:59:59+00:00" if outcome[:1].isdigit() else outcome


def test_the_table_holds_the_first_forty_residents(residents: dict[str, Resident]) -> None:
    assert list(PERIODS) == list(residents)[:40]
    assert list(ATTRIBUTES) == [number for number, (signature, *_) in PERIODS.items() if signature[:1].isdigit()]


@pytest.mark.parametrize("number", PERIODS)
def test_certificates_and_card_last_as_long_as_the_rules_say(residents: dict[str, Resident], number: str) -> None:
    signature, authentication, card = PERIODS[number]
    decisions = decide(residents[number], MOMENT)
    assert last_day_or_reason(decisions.signature) == as_typed(signature)
    assert last_day_or_reason(decisions.authentication) == as_typed(authentication)
    assert decisions.card_expiry == (card and date.fromisoformat(card))
    assert decisions.notices == NOTICES.get(number, ())


@pytest.mark.parametrize("number", ATTRIBUTES)
def test_a_signature_certificate_says_of_its_holder_what_the_rules_say(
    residents: dict[str, Resident], number: str
) -> None:
    name, name_flags, address, birth_date, sex = ATTRIBUTES[number]
    decision = decide(residents[number], MOMENT).signature
    assert isinstance(decision, Certifiable)
    assert decision.attributes is not None
    assert (decision.attributes.name, decision.attributes.name_flags) == (name, name_flags)
    assert (decision.attributes.address, decision.attributes.address_flags) == (address, "0" * len(address))
    assert (decision.attributes.birth_date.raw, decision.attributes.sex.raw) == (birth_date, sex)


def test_an_authentication_certificate_says_nothing_of_its_holder(residents: dict[str, Resident]) -> None:
    for resident in residents.values():
        decision = decide(resident, MOMENT).authentication
        assert not isinstance(decision, Certifiable) or decision.attributes is None


def test_all_thousand_residents_are_decided_and_only_the_two_bad_records_go_back(
    residents: dict[str, Resident],
) -> None:
    decided = {number: decide(resident, MOMENT) for number, resident in residents.items()}
    assert len(decided) == 1000
    back = {number: decisions.signature for number, decisions in decided.items() if decisions.back_to_a_person}
    assert {number: decision.reasons for number, decision in back.items() if not isinstance(decision, Certifiable)} == {
        "R000016": (Reason.BIRTH_DATE_UNKNOWN,),
        "R000034": (Reason.ADDRESS_TOO_LONG,),
    }
    assert all(decisions.of(Role.AUTHENTICATION).role is Role.AUTHENTICATION for decisions in decided.values())

"""Issuing: what becomes of a request, and of a batch."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from authorities import (
    ADULT,
    BOTH,
    NOW,
    Applicants,
    PoolKeys,
    certificate_of,
    issue_one,
    issued,
    name_in,
    new_authority,
    real_residents,
    refusal,
    request_of,
)

from jpki.ca import (
    Authority,
    AuthoritySettings,
    Certifiable,
    HolderBusy,
    Issued,
    IssueRequest,
    KeyInUse,
    NotEntitled,
    NumbersExhausted,
    Occasion,
    OutlivesAuthority,
    Refused,
    decide,
)
from jpki.formats import Certificate, RevocationReason
from jpki.store import StoreFull
from jpki.terms import CertificateName, Role


@pytest.mark.parametrize("role", BOTH)
def test_a_certificate_says_what_was_asked_and_decided(
    authority: Authority, applicants: Applicants, role: Role
) -> None:
    key = applicants.keys.generate()
    person = applicants.person()
    at = NOW + timedelta(minutes=5, microseconds=123456)
    outcome = issue_one(authority, applicants.asks(person, requests={role: request_of(key.private_key)}), at)
    found = Certificate.parse(certificate_of(outcome, role).encoded)
    decision = decide(person, at).of(role)
    assert isinstance(decision, Certifiable)
    assert found.public_key.modulus == key.n
    assert found.not_before == NOW + timedelta(minutes=5)
    assert found.not_after == decision.not_after == datetime(2031, 1, 7, 14, 59, 59, tzinfo=UTC)
    assert found.attributes == decision.attributes
    assert found.issuer.raw == Certificate.parse(authority.certificates[role].encoded).subject.raw
    assert found.serial == certificate_of(outcome, role).name.number == 0x0100_0002


def test_common_names_have_the_published_forms(authority: Authority, applicants: Applicants) -> None:
    outcome = issue_one(authority, applicants.asks())
    texts = {
        one.name.authority: Certificate.parse(one.encoded).subject.common_name or "" for one in outcome.certificates
    }
    assert texts[Role.SIGNATURE] == "20261122090000" + f"{0x0100_0002 % 100_000:05d}" + "131010001"
    assert re.fullmatch("[0-9A-Z]{14}131010001", texts[Role.AUTHENTICATION])


def test_numbers_grow_by_one_for_each_authority(authority: Authority, applicants: Applicants) -> None:
    outcomes = [issued(one) for one in authority.issue([applicants.asks() for _ in range(3)], NOW)]
    later = issue_one(authority, applicants.asks())
    for role in BOTH:
        assert [name_in(one, role).number for one in (*outcomes, later)] == [0x0100_0002 + n for n in range(4)]


def test_outcomes_come_in_the_order_of_the_requests(authority: Authority, applicants: Applicants) -> None:
    child = applicants.person(birth_date=date(2020, 1, 1))
    batch = [applicants.asks(), applicants.asks(child), applicants.asks(), applicants.asks(roles=[Role.AUTHENTICATION])]
    outcomes = authority.issue(batch, NOW)
    assert [outcome.holder for outcome in outcomes] == [request.holder for request in batch]
    assert [type(outcome) for outcome in outcomes] == [Issued, Refused, Issued, Issued]
    assert issued(outcomes[3]).of(Role.SIGNATURE) is None


def test_an_empty_batch_is_answered_with_nothing(authority: Authority) -> None:
    assert authority.issue([], NOW) == []


def test_a_request_for_nothing_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="no request"):
        IssueRequest(resident=ADULT, requests={}, job="job")


def test_a_replacement_has_a_reason_that_ends_a_certificate(applicants: Applicants) -> None:
    for reason in (RevocationReason.CERTIFICATE_HOLD, RevocationReason.REMOVE_FROM_CRL):
        with pytest.raises(ValueError, match="ends no certificate"):
            applicants.asks(occasion=Occasion.REPLACEMENT, reason=reason)


def test_a_certificate_never_outlives_its_authority(authority: Authority, applicants: Applicants) -> None:
    at = datetime(2032, 2, 1, tzinfo=UTC)
    error = refusal(authority, applicants.asks(), at)
    assert isinstance(error, OutlivesAuthority)
    assert error.not_after == authority.certificates[Role.SIGNATURE].not_after


def test_a_card_that_ends_earlier_ends_its_certificates(authority: Authority, applicants: Applicants) -> None:
    outcome = issue_one(authority, applicants.asks(card_expiry=date(2028, 3, 3)))
    ends = {Certificate.parse(one.encoded).not_after for one in outcome.certificates}
    assert ends == {datetime(2028, 3, 3, 14, 59, 59, tzinfo=UTC)}


def test_the_last_number_of_four_octets_is_given_and_no_other(tmp_path: Path, applicants: Applicants) -> None:
    settings = AuthoritySettings(first_number=0x7FFF_FFFE)
    with new_authority(tmp_path, settings=settings) as authority:
        outcome = issue_one(authority, applicants.asks(roles=[Role.SIGNATURE]))
        assert name_in(outcome, Role.SIGNATURE).number == 0x7FFF_FFFF
        for _ in range(2):
            with pytest.raises(NumbersExhausted) as caught:
                authority.issue([applicants.asks(roles=[Role.SIGNATURE])], NOW)
        assert caught.value.role is Role.SIGNATURE


def test_what_another_process_did_meanwhile_is_noticed(
    tmp_path: Path, authority: Authority, applicants: Applicants, keys: PoolKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, bystander = applicants.person(), applicants.person()
    interrupted = authority.issuer(Role.SIGNATURE).sign
    other = Authority(authority.store, keys)

    def slow_sign(issuer: object, tbs: bytes) -> bytes:
        monkeypatch.undo()
        issue_one(other, applicants.asks(person, [Role.SIGNATURE], job="the other process"))
        return interrupted(tbs)

    monkeypatch.setattr("jpki.ca.issuer.Issuer.sign", slow_sign)
    outcomes = authority.issue([applicants.asks(person), applicants.asks(bystander)], NOW)
    assert isinstance(outcomes[0], Refused)
    assert isinstance(outcomes[0].error, HolderBusy)
    assert isinstance(outcomes[1], Issued)
    unfinished = authority.unfinished(NOW + timedelta(days=1))
    assert {intent.holder for intent in unfinished} == {person.resident_id}


def test_a_key_that_another_process_took_meanwhile_stops_only_its_own_request(
    authority: Authority, applicants: Applicants, keys: PoolKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = applicants.keys.generate().private_key
    sign = authority.issuer(Role.SIGNATURE).sign
    other = Authority(authority.store, keys)

    def slow_sign(issuer: object, tbs: bytes) -> bytes:
        monkeypatch.undo()
        issue_one(other, applicants.asks(requests={Role.SIGNATURE: request_of(key)}))
        return sign(tbs)

    monkeypatch.setattr("jpki.ca.issuer.Issuer.sign", slow_sign)
    batch = [applicants.asks(requests={Role.SIGNATURE: request_of(key, "mine")}), applicants.asks()]
    outcomes = authority.issue(batch, NOW)
    assert [type(outcome) for outcome in outcomes] == [Refused, Issued]
    assert isinstance(refusal(authority, batch[0]), KeyInUse)


def test_a_full_disk_issues_nothing_and_loses_nothing(authority: Authority, applicants: Applicants) -> None:
    batch = [applicants.asks() for _ in range(40)]
    before = issue_one(authority, applicants.asks())
    with authority.store._connected(writing=False) as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreFull):
        authority.issue(batch, NOW)
    assert len(authority.list_certificates(NOW)) == len(before.certificates)
    with authority.store._connected(writing=False) as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    outcomes = [issued(outcome) for outcome in authority.issue(batch, NOW)]
    numbers = [name_in(outcome, Role.SIGNATURE).number for outcome in outcomes]
    assert min(numbers) > name_in(before, Role.SIGNATURE).number
    assert len(set(numbers)) == 40


def test_every_resident_of_the_data_file_gets_what_the_rules_say(authority: Authority, applicants: Applicants) -> None:
    residents = real_residents()
    assert len(residents) == 1000
    batch = []
    for resident in residents:
        decisions = decide(resident, NOW)
        roles = [role for role in BOTH if isinstance(decisions.of(role), Certifiable)]
        batch.append(applicants.asks(resident, roles or BOTH))
    made = 0
    for start in range(0, 1000, 100):
        for request, outcome in zip(
            batch[start : start + 100], authority.issue(batch[start : start + 100], NOW), strict=True
        ):
            decisions = decide(request.resident, NOW)
            if isinstance(outcome, Refused):
                assert isinstance(outcome.error, NotEntitled)
                assert decisions.back_to_a_person
                continue
            made += len(outcome.certificates)
            for one in outcome.certificates:
                certificate = Certificate.parse(one.encoded)
                decision = decisions.of(one.name.authority)
                assert isinstance(decision, Certifiable)
                assert (certificate.not_after, certificate.attributes) == (decision.not_after, decision.attributes)
                assert certificate.serial == one.name.number
    stored = 0
    after: CertificateName | None = None
    while page := authority.list_certificates(NOW, after=after, limit=500):
        stored, after = stored + len(page), page[-1].name
    assert stored == made

"""The chain of serial numbers, both ways, and certificates found by name, by number and page by page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from authorities import BOTH, NOW, Applicants, certificate_of, issue_one, issued, name_in

from jpki.ca import AmbiguousNumber, Authority, CertificateState, NoSuchCertificate, Occasion
from jpki.formats import Certificate, RevocationReason, RsaPublicKey
from jpki.terms import BadCertificateName, CertificateName, Role

SIGN, AUTH = BOTH
DAY = timedelta(days=1)


def test_a_chain_of_renewals_reads_both_ways(authority: Authority, applicants: Applicants) -> None:
    person = applicants.person()
    names = []
    at = NOW
    for turn in range(2):
        occasion = Occasion.RENEWAL if turn else Occasion.FIRST
        name = name_in(
            issue_one(authority, applicants.asks(person, [AUTH], job=f"{turn}", occasion=occasion), at), AUTH
        )
        authority.confirm(name, at)
        names.append(name)
        at = datetime(2030, 12, 1, tzinfo=UTC)
    issue_one(authority, applicants.asks(person, [AUTH], job="lost", occasion=Occasion.REPLACEMENT), at)
    chain = authority.chain(names[1], at)
    assert [one.name for one in chain.predecessors] == [names[0]]
    assert len(chain.successors) == 1
    assert chain.newest.name == chain.successors[0].name == chain.certificate.successor
    assert chain.certificate.predecessor == names[0]
    assert chain.successors[0].predecessor == names[1]
    first = authority.chain(names[0], at)
    assert [one.name for one in first.successors] == [names[1], chain.newest.name]
    assert (first.certificate.predecessor, first.certificate.successor) == (None, names[1])
    states = [one.state for one in (first.certificate, *first.successors)]
    assert states == [CertificateState.REVOKED, CertificateState.REVOKED, CertificateState.VALID]


def test_a_pair_is_known_from_either_side(authority: Authority, applicants: Applicants) -> None:
    outcome = issue_one(authority, applicants.asks())
    for role in BOTH:
        chain = authority.chain(name_in(outcome, role), NOW)
        assert chain.counterpart is not None
        assert chain.counterpart.name == name_in(outcome, role.other)
        assert chain.counterpart.counterpart == name_in(outcome, role)


def test_a_certificate_alone_has_no_counterpart(authority: Authority, applicants: Applicants) -> None:
    name = name_in(issue_one(authority, applicants.asks(roles=[AUTH])), AUTH)
    assert authority.chain(name, NOW).counterpart is None


def test_a_signature_certificate_issued_later_joins_the_authentication_certificate(
    authority: Authority, applicants: Applicants
) -> None:
    person = applicants.person()
    auth = name_in(issue_one(authority, applicants.asks(person, [AUTH])), AUTH)
    sign = name_in(issue_one(authority, applicants.asks(person, [SIGN]), NOW + DAY), SIGN)
    assert authority.chain(auth, NOW + DAY).certificate.counterpart == sign
    assert authority.chain(sign, NOW + DAY).certificate.counterpart == auth


def test_after_a_move_the_counterpart_is_the_new_signature_certificate(
    authority: Authority, applicants: Applicants
) -> None:
    person = applicants.person()
    first = issue_one(authority, applicants.asks(person))
    authority.revoke(name_in(first, SIGN), RevocationReason.AFFILIATION_CHANGED, NOW + DAY)
    second = issue_one(authority, applicants.asks(person, [SIGN], job="move"), NOW + DAY)
    auth = name_in(first, AUTH)
    assert authority.chain(auth, NOW + DAY).certificate.counterpart == name_in(second, SIGN)
    # What was a pair is still known from the old certificate's side.
    assert authority.chain(name_in(first, SIGN), NOW + DAY).certificate.counterpart == auth


def test_what_was_discarded_before_it_came_onto_a_card_is_nobodys_counterpart(
    authority: Authority, applicants: Applicants
) -> None:
    person = applicants.person()
    first = issue_one(authority, applicants.asks(person))
    for role in BOTH:
        authority.confirm(name_in(first, role), NOW)
    at = datetime(2030, 12, 1, tzinfo=UTC)
    renewal = applicants.asks(person, [SIGN], job="renewal", occasion=Occasion.RENEWAL)
    lost = name_in(issue_one(authority, renewal, at), SIGN)
    assert authority.chain(name_in(first, AUTH), at).certificate.counterpart == lost
    authority.revoke(lost, RevocationReason.UNSPECIFIED, at)
    assert authority.chain(name_in(first, AUTH), at).certificate.counterpart == name_in(first, SIGN)


def test_chains_of_two_people_do_not_touch(authority: Authority, applicants: Applicants) -> None:
    one, other = (issued(outcome) for outcome in authority.issue([applicants.asks(), applicants.asks()], NOW))
    chain = authority.chain(name_in(one, SIGN), NOW)
    assert (chain.predecessors, chain.successors) == ((), ())
    assert chain.counterpart is not None
    assert chain.counterpart.name != name_in(other, AUTH)


def test_the_chain_of_a_number_never_given_is_an_error(authority: Authority) -> None:
    with pytest.raises(NoSuchCertificate) as caught:
        authority.chain(CertificateName(SIGN, 0x06D18006), NOW)
    assert caught.value.number == "sign:06D18006"


@pytest.mark.parametrize("more", [1 << 32, 1 << 63, 1 << 150], ids=["five octets", "eight", "nineteen"])
def test_a_number_that_only_ends_like_a_certificates_is_another_ones(
    authority: Authority, applicants: Applicants, more: int
) -> None:
    """A relying party may ask by the number of a certificate that somebody else made, of up to 20 octets."""
    name = name_in(issue_one(authority, applicants.asks()), SIGN)
    other = CertificateName(SIGN, name.number + more)
    asked: list[Callable[[], object]] = [
        lambda: authority.chain(other, NOW),
        lambda: authority.encoded(other),
        lambda: authority.confirm(other, NOW),
        lambda: authority.revoke(other, RevocationReason.KEY_COMPROMISE, NOW),
        lambda: authority.find(str(other)),
    ]
    for ask in asked:
        with pytest.raises(NoSuchCertificate) as caught:
            ask()
        assert caught.value.number == str(other)
    assert authority.chain(name, NOW).certificate.state is CertificateState.VALID
    assert authority.chain(name, NOW).certificate.confirmed_at is None
    behind = [status.name for status in authority.list_certificates(NOW, after=other)]
    assert behind == [CertificateName(AUTH, name.number)]


def test_a_state_is_that_of_the_moment_asked_for(authority: Authority, applicants: Applicants) -> None:
    name = name_in(issue_one(authority, applicants.asks()), SIGN)
    end = datetime(2031, 1, 7, 14, 59, 59, tzinfo=UTC)
    states = [authority.chain(name, at).certificate.state for at in (NOW, end, end + timedelta(seconds=1))]
    assert states == [CertificateState.VALID, CertificateState.VALID, CertificateState.EXPIRED]


@pytest.mark.parametrize("microseconds", [-1, 0, 1, 500_000, 999_999, 1_000_000])
def test_a_list_and_a_chain_agree_in_every_part_of_the_last_second(
    authority: Authority, applicants: Applicants, microseconds: int
) -> None:
    name = name_in(issue_one(authority, applicants.asks(roles=[SIGN])), SIGN)
    at = datetime(2031, 1, 7, 14, 59, 59, tzinfo=UTC) + timedelta(microseconds=microseconds)
    state = authority.chain(name, at).certificate.state
    assert state is (CertificateState.EXPIRED if microseconds == 1_000_000 else CertificateState.VALID)
    listed = {one: [status.name for status in authority.list_certificates(at, state=one)] for one in CertificateState}
    assert listed == {one: [name] if one is state else [] for one in CertificateState}


@pytest.mark.parametrize("text", ["sign:01000002", "sign:1000002", " sign:01000002 "])
def test_a_certificate_is_found_by_name(authority: Authority, applicants: Applicants, text: str) -> None:
    name = name_in(issue_one(authority, applicants.asks()), SIGN)
    assert authority.find(text) == name


@pytest.mark.parametrize("text", ["01000003", "1000003", "0x1000003", "0X01000003"])
def test_a_number_that_one_authority_gave_is_enough(authority: Authority, applicants: Applicants, text: str) -> None:
    issue_one(authority, applicants.asks())
    name = name_in(issue_one(authority, applicants.asks(roles=[AUTH])), AUTH)
    assert authority.find(text) == name


def test_a_number_that_both_authorities_gave_is_an_error_with_both_names(
    authority: Authority, applicants: Applicants
) -> None:
    outcome = issue_one(authority, applicants.asks())
    with pytest.raises(AmbiguousNumber) as caught:
        authority.find("01000002")
    assert set(caught.value.names) == {name_in(outcome, role) for role in BOTH}
    assert caught.value.number == "01000002"


@pytest.mark.parametrize("text", ["01000009", "auth:01000009", "FFFFFFFF", "sign:FFFFFFFFFF"])
def test_a_number_never_given_is_not_found(authority: Authority, text: str) -> None:
    with pytest.raises(NoSuchCertificate) as caught:
        authority.find(text)
    assert caught.value.number == text


def test_a_certificate_is_found_by_its_key(authority: Authority, applicants: Applicants) -> None:
    outcome = issue_one(authority, applicants.asks())
    for role in BOTH:
        one = certificate_of(outcome, role)
        key = Certificate.parse(one.encoded).public_key
        status = authority.status_of_key(key, NOW)
        assert status == authority.chain(one.name, NOW).certificate
        assert authority.status_of_key(RsaPublicKey(key.modulus + 2, key.exponent), NOW) is None


@pytest.mark.parametrize("text", ["", "sign", "other:01000002", "123456789", "12 34", "0x"])
def test_what_is_neither_name_nor_number_is_refused(authority: Authority, text: str) -> None:
    with pytest.raises(BadCertificateName):
        authority.find(text)


@pytest.fixture
def many(authority: Authority, applicants: Applicants) -> list[CertificateName]:
    outcomes = [issued(one) for one in authority.issue([applicants.asks() for _ in range(7)], NOW)]
    for outcome in outcomes[2:4]:
        authority.revoke(name_in(outcome, SIGN), RevocationReason.KEY_COMPROMISE, NOW)
    authority.revoke(name_in(outcomes[5], AUTH), RevocationReason.CERTIFICATE_HOLD, NOW)
    return [
        one.name for role in BOTH for outcome in outcomes for one in outcome.certificates if one.name.authority is role
    ]


def test_pages_follow_one_another_without_gap_or_repetition(authority: Authority, many: list[CertificateName]) -> None:
    found: list[CertificateName] = []
    while page := authority.list_certificates(NOW, after=found[-1] if found else None, limit=3):
        assert len(page) <= 3
        found += [status.name for status in page]
    assert found == many


@pytest.mark.parametrize("role", BOTH)
def test_a_list_of_one_role(authority: Authority, many: list[CertificateName], role: Role) -> None:
    found = [status.name for status in authority.list_certificates(NOW, role=role)]
    assert found == [name for name in many if name.authority is role]


@pytest.mark.parametrize(
    ("state", "at", "count"),
    [
        (CertificateState.VALID, NOW, 11),
        (CertificateState.REVOKED, NOW, 2),
        (CertificateState.HELD, NOW, 1),
        (CertificateState.EXPIRED, NOW, 0),
        (CertificateState.EXPIRED, NOW + 3000 * DAY, 12),
        (CertificateState.REVOKED, NOW + 3000 * DAY, 2),
    ],
)
def test_a_list_of_one_state_agrees_with_each_certificates_own(
    authority: Authority, many: list[CertificateName], state: CertificateState, at: datetime, count: int
) -> None:
    found = [status.name for status in authority.list_certificates(at, state=state)]
    assert found == [name for name in many if authority.chain(name, at).certificate.state is state]
    assert len(found) == count
    with authority.store.snapshot() as view:
        assert sum(view.count(role, state, at) for role in BOTH) == count


def test_a_list_of_one_holder(authority: Authority, many: list[CertificateName], applicants: Applicants) -> None:
    person = applicants.person()
    outcome = issue_one(authority, applicants.asks(person))
    found = authority.list_certificates(NOW, holder=person.resident_id)
    assert {status.name for status in found} == {one.name for one in outcome.certificates}
    assert {status.holder for status in found} == {person.resident_id}


def test_encoded_certificates_are_had_by_name_the_authoritys_own_too(
    authority: Authority, many: list[CertificateName]
) -> None:
    for name in (*many, *(own.name for own in authority.certificates.values())):
        assert Certificate.parse(authority.encoded(name)).serial == name.number
    with pytest.raises(NoSuchCertificate):
        authority.encoded(CertificateName(SIGN, 5))

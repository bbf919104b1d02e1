"""What is answered about certificates in every state, and about numbers that are nobody's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from authorities import BOTH, NOW, Applicants, PoolKeys, issue_one, name_in
from prime_pool import PrimePool
from responding import LATER, ask, basic, error, issuer_of, named, responding, status_of

from jpki.ca import Authority, LoadedKey, OcspPolicy
from jpki.formats import (
    CERT_GOOD,
    CERT_UNKNOWN,
    SHA1,
    SHA256,
    CertId,
    CertStatus,
    OcspResponseStatus,
    RevocationReason,
    cert_id_issuer,
    cert_id_issuers,
    ocsp_request,
)
from jpki.store import Intent, StoredRevocation
from jpki.terms import CertificateName, Role

SIGN, AUTH = Role.SIGNATURE, Role.AUTHENTICATION
MINUTE = timedelta(minutes=1)


@pytest.fixture
def keys() -> PoolKeys:
    made = PoolKeys()
    made._keys[SIGN, 2] = LoadedKey(PrimePool(79).generate().private_key)
    return made


@pytest.fixture
def name(authority: Authority, applicants: Applicants) -> CertificateName:
    return name_in(issue_one(authority, applicants.asks()), SIGN)


@pytest.mark.parametrize("role", BOTH)
def test_a_valid_certificate_is_good(authority: Authority, applicants: Applicants, role: Role) -> None:
    name = name_in(issue_one(authority, applicants.asks()), role)
    with responding(authority) as responders:
        assert status_of(responders, authority, name) == CERT_GOOD


@pytest.mark.parametrize(
    "reason",
    [
        RevocationReason.UNSPECIFIED,
        RevocationReason.KEY_COMPROMISE,
        RevocationReason.AFFILIATION_CHANGED,
        RevocationReason.SUPERSEDED,
        RevocationReason.CESSATION_OF_OPERATION,
        RevocationReason.CERTIFICATE_HOLD,
    ],
)
def test_a_revoked_certificate_is_revoked_since_then_and_for_that_reason(
    authority: Authority, name: CertificateName, reason: RevocationReason
) -> None:
    authority.revoke(name, reason, LATER, revoked_at=LATER - MINUTE)
    with responding(authority) as responders:
        assert status_of(responders, authority, name) == CertStatus.revoked(LATER - MINUTE, reason)


def test_a_hold_is_followed_by_what_it_became(authority: Authority, name: CertificateName) -> None:
    authority.revoke(name, RevocationReason.CERTIFICATE_HOLD, LATER)
    authority.revoke(name, RevocationReason.KEY_COMPROMISE, LATER + MINUTE)
    with responding(authority) as responders:
        at = LATER + 2 * MINUTE
        found = status_of(responders, authority, name, at)
        assert found == CertStatus.revoked(LATER, RevocationReason.KEY_COMPROMISE)


def test_a_hold_that_ended_is_good_again(authority: Authority, applicants: Applicants) -> None:
    name = name_in(issue_one(authority, applicants.asks()), AUTH)
    authority.revoke(name, RevocationReason.CERTIFICATE_HOLD, LATER)
    with responding(authority) as responders:
        assert status_of(responders, authority, name).reason is RevocationReason.CERTIFICATE_HOLD
        with authority.store.transaction() as change:
            change.release(name, LATER + MINUTE)
        assert status_of(responders, authority, name, LATER + MINUTE) == CERT_GOOD


def test_a_number_that_was_never_given_is_unknown(authority: Authority, name: CertificateName) -> None:
    with responding(authority) as responders:
        assert status_of(responders, authority, CertificateName(SIGN, name.number + 1000)) == CERT_UNKNOWN


@pytest.mark.parametrize("number", [0, -1, -(1 << 159), 1 << 32, (1 << 159) - 1, 0x01_0100_0002])
def test_a_number_that_no_certificate_can_have_is_unknown(
    authority: Authority, name: CertificateName, number: int
) -> None:
    assert name.number == 0x0100_0002
    with responding(authority) as responders:
        asked = CertId.of(cert_id_issuer(issuer_of(authority, SIGN)), number)
        (single,) = ask(responders, asked).responses
        assert (single.status, single.cert_id) == (CERT_UNKNOWN, asked)


def test_a_number_that_was_taken_for_a_certificate_which_was_never_stored_is_unknown(authority: Authority) -> None:
    with authority.store.transaction() as change:
        lost = CertificateName(SIGN, change.take_numbers(SIGN, 1)[0])
        change.note_intents([Intent(lost, "R1", "job", b"submission", NOW)])
    with responding(authority) as responders:
        assert status_of(responders, authority, lost) == CERT_UNKNOWN


def test_a_revoked_number_without_a_certificate_is_revoked(authority: Authority) -> None:
    lost = CertificateName(SIGN, 0x0200_0000)
    own = authority.certificates[SIGN]
    with authority.store.transaction() as change:
        revoked = StoredRevocation(lost, RevocationReason.KEY_COMPROMISE, NOW, NOW)
        change.add_revocation(revoked, issuer=own.name, not_after=own.not_after)
    with responding(authority) as responders:
        found = status_of(responders, authority, lost)
        assert found == CertStatus.revoked(NOW, RevocationReason.KEY_COMPROMISE)


@pytest.mark.parametrize("role", BOTH)
def test_the_authority_s_own_certificate_and_its_responder_s_are_good(authority: Authority, role: Role) -> None:
    with responding(authority) as responders:
        (own,) = [one for one in responders.states if one.role is role]
        assert own.certificate is not None
        for name in (authority.certificates[role].name, own.certificate):
            assert status_of(responders, authority, name) == CERT_GOOD


def test_the_same_number_of_the_other_authority_is_another_certificate(
    authority: Authority, applicants: Applicants
) -> None:
    outcome = issue_one(authority, applicants.asks())
    sign, auth = name_in(outcome, SIGN), name_in(outcome, AUTH)
    assert sign.number == auth.number
    authority.revoke(auth, RevocationReason.KEY_COMPROMISE, LATER)
    with responding(authority) as responders:
        assert status_of(responders, authority, sign) == CERT_GOOD
        assert status_of(responders, authority, auth) != CERT_GOOD


def test_an_expired_certificate_keeps_its_state_and_says_since_when_that_is_known(
    authority: Authority, applicants: Applicants
) -> None:
    names = [name_in(issue_one(authority, applicants.asks(roles=[AUTH])), AUTH) for _ in range(2)]
    authority.revoke(names[1], RevocationReason.KEY_COMPROMISE, LATER)
    with authority.store.snapshot() as view:
        stored = view.certificate(names[0])
    assert stored is not None
    at = stored.not_after + MINUTE
    retention = timedelta(days=400)
    with responding(authority, at, policy=OcspPolicy(retention=retention)) as responders:
        found = ask(responders, *(named(authority, name) for name in names), at=at).responses
        assert [one.status.state.value for one in found] == ["good", "revoked"]
        assert {one.archive_cutoff for one in found} == {at - retention}
        (before,) = ask(responders, named(authority, names[0]), at=stored.not_after).responses
        assert before.archive_cutoff is None


def test_every_way_to_write_the_hashes_of_an_issuer_is_answered_in_the_octets_of_the_question(
    authority: Authority, name: CertificateName
) -> None:
    with responding(authority) as responders:
        ways = [CertId.of(issuer, name.number) for issuer in cert_id_issuers(issuer_of(authority, SIGN))]
        assert {one.algorithm for one in ways} == {SHA1, SHA256}
        for asked in ways:
            (single,) = ask(responders, asked).responses
            assert (single.cert_id.raw, single.status) == (asked.raw, CERT_GOOD)
        together = ask(responders, *ways).responses
        assert [one.cert_id.raw for one in together] == [one.raw for one in ways]


def test_several_certificates_are_answered_in_their_order(authority: Authority, applicants: Applicants) -> None:
    names = [name_in(issue_one(authority, applicants.asks()), SIGN) for _ in range(3)]
    authority.revoke(names[1], RevocationReason.KEY_COMPROMISE, LATER)
    names.append(CertificateName(SIGN, 0x0300_0000))
    with responding(authority) as responders:
        found = ask(responders, *(named(authority, one) for one in names)).responses
        assert [one.status.state.value for one in found] == ["good", "revoked", "good", "unknown"]
        assert [one.cert_id.serial for one in found] == [one.number for one in names]


def test_the_nonce_comes_back_in_an_answer_that_was_signed_for_it(authority: Authority, name: CertificateName) -> None:
    with responding(authority) as responders:
        request = ocsp_request([named(authority, name)], b"n" * 32)
        ask(responders, named(authority, name))
        assert responders.made_ahead(request, LATER) is None
        (answer,) = responders.answers([request], LATER)
        assert basic(answer.encoded).nonce == b"n" * 32
        assert (answer.this_update, answer.next_update) == (None, None)
        assert ask(responders, named(authority, name)).nonce is None


@pytest.mark.parametrize("role", BOTH)
def test_a_mixture_of_authorities_is_unauthorized(authority: Authority, applicants: Applicants, role: Role) -> None:
    outcome = issue_one(authority, applicants.asks())
    mixture = ocsp_request([named(authority, name_in(outcome, each)) for each in (role, role.other)])
    with responding(authority) as responders:
        (answer,) = responders.answers([mixture], LATER)
        assert error(answer.encoded) is OcspResponseStatus.UNAUTHORIZED
        assert responders.made_ahead(mixture, LATER) == answer


def test_another_s_certificate_is_unauthorized(authority: Authority, name: CertificateName) -> None:
    mine = named(authority, name)
    foreign = CertId.of(mine.issuer[:-1] + bytes((mine.issuer[-1] ^ 1,)), name.number)
    with responding(authority) as responders:
        for questions in ([foreign], [mine, foreign], [foreign, mine]):
            (answer,) = responders.answers([ocsp_request(questions)], LATER)
            assert error(answer.encoded) is OcspResponseStatus.UNAUTHORIZED


def test_a_critical_extension_that_nobody_here_knows_is_refused(authority: Authority, name: CertificateName) -> None:
    plain = ocsp_request([named(authority, name)], b"12345678")
    # The nonce's type made another one, and critical.
    oid = bytes.fromhex("06092B0601050507300102")
    value = bytes.fromhex("040A04083132333435363738")
    assert plain.endswith(oid + value)
    other = bytes.fromhex("06092B060105050730010F")
    for critical, refused in ((b"\x01\x01\xff", True), (b"", False)):
        extension = other + critical + value
        body = b"\x30" + bytes((len(extension),)) + extension
        extensions = b"\xa2" + bytes((len(body) + 2,)) + b"\x30" + bytes((len(body),)) + body
        questions = plain[4 : plain.index(b"\xa2", len(plain) - 40)]
        tbs = b"\x30" + bytes((len(questions) + len(extensions),)) + questions + extensions
        request = b"\x30" + bytes((len(tbs),)) + tbs
        with responding(authority) as responders:
            (answer,) = responders.answers([request], LATER)
            if refused:
                assert error(answer.encoded) is OcspResponseStatus.MALFORMED_REQUEST
            else:
                assert basic(answer.encoded).responses[0].status == CERT_GOOD


def test_what_is_said_lasts_a_quarter_of_an_hour_from_the_second_it_was_made_in(
    authority: Authority, name: CertificateName
) -> None:
    at = LATER + timedelta(microseconds=999_999)
    with responding(authority) as responders:
        (answer,) = responders.answers([ocsp_request([named(authority, name)])], at)
        found = basic(answer.encoded)
        (single,) = found.responses
        assert (found.produced_at, single.this_update) == (LATER, LATER)
        assert single.next_update == LATER + timedelta(minutes=15)
        assert (answer.this_update, answer.next_update) == (single.this_update, single.next_update)


def test_unknown_has_no_end_and_is_not_to_be_kept(authority: Authority) -> None:
    with responding(authority) as responders:
        asked = named(authority, CertificateName(SIGN, 0x0200_0000))
        (answer,) = responders.answers([ocsp_request([asked])], LATER)
        assert basic(answer.encoded).responses[0].next_update is None
        assert (answer.this_update, answer.next_update) == (None, None)
        assert responders.made_ahead(ocsp_request([asked]), LATER) is None


def test_each_generation_answers_for_what_it_issued(authority: Authority, applicants: Applicants) -> None:
    later = NOW + timedelta(days=4 * 365)
    first = name_in(issue_one(authority, applicants.asks(), later), SIGN)
    with responding(authority, later) as responders:
        authority.new_generation(SIGN, later)
        second = name_in(issue_one(authority, applicants.asks(), later), SIGN)
        unseen = ocsp_request([named(authority, second, generation=2)])
        assert error(responders.answers([unseen], later)[0].encoded) is OcspResponseStatus.UNAUTHORIZED
        responders.renew(later)
        assert [(one.role, one.generation) for one in responders.states] == [(SIGN, 1), (SIGN, 2), (AUTH, 1)]
        for name, generation, other in ((first, 1, 2), (second, 2, 1)):
            found = ask(responders, named(authority, name, generation=generation), at=later)
            assert found.responses[0].status == CERT_GOOD
            (certificate,) = found.certificates
            key_id = issuer_of(authority, SIGN, generation).subject_key_id
            assert certificate.authority_key_id is not None
            assert certificate.authority_key_id.key_id == key_id
            assert certificate.subject.common_name == f"OCSP Responder {generation}"
            # Under the other key nobody gave that number.
            (single,) = ask(responders, named(authority, name, generation=other), at=later).responses
            assert single.status == CERT_UNKNOWN
        mixture = ocsp_request([named(authority, first), named(authority, second, generation=2)])
        assert error(responders.answers([mixture], later)[0].encoded) is OcspResponseStatus.UNAUTHORIZED

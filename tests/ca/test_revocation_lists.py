"""Revocation lists: what stands in them, for how long, and which are refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from authorities import BOTH, NOW, Applicants, issue_one, issued, name_in
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from jpki.ca import Authority, ClockBehind, ListRefused, MadeList
from jpki.formats import (
    AuthorityKeyId,
    Certificate,
    CertificateList,
    IssuingDistributionPoint,
    RevocationReason,
    encode_revoked,
)
from jpki.store import ListBlock, Scope, Store, StoredRevocation
from jpki.terms import CertificateName, Role

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SIGN = Role.SIGNATURE
REMOVED = encode_revoked([(0x0100_0002, NOW, RevocationReason.REMOVE_FROM_CRL)])


def read(made: MadeList) -> CertificateList:
    return CertificateList.parse(made.encoded)


def numbers(made: MadeList) -> set[int]:
    return {entry.serial for entry in read(made)}


@pytest.fixture
def short(authority: Authority, applicants: Applicants) -> CertificateName:
    """The signature certificate of somebody whose card ends on 31 December 2026."""
    return name_in(issue_one(authority, applicants.asks(card_expiry=date(2026, 12, 31))), SIGN)


END = datetime(2026, 12, 31, 14, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("role", BOTH)
def test_a_list_has_the_form_that_verifiers_expect(authority: Authority, role: Role) -> None:
    made = authority.certificate_list(role, NOW + timedelta(hours=1, microseconds=5))
    found = read(made)
    own = Certificate.parse(authority.certificates[role].encoded)
    assert (found.version, found.number, found.is_delta) == (2, 1, False)
    assert (found.this_update, found.next_update) == (NOW + HOUR, NOW + 49 * HOUR)
    assert found.issuer == own.subject
    assert found.authority_key_id == AuthorityKeyId(own.subject_key_id, own.subject, own.serial)
    assert found.issuing_distribution_point == IssuingDistributionPoint(only_user_certificates=True)
    assert found.unknown_critical_extensions == ()


def test_a_list_holds_what_its_authority_revoked_and_nothing_else(authority: Authority, applicants: Applicants) -> None:
    outcomes = [issued(one) for one in authority.issue([applicants.asks() for _ in range(5)], NOW)]
    authority.revoke(name_in(outcomes[1], SIGN), RevocationReason.KEY_COMPROMISE, NOW + HOUR)
    authority.revoke(name_in(outcomes[3], SIGN), RevocationReason.UNSPECIFIED, NOW + 2 * HOUR)
    authority.revoke(name_in(outcomes[2], Role.AUTHENTICATION), RevocationReason.SUPERSEDED, NOW + HOUR)
    found = {
        (entry.serial, entry.revoked_at, entry.reason) for entry in read(authority.certificate_list(SIGN, NOW + DAY))
    }
    assert found == {
        (name_in(outcomes[1], SIGN).number, NOW + HOUR, RevocationReason.KEY_COMPROMISE),
        (name_in(outcomes[3], SIGN).number, NOW + 2 * HOUR, RevocationReason.UNSPECIFIED),
    }


def test_another_library_reads_and_verifies_a_list(authority: Authority, short: CertificateName) -> None:
    authority.revoke(short, RevocationReason.CESSATION_OF_OPERATION, NOW + HOUR)
    found = x509.load_der_x509_crl(authority.certificate_list(SIGN, NOW + DAY).encoded)
    key = x509.load_der_x509_certificate(authority.certificates[SIGN].encoded).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert found.is_signature_valid(key)
    entry = found.get_revoked_certificate_by_serial_number(short.number)
    assert entry is not None
    assert (
        entry.extensions.get_extension_for_class(x509.CRLReason).value.reason is x509.ReasonFlags.cessation_of_operation
    )


def test_numbers_of_lists_rise_each_authority_for_itself(authority: Authority) -> None:
    made = [authority.certificate_list(role, NOW).number for role in (*BOTH, SIGN, SIGN)]
    assert made == [1, 1, 2, 3]


def test_a_number_taken_for_a_list_that_never_came_is_not_used_again(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr("jpki.ca.issuer.Issuer.sign_digest", killed)
    with pytest.raises(KeyboardInterrupt):
        authority.certificate_list(SIGN, NOW)
    monkeypatch.undo()
    assert authority.certificate_list(SIGN, NOW).number == 2


def test_what_is_published_is_recorded(authority: Authority, short: CertificateName) -> None:
    authority.revoke(short, RevocationReason.KEY_COMPROMISE, NOW)
    made = authority.certificate_list(SIGN, NOW + HOUR)
    with authority.store.snapshot() as view:
        recorded = view.newest_list(Scope(authority.certificates[SIGN].name))
    assert recorded is not None
    assert (recorded.number, recorded.this_update, recorded.next_update, recorded.entries) == (
        made.number,
        made.this_update,
        made.next_update,
        1,
    )


def test_a_revocation_stays_in_the_lists_while_its_certificate_lasts(
    authority: Authority, short: CertificateName
) -> None:
    authority.revoke(short, RevocationReason.KEY_COMPROMISE, NOW)
    for day in range(0, 39, 10):
        assert numbers(authority.certificate_list(SIGN, NOW + day * DAY)) == {short.number}


def test_an_entry_leaves_after_it_stood_in_one_list_made_after_the_end(
    authority: Authority, short: CertificateName
) -> None:
    authority.revoke(short, RevocationReason.KEY_COMPROMISE, NOW)
    moments = [END - HOUR, END, END + HOUR, END + 2 * HOUR, END + 3 * HOUR]
    assert [numbers(authority.certificate_list(SIGN, at)) for at in moments] == [{short.number}] * 3 + [set()] * 2


def test_a_certificate_revoked_just_before_its_end_still_appears_once(
    authority: Authority, short: CertificateName
) -> None:
    authority.certificate_list(SIGN, NOW)
    authority.revoke(short, RevocationReason.KEY_COMPROMISE, END)
    moments = [END + 5 * DAY, END + 6 * DAY]
    assert [numbers(authority.certificate_list(SIGN, at)) for at in moments] == [{short.number}, set()]


def test_a_certificate_revoked_between_two_lists_after_one_past_its_end_still_appears(
    authority: Authority, short: CertificateName
) -> None:
    # Two clocks that differ: the list was dated behind the end before the revocation was recorded.
    authority.certificate_list(SIGN, END + HOUR)
    authority.revoke(short, RevocationReason.KEY_COMPROMISE, END)
    assert numbers(authority.certificate_list(SIGN, END + 2 * HOUR)) == {short.number}


def test_an_entry_of_a_list_that_was_never_recorded_appears_again(
    authority: Authority, short: CertificateName, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority.certificate_list(SIGN, NOW)
    authority.revoke(short, RevocationReason.KEY_COMPROMISE, END)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("jpki.store.writing.StoreWriting.add_lists", killed)
    with pytest.raises(KeyboardInterrupt):
        authority.certificate_list(SIGN, END + HOUR)
    monkeypatch.undo()
    moments = [END + 2 * HOUR, END + 3 * HOUR]
    assert [numbers(authority.certificate_list(SIGN, at)) for at in moments] == [{short.number}, set()]


def test_a_hold_that_became_final_shows_its_new_reason(authority: Authority, short: CertificateName) -> None:
    authority.revoke(short, RevocationReason.CERTIFICATE_HOLD, NOW)
    first = read(authority.certificate_list(SIGN, NOW)).find(short.number)
    authority.revoke(short, RevocationReason.KEY_COMPROMISE, NOW + HOUR)
    second = read(authority.certificate_list(SIGN, NOW + 2 * HOUR)).find(short.number)
    assert first is not None
    assert second is not None
    assert (first.reason, second.reason) == (RevocationReason.CERTIFICATE_HOLD, RevocationReason.KEY_COMPROMISE)
    assert first.revoked_at == second.revoked_at == NOW


def test_a_hold_that_became_final_about_its_end_shows_its_new_reason_once(
    authority: Authority, short: CertificateName
) -> None:
    authority.revoke(short, RevocationReason.CERTIFICATE_HOLD, NOW)
    # Two clocks that differ: a list dated behind the end was made before the final reason was recorded.
    authority.certificate_list(SIGN, END + HOUR)
    authority.revoke(short, RevocationReason.KEY_COMPROMISE, END)
    found = read(authority.certificate_list(SIGN, END + 2 * HOUR)).find(short.number)
    assert found is not None
    assert found.reason is RevocationReason.KEY_COMPROMISE
    assert numbers(authority.certificate_list(SIGN, END + 3 * HOUR)) == set()


def test_a_list_older_than_the_newest_is_refused(authority: Authority) -> None:
    authority.certificate_list(SIGN, NOW + DAY)
    with pytest.raises(ClockBehind) as caught:
        authority.certificate_list(SIGN, NOW + DAY - timedelta(seconds=1))
    assert (caught.value.role, caught.value.last) == (SIGN, NOW + DAY)
    assert authority.certificate_list(SIGN, NOW + DAY).number == 2


@pytest.mark.parametrize("times", [1, 4, 5])
def test_a_list_that_another_process_overtook_is_made_again_a_few_times(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    sign = authority.issuer(SIGN).sign_digest
    overtaking: list[int] = []
    nested: list[bool] = []

    def slow_sign(_: object, digest: bytes) -> bytes:
        if not nested and len(overtaking) < times:
            nested.append(True)
            overtaking.append(authority.certificate_list(SIGN, NOW + len(overtaking) * HOUR).number)
            nested.clear()
        return sign(digest)

    monkeypatch.setattr("jpki.ca.issuer.Issuer.sign_digest", slow_sign)
    if times == 5:
        with pytest.raises(ListRefused):
            authority.certificate_list(SIGN, NOW)
    else:
        made = authority.certificate_list(SIGN, NOW)
        # Its date is not before that of the list that it comes after.
        assert (made.number, made.this_update) == (2 * times + 1, NOW + (times - 1) * HOUR)
    with authority.store.snapshot() as view:
        recorded = view.newest_list(Scope(authority.certificates[SIGN].name))
    assert recorded is not None
    assert recorded.number == (10 if times == 5 else 2 * times + 1)


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        ("jpki.ca.issuer.Issuer.sign_digest", lambda _, digest: digest),
        ("jpki.ca.issuer.Issuer.sign_digest", lambda issuer, digest: issuer._sign_another(digest)),
        ("jpki.store.StoreReading.list_lines", lambda *_, **__: iter([ListBlock(1, b"")])),
        ("jpki.store.StoreReading.list_lines", lambda *_, **__: iter([ListBlock(1, b"\x30\x00")])),
        ("jpki.store.StoreReading.list_lines", lambda *_, **__: iter([ListBlock(1, REMOVED)])),
        ("jpki.store.StoreReading.list_lines", lambda *_, **__: iter([ListBlock(2, REMOVED * 2)])),
    ],
    ids=[
        "not signed",
        "another signature",
        "an entry lost",
        "a broken entry",
        "an ended hold in a complete list",
        "an entry twice",
    ],
)
def test_a_list_that_does_not_read_back_is_not_given_out(
    authority: Authority, short: CertificateName, monkeypatch: pytest.MonkeyPatch, place: str, wrong: object
) -> None:
    authority.revoke(short, RevocationReason.KEY_COMPROMISE, NOW)
    issuer = authority.issuer(SIGN)
    good = issuer.sign_digest

    def other(_: object, digest: bytes) -> bytes:
        made = bytearray(good(digest))
        made[-1] ^= 1
        return bytes(made)

    monkeypatch.setattr("jpki.ca.issuer.Issuer._sign_another", other, raising=False)
    monkeypatch.setattr(place, wrong)
    with pytest.raises(ListRefused):
        authority.certificate_list(SIGN, NOW)
    with authority.store.snapshot() as view:
        assert view.newest_list(Scope(authority.certificates[SIGN].name)) is None


def test_a_list_of_thousands_is_whole_and_in_order(authority: Authority, applicants: Applicants) -> None:
    name = name_in(issue_one(authority, applicants.asks(roles=[SIGN])), SIGN)
    copy_rows(authority.store, name, 5000)
    found = [entry.serial for entry in read(authority.certificate_list(SIGN, NOW + HOUR))]
    assert found == sorted(found)
    assert len(set(found)) == 5000


def copy_rows(store: Store, name: CertificateName, count: int) -> None:
    """Puts so many revoked certificates behind one into the store, without signing any."""
    with store.transaction() as change:
        stored = change.certificate(name)
        assert stored is not None
        numbers = (CertificateName(name.authority, name.number + one) for one in range(1, count + 1))
        change.add_revocations((stored, StoredRevocation(number, 4, NOW, NOW)) for number in numbers)

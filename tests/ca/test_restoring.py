"""An older copy of the store, put back: what was published since is not lost, and no number is given twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from authorities import BOTH, NOW, Applicants, PoolKeys, issue_one, name_in, new_authority

from jpki.ca import SAFETY_GAP, Authority, CertificateState, ClockBehind, Issued, ListRefused, MadeList
from jpki.formats import AuthorityKeyId, CertificateList, RevocationReason, RevokedEntry, certificate_list_tbs
from jpki.store import Scope, Store
from jpki.terms import CertificateName, Role

SIGN = Role.SIGNATURE
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Accident:
    """An authority, a copy of its store, what happened after the copy, and the copy put back."""

    def __init__(self, folder: Path, keys: PoolKeys, applicants: Applicants) -> None:
        with new_authority(folder, keys) as before:
            self.old = [issue_one(before, applicants.asks()) for _ in range(3)]
            before.revoke(self.sign(0), RevocationReason.KEY_COMPROMISE, NOW)
            before.revoke(self.sign(2), RevocationReason.CERTIFICATE_HOLD, NOW)
            before.certificate_list(SIGN, NOW)
            copied(folder / "authority.sqlite3", folder / "backup.sqlite3")
            self.late = [issue_one(before, applicants.asks()) for _ in range(4)]
            before.revoke(self.sign(1), RevocationReason.AFFILIATION_CHANGED, NOW + HOUR)
            before.revoke(self.sign(2), RevocationReason.SUPERSEDED, NOW + HOUR)
            before.revoke(name_in(self.late[1], SIGN), RevocationReason.CESSATION_OF_OPERATION, NOW + 2 * HOUR)
            before.certificate_list(SIGN, NOW + 3 * HOUR)
            self.published = before.certificate_list(SIGN, NOW + 4 * HOUR)
            self.published_auth = before.certificate_list(Role.AUTHENTICATION, NOW + 4 * HOUR)
        self.restored = Authority(Store.open(folder / "backup.sqlite3"), keys)

    def sign(self, number: int) -> CertificateName:
        return name_in(self.old[number], SIGN)


def copied(source: Path, target: Path) -> None:
    connection = sqlite3.connect(source)
    connection.execute("VACUUM INTO ?", (str(target),))
    connection.close()


@pytest.fixture
def accident(tmp_path: Path, keys: PoolKeys, applicants: Applicants) -> Iterator[Accident]:
    made = Accident(tmp_path, keys, applicants)
    yield made
    made.restored.close()


def lines(made: MadeList) -> set[tuple[int, object, object]]:
    return {(entry.serial, entry.revoked_at, entry.reason) for entry in CertificateList.parse(made.encoded)}


def test_a_copy_alone_has_lost_what_was_revoked_since(accident: Accident) -> None:
    lost = lines(accident.published) - lines(accident.restored.certificate_list(SIGN, NOW + DAY))
    assert {number for number, _, _ in lost} >= {accident.sign(1).number, name_in(accident.late[1], SIGN).number}


def test_every_published_revocation_is_taken_over(accident: Accident) -> None:
    done = accident.restored.catch_up(SIGN, accident.published.encoded, NOW + 5 * HOUR)
    unknown = name_in(accident.late[1], SIGN)
    assert set(done.revoked) == {accident.sign(1), accident.sign(2), unknown}
    assert done.unknown == (unknown,)
    assert lines(accident.restored.certificate_list(SIGN, NOW + DAY)) == lines(accident.published)


def test_lists_go_on_above_the_published_number(accident: Accident) -> None:
    accident.restored.catch_up(SIGN, accident.published.encoded, NOW + 5 * HOUR)
    assert accident.restored.certificate_list(SIGN, NOW + DAY).number == accident.published.number + 1 + SAFETY_GAP


def test_no_list_is_dated_before_the_published_one(accident: Accident) -> None:
    accident.restored.catch_up(SIGN, accident.published.encoded, NOW + 5 * HOUR)
    with pytest.raises(ClockBehind) as caught:
        accident.restored.certificate_list(SIGN, NOW + 4 * HOUR - timedelta(seconds=1))
    assert caught.value.last == NOW + 4 * HOUR
    with accident.restored.store.snapshot() as view:
        newest = view.newest_list(Scope(accident.restored.certificates[SIGN].name))
    assert newest is not None
    assert (newest.number, newest.entries, newest.digest) == (
        accident.published.number,
        accident.published.entries,
        sha256(accident.published.encoded).digest(),
    )


def test_serial_numbers_go_on_above_all_that_were_seen(accident: Accident, applicants: Applicants) -> None:
    last = name_in(accident.late[-1], SIGN).number
    accident.restored.catch_up(SIGN, accident.published.encoded, NOW + 5 * HOUR, last_number=last)
    accident.restored.catch_up(Role.AUTHENTICATION, accident.published_auth.encoded, NOW + 5 * HOUR, last_number=last)
    new = issue_one(accident.restored, applicants.asks(), NOW + DAY)
    assert {name_in(new, role).number for role in BOTH} == {last + 1 + SAFETY_GAP}


def test_without_a_last_number_they_go_on_above_the_listed_ones(accident: Accident, applicants: Applicants) -> None:
    accident.restored.catch_up(SIGN, accident.published.encoded, NOW + 5 * HOUR)
    new: Issued = issue_one(accident.restored, applicants.asks(roles=[SIGN]), NOW + DAY)
    assert name_in(new, SIGN).number == name_in(accident.late[1], SIGN).number + 1 + SAFETY_GAP


def test_numbers_never_go_back(accident: Accident, applicants: Applicants) -> None:
    accident.restored.catch_up(SIGN, accident.published.encoded, NOW + 5 * HOUR, last_number=0x0200_0000)
    accident.restored.catch_up(SIGN, accident.published.encoded, NOW + 6 * HOUR)
    new = issue_one(accident.restored, applicants.asks(roles=[SIGN]), NOW + DAY)
    assert name_in(new, SIGN).number == 0x0200_0001 + SAFETY_GAP


def test_the_same_list_once_more_changes_nothing(accident: Accident) -> None:
    accident.restored.catch_up(SIGN, accident.published.encoded, NOW + 5 * HOUR)
    again = accident.restored.catch_up(SIGN, accident.published.encoded, NOW + 6 * HOUR)
    assert (again.revoked, again.unknown) == ((), ())


def test_a_final_revocation_here_is_not_changed_by_a_list(accident: Accident) -> None:
    accident.restored.revoke(accident.sign(1), RevocationReason.KEY_COMPROMISE, NOW + HOUR)
    done = accident.restored.catch_up(SIGN, accident.published.encoded, NOW + 5 * HOUR)
    assert accident.sign(1) not in done.revoked
    record = accident.restored.chain(accident.sign(1), NOW + DAY).certificate.revocation
    assert record is not None
    assert record.reason is RevocationReason.KEY_COMPROMISE


def test_a_store_that_caught_up_holds_together(accident: Accident) -> None:
    accident.restored.catch_up(SIGN, accident.published.encoded, NOW + 5 * HOUR)
    accident.restored.store.check()


def test_only_a_list_of_this_authority_is_taken(accident: Accident) -> None:
    good = accident.published.encoded
    for wrong in (accident.published_auth.encoded, good[:-1] + bytes((good[-1] ^ 1,)), good[:-1], b""):
        with pytest.raises(ListRefused):
            accident.restored.catch_up(SIGN, wrong, NOW + 5 * HOUR)
    assert accident.restored.chain(accident.sign(1), NOW + DAY).certificate.state is CertificateState.VALID


@pytest.mark.parametrize("number", [-5, 0, 0x8000_0000, 1 << 32, 1 << 80])
def test_a_list_with_a_number_that_no_authority_gives_is_not_taken(accident: Accident, number: int) -> None:
    issuer = accident.restored.issuer(SIGN)
    tbs = certificate_list_tbs(
        issuer=issuer.certificate.subject,
        this_update=NOW + 4 * HOUR,
        next_update=NOW + DAY,
        number=99,
        authority_key_id=AuthorityKeyId(issuer.certificate.subject_key_id),
        entries=RevokedEntry(number, NOW, RevocationReason.KEY_COMPROMISE).encode(),
    )
    with pytest.raises(ListRefused):
        accident.restored.catch_up(SIGN, issuer.sign(tbs), NOW + 5 * HOUR)
    assert accident.restored.certificate_list(SIGN, NOW + DAY).number == 2


def delta(accident: Accident, number: int, *entries: RevokedEntry) -> bytes:
    """Returns a delta of the signature authority."""
    issuer = accident.restored.issuer(SIGN)
    tbs = certificate_list_tbs(
        issuer=issuer.certificate.subject,
        this_update=NOW + 4 * HOUR,
        next_update=NOW + DAY,
        number=number,
        delta_base=number - 1,
        authority_key_id=AuthorityKeyId(issuer.certificate.subject_key_id),
        entries=b"".join(entry.encode() for entry in entries),
    )
    return issuer.sign(tbs)


def test_a_delta_tells_of_revocations_and_of_holds_that_ended(accident: Accident) -> None:
    lost = RevokedEntry(accident.sign(1).number, NOW + HOUR, RevocationReason.KEY_COMPROMISE)
    found = RevokedEntry(accident.sign(2).number, NOW + HOUR, RevocationReason.REMOVE_FROM_CRL)
    done = accident.restored.catch_up(SIGN, delta(accident, 99, lost, found), NOW + 5 * HOUR)
    assert (done.revoked, done.released, done.not_listed) == ((accident.sign(1),), (accident.sign(2),), ())
    states = [accident.restored.chain(accident.sign(which), NOW + DAY).certificate.state for which in (1, 2)]
    assert states == [CertificateState.REVOKED, CertificateState.VALID]
    made = accident.restored.certificate_list(SIGN, NOW + DAY)
    assert made.number == 100 + SAFETY_GAP
    assert {number for number, _, _ in lines(made)} == {accident.sign(0).number, accident.sign(1).number}


def test_a_delta_does_not_end_a_revocation_for_good(accident: Accident) -> None:
    wrong = RevokedEntry(accident.sign(0).number, NOW + HOUR, RevocationReason.REMOVE_FROM_CRL)
    assert accident.restored.catch_up(SIGN, delta(accident, 99, wrong), NOW + 5 * HOUR).released == ()
    assert accident.restored.chain(accident.sign(0), NOW + DAY).certificate.state is CertificateState.REVOKED


def test_a_hold_that_a_later_list_does_not_name_is_told_and_kept(accident: Accident) -> None:
    issuer = accident.restored.issuer(SIGN)
    tbs = certificate_list_tbs(
        issuer=issuer.certificate.subject,
        this_update=NOW + 4 * HOUR,
        next_update=NOW + DAY,
        number=99,
        authority_key_id=AuthorityKeyId(issuer.certificate.subject_key_id),
    )
    done = accident.restored.catch_up(SIGN, issuer.sign(tbs), NOW + 5 * HOUR)
    assert (done.released, done.not_listed) == ((), (accident.sign(2),))
    assert accident.restored.chain(accident.sign(2), NOW + DAY).certificate.state is CertificateState.HELD


def test_another_list_of_a_number_that_the_copy_knows_is_not_taken(accident: Accident) -> None:
    issuer = accident.restored.issuer(SIGN)
    tbs = certificate_list_tbs(
        issuer=issuer.certificate.subject,
        this_update=NOW,
        next_update=NOW + DAY,
        number=1,
        authority_key_id=AuthorityKeyId(issuer.certificate.subject_key_id),
    )
    with pytest.raises(ListRefused):
        accident.restored.catch_up(SIGN, issuer.sign(tbs), NOW + 5 * HOUR)

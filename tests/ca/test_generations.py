"""Generations of an authority's key: a new one issues under the same name, the old one stands for what it issued."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from authorities import (
    BOTH,
    NOW,
    Applicants,
    PoolKeys,
    authority_key,
    certificate_of,
    issue_one,
    new_authority,
    request_of,
)
from openssl_program import OpenSslVerify
from prime_pool import PrimePool

from jpki.ca import (
    Authority,
    AuthorityFolder,
    AuthoritySettings,
    BadKeyUri,
    ClockBehind,
    LoadedKey,
    SharedKey,
)
from jpki.formats import Certificate, CertificateList, RevocationReason
from jpki.store import Store, StoreConflict
from jpki.terms import CertificateName, Role, Secret
from jpki.verify import CertificateAlone, Evidence, Result, Trust, Verdict, verify

YEARS = timedelta(days=4 * 365)
LATER = NOW + YEARS
HOUR = timedelta(hours=1)
POOL = PrimePool(77)
PASSPHRASE = Secret(b"generations")


@pytest.fixture
def keys() -> PoolKeys:
    made = PoolKeys()
    for role in BOTH:
        made._keys[role, 2] = LoadedKey(POOL.generate().private_key)
    return made


def own(authority: Authority, role: Role, generation: int) -> Certificate:
    return Certificate.parse(authority.generations[role][generation - 1].encoded)


@pytest.mark.parametrize("role", BOTH)
def test_a_new_generation_has_another_key_and_number_under_the_same_name(authority: Authority, role: Role) -> None:
    made = authority.new_generation(role, LATER)
    first, second = own(authority, role, 1), own(authority, role, 2)
    assert (made.generation, made.place) == (2, None)
    assert second.subject.raw == first.subject.raw == second.issuer.raw
    assert second.public_key_info != first.public_key_info
    assert second.subject_key_id != first.subject_key_id
    assert second.serial == first.serial + 1
    assert second.not_before == LATER
    assert second.not_after > first.not_after
    assert authority.certificates[role] == made
    assert authority.encoded(CertificateName(role, first.serial)) == first.raw
    assert authority.encoded(made.name) == second.raw


@pytest.mark.parametrize("role", BOTH)
def test_the_other_authority_stays_as_it_is(authority: Authority, role: Role) -> None:
    authority.new_generation(role, LATER)
    assert len(authority.generations[role.other]) == 1


def test_the_new_key_issues_from_then_on(authority: Authority, applicants: Applicants) -> None:
    before = issue_one(authority, applicants.asks(), LATER)
    for role in BOTH:
        authority.new_generation(role, LATER)
    after = issue_one(authority, applicants.asks(), LATER)
    for role in BOTH:
        for outcome, generation in ((before, 1), (after, 2)):
            issued = Certificate.parse(certificate_of(outcome, role).encoded)
            root = own(authority, role, generation)
            assert issued.authority_key_id is not None
            assert issued.authority_key_id.key_id == root.subject_key_id
            assert issued.authority_key_id.serial == root.serial


def test_another_process_that_had_it_open_issues_with_the_new_key_too(
    tmp_path: Path, keys: PoolKeys, applicants: Applicants
) -> None:
    with new_authority(tmp_path, keys) as one, Authority(Store.open(tmp_path / "authority.sqlite3"), keys) as other:
        other.issue([applicants.asks()], LATER)
        one.new_generation(Role.SIGNATURE, LATER)
        outcome = issue_one(other, applicants.asks(), LATER)
        issued = Certificate.parse(certificate_of(outcome, Role.SIGNATURE).encoded)
        assert issued.authority_key_id is not None
        assert issued.authority_key_id.key_id == own(one, Role.SIGNATURE, 2).subject_key_id


def of_both_generations(authority: Authority, applicants: Applicants, role: Role) -> list[bytes]:
    """Returns certificates of both generations: one good and one that is revoked of each, in this order."""
    issued = []
    for generation in (1, 2):
        if generation == 2:
            authority.new_generation(role, LATER)
        for revoked in (False, True):
            made = certificate_of(issue_one(authority, applicants.asks(), LATER), role)
            if revoked:
                authority.revoke(made.name, RevocationReason.KEY_COMPROMISE, LATER)
            issued.append(made.encoded)
    return issued


@pytest.mark.parametrize("role", BOTH)
def test_each_key_lists_what_it_issued(authority: Authority, applicants: Applicants, role: Role) -> None:
    issued = [Certificate.parse(one) for one in of_both_generations(authority, applicants, role)]
    for generation, (_, revoked) in ((1, issued[:2]), (2, issued[2:])):
        made = authority.certificate_list(role, LATER, generation=generation)
        found = CertificateList.parse(made.encoded)
        assert found.authority_key_id is not None
        assert found.authority_key_id.key_id == own(authority, role, generation).subject_key_id
        assert [entry.serial for entry in found] == [revoked.serial]


@pytest.mark.parametrize("role", BOTH)
def test_openssl_accepts_both_generations_each_under_its_own_root(
    authority: Authority, applicants: Applicants, tmp_path: Path, role: Role
) -> None:
    issued = of_both_generations(authority, applicants, role)
    lists = [authority.certificate_list(role, LATER, generation=each).encoded for each in (1, 2)]
    roots = [own(authority, role, generation).raw for generation in (1, 2)]
    for trusted, expected in ((roots, ["OK"] * 2), (roots[:1], ["OK", "no"]), (roots[1:], ["no", "OK"])):
        openssl = OpenSslVerify(tmp_path, *trusted)
        openssl.publish(*lists)
        said = [openssl.says(one, LATER + HOUR) for one in issued]
        assert ["OK" if each.endswith(": OK") else "no" for each in said[::2]] == expected
        assert not any(each.endswith(": OK") for each in said[1::2])
    openssl = OpenSslVerify(tmp_path, *roots)
    openssl.publish(*lists)
    assert all("certificate revoked" in openssl.says(one, LATER + HOUR) for one in issued[1::2])


@pytest.mark.parametrize("role", BOTH)
def test_the_verifier_accepts_both_generations_each_under_its_own_root(
    authority: Authority, applicants: Applicants, role: Role
) -> None:
    issued = of_both_generations(authority, applicants, role)
    lists = [authority.certificate_list(role, LATER, generation=each).encoded for each in (1, 2)]
    roots = [own(authority, role, generation).raw for generation in (1, 2)]

    def valid(trusted: list[bytes]) -> list[bool]:
        found = []
        for one in issued:
            verdict = verify(CertificateAlone(one), Trust.test(*trusted), Evidence.of(*lists), LATER + HOUR)
            assert isinstance(verdict, Verdict)
            found.append(verdict.result is Result.VALID)
        return found

    assert valid(roots) == [True, False, True, False]
    assert valid(roots[:1]) == [True, False, False, False]
    assert valid(roots[1:]) == [False, False, True, False]


def test_a_key_that_an_authority_has_or_had_is_not_taken_again(authority: Authority, keys: PoolKeys) -> None:
    keys._keys[Role.SIGNATURE, 2] = keys._keys[Role.AUTHENTICATION, 1]
    with pytest.raises(SharedKey) as caught:
        authority.new_generation(Role.SIGNATURE, LATER)
    assert caught.value.name == authority.certificates[Role.AUTHENTICATION].name
    assert len(authority.generations[Role.SIGNATURE]) == 1


def test_a_holders_key_is_not_taken(authority: Authority, keys: PoolKeys, applicants: Applicants) -> None:
    private = POOL.generate().private_key
    issue_one(authority, applicants.asks(requests={Role.SIGNATURE: request_of(private)}), LATER)
    keys._keys[Role.SIGNATURE, 2] = LoadedKey(private)
    with pytest.raises(SharedKey):
        authority.new_generation(Role.SIGNATURE, LATER)


def test_a_new_generation_does_not_begin_before_the_last(authority: Authority) -> None:
    with pytest.raises(ClockBehind):
        authority.new_generation(Role.SIGNATURE, NOW - HOUR)


class Killed(BaseException):
    """Stands for a process that is killed at this place."""


def test_killed_after_signing_the_number_is_lost_and_the_key_is_taken_up_again(
    authority: Authority, keys: PoolKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise Killed

    monkeypatch.setattr("jpki.store.writing.StoreWriting.add_authority_key", killed)
    with pytest.raises(Killed):
        authority.new_generation(Role.SIGNATURE, LATER)
    monkeypatch.undo()
    (lost,) = authority.unfinished(LATER + HOUR)
    assert (lost.name.authority, lost.holder) == (Role.SIGNATURE, "")
    made = authority.new_generation(Role.SIGNATURE, LATER)
    assert made.name.number == lost.name.number + 1
    assert made.generation == 2
    assert own(authority, Role.SIGNATURE, 2).public_key_info == keys.signing_key(Role.SIGNATURE, 2).public_key_info
    assert authority.unfinished(LATER + HOUR) == (lost,)


def test_a_number_of_an_authority_is_open_while_its_key_signs_and_nobody_is_kept_from_writing(
    authority: Authority, keys: PoolKeys, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = keys._keys[Role.AUTHENTICATION, 2]
    seen: list[tuple[CertificateName, ...]] = []

    class SlowToken:
        public_key_info = key.public_key_info

        def sign(self, content: bytes) -> bytes:
            with Store.open(address, busy_seconds=0.1) as other, other.transaction() as change:
                seen.append(tuple(one.name for one in change.intents()))
            return key.sign(content)

    keys._keys[Role.AUTHENTICATION, 2] = SlowToken()  # type: ignore[assignment]
    made = authority.new_generation(Role.AUTHENTICATION, LATER)
    assert seen == [(made.name,)]
    assert authority.unfinished(LATER + HOUR) == ()


def test_new_authorities_keep_nobody_from_writing_while_their_keys_sign(tmp_path: Path) -> None:
    address = str(tmp_path / "authority.sqlite3")
    seen: list[int] = []

    class SlowToken:
        def __init__(self, key: LoadedKey) -> None:
            self.public_key_info = key.public_key_info
            self._key = key

        def sign(self, content: bytes) -> bytes:
            with Store.open(address, busy_seconds=0.1) as other, other.transaction() as change:
                seen.append(len(change.intents()))
            return self._key.sign(content)

    keys = PoolKeys()
    for role in BOTH:
        keys._keys[role, 1] = SlowToken(authority_key(role))  # type: ignore[assignment]
    with new_authority(tmp_path, keys) as made:
        assert seen == [2, 2]
        assert made.unfinished(LATER) == ()


def test_of_two_at_once_one_makes_the_generation(authority: Authority, keys: PoolKeys, address: str) -> None:
    barrier = Barrier(2)

    class Together:
        def __init__(self, key: LoadedKey) -> None:
            self.public_key_info = key.public_key_info
            self._key = key

        def sign(self, content: bytes) -> bytes:
            barrier.wait(20)
            return self._key.sign(content)

    keys._keys[Role.SIGNATURE, 2] = Together(keys._keys[Role.SIGNATURE, 2])  # type: ignore[assignment]

    def make(_: int) -> object:
        with Authority(Store.open(address), keys) as one:
            try:
                return one.new_generation(Role.SIGNATURE, LATER)
            except StoreConflict as error:
                return type(error)

    with ThreadPoolExecutor(2) as both:
        found = list(both.map(make, range(2)))
    authority.refresh()
    assert len(authority.generations[Role.SIGNATURE]) == 2
    assert authority.certificates[Role.SIGNATURE] in found
    assert StoreConflict in found


def test_asked_for_the_same_generation_again_it_makes_no_other(authority: Authority) -> None:
    made = authority.new_generation(Role.SIGNATURE, LATER, generation=2)
    assert authority.new_generation(Role.SIGNATURE, LATER + HOUR, generation=2) == made
    assert len(authority.generations[Role.SIGNATURE]) == 2


@pytest.mark.parametrize(("generation", "place"), [(1, None), (4, None), (2, "elsewhere.key")])
def test_a_generation_out_of_turn_or_at_another_place_is_refused(
    authority: Authority, generation: int, place: str | None
) -> None:
    authority.new_generation(Role.SIGNATURE, LATER)
    with pytest.raises(StoreConflict):
        authority.new_generation(Role.SIGNATURE, LATER, place, generation=generation)
    assert len(authority.generations[Role.SIGNATURE]) == 2


def test_where_a_key_is_stays_in_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jpki.ca.sealing._SCRYPT_N", 16)
    monkeypatch.setattr("jpki.ca.sealing._PBKDF2_ROUNDS", 1000)
    pool = PrimePool(78)
    folder = AuthorityFolder(tmp_path / "ca")
    elsewhere = tmp_path / "vault" / "sign.key"
    elsewhere.parent.mkdir()
    with folder.create(PASSPHRASE, AuthoritySettings(), NOW, make_key=lambda: pool.generate().private_key) as authority:
        authority.new_generation(Role.SIGNATURE, LATER, f"file:{elsewhere}")
        authority.new_generation(Role.SIGNATURE, LATER, "third.key")
        with pytest.raises(BadKeyUri):
            authority.new_generation(Role.SIGNATURE, LATER, "pkcs11:object=k")
    assert elsewhere.exists()
    assert (folder.keys / "third.key").exists()
    with folder.open(PASSPHRASE) as again:
        assert [one.place for one in again.generations[Role.SIGNATURE]] == [None, f"file:{elsewhere}", "third.key"]
        for generation in (1, 2, 3):
            assert again.certificate_list(Role.SIGNATURE, LATER, generation=generation).entries == 0

"""The certificates of those who answer: made, renewed in time, one for all processes, and their keys kept apart."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest
from authorities import BOTH, NOW, Applicants, PoolKeys, authority_key, issue_one, name_in, new_authority, request_of
from prime_pool import PrimePool
from responding import LATER, ResponderKeys, ask, named, responding

from jpki.ca import (
    Authority,
    AuthorityFolder,
    AuthoritySettings,
    CertificateUnsound,
    ClockBehind,
    KeyInUse,
    KeyMissing,
    LoadedKey,
    NotCaughtUp,
    OcspResponders,
    PassphraseNeeded,
    ResponderMissing,
)
from jpki.ca.backup.mark import mark_restored
from jpki.formats import OCSP_SIGNING, CertId, Certificate, CertificateProfile, ocsp_request
from jpki.store import Store, StoredResponder
from jpki.terms import CertificateName, Role, Secret

SIGN, AUTH = Role.SIGNATURE, Role.AUTHENTICATION
DAY = timedelta(days=1)
PASSPHRASE, OWN_PASSPHRASE = Secret(b"the authority's"), Secret(b"the responder's")
PROCESSES = 5


class Unplugged:
    """A key on a token that is not there any more."""

    def sign(self, content: bytes) -> bytes:
        raise KeyMissing(file=f"token, for {len(content)} octets")


def stored(authority: Authority, role: Role) -> tuple[StoredResponder, ...]:
    with authority.store.snapshot() as view:
        return view.responders(authority.generations[role][0].name)


def answers_by(responders: OcspResponders, authority: Authority, role: Role, at: datetime) -> CertificateName:
    """Returns which responder's certificate comes along with an answer."""
    found = ask(responders, named(authority, authority.certificates[role].name), at=at)
    (certificate,) = found.certificates
    return CertificateName(role, certificate.serial)


@pytest.mark.parametrize("role", BOTH)
def test_a_responder_gets_a_certificate_for_thirty_days_signed_by_the_authority_s_key(
    authority: Authority, role: Role
) -> None:
    with responding(authority):
        (one,) = stored(authority, role)
    found = Certificate.parse(one.encoded)
    assert (found.serial, found.extended_key_usage, found.ocsp_no_check) == (one.name.number, (OCSP_SIGNING,), True)
    assert found.subject.common_name == "OCSP Responder 1"
    assert (one.not_before, one.not_after) == (LATER - timedelta(hours=1), LATER + 30 * DAY)
    assert one.encoded.endswith(authority_key(role).sign(found.tbs))


def test_the_audit_trail_tells_of_it_and_no_intent_is_left(authority: Authority) -> None:
    with responding(authority), authority.store.snapshot() as view:
        told = [
            json.loads(entry.body)["facts"]["responders"]
            for entry in view.audit_entries()
            if b"responders" in entry.body
        ]
        assert [one["name"] for some in told for one in some] == [str(stored(authority, role)[0].name) for role in BOTH]
        assert view.intents() == ()


def test_its_number_is_the_authority_s_next_and_never_a_holder_s(authority: Authority, applicants: Applicants) -> None:
    before = name_in(issue_one(authority, applicants.asks()), SIGN)
    with responding(authority):
        after = name_in(issue_one(authority, applicants.asks(), LATER), SIGN)
    assert [one.name.number for one in stored(authority, SIGN)] == [before.number + 1] == [after.number - 1]


def test_it_is_renewed_when_a_third_of_its_life_is_left_and_the_old_one_serves_until_then(authority: Authority) -> None:
    with responding(authority) as responders:
        (first,) = stored(authority, SIGN)
        last = first.not_after - (first.not_after - first.not_before) / 3
        for at, count in ((last - DAY, 1), (last, 2), (last + DAY, 2)):
            responders.make_ahead(at)
            responders.renew(at)
            made = stored(authority, SIGN)
            assert len(made) == count
            assert answers_by(responders, authority, SIGN, at) == made[-1].name
        assert made[1].not_after > first.not_after


def test_the_next_one_opened_takes_what_is_there(authority: Authority) -> None:
    for _ in range(3):
        with responding(authority):
            assert len(stored(authority, SIGN)) == 1


def test_a_key_that_was_lost_gets_a_certificate_of_its_own(authority: Authority) -> None:
    with responding(authority):
        pass
    others = ResponderKeys()
    for role in BOTH:
        others._keys[role, 1] = LoadedKey(PrimePool(91).generate().private_key)
    # Not the same key for two authorities: each role has its own.
    others._keys[AUTH, 1] = LoadedKey(PrimePool(92).generate().private_key)
    with responding(authority, LATER, keys=others) as responders:
        assert len(stored(authority, SIGN)) == 2
        assert answers_by(responders, authority, SIGN, LATER) == stored(authority, SIGN)[-1].name


def test_its_last_second_is_not_after_the_authority_s(authority: Authority) -> None:
    end = authority.certificates[SIGN].not_after
    with responding(authority, end - DAY):
        assert stored(authority, SIGN)[0].not_after == end


def test_no_answer_holds_longer_than_the_certificate_by_which_it_is_verified(
    authority: Authority, applicants: Applicants
) -> None:
    name = name_in(issue_one(authority, applicants.asks(roles=[AUTH])), AUTH)
    request = ocsp_request([named(authority, name)])
    with responding(authority) as responders:
        end = stored(authority, AUTH)[0].not_after
        (answer,) = responders.answers([request], end - timedelta(minutes=5))
        assert answer.next_update == end
        assert responders.made_ahead(request, end) == answer
        assert responders.made_ahead(request, end + timedelta(seconds=1)) is None


def test_a_renewal_that_fails_leaves_the_old_one_at_work(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    with responding(authority) as responders:
        (first,) = stored(authority, SIGN)
        at = first.not_after - DAY
        monkeypatch.setattr("jpki.ca.answering.responders._SECONDS_BEFORE_ANOTHER_LOOK", 0.0)
        with monkeypatch.context() as broken:
            broken.setattr(authority._issuers[authority.certificates[SIGN].name], "_key", Unplugged())
            responders.renew(at)
            # It costs a number each time, so who asks about a foreign certificate must not set off another try.
            mine = named(authority, first.name)
            foreign = ocsp_request([CertId.of(mine.issuer[:-1] + bytes((mine.issuer[-1] ^ 1,)), 1)])
            for _ in range(3):
                responders.made_ahead(foreign, at)
                responders.make_ahead(at)
            with authority.store.snapshot() as view:
                assert len(view.intents()) == 1
            assert [type(one.problem) for one in responders.states] == [KeyMissing, type(None)]
            assert answers_by(responders, authority, SIGN, at) == first.name
            # Also for one that is opened only now.
            with responding(authority, at) as others:
                assert answers_by(others, authority, SIGN, at) == first.name
        monkeypatch.setattr("jpki.ca.answering.certifying._WAIT_SECONDS", 0.0)
        responders.renew(at)
        assert {one.problem for one in responders.states} == {None}
        assert answers_by(responders, authority, SIGN, at) == stored(authority, SIGN)[-1].name != first.name


def test_a_store_that_was_put_back_is_not_answered_from_until_it_was_shown_what_was_published_since(
    authority: Authority,
) -> None:
    owing = list(authority.certificates.values())
    with responding(authority) as responders:
        answers_by(responders, authority, SIGN, LATER)
        mark_restored(authority.store, LATER, made_at=NOW, sha256="00" * 32)
        responders.renew(LATER)
        assert {type(one.problem) for one in responders.states} == {NotCaughtUp}
        with pytest.raises(ResponderMissing):
            answers_by(responders, authority, SIGN, LATER)
        authority.state_nothing_published(LATER, lists=[one.name for one in owing], seal=True)
        responders.renew(LATER)
        assert answers_by(responders, authority, SIGN, LATER)


def test_an_expired_generation_has_no_responder_any_more(authority: Authority) -> None:
    end = max(authority.certificates[role].not_after for role in BOTH)
    with responding(authority, end + DAY) as responders:
        assert responders.states == ()
        request = ocsp_request([named(authority, authority.certificates[SIGN].name)])
        assert responders.made_ahead(request, end + DAY) is not None  # unauthorized, at once


@pytest.mark.parametrize("whose", ["authority", "other authority", "holder"])
def test_a_key_that_certifies_or_is_certified_is_not_taken(
    authority: Authority, applicants: Applicants, whose: str
) -> None:
    private = PrimePool(93).generate().private_key
    issue_one(authority, applicants.asks(requests={SIGN: request_of(private)}))
    keys = ResponderKeys()
    keys._keys[SIGN, 1] = {
        "authority": authority_key(SIGN),
        "other authority": authority_key(AUTH),
        "holder": LoadedKey(private),
    }[whose]
    with responding(authority, keys=keys) as responders:
        assert [type(one.problem) for one in responders.states] == [KeyInUse, type(None)]
        with pytest.raises(ResponderMissing):
            answers_by(responders, authority, SIGN, LATER)
        assert answers_by(responders, authority, AUTH, LATER)
    assert stored(authority, SIGN) == ()


def test_a_clock_that_was_set_back_makes_no_certificate(authority: Authority) -> None:
    with responding(authority, LATER + 40 * DAY):
        pass
    for at in (LATER, NOW - DAY):
        with responding(authority, at) as responders:
            assert {type(one.problem) for one in responders.states} == {ClockBehind}
            with pytest.raises(ResponderMissing):
                answers_by(responders, authority, SIGN, at)
    assert [len(stored(authority, role)) for role in BOTH] == [1, 1]


def test_without_the_authority_s_key_it_goes_on_with_what_it_has_and_says_how_long(
    tmp_path: Path, address: str
) -> None:
    keys = PoolKeys()
    with new_authority(tmp_path, keys, address=address) as authority, responding(authority):
        first = stored(authority, SIGN)[0]
    with Authority(Store.open(address), PoolKeys()) as bare:  # a source that has no key
        with pytest.raises(Exception) as caught:  # noqa: PT011 - of whichever kind: it cannot sign
            bare.issuer(SIGN)
        has = ResponderKeys()
        for role in BOTH:
            has.signing_key(role, 1, make=True)
        with responding(bare, LATER + 25 * DAY, keys=has) as responders:
            state = responders.states[0]
            assert (state.certificate, state.not_after) == (first.name, first.not_after)
            assert type(state.problem) is type(caught.value)
            assert answers_by(responders, bare, SIGN, LATER + 25 * DAY) == first.name
            with pytest.raises(ResponderMissing) as ended:
                answers_by(responders, bare, SIGN, LATER + 31 * DAY)
            assert (ended.value.role, ended.value.generation) == (SIGN, 1)


def test_a_folder_s_responder_keys_are_files_of_their_own_under_a_passphrase_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jpki.ca.sealing._SCRYPT_N", 16)
    monkeypatch.setattr("jpki.ca.sealing._PBKDF2_ROUNDS", 1000)
    pool = PrimePool(94)

    def make_key() -> object:
        return pool.generate().private_key

    folder = AuthorityFolder(tmp_path / "ca")
    with folder.create(PASSPHRASE, AuthoritySettings(), NOW, make_key=make_key) as authority:  # type: ignore[arg-type]
        keys = folder.responder_keys(OWN_PASSPHRASE, make_key=make_key)  # type: ignore[arg-type]
        with responding(authority, keys=keys):  # type: ignore[arg-type]
            names = {file.name for file in folder.keys.glob("ocsp-*")}
    assert names == {"ocsp-sign-1.key", "ocsp-auth-1.key"}
    assert {(folder.keys / name).stat().st_mode & 0o777 for name in names} == {0o600}
    with folder.open() as authority:
        keys = folder.responder_keys(OWN_PASSPHRASE)
        with responding(authority, LATER + DAY, keys=keys) as responders:  # type: ignore[arg-type]
            assert {type(one.problem) for one in responders.states} == {PassphraseNeeded}
            assert answers_by(responders, authority, SIGN, LATER + DAY) == stored(authority, SIGN)[0].name


def test_what_is_to_be_signed_is_looked_at_first(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    real = CertificateProfile.responder_template

    def wrong(profile: CertificateProfile, issuer: Certificate) -> object:
        rules = tuple(rule for rule in profile.extensions if rule.oid != "1.3.6.1.5.5.7.48.1.5")
        return real(replace(profile, extensions=rules), issuer)

    monkeypatch.setattr(CertificateProfile, "responder_template", wrong)
    with responding(authority) as responders:
        assert {type(one.problem) for one in responders.states} == {CertificateUnsound}
    assert stored(authority, SIGN) == ()


def test_of_threads_that_find_it_old_one_makes_the_next(tmp_path: Path, address: str) -> None:
    keys = PoolKeys()
    own = ResponderKeys()
    with new_authority(tmp_path, keys, address=address) as authority, responding(authority, keys=own):
        at = LATER + 25 * DAY
        barrier = Barrier(PROCESSES)

        def renews(_: int) -> CertificateName | None:
            with Authority(Store.open(address), keys) as mine:
                barrier.wait(60)
                with responding(mine, at, keys=own) as responders:
                    return responders.states[0].certificate

        with ThreadPoolExecutor(PROCESSES) as threads:
            used = list(threads.map(renews, range(PROCESSES)))
        assert [len(stored(authority, role)) for role in BOTH] == [2, 2]
        assert set(used) <= {one.name for one in stored(authority, SIGN)}
        with authority.store.snapshot() as view:
            assert view.intents() == ()


def _opens(address: str, at: datetime, begin: Callable[[], object]) -> None:
    with Authority(Store.open(address), _made(PoolKeys())) as mine:
        begin()
        with responding(mine, at) as responders:
            assert all(one.certificate is not None for one in responders.states)


def _made(keys: PoolKeys) -> PoolKeys:
    for role in BOTH:
        keys.signing_key(role, 1, make=True)
    return keys


def test_of_processes_that_find_none_one_makes_it_and_the_others_wait_for_it(tmp_path: Path, address: str) -> None:
    new_authority(tmp_path, address=address).close()
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(PROCESSES)
    started = [context.Process(target=_opens, args=(address, LATER, barrier.wait)) for _ in range(PROCESSES)]
    for one in started:
        one.start()
    for one in started:
        one.join(120)
    assert [one.exitcode for one in started] == [0] * PROCESSES
    with Authority(Store.open(address), PoolKeys()) as authority:
        assert [len(stored(authority, role)) for role in BOTH] == [1, 1]
        with authority.store.snapshot() as view:
            assert view.intents() == ()


def test_an_intent_of_a_process_that_died_holds_up_nobody_for_long(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def dies(*_: object) -> None:
        raise Killed

    monkeypatch.setattr("jpki.ca.answering.certifying.lint", dies)
    with pytest.raises(Killed), responding(authority):
        pass
    monkeypatch.undo()
    monkeypatch.setattr("jpki.ca.answering.certifying._WAIT_SECONDS", 0.0)
    with responding(authority, LATER + timedelta(seconds=1)) as responders:
        assert answers_by(responders, authority, SIGN, LATER + timedelta(seconds=1)) == stored(authority, SIGN)[0].name
    with authority.store.snapshot() as view:
        (lost,) = view.intents()
    # The number of the one that was never made is nobody's.
    assert lost.name.number == stored(authority, SIGN)[0].name.number - 1
    assert lost.noted_at == LATER.astimezone(UTC)

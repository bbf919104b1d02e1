"""Outstanding challenges: each is taken once, by one, within its five minutes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import datetime, timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from judging import EVIDENCE, TRUST, login
from small_pki import AUTH_CA, HOLDER, NOW, ORIGIN, STRANGER

from jpki.accounts import Challenges, MemoryChallenges, NonceRepeated, NoSuchChallenge, StoredChallenges
from jpki.store import RelyingStore
from jpki.terms import JST
from jpki.verify import BadMoment, BadSubject, Challenge, Login, LoginResponse, verify

STARTED: list[Barrier] = []  # in the processes of one test: lets them begin together
SOON = NOW + timedelta(minutes=1)
LATE = NOW + timedelta(minutes=5)


@pytest.fixture(params=["memory", "store"])
def challenges(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Challenges]:
    if request.param == "memory":
        yield MemoryChallenges()
    else:
        with RelyingStore.create(tmp_path / "site.db") as store:
            yield StoredChallenges(store)


def nonce(number: int) -> bytes:
    return number.to_bytes(32, "big")


def response(to: Challenge) -> LoginResponse:
    return login(challenge=to).response


def test_what_was_handed_out_comes_back_as_it_was(challenges: Challenges) -> None:
    at = NOW + timedelta(microseconds=123456)
    handed_out = challenges.new(ORIGIN, at.astimezone(JST), nonce(1))
    assert challenges.take(response(handed_out), SOON) == handed_out == Challenge(nonce(1), ORIGIN, at)


def test_a_challenge_is_taken_once(challenges: Challenges) -> None:
    answer = response(challenges.new(ORIGIN, NOW, nonce(1)))
    challenges.take(answer, SOON)
    with pytest.raises(NoSuchChallenge):
        challenges.take(answer, SOON)


def test_a_login_that_fails_has_used_its_challenge_up(challenges: Challenges) -> None:
    handed_out = challenges.new(ORIGIN, NOW, nonce(1))
    forged = login(challenge=handed_out, key=STRANGER).response
    taken = challenges.take(forged, SOON)
    assert not verify(Login(forged, taken), TRUST, EVIDENCE, SOON).valid
    with pytest.raises(NoSuchChallenge):
        challenges.take(response(handed_out), SOON)


def test_a_login_is_judged_by_the_challenge_that_was_kept(challenges: Challenges) -> None:
    answer = response(challenges.new(ORIGIN, NOW, nonce(1)))
    assert verify(Login(answer, challenges.take(answer, SOON)), TRUST, EVIDENCE, SOON).valid


def test_a_challenge_that_was_never_handed_out_is_none(challenges: Challenges) -> None:
    with pytest.raises(NoSuchChallenge):
        challenges.take(response(Challenge(nonce(1), ORIGIN, NOW)), SOON)


def test_a_challenge_is_gone_after_five_minutes(challenges: Challenges) -> None:
    answer = response(challenges.new(ORIGIN, NOW, nonce(1)))
    with pytest.raises(NoSuchChallenge):
        challenges.take(answer, LATE)
    with pytest.raises(NoSuchChallenge):
        challenges.take(answer, SOON)


def test_handing_one_out_leaves_the_others_and_forgets_the_expired(challenges: Challenges) -> None:
    first = response(challenges.new(ORIGIN, NOW, nonce(1)))
    second = response(challenges.new(ORIGIN, SOON, nonce(2)))
    challenges.new(ORIGIN, LATE + timedelta(seconds=1), nonce(3))
    with pytest.raises(NoSuchChallenge):
        challenges.take(first, SOON)
    assert challenges.take(second, SOON).nonce == nonce(2)


def test_randomness_that_repeats_is_refused(challenges: Challenges) -> None:
    challenges.new(ORIGIN, NOW, nonce(1))
    with pytest.raises(NonceRepeated):
        challenges.new(ORIGIN, SOON, nonce(1))


@pytest.mark.parametrize(
    ("origin", "at", "random", "error"),
    [
        ("http://bank.example", NOW, nonce(1), BadSubject),
        (ORIGIN, NOW.replace(tzinfo=None), nonce(1), BadMoment),
        (ORIGIN, NOW, bytes(31), BadSubject),
    ],
    ids=["origin", "moment", "randomness"],
)
def test_a_challenge_that_would_be_none_is_not_kept(
    challenges: Challenges, origin: str, at: datetime, random: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        challenges.new(origin, at, random)


def test_it_is_taken_at_a_moment_with_a_time_zone(challenges: Challenges) -> None:
    answer = response(challenges.new(ORIGIN, NOW, nonce(1)))
    with pytest.raises(BadMoment):
        challenges.take(answer, SOON.replace(tzinfo=None))
    assert challenges.take(answer, SOON)


def won(challenges: Challenges, answer: LoginResponse) -> bool:
    try:
        challenges.take(answer, SOON)
    except NoSuchChallenge:
        return False
    return True


def test_of_many_threads_that_take_one_challenge_one_gets_it(challenges: Challenges) -> None:
    answers = [response(challenges.new(ORIGIN, NOW, nonce(number))) for number in range(20)]
    with ThreadPoolExecutor(8) as threads:
        for answer in answers:
            wins = list(threads.map(won, [challenges] * 8, [answer] * 8))
            assert sum(wins) == 1


def begin_together(barrier: Barrier) -> None:
    STARTED.append(barrier)


def take_all(file: Path, answers: list[LoginResponse]) -> list[bytes]:
    with RelyingStore.open(file) as store:
        STARTED[0].wait(timeout=60)
        return [answer.nonce for answer in answers if won(StoredChallenges(store), answer)]


def test_of_two_processes_that_take_the_same_challenges_each_goes_to_one(tmp_path: Path) -> None:
    file = tmp_path / "site.db"
    signature, certificate = HOLDER.sign(b""), AUTH_CA.issue(HOLDER)
    with RelyingStore.create(file) as store:
        handed_out = [StoredChallenges(store).new(ORIGIN, NOW, nonce(number)) for number in range(60)]
    answers = [LoginResponse(ORIGIN, one.nonce, signature, certificate) for one in handed_out]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, spawn, initializer=begin_together, initargs=(spawn.Barrier(2),)) as processes:
        first, second = processes.map(take_all, [file, file], [answers, answers])
    assert sorted(first + second) == [nonce(number) for number in range(60)]


def test_memory_is_bounded_and_forgets_the_oldest() -> None:
    challenges = MemoryChallenges(limit=3)
    answers = [response(challenges.new(ORIGIN, NOW, nonce(number))) for number in range(5)]
    assert len(challenges) == 3
    assert [won(challenges, answer) for answer in answers] == [False] * 2 + [True] * 3


def test_a_store_outlives_its_process(tmp_path: Path) -> None:
    with RelyingStore.create(tmp_path / "site.db") as store:
        answer = response(StoredChallenges(store).new(ORIGIN, NOW, nonce(1)))
    with RelyingStore.open(tmp_path / "site.db") as store:
        assert StoredChallenges(store).take(answer, SOON).origin == ORIGIN

"""Answers that were made ahead: given while they are young, never after what they say has changed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier, Event

import pytest
from authorities import Applicants, issue_one, name_in
from responding import LATER, ResponderKeys, ask, basic, named, responder_key, responding

from jpki.ca import Authority, LoadedKey, OcspPolicy, OcspResponders
from jpki.formats import CertState, RevocationReason, ocsp_request
from jpki.terms import CertificateName, Role

SIGN, AUTH = Role.SIGNATURE, Role.AUTHENTICATION
MINUTE = timedelta(minutes=1)
POLICY = OcspPolicy()


@pytest.fixture
def names(authority: Authority, applicants: Applicants) -> list[CertificateName]:
    return [name_in(issue_one(authority, applicants.asks(roles=[AUTH])), AUTH) for _ in range(4)]


@pytest.fixture
def responders(authority: Authority) -> Iterator[OcspResponders]:
    with responding(authority) as made:
        yield made


def question(authority: Authority, name: CertificateName) -> bytes:
    return ocsp_request([named(authority, name)])


def ahead(
    responders: OcspResponders, authority: Authority, name: CertificateName, at: datetime = LATER
) -> CertState | None:
    """Returns what an answer made ahead says of a certificate, None where there is none to give."""
    found = responders.made_ahead(question(authority, name), at)
    return None if found is None else basic(found.encoded).responses[0].status.state


def catch_up(responders: OcspResponders, authority: Authority, since: int, role: Role = AUTH) -> int:
    """Lets responders forget what has changed after a revision, as the service does twice a second."""
    with authority.store.snapshot() as view:
        revision = view.revision(role)
        responders.forget(role, view.changed_since(role, since), revision)
    return revision


def hold(authority: Authority, name: CertificateName) -> None:
    authority.revoke(name, RevocationReason.CERTIFICATE_HOLD, LATER)


def test_the_first_question_is_answered_by_a_signature_and_the_next_by_the_same_octets(
    authority: Authority, responders: OcspResponders, names: list[CertificateName]
) -> None:
    asked = question(authority, names[0])
    assert responders.made_ahead(asked, LATER) is None
    (signed,) = responders.answers([asked], LATER)
    assert responders.made_ahead(asked, LATER + MINUTE) == signed


def test_it_is_given_for_ten_minutes_of_its_fifteen(
    authority: Authority, responders: OcspResponders, names: list[CertificateName]
) -> None:
    responders.answers([question(authority, names[0])], LATER)
    assert ahead(responders, authority, names[0], LATER + POLICY.handed_out) is CertState.GOOD
    assert ahead(responders, authority, names[0], LATER + POLICY.handed_out + timedelta(seconds=1)) is None


def test_one_from_the_future_is_not_given_when_the_clock_was_set_back(
    authority: Authority, responders: OcspResponders, names: list[CertificateName]
) -> None:
    responders.answers([question(authority, names[0])], LATER)
    assert ahead(responders, authority, names[0], LATER - MINUTE) is None


def test_a_round_makes_again_what_was_asked_for_since_the_last(
    authority: Authority, responders: OcspResponders, names: list[CertificateName]
) -> None:
    responders.make_ahead(LATER)
    responders.answers([question(authority, names[0])], LATER)
    ahead(responders, authority, names[0])
    ahead(responders, authority, names[1])  # asked for, and not there yet
    at = LATER + POLICY.rounds
    assert not responders.make_ahead(at)
    made = [responders.made_ahead(question(authority, name), at) for name in names]
    assert [one and one.this_update for one in made] == [at, at, None, None]


def test_a_round_makes_what_is_revoked(
    authority: Authority, responders: OcspResponders, names: list[CertificateName]
) -> None:
    for name in names[:2]:
        hold(authority, name)
    while responders.make_ahead(LATER):
        pass
    assert [ahead(responders, authority, name) for name in names] == [CertState.REVOKED, CertState.REVOKED, None, None]


def test_when_there_are_too_many_the_one_not_asked_for_the_longest_goes(
    authority: Authority, names: list[CertificateName]
) -> None:
    with responding(authority, policy=OcspPolicy(most=2)) as responders:
        for name in names[:2]:
            responders.answers([question(authority, name)], LATER)
        ahead(responders, authority, names[0])
        responders.answers([question(authority, names[2])], LATER)
        assert [ahead(responders, authority, name) for name in names[:3]] == [CertState.GOOD, None, CertState.GOOD]
        hold(authority, names[3])
        while responders.make_ahead(LATER):
            pass
        assert ahead(responders, authority, names[3]) is None  # no room: what is asked for comes first


def test_nothing_is_made_ahead_about_a_number_that_nobody_has(
    authority: Authority, responders: OcspResponders, names: list[CertificateName]
) -> None:
    nobody = CertificateName(AUTH, names[-1].number + 1)
    assert responders.prepare([named(authority, nobody)], LATER) == 0
    assert responders.prepare([named(authority, names[0])], LATER) == 1


def test_a_certificate_issued_after_it_was_unknown_is_good_at_once(
    authority: Authority, applicants: Applicants, responders: OcspResponders, names: list[CertificateName]
) -> None:
    following = CertificateName(AUTH, names[-1].number + 1)
    ask(responders, named(authority, following))
    assert name_in(issue_one(authority, applicants.asks(roles=[AUTH])), AUTH) == following
    assert ask(responders, named(authority, following)).responses[0].status.state is CertState.GOOD


def test_what_changed_is_forgotten_by_all_its_names_and_nothing_else(
    authority: Authority, responders: OcspResponders, names: list[CertificateName]
) -> None:
    sha256 = named(authority, names[0], algorithm="2.16.840.1.101.3.4.2.1")
    responders.prepare([*(named(authority, name) for name in names), sha256], LATER)
    seen = catch_up(responders, authority, 0)
    hold(authority, names[0])
    hold(authority, names[1])
    catch_up(responders, authority, seen)
    assert [ahead(responders, authority, name) for name in names] == [None, None, CertState.GOOD, CertState.GOOD]
    assert responders.made_ahead(ocsp_request([sha256]), LATER) is None
    assert ask(responders, sha256).responses[0].status.reason is RevocationReason.CERTIFICATE_HOLD


def test_a_release_is_forgotten_too(
    authority: Authority, responders: OcspResponders, names: list[CertificateName]
) -> None:
    hold(authority, names[0])
    responders.prepare([named(authority, names[0])], LATER)
    with authority.store.snapshot() as view:
        seen = view.revision(AUTH)
    with authority.store.transaction() as change:
        change.release(names[0], LATER)
    catch_up(responders, authority, seen)
    assert ahead(responders, authority, names[0]) is None


def test_a_change_of_one_authority_takes_nothing_from_the_other(authority: Authority, applicants: Applicants) -> None:
    outcome = issue_one(authority, applicants.asks())
    sign, auth = name_in(outcome, SIGN), name_in(outcome, AUTH)
    with responding(authority) as responders:
        responders.prepare([named(authority, sign), named(authority, auth)], LATER)
        hold(authority, auth)
        catch_up(responders, authority, 0)
        assert [ahead(responders, authority, name) for name in (sign, auth)] == [CertState.GOOD, None]


def test_of_very_many_changes_all_answers_of_the_authority_go_at_once(
    authority: Authority, applicants: Applicants
) -> None:
    outcome = issue_one(authority, applicants.asks())
    sign, auth = name_in(outcome, SIGN), name_in(outcome, AUTH)
    taken = 0

    def changed() -> Iterator[CertificateName]:
        nonlocal taken
        for number in range(0x0200_0000, 0x0300_0000):
            taken += 1
            yield CertificateName(AUTH, number)

    with responding(authority) as responders:
        responders.prepare([named(authority, sign), named(authority, auth)], LATER)
        responders.forget(AUTH, changed(), 1)
        assert taken < 100_000  # and the rest is not even looked at
        assert [ahead(responders, authority, name) for name in (sign, auth)] == [CertState.GOOD, None]
        # Before that revision nothing counts any more, of that authority.
        responders.prepare([named(authority, sign), named(authority, auth)], LATER)
        assert [ahead(responders, authority, name) for name in (sign, auth)] == [CertState.GOOD, None]


class HeldBack:
    """A responder's key that signs when it is let go."""

    def __init__(self, key: LoadedKey) -> None:
        self._key = key
        self.public_key_info = key.public_key_info
        self.began, self.go = Event(), Event()
        self.go.set()

    def sign(self, content: bytes) -> bytes:
        self.began.set()
        assert self.go.wait(60)
        return self._key.sign(content)

    def sign_digest(self, digest: bytes) -> bytes:
        return self._key.sign_digest(digest)


class HeldBackKeys(ResponderKeys):
    def __init__(self) -> None:
        super().__init__()
        self.auth = HeldBack(responder_key(AUTH))
        self._keys[AUTH, 1] = self.auth  # type: ignore[assignment]


@pytest.mark.parametrize("several", [False, True])
def test_an_answer_read_before_a_revocation_and_finished_after_it_was_seen_does_not_stay(
    authority: Authority, names: list[CertificateName], several: bool
) -> None:
    keys = HeldBackKeys()
    with responding(authority, keys=keys) as responders, ThreadPoolExecutor(1) as thread:
        keys.auth.began.clear()
        keys.auth.go.clear()
        if several:
            late = thread.submit(responders.prepare, [named(authority, name) for name in names], LATER)
        else:
            late = thread.submit(lambda: len(responders.answers([question(authority, names[0])], LATER)))
        assert keys.auth.began.wait(60)
        hold(authority, names[0])
        catch_up(responders, authority, 0)
        keys.auth.go.set()
        assert late.result(60) == (len(names) - 1 if several else 1)
        assert ahead(responders, authority, names[0]) is None
        (single,) = ask(responders, named(authority, names[0])).responses
        assert single.status.state is CertState.REVOKED
        # What is read after the change is kept again.
        assert ahead(responders, authority, names[0]) is CertState.REVOKED


def test_whatever_threads_do_at_once_no_revocation_is_answered_good_after_it_was_seen(
    authority: Authority, applicants: Applicants
) -> None:
    names = [name_in(issue_one(authority, applicants.asks(roles=[AUTH])), AUTH) for _ in range(12)]
    questions = {name: question(authority, name) for name in names}
    cert_ids = [named(authority, name) for name in names]
    ended = Event()
    begin = Barrier(4)

    def makes(responders: OcspResponders) -> int:
        begin.wait(60)
        rounds = 0
        while not ended.is_set():
            responders.prepare(cert_ids, LATER)
            rounds += 1
        return rounds

    def asks(responders: OcspResponders) -> int:
        begin.wait(60)
        rounds = 0
        while not ended.is_set():
            responders.answers(list(questions.values()), LATER)
            rounds += 1
        return rounds

    with responding(authority) as responders, ThreadPoolExecutor(3) as threads:
        busy = [threads.submit(work, responders) for work in (makes, makes, asks)]
        begin.wait(60)
        seen = 0
        try:
            for place, name in enumerate(names):
                hold(authority, name)
                seen = catch_up(responders, authority, seen)
                for earlier in names[: place + 1]:
                    assert ahead(responders, authority, earlier) in (None, CertState.REVOKED)
        finally:
            ended.set()
        assert all(one.result(60) for one in busy)

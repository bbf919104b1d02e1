"""Nothing on the way from a resident to a certificate shows in print whom it is for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from authorities import ADULT, BOTH, NOW, Applicants, certificate_of, issue_one

from jpki.ca import Authority, decide
from jpki.ca.batch import Batch, _checked
from jpki.formats import Certificate
from jpki.terms import Role

PERSON = replace(ADULT, name="𠮷田　花子", furigana="ヨシダ　ハナコ", former_name="秘姓")
TEXTS = ("吉田", "𠮷田", "花子", "ヨシダ", "秘姓", "霞が関", "1989", "19890107")
WORDS = {*TEXTS, *(repr(text.encode())[2:-1] for text in TEXTS)}


def shown(thing: object) -> set[str]:
    return {word for word in WORDS if word in repr(thing) or word in str(thing)}


@pytest.fixture
def batch(authority: Authority) -> Batch:
    return Batch(authority.store, authority.issuer, NOW)


def test_the_words_would_be_found() -> None:
    assert shown(PERSON.name)
    assert shown(PERSON.name.encode())


def test_no_stage_of_a_batch_prints_its_person(authority: Authority, applicants: Applicants, batch: Batch) -> None:
    request = applicants.asks(PERSON)
    checked = _checked([request])
    plans = batch._plans([request], checked)
    drafts, _ = batch._drafts(plans, batch._take_places(plans))  # type: ignore[arg-type]  # none was refused
    made = [batch._certificate(draft, draft.tbs) for draft in drafts]
    foreseen = authority.foresee(PERSON, BOTH, NOW)
    for thing in (request, checked, plans, drafts, made, decide(PERSON, NOW), foreseen):
        assert not shown(thing)


def test_what_was_issued_does_not_print_its_person(authority: Authority, applicants: Applicants) -> None:
    outcome = issue_one(authority, applicants.asks(PERSON))
    certificate = Certificate.parse(certificate_of(outcome, Role.SIGNATURE).encoded)
    status = authority.chain(certificate.name(Role.SIGNATURE), NOW)
    with authority.store.snapshot() as view:
        stored = view.of_holders([PERSON.resident_id])
    for thing in (outcome, stored, status, certificate, certificate.extensions, certificate.other_names):
        assert not shown(thing)

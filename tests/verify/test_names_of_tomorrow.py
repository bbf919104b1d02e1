"""Kinds of names under the arc of the attributes that nobody knows yet: kept as they are, and in nobody's way."""

from __future__ import annotations

import pytest
from judging import document, failed, judged, login
from small_pki import ATTRIBUTES, AUTH_CA, HOLDER, SIGN_CA, alternative_names, element, oid, other_name, sequence, utf8

from jpki.verify import CheckName, Verdict

ARC = "1.2.392.200149.8.5.5"


def name_of(number: int | str, value: bytes) -> bytes:
    return element(0xA0, oid(f"{ARC}.{number}"), element(0xA0, value))


NAMES = {
    "furigana": other_name(f"{ARC}.7", "バンゴウ　ハナコ"),
    "an empty text": other_name(f"{ARC}.8", ""),
    "octets": name_of(9, element(0x04, b"\xff\x00")),
    "a structure": name_of(10, sequence(utf8("旧"), sequence(utf8("新")))),
    "another kind of text": name_of(11, element(0x13, b"HANAKO")),
    "below one of the attributes": name_of("1.1", utf8("番号")),
    "an arc of one's own": element(0xA0, oid("2.25.12345"), element(0xA0, utf8("x"))),
}


@pytest.mark.parametrize("more", NAMES.values(), ids=NAMES.keys())
def test_an_unknown_name_is_kept_and_does_no_harm(more: bytes) -> None:
    names = alternative_names(ATTRIBUTES, more)
    verdict = judged(document(SIGN_CA.issue(HOLDER, replaced={"names": names})))
    assert verdict.valid, failed(verdict)
    assert verdict.holder is not None
    assert verdict.holder.name == ATTRIBUTES[1]
    assert kept(verdict)[-1] == more
    assert len(kept(verdict)) == len(ATTRIBUTES) + 1


@pytest.mark.parametrize("more", NAMES.values(), ids=NAMES.keys())
def test_an_authentication_certificate_may_have_it_too(more: bytes) -> None:
    verdict = judged(login(AUTH_CA.issue(HOLDER, more=[alternative_names({}, more)])))
    assert verdict.valid, failed(verdict)
    assert verdict.holder is None
    assert kept(verdict) == [more]


def test_a_name_of_each_unknown_kind_beside_one_another_and_twice() -> None:
    names = alternative_names(ATTRIBUTES, *NAMES.values(), *NAMES.values())
    verdict = judged(document(SIGN_CA.issue(HOLDER, replaced={"names": names})))
    assert verdict.valid, failed(verdict)
    assert kept(verdict)[len(ATTRIBUTES) :] == [*NAMES.values()] * 2


def test_a_known_attribute_twice_is_refused_as_nobody_could_say_which_counts() -> None:
    names = alternative_names(ATTRIBUTES, other_name(f"{ARC}.1", "別人"))
    verdict = judged(document(SIGN_CA.issue(HOLDER, replaced={"names": names})))
    assert failed(verdict) == {CheckName.FORM, CheckName.ATTRIBUTES}


def kept(verdict: Verdict) -> list[bytes]:
    return [name.raw for name in verdict.certificate.other_names]

"""What cannot be judged at all is a typed error that names the thing: no traceback of another kind, and never a yes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from judging import CHALLENGE, EVIDENCE, TRUST, document, judged, login
from small_pki import (
    DOCUMENT,
    HOLDER,
    NOW,
    ORIGIN,
    SHA384_RSA,
    SIGN_CA,
    element,
    key_usage,
    policies,
    revoked,
)

from jpki.errors import BadInput
from jpki.formats import FormatError
from jpki.verify import (
    BadMoment,
    BadSubject,
    Challenge,
    CheckName,
    Digest,
    Evidence,
    LoginResponse,
    Problem,
    SignedDocument,
    verify,
)

RIGHT = SIGN_CA.issue(HOLDER)
RSA = bytes.fromhex("300d06092a864886f70d0101010500")
ZERO_KEY = element(0x30, RSA, element(0x03, b"\x00\x30\x06\x02\x01\x00\x02\x01\x00"))

NO_CERTIFICATES = {
    "nothing": b"",
    "text": b"-----BEGIN CERTIFICATE-----",
    "zeros": bytes(1583),
    "cut short": RIGHT[:-1],
    "something behind it": RIGHT + b"\x00",
    "the first half": RIGHT[: len(RIGHT) // 2],
    "a list": SIGN_CA.revocation_list(),
    "an endless nest": b"\x30\x80" * 5000,
    "far too long": b"\x30\x84\x7f\xff\xff\xff",
    "serial number 0": SIGN_CA.issue(HOLDER, serial=0),
    "a negative serial number": SIGN_CA.issue(HOLDER, serial=-5),
    "a serial number of 21 octets": SIGN_CA.issue(HOLDER, serial=1 << 161),
    "a key of zeros": SIGN_CA.issue(HOLDER, info=ZERO_KEY),
    "key usage twice": SIGN_CA.issue(HOLDER, more=[key_usage(0xC0)]),
    "the good policy, then another": SIGN_CA.issue(HOLDER, more=[policies("1.2.3")]),
    "two different algorithms": SIGN_CA.issue(HOLDER, inner_algorithm=SHA384_RSA),
    "version 1 with extensions": SIGN_CA.issue(HOLDER, version=b""),
    "version 4": SIGN_CA.issue(HOLDER, version=b"\xa0\x03\x02\x01\x03"),
    "an empty list of extensions": SIGN_CA.issue(HOLDER, extensions=[b"\x30\x00"]),
}


@pytest.mark.parametrize("der", NO_CERTIFICATES.values(), ids=NO_CERTIFICATES.keys())
def test_what_is_no_certificate_is_named(der: bytes) -> None:
    subject = SignedDocument(DOCUMENT, HOLDER.sign(DOCUMENT), der)
    with pytest.raises(FormatError) as caught:
        verify(subject, TRUST, EVIDENCE, NOW)
    assert caught.value.what in {"certificate", "public key"}


def test_a_certificate_without_extensions_is_refused_by_its_version() -> None:
    verdict = judged(document(SIGN_CA.issue(HOLDER, version=b"", extensions=[])))
    check = verdict.check(CheckName.FORM)
    assert check is not None
    assert check.problem is Problem.NOT_VERSION_3
    assert not verdict.valid


NO_LISTS = {
    "nothing": b"",
    "zeros": bytes(500),
    "a certificate": RIGHT,
    "cut short": SIGN_CA.revocation_list(revoked())[:-1],
    "cut within its entries": SIGN_CA.revocation_list(*(revoked(serial) for serial in range(1, 90)))[:900],
    "something behind it": SIGN_CA.revocation_list() + b"\x00",
    "a number twice": SIGN_CA.revocation_list(revoked(), revoked(reason=None)),
    "an empty list of entries": SIGN_CA.revocation_list(b""),
    "an entry that is none": SIGN_CA.revocation_list(element(0x30, b"\x02\x01\x05")),
    "a reason without meaning": SIGN_CA.revocation_list(revoked(reason=7)),
    "version 1 with extensions": SIGN_CA.revocation_list(version=b""),
    "a negative number": SIGN_CA.revocation_list(number=-1),
    "a default written out in its scope": SIGN_CA.revocation_list(point=b"\x82\x01\x00"),
    "only users and only authorities": SIGN_CA.revocation_list(point=b"\x81\x01\xff\x82\x01\xff"),
}


@pytest.mark.parametrize("der", NO_LISTS.values(), ids=NO_LISTS.keys())
def test_what_is_no_list_never_becomes_evidence(der: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        Evidence.of(der)
    assert caught.value.what == "certificate revocation list"


SUBJECTS: dict[str, Callable[[], object]] = {
    "an empty document": lambda: SignedDocument(b"", HOLDER.sign(b""), RIGHT),
    "an empty document in no pieces": lambda: Digest.of([]),
    "a digest of 20 octets": lambda: Digest(bytes(20)),
    "a challenge of 16 octets": lambda: Challenge(bytes(16), ORIGIN, NOW),
    "an origin with a path": lambda: Challenge(bytes(32), ORIGIN + "/login", NOW),
    "an origin with a slash": lambda: Challenge(bytes(32), ORIGIN + "/", NOW),
    "an origin in capitals": lambda: Challenge(bytes(32), "https://Bank.example", NOW),
    "an origin with its default port": lambda: Challenge(bytes(32), ORIGIN + ":443", NOW),
    "an origin without encryption": lambda: Challenge(bytes(32), "http://bank.example", NOW),
    "an origin with a name and password": lambda: Challenge(bytes(32), "https://a:b@bank.example", NOW),
    "an origin with a line behind it": lambda: Challenge(bytes(32), ORIGIN + "\n", NOW),
    "no origin": lambda: Challenge(bytes(32), "null", NOW),
    "an answer with a nonce of 31 octets": lambda: LoginResponse(ORIGIN, bytes(31), b"", b""),
    "an answer of no origin": lambda: LoginResponse("", bytes(32), b"", b""),
    "an answer of an origin that is not ASCII": lambda: LoginResponse("https://銀行.example", bytes(32), b"", b""),
    "an origin of 301 characters": lambda: Challenge(bytes(32), ORIGIN + "e" * 281, NOW),
    "an answer of an origin of 301 characters": lambda: LoginResponse("o" * 301, bytes(32), b"", b""),
    "an answer with a signature of 1,025 octets": lambda: LoginResponse(ORIGIN, bytes(32), bytes(1025), b""),
    "an answer with a certificate of 16,385 octets": lambda: LoginResponse(ORIGIN, bytes(32), b"", bytes(16_385)),
    "an answer of a megabyte": lambda: LoginResponse(ORIGIN, bytes(32), b"", bytes(1 << 20)),
}


@pytest.mark.parametrize("make", SUBJECTS.values(), ids=SUBJECTS.keys())
def test_what_cannot_be_judged_is_refused_when_it_is_put_together(make: Callable[[], object]) -> None:
    with pytest.raises(BadSubject):
        make()


def test_what_is_as_long_as_it_may_be_is_taken() -> None:
    origin = ORIGIN + "e" * 280
    assert len(Challenge(bytes(32), origin, NOW).origin) == 300
    assert LoginResponse(origin, bytes(32), bytes(1024), bytes(16_384)).nonce == bytes(32)
    assert LoginResponse("o", bytes(32), b"", b"").origin == "o"
    assert Challenge(bytes(32), ORIGIN, datetime(9999, 12, 31, tzinfo=UTC)).expires_at.year == 9999


def test_a_moment_without_time_zone_is_refused() -> None:
    with pytest.raises(BadMoment):
        verify(document(), TRUST, EVIDENCE, datetime(2026, 11, 22, 3))  # noqa: DTZ001
    with pytest.raises(BadMoment):
        Challenge(bytes(32), ORIGIN, datetime(2026, 11, 22, 3))  # noqa: DTZ001


def test_a_moment_outside_the_calendar_is_refused() -> None:
    east = timezone(timedelta(hours=9))
    with pytest.raises(BadMoment):
        verify(document(), TRUST, EVIDENCE, datetime.min.replace(tzinfo=east))
    with pytest.raises(BadMoment):
        Challenge(bytes(32), ORIGIN, datetime.max.replace(tzinfo=UTC))
    assert not judged(document(), at=datetime.max.replace(tzinfo=UTC)).valid


def test_a_moment_may_be_told_in_any_time_zone() -> None:
    from jpki.terms import JST

    assert judged(document(), at=NOW.astimezone(JST)).checks == judged(document(), at=NOW.astimezone(UTC)).checks


@pytest.mark.parametrize("length", [0, 1, 255, 257, 512])
def test_a_signature_of_another_length_fails_as_such(length: int) -> None:
    signature = (HOLDER.sign(DOCUMENT) * 2)[:length]
    check = judged(SignedDocument(DOCUMENT, signature, RIGHT)).check(CheckName.SIGNATURE)
    assert check is not None
    assert check.problem is Problem.WRONG_LENGTH


@pytest.mark.parametrize(
    "signature",
    [bytes(256), b"\xff" * 256, bytes(255) + b"\x01", HOLDER.sign(DOCUMENT)[::-1]],
    ids=["zeros", "over the modulus", "one", "reversed"],
)
def test_a_nonsense_signature_does_not_fit(signature: bytes) -> None:
    check = judged(SignedDocument(DOCUMENT, signature, RIGHT)).check(CheckName.SIGNATURE)
    assert check is not None
    assert check.problem is Problem.DOES_NOT_FIT


def test_something_else_is_no_subject() -> None:
    with pytest.raises(TypeError):
        verify("a document", TRUST, EVIDENCE, NOW)  # type: ignore[arg-type]


NO_FACTS = [
    None,
    [],
    "{}",
    {},
    {"kind": "login-response", "version": 2},
    {"kind": "login-response", "version": 1},
    login().response.as_facts() | {"nonce": "!"},
    login().response.as_facts() | {"nonce": 5},
    login().response.as_facts() | {"signature": "AA==\n\x00"},
    login().response.as_facts() | {"origin": "銀行"},
    CHALLENGE.as_facts(),
]


@pytest.mark.parametrize("facts", NO_FACTS, ids=range(len(NO_FACTS)))
def test_nonsense_is_no_login_response(facts: object) -> None:
    with pytest.raises(BadInput):
        LoginResponse.from_facts(facts)


@pytest.mark.parametrize("issued_at", ["", "yesterday", "2026-11-22T03:00:00", "2026-13-01T00:00:00Z"])
def test_nonsense_is_no_challenge(issued_at: str) -> None:
    with pytest.raises(BadInput):
        Challenge.from_facts(CHALLENGE.as_facts() | {"issued_at": issued_at})

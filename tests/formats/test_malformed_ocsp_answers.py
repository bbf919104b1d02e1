"""OCSP answers that are none: refused, each for its own reason."""

from __future__ import annotations

import pytest
from issued import authority
from ocsp_answers import NOW, answer, cert_id, single

from jpki.formats import (
    SHA256_WITH_RSA,
    BasicOcspResponse,
    CertId,
    CertStatus,
    FormatError,
    OcspResponse,
)
from jpki.formats.der import ENUMERATED, OCTET_STRING, SEQUENCE, encode, encode_bits, encode_integer, encode_oid
from jpki.formats.extensions import encode_extension
from jpki.terms import Role


def basic(raw: bytes) -> BasicOcspResponse:
    found = OcspResponse.parse(raw).basic
    assert found is not None
    return found


BASIC = encode_oid("1.3.6.1.5.5.7.48.1.1")
TIME = bytes.fromhex("180F32303236313132323031303730335A")
BY_KEY = encode(0xA2, encode(OCTET_STRING, bytes(20)))
SIGNED = SHA256_WITH_RSA + encode_bits(bytes(4))


def said(status: bytes = b"\x80\x00", behind: bytes = TIME, named: CertId | None = None) -> bytes:
    return encode(SEQUENCE, (named or cert_id()).raw, status, behind)


def data(*singles: bytes, by: bytes = BY_KEY, at: bytes = TIME, before: bytes = b"", behind: bytes = b"") -> bytes:
    return encode(SEQUENCE, before, by, at, encode(SEQUENCE, *singles), behind)


def response(tbs: bytes, after: bytes = b"", oid: bytes = BASIC, sealed: bytes = SIGNED) -> bytes:
    octets = encode(OCTET_STRING, encode(SEQUENCE, tbs, sealed, after))
    return encode(SEQUENCE, b"\x0a\x01\x00", encode(0xA0, encode(SEQUENCE, oid, octets)))


def extensions(*written: bytes) -> bytes:
    return encode(0xA1, encode(SEQUENCE, *written))


CUTOFF = "1.3.6.1.5.5.7.48.1.6"
NONCE = "1.3.6.1.5.5.7.48.1.2"
MALFORMED = {
    "nothing": b"",
    "an empty sequence": b"\x30\x00",
    "status 4": encode(SEQUENCE, encode_integer(4, ENUMERATED)),
    "status 7": encode(SEQUENCE, encode_integer(7, ENUMERATED)),
    "success alone": encode(SEQUENCE, b"\x0a\x01\x00"),
    "an error with an answer": response(data(said())).replace(b"\x0a\x01\x00", b"\x0a\x01\x03", 1),
    "another kind": response(data(said()), oid=encode_oid("1.3.6.1.5.5.7.48.1.3")),
    "octets after it": response(data(said())) + b"\x00",
    "no certificate": response(data()),
    "a version": response(data(said(), before=encode(0xA0, encode_integer(0)))),
    "by nobody": response(data(said(), by=b"")),
    "a short key hash": response(data(said(), by=encode(0xA2, encode(OCTET_STRING, bytes(19))))),
    "a name and more": response(data(said(), by=encode(0xA1, b"\x30\x00\x05\x00"))),
    "a UTCTime": response(data(said(), at=bytes.fromhex("170D3236313132323031303730335A"))),
    "a UTCTime in one": response(data(said(behind=bytes.fromhex("170D3236313132323031303730335A")))),
    "a fraction": response(data(said(), at=encode(0x18, b"20261122010703.5Z"))),
    "no extensions": response(data(said(), behind=extensions())),
    "an empty nonce": response(data(said(), behind=extensions(encode_extension(NONCE, b"\x04\x00")))),
    "a bare nonce": response(data(said(), behind=extensions(encode_extension(NONCE, b"N")))),
    "more than data": response(data(said(), behind=b"\x05\x00")),
    "good with content": response(data(said(b"\x80\x01\x00"))),
    "unknown with content": response(data(said(b"\x82\x01\x00"))),
    "another status": response(data(said(b"\x83\x00"))),
    "revoked never": response(data(said(b"\xa1\x00"))),
    "reason 7": response(data(said(encode(0xA1, TIME, encode(0xA0, encode_integer(7, ENUMERATED)))))),
    "two reasons": response(data(said(encode(0xA1, TIME, encode(0xA0, b"\x0a\x01\x01\x0a\x01\x01"))))),
    "an integer as reason": response(data(said(encode(0xA1, TIME, encode(0xA0, b"\x02\x01\x01"))))),
    "two ends": response(data(said(behind=TIME + encode(0xA0, TIME + TIME)))),
    "a cutoff that is no time": response(data(said(behind=TIME + extensions(encode_extension(CUTOFF, b"\x05\x00"))))),
    "a cutoff twice": response(data(said(behind=TIME + extensions(encode_extension(CUTOFF, TIME + TIME))))),
    "no signature": response(data(said()), sealed=SHA256_WITH_RSA),
    "certificates of nonsense": response(data(said()), encode(0xA0, encode(SEQUENCE, b"\x30\x00"))),
    "more than certificates": response(data(said()), encode(0xA0, encode(SEQUENCE) + b"\x05\x00")),
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_answer_is_refused(raw: bytes) -> None:
    with pytest.raises(FormatError):
        OcspResponse.parse(raw)


def test_the_parts_of_malformed_answers_are_right_alone() -> None:
    name = encode(0xA1, authority(Role.SIGNATURE).subject.raw)
    marked = encode_extension("1.2.3.4", b"", critical=True)
    cutoff = encode_extension(CUTOFF, TIME, critical=True)
    reason = encode(0xA1, TIME, encode(0xA0, encode_integer(0, ENUMERATED)))
    behind = TIME + encode(0xA0, TIME) + extensions(marked, cutoff)
    found = basic(response(data(said(reason, behind), by=name, behind=extensions(marked)), encode(0xA0, b"\x30\x00")))
    assert (found.responder_name, found.responder_key_hash) == (authority(Role.SIGNATURE).subject, None)
    assert found.unknown_critical_extensions == ("1.2.3.4",)
    (one,) = found.responses
    assert one.status == CertStatus.revoked(NOW)
    assert one.unknown_critical_extensions == ("1.2.3.4",)
    assert one.archive_cutoff == one.this_update == one.next_update == NOW


def test_an_answer_of_over_65535_octets_is_refused() -> None:
    assert len(answer(*[single()] * 580)) < 65_536
    assert len(basic(answer(*[single()] * 580)).responses) == 580
    with pytest.raises(FormatError):
        OcspResponse.parse(answer(*[single()] * 680))

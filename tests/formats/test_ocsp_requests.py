"""OCSP requests as they are made and read: exact, in every shape that clients send, and nothing else."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from asn1crypto import ocsp as asn1_ocsp
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import OCSPNonce, load_der_x509_certificate, ocsp
from hypothesis import example, given, settings
from hypothesis import strategies as st
from issued import authority, holder
from ocsp_answers import SERIAL, cert_id
from openssl_program import openssl

from jpki.formats import (
    MAX_CERT_IDS,
    MAX_NONCE_OCTETS,
    MAX_OCSP_REQUEST_OCTETS,
    SHA1,
    SHA256,
    CertId,
    FormatError,
    OcspRequest,
    cert_id_issuer,
    cert_id_issuers,
    ocsp_request,
    to_pem,
)
from jpki.formats.der import NULL, OCTET_STRING, SEQUENCE, encode, encode_bits, encode_integer, encode_oid
from jpki.formats.extensions import encode_extension
from jpki.formats.names import GeneralName
from jpki.formats.ocsp_request import read_any_request
from jpki.formats.signed import SHA256_WITH_RSA
from jpki.terms import Role

SIGN = authority(Role.SIGNATURE)
NONCE = "1.3.6.1.5.5.7.48.1.2"
NONCES = [None, b"\x01", bytes(16), bytes(range(32)), bytes(78), bytes(79), bytes(127), bytes(128)]
BUILDERS = {SHA1: hashes.SHA1(), SHA256: hashes.SHA256()}  # noqa: S303 - what clients send


def sequence(*parts: bytes) -> bytes:
    return encode(SEQUENCE, *parts)


def request(
    *questions: bytes, before: bytes = b"", extensions: tuple[bytes, ...] = (), behind: bytes = b"", after: bytes = b""
) -> bytes:
    """Returns a request with whatever parts one likes; a question is what stands in its SEQUENCE."""
    listed = sequence(*map(sequence, questions or (cert_id().raw,)))
    written = encode(0xA2, sequence(*extensions)) if extensions else b""
    return sequence(sequence(before, listed, written, behind), after)


def nonce_extension(value: bytes, *, critical: bool = False) -> bytes:
    return encode_extension(NONCE, value, critical=critical)


@pytest.mark.parametrize("algorithm", [SHA1, SHA256])
@pytest.mark.parametrize("nonce", NONCES, ids=lambda nonce: str(nonce and len(nonce)))
def test_a_request_is_the_one_that_another_library_makes(algorithm: str, nonce: bytes | None) -> None:
    builder = ocsp.OCSPRequestBuilder().add_certificate(
        load_der_x509_certificate(holder(Role.SIGNATURE).raw), load_der_x509_certificate(SIGN.raw), BUILDERS[algorithm]
    )
    if nonce is not None:
        builder = builder.add_extension(OCSPNonce(nonce), critical=False)
    raw = builder.build().public_bytes(Encoding.DER)
    named = cert_id(algorithm=algorithm)
    assert ocsp_request([named], nonce) == raw
    assert OcspRequest.parse(raw) == OcspRequest(raw, (named,), nonce)


def test_a_request_has_these_octets() -> None:
    issuer = bytes.fromhex("300906052B0E03021A05000414" + "11" * 20 + "0414" + "22" * 20)
    assert ocsp_request([CertId.of(issuer, SERIAL)], b"NONCE").hex().upper() == (
        "305F305D3041303F303D300906052B0E03021A05000414" + "11" * 20 + "0414" + "22" * 20 + "020406D18006"
        "A2183016301406092B0601050507300102040704054E4F4E4345"
    )


@pytest.mark.parametrize("algorithm", [SHA1, SHA256])
def test_what_names_a_certificate_is_given_out_in_its_parts(algorithm: str) -> None:
    named = cert_id(algorithm=algorithm)
    other = ocsp.load_der_ocsp_request(ocsp_request([named]))
    assert (named.algorithm, named.serial) == (algorithm, SERIAL)
    assert (named.issuer_name_hash, named.issuer_key_hash) == (other.issuer_name_hash, other.issuer_key_hash)
    assert named.issuer_key_hash == SIGN.subject_key_id or algorithm == SHA256


def test_every_way_to_write_an_issuer_is_known_by_its_octets() -> None:
    known = cert_id_issuers(SIGN)
    assert len(known) == 4
    for algorithm in (SHA1, SHA256):
        for null in (True, False):
            issuer = cert_id_issuer(SIGN, algorithm, null=null)
            (named,) = OcspRequest.parse(ocsp_request([CertId.of(issuer, SERIAL)])).cert_ids
            assert named.issuer in known
            assert named.algorithm == algorithm
    assert not known & cert_id_issuers(authority(Role.AUTHENTICATION))


SERIALS = [0, 1, 0x7F, 0x80, 0xFF, -1, -0x80, SERIAL, 1 << 31, (1 << 159) - 1, 1 << 159, (1 << 160) - 1]


@pytest.mark.parametrize("serial", SERIALS)
@pytest.mark.parametrize("nonce", [None, bytes(32)], ids=["no nonce", "nonce"])
def test_every_number_is_read(serial: int, nonce: bytes | None) -> None:
    named = cert_id(serial=serial)
    assert OcspRequest.parse(ocsp_request([named], nonce)).cert_ids == (named,)


@given(
    st.lists(st.tuples(st.integers(1 - (1 << 160), (1 << 160) - 1), st.sampled_from([SHA1, SHA256]), st.booleans()))
    .filter(bool)
    .map(lambda rows: rows[:MAX_CERT_IDS]),
    st.none() | st.binary(min_size=1, max_size=MAX_NONCE_OCTETS),
)
def test_what_is_asked_is_read_in_its_order(rows: list[tuple[int, str, bool]], nonce: bytes | None) -> None:
    named = tuple(CertId.of(cert_id_issuer(SIGN, algorithm, null=null), serial) for serial, algorithm, null in rows)
    raw = ocsp_request(named, nonce)
    assert OcspRequest.parse(raw) == OcspRequest(raw, named, nonce) == read_any_request(raw)


def test_an_unknown_hash_is_kept_as_it_is_written() -> None:
    issuer = sequence(encode_oid("2.16.840.1.101.3.4.2.2"), encode(NULL)) + encode(OCTET_STRING, b"name") + b"\x04\x00"
    named = CertId.of(issuer, 5)
    (found,) = OcspRequest.parse(ocsp_request([named])).cert_ids
    assert found == named
    assert (found.algorithm, found.issuer_name_hash, found.issuer_key_hash) == ("2.16.840.1.101.3.4.2.2", b"name", b"")


def test_who_asks_and_how_it_is_signed_are_kept_apart() -> None:
    name = GeneralName.directory(SIGN.subject)
    signature = encode(0xA0, sequence(SHA256_WITH_RSA, encode_bits(bytes(256)), encode(0xA0, sequence(SIGN.raw))))
    found = OcspRequest.parse(request(before=encode(0xA1, name.raw), after=signature))
    assert (found.requestor, found.signature, found.cert_ids) == (name, signature, (cert_id(),))


def test_critical_extensions_that_nobody_knows_are_told_and_others_are_not() -> None:
    first, second, third = "1.2.3.1", "1.2.3.2", "1.2.3.3"
    beside = encode(0xA0, sequence(encode_extension(second, b"x", critical=True), encode_extension(third, b"x")))
    found = OcspRequest.parse(
        request(
            cert_id().raw + beside,
            cert_id(serial=2).raw + beside,
            extensions=(encode_extension(first, b"", critical=True), nonce_extension(b"\x04\x01N", critical=True)),
        )
    )
    assert found.unknown_critical_extensions == (second, first)
    assert found.nonce == b"N"
    assert [named.serial for named in found.cert_ids] == [SERIAL, 2]


def test_a_nonce_beside_one_question_is_not_the_request_s() -> None:
    beside = encode(0xA0, sequence(nonce_extension(b"\x04\x01N", critical=True)))
    found = OcspRequest.parse(request(cert_id().raw + beside))
    assert (found.nonce, found.unknown_critical_extensions) == (None, (NONCE,))


def test_as_many_certificates_as_allowed_are_asked_for_and_no_more() -> None:
    named = [cert_id(serial=number, algorithm=SHA256) for number in range(MAX_CERT_IDS + 1)]
    raw = ocsp_request(named[:-1], bytes(128))
    assert len(raw) < MAX_OCSP_REQUEST_OCTETS
    assert OcspRequest.parse(raw).cert_ids == tuple(named[:-1])
    with pytest.raises(FormatError):
        OcspRequest.parse(ocsp_request(named))


def test_a_request_of_the_greatest_length_is_read_and_a_longer_one_is_not() -> None:
    def padded(octets: int) -> bytes:
        return request(extensions=(encode_extension("1.2.3.4", bytes(octets)),))

    rest = MAX_OCSP_REQUEST_OCTETS - len(padded(10_000)) + 10_000
    assert len(padded(rest)) == MAX_OCSP_REQUEST_OCTETS
    assert OcspRequest.parse(padded(rest)).nonce is None
    with pytest.raises(FormatError):
        OcspRequest.parse(padded(rest + 1))


ONE = cert_id().raw
ISSUER = cert_id().issuer


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x30\x00",
        sequence(sequence(sequence())),
        request(before=encode(0xA0, encode_integer(0))),
        request(before=encode(0xA0, encode_integer(1))),
        request(behind=b"\x05\x00"),
        request(after=b"\x05\x00"),
        request(after=encode(0xA0, sequence(SHA256_WITH_RSA))),
        request(after=encode(0xA0, sequence(SHA256_WITH_RSA, encode_bits(b""), b"\x05\x00"))),
        request(before=encode(0xA1, b"\x05\x00")),
        request(before=encode(0xA1, GeneralName.directory(SIGN.subject).raw + b"\x05\x00")),
        request() + b"\x00",
        request(ONE + b"\x05\x00"),
        request(ONE + encode(0xA0, sequence())),
        request(extensions=(nonce_extension(b"N"),)),
        request(extensions=(nonce_extension(b""),)),
        request(extensions=(nonce_extension(b"\x04\x00"),)),
        request(extensions=(nonce_extension(encode(OCTET_STRING, bytes(129))),)),
        request(extensions=(nonce_extension(b"\x04\x01N\x00"),)),
        request(extensions=(nonce_extension(b"\x04\x01N"), nonce_extension(b"\x04\x01N"))),
        request(sequence(ISSUER)),
        request(sequence(ISSUER, encode_integer(1), b"\x05\x00")),
        request(sequence(ISSUER, b"\x02\x00")),
        request(sequence(ISSUER, b"\x02\x02\x00\x01")),
        request(sequence(ISSUER, b"\x02\x02\xff\x80")),
        request(sequence(ISSUER, encode_integer(1 << 160))),
        request(sequence(ISSUER.replace(b"\x05\x00", b"\x05\x01\x00", 1), encode_integer(1))),
        request(sequence(sequence(encode_oid(SHA1), b"\x30\x00") + ISSUER[11:], encode_integer(1))),
        request(sequence(sequence(encode_oid(SHA256)) + ISSUER[11:], encode_integer(1))),
        request(sequence(ISSUER[:11], encode(OCTET_STRING, bytes(19)), ISSUER[33:], encode_integer(1))),
    ],
    ids=lambda raw: raw.hex()[:60] or "nothing",
)
def test_a_malformed_request_is_refused(raw: bytes) -> None:
    with pytest.raises(FormatError):
        OcspRequest.parse(raw)


def test_the_parts_of_malformed_requests_are_right_alone() -> None:
    assert OcspRequest.parse(request()).raw == ocsp_request([cert_id()])
    assert OcspRequest.parse(request(sequence(ISSUER, encode_integer(1)))).cert_ids[0].serial == 1
    assert OcspRequest.parse(request(extensions=(nonce_extension(b"\x04\x01N"),))).nonce == b"N"
    assert OcspRequest.parse(request(after=encode(0xA0, sequence(SHA256_WITH_RSA, encode_bits(b"")))))


@pytest.mark.parametrize("nonce", [b"", bytes(129)])
def test_a_nonce_out_of_bounds_is_not_written(nonce: bytes) -> None:
    with pytest.raises(FormatError):
        ocsp_request([cert_id()], nonce)


def test_openssl_prints_a_request_and_ours_reads_one_of_openssl_s(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(to_pem("CERTIFICATE", SIGN.raw))
    (tmp_path / "ours.der").write_bytes(ocsp_request([cert_id(), cert_id(serial=5, algorithm=SHA256)], bytes(32)))
    text = openssl("ocsp", "-reqin", "ours.der", "-req_text", folder=tmp_path).stdout
    assert "Hash Algorithm: sha1" in text
    assert "Hash Algorithm: sha256" in text
    assert "Serial Number: 06D18006" in text
    assert "OCSP Nonce" in text
    numbers = ["-serial", "0x06D18006", "-sha256", "-serial", "5"]
    openssl("ocsp", "-issuer", "ca.pem", *numbers, "-nonce", "-reqout", "theirs.der", folder=tmp_path)
    theirs = OcspRequest.parse((tmp_path / "theirs.der").read_bytes())
    assert theirs.cert_ids == (cert_id(), cert_id(serial=5, algorithm=SHA256))
    assert theirs.nonce is not None
    assert len(theirs.nonce) == 16


# --- the quick way, the long way and other libraries agree ------------------------------------------------------------

USUAL = [ocsp_request([cert_id(algorithm=one)], nonce) for one in (SHA1, SHA256) for nonce in NONCES]
CHANGES = st.lists(
    st.tuples(st.sampled_from(["set", "insert", "delete", "repeat"]), st.integers(0, 300), st.integers(0, 255)),
    min_size=1,
    max_size=3,
)


def changed(raw: bytes, changes: list[tuple[str, int, int]]) -> bytes:
    octets = bytearray(raw)
    for how, place, value in changes:
        at = place % (len(octets) or 1)
        if how == "set" and octets:
            octets[at] = value
        elif how == "insert":
            octets.insert(at, value)
        elif how == "delete":
            del octets[at : at + 1 + value % 4]
        else:
            octets[at:at] = octets[at : at + value]
    return bytes(octets)


def both_ways(raw: bytes) -> OcspRequest | None:
    """Returns what a request says after comparing the quick way with the long one; None where both refuse."""
    quick = slow = None
    with contextlib.suppress(FormatError):
        slow = read_any_request(raw)
    with contextlib.suppress(FormatError):
        quick = OcspRequest.parse(raw)
    assert quick == slow
    return quick


@settings(max_examples=1500)
@given(st.sampled_from(USUAL), CHANGES)
@example(USUAL[0], [("set", 1, 0x81)])
def test_a_changed_request_says_the_same_on_both_ways_and_to_another_library(
    good: bytes, changes: list[tuple[str, int, int]]
) -> None:
    raw = changed(good, changes)
    found = both_ways(raw)
    if found is None:
        return
    other = asn1_ocsp.OCSPRequest.load(raw, strict=True)
    asked = other["tbs_request"]["request_list"]
    assert [one["req_cert"]["serial_number"].native for one in asked] == [named.serial for named in found.cert_ids]
    assert [one["req_cert"].dump() for one in asked] == [named.raw for named in found.cert_ids]
    assert [one["req_cert"]["issuer_key_hash"].native for one in asked] == [
        named.issuer_key_hash for named in found.cert_ids
    ]
    assert found.nonce == other.nonce_value.native if other.nonce_value else found.nonce is None


@pytest.mark.parametrize("good", USUAL)
def test_one_octet_wrong_is_read_or_refused_on_both_ways_at_every_place(good: bytes) -> None:
    assert both_ways(good) is not None
    for at in range(len(good)):
        for octet in {good[at] ^ 0x01, good[at] ^ 0x80, good[at] ^ 0x20, 0x00, 0xFF, 0x80, 0x81} - {good[at]}:
            both_ways(good[:at] + bytes((octet,)) + good[at + 1 :])
        assert both_ways(good[:at]) is None

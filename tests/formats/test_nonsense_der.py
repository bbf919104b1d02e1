"""Whatever stands in place of a certificate, a request or a list: it is read, or FormatError says why not."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from issued import DAY, HOLDER_KEY, authority, holder, key, list_of
from ocsp_answers import answer, cert_id, single

from jpki.formats import (
    AuthorityKeyId,
    Certificate,
    CertificateList,
    CertificateRequest,
    CertStatus,
    DistributionPointName,
    FormatError,
    IssuingDistributionPoint,
    Name,
    OcspRequest,
    OcspResponse,
    RevocationReason,
    RevokedEntry,
    certificate_request,
    ocsp_request,
)
from jpki.terms import Role

NAME = Name.of(("C", "JP"), ("O", "JPKI-TEST"), ("OU", "テスト"))


def certificate_list() -> bytes:
    entries = (
        *(RevokedEntry(0x06D18000 + number, DAY, RevocationReason.SUPERSEDED) for number in range(5)),
        RevokedEntry(1, DAY, RevocationReason.KEY_COMPROMISE, DAY),
        RevokedEntry(2, DAY, certificate_issuer=NAME),
    )
    point = IssuingDistributionPoint(DistributionPointName.directory(NAME), indirect=True)
    return list_of(
        b"".join(entry.encode() for entry in entries), point, delta_base=6, by=AuthorityKeyId(b"\xaa" * 20, NAME, 5)
    )


def read_certificate(raw: bytes) -> None:
    certificate = Certificate.parse(raw)
    for view in (
        "public_key",
        "attributes",
        "attribute_problems",
        "cps_urls",
        "ocsp_urls",
        "unknown_critical_extensions",
    ):
        with contextlib.suppress(FormatError):
            getattr(certificate, view)
    certificate.check_extensions()
    _ = repr(certificate), str(certificate.subject), str(certificate.issuer), certificate.fingerprint


def read_request(raw: bytes) -> None:
    request = CertificateRequest.parse(raw)
    _ = request.modulus, str(request.subject), repr(request)


def read_list(raw: bytes) -> None:
    found = CertificateList.parse(raw)
    for entry in found:
        assert found.find(entry.serial) is not None or found.is_indirect
    _ = repr(found), found.unknown_critical_extensions, found.unknown_critical_entry_extensions


def read_question(raw: bytes) -> None:
    found = OcspRequest.parse(raw)
    for named in found.cert_ids:
        _ = named.algorithm, named.issuer_name_hash, named.issuer_key_hash
    _ = repr(found)


def read_answer(raw: bytes) -> None:
    found = OcspResponse.parse(raw)
    if found.basic is not None:
        for one in found.basic.responses:
            _ = one.unknown_critical_extensions, found.basic.find(one.cert_id)
    _ = repr(found)


HELD = CertStatus.revoked(DAY, RevocationReason.CERTIFICATE_HOLD)
REQUEST = certificate_request(NAME, key(HOLDER_KEY).public_key_info, key(HOLDER_KEY).sign)
READERS: list[tuple[Callable[[bytes], None], bytes]] = [
    (read_certificate, holder(Role.SIGNATURE).raw),
    (read_certificate, holder(Role.AUTHENTICATION).raw),
    (read_certificate, authority(Role.SIGNATURE).raw),
    (read_request, REQUEST),
    (read_list, certificate_list()),
    (read_question, ocsp_request([cert_id()], bytes(32))),
    (read_question, ocsp_request([cert_id(), cert_id(serial=5)])),
    (read_answer, answer(single(HELD, cutoff=DAY), single(), nonce=bytes(32))),
]
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["set", "insert", "delete", "repeat", "cut"]),
        st.integers(0, 2000),
        st.integers(0, 255) | st.sampled_from([0x00, 0x30, 0x31, 0x80, 0x81, 0x82, 0x84, 0x02, 0x06, 0x0C, 0xA0, 0xFF]),
    ),
    min_size=1,
    max_size=4,
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
            del octets[at : at + 1 + value % 8]
        elif how == "repeat":
            octets[at:at] = octets[at : at + value]
        else:
            del octets[len(octets) - value % (len(octets) or 1) :]
    return bytes(octets)


@settings(max_examples=1500)
@given(st.sampled_from(range(len(READERS))), CHANGES)
def test_a_changed_one_is_read_or_refused(which: int, changes: list[tuple[str, int, int]]) -> None:
    read, good = READERS[which]
    with contextlib.suppress(FormatError):
        read(changed(good, changes))


@pytest.mark.parametrize("which", range(len(READERS)))
def test_the_good_ones_are_read(which: int) -> None:
    read, good = READERS[which]
    read(good)


@pytest.mark.parametrize("which", range(len(READERS)))
def test_every_one_cut_short_is_refused(which: int) -> None:
    read, good = READERS[which]
    for length in range(len(good)):
        with pytest.raises(FormatError):
            read(good[:length])


@pytest.mark.parametrize("which", range(len(READERS)))
def test_one_octet_wrong_is_read_or_refused_at_every_place(which: int) -> None:
    read, good = READERS[which]
    for at in range(len(good)):
        for octet in {good[at] ^ 0x01, good[at] ^ 0x80, good[at] ^ 0x20, 0x00, 0xFF, 0x80} - {good[at]}:
            with contextlib.suppress(FormatError):
                read(good[:at] + bytes((octet,)) + good[at + 1 :])


@settings(max_examples=300)
@given(st.binary(max_size=200))
@example(b"")
@example(b"\x30\x80\x00\x00")
@example(b"\x30\x84\xff\xff\xff\xff")
@example(b"\x30\x03\x30\x01\x30")
def test_nonsense_is_refused(raw: bytes) -> None:
    for read in (read_certificate, read_request, read_list, read_question, read_answer):
        with pytest.raises(FormatError):
            read(raw)


@pytest.mark.parametrize("filler", [b"\x00", b"\x30", b"\x30\x80", b"\xff", b"\x30\x84\x00"])
def test_millions_of_octets_of_nonsense_are_refused(filler: bytes) -> None:
    raw = filler * (8_000_000 // len(filler))
    for read in (read_certificate, read_request, read_list, read_question, read_answer):
        with pytest.raises(FormatError):
            read(raw)

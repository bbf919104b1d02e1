"""Revocation lists written and read as streams: octet for octet what is written at once, and read by other programs."""

from __future__ import annotations

import hashlib
import subprocess
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise, repeat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, utils
from hypothesis import given
from hypothesis import strategies as st
from issued import AUTHORITY_KEY, DAY, LIST_ISSUER, USERS, authority, key
from openssl_program import openssl

from jpki.formats import (
    AuthorityKeyId,
    CertificateList,
    DistributionPoint,
    DistributionPointName,
    FormatError,
    ListFrame,
    Name,
    RevocationReason,
    ScannedList,
    certificate_list_tbs,
    encode_revoked,
    encode_revoked_line,
    scan_certificate_list,
    signed,
    to_pem,
)
from jpki.terms import Role

NEXT = DAY + timedelta(hours=48)
BY = AuthorityKeyId(b"\xaa" * 20, LIST_ISSUER, 5)
DELTAS = DistributionPoint(DistributionPointName.directory(Name.of(("C", "JP"), ("CN", "Chiyoda-ku Delta"))))
REASONS = sorted(set(RevocationReason) - {RevocationReason.REMOVE_FROM_CRL})
LINES = [
    encode_revoked_line(0x0100_0001 + 3 * number, DAY + timedelta(seconds=number), REASONS[number % len(REASONS)])
    for number in range(30_000)
]


def frame(entries_length: int, **more: object) -> ListFrame:
    fields: dict[str, object] = {
        "issuer": LIST_ISSUER,
        "this_update": DAY,
        "next_update": NEXT,
        "number": 7,
        "authority_key_id": BY,
        "issuing_distribution_point": USERS,
    }
    return ListFrame.of(entries_length=entries_length, **(fields | more))  # type: ignore[arg-type]


def signature_of(digest: bytes) -> bytes:
    return key(AUTHORITY_KEY).private.sign(digest, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))


def stream(lines: list[bytes], **more: object) -> Iterator[bytes]:
    """Yields a list of these lines as a signer makes it who never holds it."""
    around = frame(sum(map(len, lines)), **more)
    return around.signed(lines, signature_of(around.digest(lines)))


def cut(octets: bytes, length: int) -> list[bytes]:
    return [octets[at : at + length] for at in range(0, len(octets), length)]


@pytest.mark.parametrize("count", [0, 1, 3, 6, 7, 2_000, 30_000])
@pytest.mark.parametrize("more", [{}, {"delta_base": 6}, {"freshest": (DELTAS,)}], ids=["complete", "delta", "base"])
def test_a_list_written_as_a_stream_is_the_list_written_at_once(count: int, more: dict[str, object]) -> None:
    lines = LINES[:count]
    tbs = certificate_list_tbs(
        issuer=LIST_ISSUER,
        this_update=DAY,
        next_update=NEXT,
        number=7,
        authority_key_id=BY,
        entries=b"".join(lines),
        issuing_distribution_point=USERS,
        **more,  # type: ignore[arg-type]
    )
    assert b"".join(frame(len(b"".join(lines)), **more).to_be_signed(lines)) == tbs
    assert b"".join(stream(lines, **more)) == signed(tbs, key(AUTHORITY_KEY).sign(tbs))


@given(st.lists(st.integers(0, 37 * 50), max_size=10))
def test_entries_come_in_pieces_cut_anywhere(cuts: list[int]) -> None:
    entries = b"".join(LINES[:50])
    at = [0, *sorted(cuts), len(entries)]
    pieces = [entries[start:end] for start, end in pairwise(at)]
    assert b"".join(stream(pieces)) == b"".join(stream([entries]))


@pytest.mark.parametrize("signature", [b"\x01", bytes(102), bytes(127), bytes(256), bytes(512)], ids=len)
def test_a_signature_of_any_length_stands_after_its_algorithm(signature: bytes) -> None:
    found = CertificateList.parse(b"".join(frame(len(LINES[0])).signed(LINES[:1], signature)))
    assert found.signature == signature


@pytest.mark.parametrize(("said", "there"), [(0, 1), (36, 1), (38, 1), (37, 0), (74, 3)])
def test_entries_that_are_not_as_long_as_was_said_are_refused(said: int, there: int) -> None:
    lines = [encode_revoked_line(0x0100_0001 + number, DAY, RevocationReason.SUPERSEDED) for number in range(there)]
    with pytest.raises(FormatError):
        frame(said).digest(lines)
    written = frame(said).signed(lines, bytes(256))
    with pytest.raises(FormatError):
        list(written)


def test_entries_are_asked_for_no_further_than_they_may_go() -> None:
    with pytest.raises(FormatError):
        frame(37 * 1_000).digest(repeat(LINES[0]))


def certtool(*words: str | Path) -> str:
    """Returns what GnuTLS's program says."""
    done = subprocess.run(["certtool", *map(str, words)], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def scanned(raw: bytes, length: int = 1 << 20) -> ScannedList:
    return scan_certificate_list(cut(raw, length))


@pytest.mark.parametrize("length", [1, 2, 5, 36, 37, 4_096, 65_535, 65_536, 65_537, 262_143, 262_145, 1 << 21])
def test_a_stream_is_read_alike_however_it_is_cut(length: int) -> None:
    lines = LINES if length > 1_000 else LINES[:1_000]
    raw = b"".join(stream(lines, freshest=(DELTAS,)))
    whole, found = CertificateList.parse(raw), scanned(raw, length)
    assert (found.version, found.issuer, found.this_update, found.next_update) == (2, LIST_ISSUER, DAY, NEXT)
    assert (found.number, found.delta_base, found.authority_key_id) == (7, None, BY)
    assert (found.issuing_distribution_point, found.freshest) == (USERS, (DELTAS,))
    assert (found.extensions, found.unknown_critical_extensions) == (whole.extensions, ())
    assert (found.entries, found.removals, found.unknown_critical_entry_extensions) == (len(lines), 0, ())
    assert (found.tbs_digest, found.signature) == (hashlib.sha256(whole.tbs).digest(), whole.signature)
    assert (found.digest, found.length) == (hashlib.sha256(raw).digest(), len(raw))


def test_the_digest_and_the_signature_of_a_stream_verify() -> None:
    found = scanned(b"".join(stream(LINES)))
    public = key(AUTHORITY_KEY).private.public_key()
    public.verify(found.signature, found.tbs_digest, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))


def test_what_a_delta_removes_is_counted() -> None:
    kinds = [RevocationReason.REMOVE_FROM_CRL, RevocationReason.SUPERSEDED, RevocationReason.UNSPECIFIED]
    lines = [encode_revoked_line(0x0100_0001 + number, DAY, kinds[number % 3]) for number in range(9_000)]
    later = datetime(2050, 1, 1, tzinfo=UTC)
    lines.append(encode_revoked_line(0x0200_0000, later, RevocationReason.REMOVE_FROM_CRL))
    found = scanned(b"".join(stream(lines, delta_base=6)))
    assert (found.is_delta, found.delta_base, found.entries, found.removals) == (True, 6, 9_001, 3_001)


def test_a_number_that_looks_like_a_removal_is_not_counted_as_one() -> None:
    looks = int.from_bytes(bytes.fromhex("0101 300A0603551D1504030A0108 0101"), "big")
    found = scanned(b"".join(stream([encode_revoked_line(looks, DAY, RevocationReason.SUPERSEDED)])))
    assert (found.entries, found.removals) == (1, 0)


def test_a_stream_is_written_and_read_in_memory_that_does_not_grow_with_it() -> None:
    pieces = cut(b"".join(LINES), 37 * 1_000)
    length = len(b"".join(LINES))
    twenty = [
        encode_revoked((first << 24 | number, DAY, RevocationReason.SUPERSEDED) for number in range(10_000))
        for first in range(1, 21)
    ]

    def peak(entries: list[bytes]) -> int:
        tracemalloc.start()
        try:
            around = frame(sum(map(len, entries)))
            scan_certificate_list(around.signed(entries, signature_of(around.digest(entries))))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert length > 1 << 20
    short, long = peak(pieces), peak(twenty)
    assert max(short, long) < 1 << 21
    assert long < short + (1 << 20)


def test_other_libraries_and_programs_read_a_stream(tmp_path: Path) -> None:
    own = authority(Role.SIGNATURE)
    by = AuthorityKeyId(own.subject_key_id, own.subject, own.serial)
    lines = LINES[:3_000]
    raw = b"".join(stream(lines, issuer=own.subject, authority_key_id=by, freshest=(DELTAS,)))
    file, root = tmp_path / "list.crl", tmp_path / "root.pem"
    file.write_bytes(raw)
    root.write_text(to_pem("CERTIFICATE", own.raw))

    loaded = x509.load_der_x509_crl(raw)
    assert loaded.is_signature_valid(key(AUTHORITY_KEY).private.public_key())
    assert len(loaded) == 3_000
    (point,) = loaded.extensions.get_extension_for_class(x509.FreshestCRL).value
    assert point.full_name is not None
    assert point.full_name[0].value.public_bytes() == Name.of(("C", "JP"), ("CN", "Chiyoda-ku Delta")).raw
    assert not loaded.extensions.get_extension_for_class(x509.FreshestCRL).critical

    done = openssl("crl", "-inform", "DER", "-in", file, "-noout", "-text", "-verify", "-CAfile", root)
    assert "verify OK" in done.stderr
    assert done.stdout.count("Serial Number: ") == 3_000
    assert "X509v3 Freshest CRL" in done.stdout

    told = certtool("--crl-info", "--inder", "--infile", file)
    assert "Revoked certificates (3000)" in told
    # It judges by the clock of the machine, too; the signature alone is what is asked.
    in_pem, broken = tmp_path / "list.pem", bytes((*raw[:-1], raw[-1] ^ 1))
    for written, wrong in ((raw, False), (broken, True)):
        in_pem.write_text(to_pem("X509 CRL", written))
        told = certtool("--verify-crl", "--load-ca-certificate", root, "--infile", in_pem)
        assert "Verification output:" in told
        assert ("The signature in the certificate is invalid" in told) is wrong

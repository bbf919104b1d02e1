"""Revocation lists as they are made: exact, and read by other programs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from asn1crypto import crl as asn1_crl
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st
from issued import AUTHORITY_KEY, DAY, LIST_ISSUER, authority, holder, key, list_of, parsed_list, revocation_list
from openssl_program import OpenSslVerify, openssl

from jpki.formats import (
    AuthorityKeyId,
    CertificateList,
    FormatError,
    RevocationReason,
    RevokedEntry,
    encode_revoked,
    encode_revoked_line,
    encode_revoked_lines,
    to_pem,
)
from jpki.terms import Role


def test_an_entry_of_four_octets_with_a_reason_has_37_octets() -> None:
    assert encode_revoked([(0x06D18006, DAY, RevocationReason.KEY_COMPROMISE)]).hex().upper() == (
        "3023020406D18006170D3236313132323031303230335A300C300A0603551D1504030A0101"
    )


def test_an_unspecified_reason_is_not_written() -> None:
    assert encode_revoked([(1, DAY, RevocationReason.UNSPECIFIED)]).hex().upper() == (
        "3012020101170D3236313132323031303230335A"
    )


@given(
    st.lists(
        st.tuples(
            st.integers(0, (1 << 159) - 1),
            st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
            st.sampled_from(RevocationReason),
        )
    )
)
def test_the_quick_way_writes_what_an_entry_writes(rows: list[tuple[int, datetime, RevocationReason]]) -> None:
    assert encode_revoked(rows) == b"".join(RevokedEntry(*row).encode() for row in rows)
    assert [encode_revoked_line(*row) for row in rows] == [RevokedEntry(*row).encode() for row in rows]


@pytest.mark.parametrize("serial", [-1, 1 << 159])
def test_a_number_below_zero_or_too_long_is_not_written(serial: int) -> None:
    with pytest.raises(FormatError):
        encode_revoked([(serial, DAY, RevocationReason.SUPERSEDED)])
    with pytest.raises(FormatError):
        encode_revoked_line(serial, DAY, RevocationReason.SUPERSEDED)


def test_a_time_in_another_zone_is_written_in_utc() -> None:
    in_japan = DAY.astimezone(timezone(timedelta(hours=9)))
    row = (5, in_japan, RevocationReason.SUPERSEDED)
    assert encode_revoked([row]) == encode_revoked([(5, DAY, RevocationReason.SUPERSEDED)])


def test_extensions_stand_in_their_order_with_their_criticality_and_octets() -> None:
    found = CertificateList.parse(list_of(delta_base=6))
    assert [(item.oid, item.critical, item.value.hex().upper()) for item in found.extensions[1:]] == [
        ("2.5.29.20", False, "020107"),
        ("2.5.29.27", True, "020106"),
        ("2.5.29.28", True, "30038101FF"),
    ]
    assert (found.extensions[0].oid, found.extensions[0].critical) == ("2.5.29.35", False)
    assert found.authority_key_id == AuthorityKeyId(b"\xaa" * 20, LIST_ISSUER, 5)


def test_times_are_utc_times_until_2049_and_generalized_times_after() -> None:
    entries = encode_revoked([(1, datetime(2050, 1, 1, tzinfo=UTC), RevocationReason.SUPERSEDED)])
    assert b"\x18\x0f20500101000000Z" in entries
    found = parsed_list(entries)
    assert b"\x17\x0d261122010203Z\x17\x0d261124010203Z" in found.tbs
    assert found.find(1) == RevokedEntry(1, datetime(2050, 1, 1, tzinfo=UTC), RevocationReason.SUPERSEDED)


def test_a_list_without_entries_has_no_place_for_them() -> None:
    found = parsed_list()
    assert len(found) == 0
    assert list(found) == []
    assert found.find(1) is None
    assert x509.load_der_x509_crl(found.raw).next_update_utc == DAY + timedelta(hours=48)


def test_other_libraries_read_a_list() -> None:
    rows = [(1 << number, DAY + timedelta(days=number), reason) for number, reason in enumerate(RevocationReason)]
    raw = list_of(encode_revoked(rows))
    loaded = x509.load_der_x509_crl(raw)
    assert loaded.is_signature_valid(key(AUTHORITY_KEY).private.public_key())
    assert [(entry.serial_number, entry.revocation_date_utc) for entry in loaded] == [row[:2] for row in rows]
    words = [
        entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value if len(entry.extensions) else "none"
        for entry in loaded
    ]
    assert words == ["none", *(reason.text for reason in RevocationReason if reason.value)]
    assert loaded.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 7
    assert loaded.extensions.get_extension_for_class(x509.IssuingDistributionPoint).critical
    other = asn1_crl.CertificateList.load(raw, strict=True)
    assert len(other.native["tbs_cert_list"]["revoked_certificates"]) == len(rows)
    assert other.dump(force=True) == raw


def test_openssl_prints_a_list(tmp_path: Path) -> None:
    file = tmp_path / "list.pem"
    file.write_text(to_pem("X509 CRL", revocation_list(Role.SIGNATURE, 0x06D18006)))
    text = openssl("crl", "-in", file, "-noout", "-text").stdout
    assert "Version 2" in text
    assert "Serial Number: 06D18006" in text
    assert "Superseded" in text
    assert "Only User Certificates" in text


@pytest.mark.parametrize("role", [Role.SIGNATURE, Role.AUTHENTICATION])
def test_openssl_refuses_a_certificate_that_our_list_names_and_takes_one_that_it_does_not(
    role: Role, tmp_path: Path
) -> None:
    program = OpenSslVerify(tmp_path, authority(role).raw)
    for serial, end in ((0x06D18006, "certificate revoked"), (0x06D18007, "certificate.pem: OK")):
        program.publish(revocation_list(role, serial))
        assert end in program.says(holder(role).raw, DAY + timedelta(minutes=1))


@given(
    st.lists(st.integers(0, (1 << 159) - 1) | st.integers(0, 1 << 33), max_size=20),
    st.sampled_from(RevocationReason),
)
def test_many_entries_of_one_moment_are_those_made_one_by_one(serials: list[int], reason: RevocationReason) -> None:
    moment = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
    assert encode_revoked_lines(serials, moment, reason) == [
        encode_revoked_line(serial, moment, reason) for serial in serials
    ]


@pytest.mark.parametrize("serial", [-1, -128, -(1 << 31), 1 << 159])
def test_a_number_that_no_entry_can_have_is_refused_among_many(serial: int) -> None:
    with pytest.raises(FormatError):
        encode_revoked_lines([1, 0x0100_0001, serial], datetime(2026, 11, 22, tzinfo=UTC), RevocationReason.SUPERSEDED)

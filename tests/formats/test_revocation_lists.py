"""Revocation lists: made as other programs read them, read entry by entry and found by number."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from asn1crypto import crl as asn1_crl
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st
from issued import AUTHORITY_KEY, DAY, authority, holder, key

from jpki.formats import (
    SHA256_WITH_RSA,
    AuthorityKeyId,
    CertificateList,
    DistributionPoint,
    DistributionPointName,
    FormatError,
    IssuingDistributionPoint,
    Name,
    RevocationReason,
    RevokedEntry,
    certificate_list_tbs,
    encode_revoked,
    signed,
    to_pem,
)
from jpki.formats.der import SEQUENCE, encode, encode_integer, encode_time
from jpki.formats.distribution_points import encode_distribution_points
from jpki.formats.extensions import encode_extension
from jpki.formats.names import GeneralName
from jpki.terms import Role

ISSUER = Name.of(("C", "JP"), ("O", "JPKI-TEST"))
OTHER = Name.of(("C", "JP"), ("O", "OTHER-TEST"))
USERS = IssuingDistributionPoint(only_user_certificates=True)
INDIRECT = IssuingDistributionPoint(indirect=True)
CODED = sorted(set(RevocationReason) - {RevocationReason.UNSPECIFIED})


def list_of(entries: bytes, point: IssuingDistributionPoint | None = USERS, delta_base: int | None = None) -> bytes:
    tbs = certificate_list_tbs(
        issuer=ISSUER,
        this_update=DAY,
        next_update=DAY + timedelta(hours=48),
        number=7,
        authority_key_id=AuthorityKeyId(b"\xaa" * 20, ISSUER, 5),
        entries=entries,
        issuing_distribution_point=point,
        delta_base=delta_base,
    )
    return signed(tbs, key(AUTHORITY_KEY).sign(tbs))


def parsed(entries: bytes, point: IssuingDistributionPoint | None = USERS) -> CertificateList:
    return CertificateList.parse(list_of(entries, point))


def list_of_role(role: Role, *serials: int) -> bytes:
    own = authority(role)
    tbs = certificate_list_tbs(
        issuer=own.subject,
        this_update=DAY,
        next_update=DAY + timedelta(hours=48),
        number=1,
        authority_key_id=AuthorityKeyId(own.subject_key_id, own.issuer, own.serial),
        entries=encode_revoked((serial, DAY, RevocationReason.SUPERSEDED) for serial in serials),
        issuing_distribution_point=USERS,
    )
    return signed(tbs, key(AUTHORITY_KEY).sign(tbs))


def openssl(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)


# --- made ----------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("serial", [-1, 1 << 159])
def test_a_number_below_zero_or_too_long_is_not_written(serial: int) -> None:
    with pytest.raises(FormatError):
        encode_revoked([(serial, DAY, RevocationReason.SUPERSEDED)])


def test_a_time_in_another_zone_is_written_in_utc() -> None:
    in_japan = DAY.astimezone(timezone(timedelta(hours=9)))
    row = (5, in_japan, RevocationReason.SUPERSEDED)
    assert encode_revoked([row]) == encode_revoked([(5, DAY, RevocationReason.SUPERSEDED)])


def test_extensions_stand_in_their_order_with_their_criticality_and_octets() -> None:
    found = CertificateList.parse(list_of(b"", USERS, delta_base=6))
    assert [(item.oid, item.critical, item.value.hex().upper()) for item in found.extensions[1:]] == [
        ("2.5.29.20", False, "020107"),
        ("2.5.29.27", True, "020106"),
        ("2.5.29.28", True, "30038101FF"),
    ]
    assert (found.extensions[0].oid, found.extensions[0].critical) == ("2.5.29.35", False)
    assert found.authority_key_id == AuthorityKeyId(b"\xaa" * 20, ISSUER, 5)


def test_times_are_utc_times_until_2049_and_generalized_times_after() -> None:
    entries = encode_revoked([(1, datetime(2050, 1, 1, tzinfo=UTC), RevocationReason.SUPERSEDED)])
    assert b"\x18\x0f20500101000000Z" in entries
    found = parsed(entries)
    assert b"\x17\x0d261122010203Z\x17\x0d261124010203Z" in found.tbs
    assert found.find(1) == RevokedEntry(1, datetime(2050, 1, 1, tzinfo=UTC), RevocationReason.SUPERSEDED)


def test_a_list_without_entries_has_no_place_for_them() -> None:
    found = parsed(b"")
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
    file.write_text(to_pem("X509 CRL", list_of_role(Role.SIGNATURE, 0x06D18006)))
    text = openssl("crl", "-in", file, "-noout", "-text").stdout
    assert "Version 2" in text
    assert "Serial Number: 06D18006" in text
    assert "Superseded" in text
    assert "Only User Certificates" in text


@pytest.mark.parametrize("role", [Role.SIGNATURE, Role.AUTHENTICATION])
def test_openssl_refuses_a_certificate_that_our_list_names_and_takes_one_that_it_does_not(
    role: Role, tmp_path: Path
) -> None:
    for name, der in (("authority", authority(role).raw), ("holder", holder(role).raw)):
        (tmp_path / name).write_text(to_pem("CERTIFICATE", der))
    for serial, code in ((0x06D18006, 2), (0x06D18007, 0)):
        (tmp_path / "list").write_text(to_pem("X509 CRL", list_of_role(role, serial)))
        done = openssl(
            "verify",
            "-crl_check",
            "-x509_strict",
            *("-attime", str(int(DAY.timestamp()) + 60)),
            *("-CAfile", tmp_path / "authority", "-CRLfile", tmp_path / "list"),
            tmp_path / "holder",
        )
        assert done.returncode == code, done.stderr
        assert ("certificate revoked" in done.stderr) == (code == 2)


# --- read ----------------------------------------------------------------------------------------------------

MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
ENTRIES = st.builds(
    RevokedEntry,
    st.integers(-(1 << 100), (1 << 167) - 1),
    MOMENTS.map(lambda moment: moment.replace(microsecond=0)),
    st.sampled_from(RevocationReason),
    st.none() | MOMENTS.map(lambda moment: moment.replace(microsecond=0)),
)


@settings(max_examples=200)
@given(st.lists(ENTRIES, unique_by=lambda entry: entry.serial, max_size=60))
def test_any_entries_are_read_back_and_found(entries: list[RevokedEntry]) -> None:
    found = parsed(b"".join(entry.encode() for entry in entries))
    assert list(found) == entries
    assert len(found) == len(entries)
    for entry in entries:
        assert found.find(entry.serial) == entry
        assert found.find(entry.serial + (1 << 168)) is None


def test_a_long_list_is_read_back_over_its_whole_length() -> None:
    kinds = [
        lambda number: RevokedEntry(number * 7 + 1, DAY),
        lambda number: RevokedEntry(number * 7 + 1, DAY, RevocationReason.SUPERSEDED),
        lambda number: RevokedEntry((1 << 90) + number, DAY, RevocationReason.KEY_COMPROMISE, DAY),
        lambda number: RevokedEntry(number * 7 + 1, datetime(2028, 2, 29, tzinfo=UTC), invalidity_date=DAY),
    ]
    entries = [kinds[number * number % 11 % 4](number) for number in range(20_000)]
    found = parsed(b"".join(entry.encode() for entry in entries))
    assert list(found) == entries
    assert all(found.find(entries[at].serial) == entries[at] for at in range(0, 20_000, 37))


def test_a_serial_number_that_looks_like_a_time_does_not_mislead_the_reader() -> None:
    looks = int.from_bytes(b"\x01\x17\x0d261122010203Z\x30\x0c\x30", "big")
    entries = [RevokedEntry(looks, DAY), RevokedEntry(1, DAY, RevocationReason.SUPERSEDED), RevokedEntry(2, DAY)]
    found = parsed(b"".join(entry.encode() for entry in entries))
    assert list(found) == entries
    assert [found.find(entry.serial) for entry in entries] == entries


def between(*odd: bytes) -> bytes:
    """Returns good entries with others in their middle."""
    many = encode_revoked((1_000 + number, DAY, RevocationReason.SUPERSEDED) for number in range(3_000))
    more = encode_revoked((9_000 + number, DAY, RevocationReason.UNSPECIFIED) for number in range(3_000))
    return many + b"".join(odd) + more


GOOD = RevokedEntry(5, DAY, RevocationReason.SUPERSEDED, DAY).encode()
OWN_EXTENSION = encode(
    SEQUENCE,
    encode_integer(5),
    encode_time(DAY),
    encode(SEQUENCE, encode_extension("1.2.3", b"x", critical=True), encode_extension("1.2.4", b"y")),
)


def test_the_entries_that_the_refused_ones_vary_are_good() -> None:
    assert len(parsed(between(GOOD))) == 6_001


@pytest.mark.parametrize(
    "odd",
    [
        encode_revoked([(1_234, DAY, RevocationReason.SUPERSEDED)]),  # twice
        b"\x30\x00",
        b"\x00",
        b"\x05\x00",
        GOOD[:-1],
        GOOD + b"\x00",
        GOOD.replace(b"\x02\x01\x05", b"\x02\x02\x00\x05"),
        GOOD.replace(b"\x02\x01\x05", b"\x02\x01\x05\x05\x00"),
        GOOD.replace(b"261122010203Z", b"261131010203Z"),  # 31 November
        GOOD.replace(b"261122010203Z", b"260229010203Z"),  # 29 February in a common year
        GOOD.replace(b"261122010203Z", b"261122240000Z"),
        GOOD.replace(b"20261122010203Z", b"20260230010203Z"),
        GOOD.replace(b"\x0a\x01\x04", b"\x0a\x01\x07"),  # a reason without a meaning
        GOOD.replace(b"\x0a\x01\x04", b"\x0a\x01\x0b"),
        GOOD.replace(b"\x0a\x01\x04", b"\x02\x01\x04"),
        RevokedEntry(5, DAY).encode()[:-15] + b"\x05\x00",
        encode(SEQUENCE, encode_integer(5), encode_time(DAY), encode(SEQUENCE)),
        encode(
            SEQUENCE,
            encode_integer(5),
            encode_time(DAY),
            encode(SEQUENCE, *[encode_extension("2.5.29.21", b"\x0a\x01\x04")] * 2),
        ),
        encode(
            SEQUENCE,
            encode_integer(5),
            encode_time(DAY),
            encode(SEQUENCE, encode_extension("2.5.29.24", b"\x17\x0d261122010203Z")),
        ),
        encode(
            SEQUENCE,
            encode_integer(5),
            encode_time(DAY),
            encode(SEQUENCE, encode_extension("2.5.29.21", b"\x0a\x01\x04\x00")),
        ),
        RevokedEntry(5, DAY, certificate_issuer=OTHER).encode(),  # in a list that is not indirect
    ],
)
def test_one_bad_entry_among_many_refuses_the_list(odd: bytes) -> None:
    assert odd != GOOD
    raw = list_of(between(odd))
    with pytest.raises(FormatError):
        CertificateList.parse(raw)


def test_critical_extensions_of_entries_that_nothing_reads_are_listed() -> None:
    found = parsed(between(OWN_EXTENSION))
    assert found.unknown_critical_entry_extensions == ("1.2.3",)
    entry = found.find(5)
    assert entry is not None
    assert entry.unknown_critical_extensions == ("1.2.3",)
    assert found.unknown_critical_extensions == ()


def test_negative_numbers_and_zero_are_entries_like_others() -> None:
    found = parsed(b"".join(RevokedEntry(serial, DAY).encode() for serial in (-1, 0, 255)))
    assert [found.find(serial) is not None for serial in (-1, 0, 255, 1, -255)] == [True, True, True, False, False]


def test_in_an_indirect_list_an_entry_belongs_to_the_issuer_named_last() -> None:
    entries = [
        RevokedEntry(1, DAY),
        RevokedEntry(2, DAY, certificate_issuer=OTHER),
        RevokedEntry(1, DAY, RevocationReason.SUPERSEDED),
        RevokedEntry(3, DAY, certificate_issuer=ISSUER),
    ]
    found = parsed(b"".join(entry.encode() for entry in entries), INDIRECT)
    assert found.is_indirect
    assert list(found) == entries
    assert (found.find(1), found.find(1, OTHER)) == (entries[0], entries[2])
    assert (found.find(2), found.find(2, OTHER)) == (None, entries[1])
    assert (found.find(3), found.find(3, OTHER)) == (entries[3], None)


def test_in_an_indirect_list_a_number_twice_for_one_issuer_is_refused() -> None:
    entries = [RevokedEntry(1, DAY, certificate_issuer=OTHER), RevokedEntry(1, DAY)]
    with pytest.raises(FormatError):
        parsed(b"".join(entry.encode() for entry in entries), INDIRECT)


def test_in_an_indirect_list_that_comes_back_to_its_own_issuer_a_number_twice_is_refused() -> None:
    entries = [RevokedEntry(1, DAY), RevokedEntry(2, DAY, certificate_issuer=OTHER)]
    again = RevokedEntry(1, DAY, certificate_issuer=ISSUER)
    with pytest.raises(FormatError):
        parsed(b"".join(entry.encode() for entry in [*entries, again]), INDIRECT)


def test_a_delta_is_recognised_and_a_complete_list_is_none() -> None:
    delta, complete = CertificateList.parse(list_of(b"", USERS, delta_base=3)), parsed(b"")
    assert (delta.is_delta, delta.delta_base) == (True, 3)
    assert (complete.is_delta, complete.delta_base) == (False, None)


@pytest.mark.parametrize(
    "point",
    [
        IssuingDistributionPoint(),
        IssuingDistributionPoint(only_ca_certificates=True),
        IssuingDistributionPoint(only_attribute_certificates=True, indirect=True),
        IssuingDistributionPoint(DistributionPointName.directory(OTHER), only_user_certificates=True),
        IssuingDistributionPoint(only_some_reasons=frozenset(CODED) - {RevocationReason.REMOVE_FROM_CRL}),
        IssuingDistributionPoint(only_some_reasons=frozenset((RevocationReason.KEY_COMPROMISE,))),
    ],
)
def test_an_issuing_distribution_point_is_read_back(point: IssuingDistributionPoint) -> None:
    found = parsed(b"", point)
    assert found.issuing_distribution_point == point
    assert list(asn1_crl.CertificateList.load(found.raw, strict=True).critical_extensions) == [
        "issuing_distribution_point"
    ]
    assert asn1_crl.CertificateList.load(found.raw).issuing_distribution_point_value.dump() == point.encode()


def test_the_name_in_a_list_is_the_certificates_distribution_point_octet_for_octet() -> None:
    (point,) = holder(Role.SIGNATURE).distribution_points
    found = parsed(b"", IssuingDistributionPoint(point.name)).issuing_distribution_point
    assert found is not None
    assert found.name == point.name


def built(
    version: bytes = b"\x02\x01\x01",
    algorithm: bytes = SHA256_WITH_RSA,
    times: bytes = encode_time(DAY) + encode_time(DAY),
    revoked: bytes = b"",
    extensions: bytes = b"",
) -> bytes:
    tail = encode(0xA0, encode(SEQUENCE, extensions)) if extensions else b""
    return signed(encode(SEQUENCE, version, algorithm, ISSUER.raw, times, revoked, tail), bytes(256))


NUMBER = encode_extension("2.5.29.20", encode_integer(5))


@pytest.mark.parametrize(
    "different",
    [
        {"version": b"\x02\x01\x00"},
        {"version": b"\x02\x01\x02"},
        {"version": b"", "extensions": NUMBER},
        {"algorithm": b"\x30\x05\x06\x03\x2a\x03\x04"},
        {"times": b""},
        {"times": encode_time(DAY) * 3},
        {"revoked": b"\x30\x00"},
        {"extensions": NUMBER * 2},
        {"extensions": encode_extension("2.5.29.20", encode_integer(-1))},
        {"extensions": encode_extension("2.5.29.27", b"\x02\x02\x00\x01")},
        {"extensions": encode_extension("2.5.29.35", b"\x30\x03\x82\x01\x05")},
        {"extensions": encode_extension("2.5.29.28", b"\x30\x06\x81\x01\xff\x82\x01\xff")},
        {"extensions": encode_extension("2.5.29.28", b"\x30\x03\x81\x01\x00")},
        {"extensions": encode_extension("2.5.29.28", b"\x30\x04\xa0\x02\x30\x00")},
        {"extensions": encode_extension("2.5.29.46", b"\x30\x00")},
    ],
)
def test_a_list_that_is_none_is_refused(different: dict[str, bytes]) -> None:
    with pytest.raises(FormatError) as caught:
        CertificateList.parse(built(**different))
    assert caught.value.what == "certificate revocation list"


def test_a_list_may_lack_extensions_next_update_and_version() -> None:
    found = CertificateList.parse(built(version=b"", times=encode_time(DAY)))
    assert (found.version, found.next_update, found.number, found.authority_key_id) == (1, None, None, None)
    assert found.issuing_distribution_point is None
    assert not found.is_indirect


def test_critical_extensions_of_a_list_that_nothing_reads_are_listed() -> None:
    freshest = encode_distribution_points(DistributionPoint(DistributionPointName.directory(OTHER)))
    found = CertificateList.parse(
        built(
            extensions=encode_extension("1.2.3", b"", critical=True)
            + encode_extension("1.2.4", b"")
            + encode_extension("2.5.29.46", freshest)
        )
    )
    assert found.unknown_critical_extensions == ("1.2.3",)
    assert [point.directory_names for point in found.freshest] == [(OTHER,)]


def test_a_certificate_issuer_without_a_directory_name_is_refused() -> None:
    names = encode(SEQUENCE, GeneralName.uri("http://a.example").raw)
    extension = encode_extension("2.5.29.29", names, critical=True)
    entry = encode(SEQUENCE, encode_integer(5), encode_time(DAY), encode(SEQUENCE, extension))
    with pytest.raises(FormatError):
        parsed(entry, INDIRECT)


@pytest.mark.parametrize("reason", RevocationReason)
def test_a_reason_is_named_by_the_standard_s_word(reason: RevocationReason) -> None:
    assert RevocationReason.from_text(reason.text) is reason
    assert {RevocationReason.CA_COMPROMISE.text, RevocationReason.REMOVE_FROM_CRL.text} == {
        "cACompromise",
        "removeFromCRL",
    }


def test_a_word_that_names_no_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="lost"):
        RevocationReason.from_text("lost")

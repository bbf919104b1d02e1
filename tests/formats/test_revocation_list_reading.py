"""Revocation lists as they are read: extensions, scope, and what is no list."""

from __future__ import annotations

import pytest
from asn1crypto import crl as asn1_crl
from issued import DAY, LIST_ISSUER, holder, list_of, parsed_list

from jpki.formats import (
    SHA256_WITH_RSA,
    CertificateList,
    DistributionPoint,
    DistributionPointName,
    FormatError,
    IssuingDistributionPoint,
    Name,
    RevocationReason,
    signed,
)
from jpki.formats.der import SEQUENCE, encode, encode_integer, encode_time
from jpki.formats.distribution_points import encode_distribution_points
from jpki.formats.extensions import encode_extension
from jpki.terms import Role

OTHER = Name.of(("C", "JP"), ("O", "OTHER-TEST"))
CODED = sorted(set(RevocationReason) - {RevocationReason.UNSPECIFIED})


def test_a_delta_is_recognised_and_a_complete_list_is_none() -> None:
    delta, complete = CertificateList.parse(list_of(delta_base=3)), parsed_list()
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
    found = parsed_list(b"", point)
    assert found.issuing_distribution_point == point
    assert list(asn1_crl.CertificateList.load(found.raw, strict=True).critical_extensions) == [
        "issuing_distribution_point"
    ]
    assert asn1_crl.CertificateList.load(found.raw).issuing_distribution_point_value.dump() == point.encode()


def test_the_name_in_a_list_is_the_certificates_distribution_point_octet_for_octet() -> None:
    (point,) = holder(Role.SIGNATURE).distribution_points
    found = parsed_list(b"", IssuingDistributionPoint(point.name)).issuing_distribution_point
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
    return signed(encode(SEQUENCE, version, algorithm, LIST_ISSUER.raw, times, revoked, tail), bytes(256))


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

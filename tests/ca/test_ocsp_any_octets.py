"""Whatever octets come in, an answer goes out, and it is one that OCSP knows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from authorities import Applicants, issue_one, name_in, new_authority
from hypothesis import given
from hypothesis import strategies as st
from responding import LATER, error, issuer_of, named, responding

from jpki.ca import OcspResponders
from jpki.formats import (
    MAX_CERT_IDS,
    MAX_OCSP_REQUEST_OCTETS,
    CertId,
    OcspResponse,
    OcspResponseStatus,
    cert_id_issuers,
    ocsp_request,
)
from jpki.terms import Role

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def responders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OcspResponders]:
    folder: Path = tmp_path_factory.mktemp("authority")
    with new_authority(folder) as authority, responding(authority) as made:
        yield made


@pytest.fixture(scope="module")
def usual(responders: OcspResponders) -> bytes:
    authority = responders._authority
    name = name_in(issue_one(authority, Applicants().asks(), LATER), Role.SIGNATURE)
    return ocsp_request([named(authority, name)], b"12345678")


def said(responders: OcspResponders, request: bytes) -> OcspResponse:
    """Returns the answer; what is given at once is what is given in the end."""
    at_once = responders.made_ahead(request, LATER)
    (found,) = responders.answers([request], LATER)
    if at_once is not None and at_once.this_update is None:
        assert found == at_once
    return OcspResponse.parse(found.encoded)


@given(st.binary(max_size=300))
def test_noise_is_malformed(responders: OcspResponders, noise: bytes) -> None:
    assert said(responders, noise).status is OcspResponseStatus.MALFORMED_REQUEST


@given(st.data())
def test_a_request_with_octets_changed_is_answered_or_refused(
    responders: OcspResponders, usual: bytes, data: st.DataObject
) -> None:
    changed = bytearray(usual)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(usual) - 1))] = data.draw(st.integers(0, 255))
    length = data.draw(st.integers(0, len(usual) + 4))
    found = said(responders, bytes(changed)[:length].ljust(length, b"\0"))
    assert found.status in (
        OcspResponseStatus.SUCCESSFUL,
        OcspResponseStatus.MALFORMED_REQUEST,
        OcspResponseStatus.UNAUTHORIZED,
    )


@given(st.lists(st.integers(-(1 << 159), (1 << 159) - 1), min_size=1, max_size=5), st.binary(max_size=40))
def test_any_numbers_are_answered_in_their_order(responders: OcspResponders, numbers: list[int], nonce: bytes) -> None:
    authority = responders._authority
    issuers = sorted(cert_id_issuers(issuer_of(authority, Role.AUTHENTICATION)))
    asked = [CertId.of(issuers[place % 4], number) for place, number in enumerate(numbers)]
    found = said(responders, ocsp_request(asked, nonce or None))
    assert found.basic is not None
    assert [one.cert_id.raw for one in found.basic.responses] == [one.raw for one in asked]
    assert found.basic.nonce == (nonce or None)


def test_what_is_empty_or_too_long_or_asks_too_much_is_malformed(responders: OcspResponders, usual: bytes) -> None:
    authority = responders._authority
    one = named(authority, authority.certificates[Role.SIGNATURE].name)
    for request in (
        b"",
        b"\0" * (MAX_OCSP_REQUEST_OCTETS + 1),
        ocsp_request([one] * (MAX_CERT_IDS + 1)),
        usual + b"\0",
    ):
        (found,) = responders.answers([request], LATER)
        assert error(found.encoded) is OcspResponseStatus.MALFORMED_REQUEST
    (found,) = responders.answers([ocsp_request([one] * MAX_CERT_IDS)], LATER)
    assert len(OcspResponse.parse(found.encoded).basic.responses) == MAX_CERT_IDS  # type: ignore[union-attr]


def test_of_many_requests_each_gets_its_own_answer(responders: OcspResponders, usual: bytes) -> None:
    authority = responders._authority
    other = ocsp_request([named(authority, authority.certificates[Role.AUTHENTICATION].name)], b"87654321")
    found = responders.answers([usual, b"noise", other, usual], LATER + MINUTE)
    assert [OcspResponse.parse(one.encoded).status.value for one in found] == [0, 1, 0, 0]
    nonces = [basic.nonce for one in found if (basic := OcspResponse.parse(one.encoded).basic) is not None]
    assert nonces == [b"12345678", b"87654321", b"12345678"]

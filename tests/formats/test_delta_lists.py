"""Deltas to complete lists: what says where they are, what they say, and what OpenSSL makes of both together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from issued import AUTHORITY_KEY, DAY, authority, holder, key
from openssl_program import OpenSslVerify

from jpki.formats import (
    AuthorityKeyId,
    CertificateList,
    DistributionPoint,
    DistributionPointName,
    FormatError,
    IssuingDistributionPoint,
    Name,
    RevocationReason,
    certificate_list_tbs,
    encode_revoked_line,
    scan_certificate_list,
    signed,
)
from jpki.terms import Role

SIGN = Role.SIGNATURE
OTHERS, OURS = 0x06D1_8005, 0x06D1_8006
DELTAS = DistributionPoint(DistributionPointName.directory(Name.of(("C", "JP"), ("CN", "Chiyoda-ku CRLDP Delta"))))
LATER = DAY + timedelta(minutes=10)
HOLD, REMOVE, LEAKED = (
    RevocationReason.CERTIFICATE_HOLD,
    RevocationReason.REMOVE_FROM_CRL,
    RevocationReason.KEY_COMPROMISE,
)


@dataclass(frozen=True)
class Scope:
    """The lists of one municipality, or the list of all."""

    point: IssuingDistributionPoint

    def listing(
        self, number: int, *lines: tuple[int, RevocationReason], base: int | None = None, deltas: bool = False
    ) -> bytes:
        own = authority(SIGN)
        tbs = certificate_list_tbs(
            issuer=own.subject,
            this_update=DAY + timedelta(minutes=number - 7),
            next_update=DAY + timedelta(hours=48),
            number=number,
            authority_key_id=AuthorityKeyId(own.subject_key_id, own.subject, own.serial),
            entries=b"".join(encode_revoked_line(serial, DAY, reason) for serial, reason in lines),
            issuing_distribution_point=self.point,
            delta_base=base,
            freshest=(DELTAS,) if deltas else (),
        )
        return signed(tbs, key(AUTHORITY_KEY).sign(tbs))


def municipal() -> Scope:
    (point,) = holder(SIGN).distribution_points
    return Scope(IssuingDistributionPoint(point.name, only_user_certificates=True))


SCOPES = {"municipal": municipal(), "all": Scope(IssuingDistributionPoint(only_user_certificates=True))}


@pytest.fixture(params=SCOPES)
def scope(request: pytest.FixtureRequest) -> Scope:
    return SCOPES[request.param]


def test_a_base_says_where_its_deltas_are_and_a_delta_says_its_base(scope: Scope) -> None:
    base = CertificateList.parse(scope.listing(7, (OURS, HOLD), deltas=True))
    delta = CertificateList.parse(scope.listing(8, (OURS, REMOVE), base=7))
    assert (base.number, base.delta_base, base.freshest) == (7, None, (DELTAS,))
    assert (delta.number, delta.delta_base, delta.freshest) == (8, 7, ())
    assert base.issuing_distribution_point == delta.issuing_distribution_point
    assert base.extension("2.5.29.28") == delta.extension("2.5.29.28")
    assert base.extension("2.5.29.35") == delta.extension("2.5.29.35")
    freshest, indicator = base.extension("2.5.29.46"), delta.extension("2.5.29.27")
    assert freshest is not None
    assert not freshest.critical
    assert indicator is not None
    assert indicator.critical
    assert [(entry.serial, entry.reason) for entry in delta] == [(OURS, REMOVE)]


def test_a_delta_read_as_a_stream_tells_how_many_it_removes(scope: Scope) -> None:
    found = scan_certificate_list([scope.listing(8, (OTHERS, LEAKED), (OURS, REMOVE), base=7)])
    assert (found.is_delta, found.entries, found.removals) == (True, 2, 1)


@pytest.mark.parametrize("base", [7, 8, -1])
def test_a_delta_to_a_list_that_is_not_older_is_not_written(base: int) -> None:
    with pytest.raises(FormatError):
        SCOPES["all"].listing(7, base=base)


def test_a_delta_does_not_say_where_deltas_to_it_are() -> None:
    with pytest.raises(FormatError):
        SCOPES["all"].listing(8, base=7, deltas=True)


GOOD, REVOKED = "certificate.pem: OK", "certificate revoked"


@pytest.mark.parametrize(
    ("in_base", "in_delta", "end"),
    [
        ([], [], GOOD),
        ([(OTHERS, LEAKED)], [], GOOD),
        ([], [(OTHERS, LEAKED)], GOOD),
        ([(OURS, LEAKED)], [], REVOKED),
        ([], [(OURS, LEAKED)], REVOKED),
        ([], [(OTHERS, LEAKED), (OURS, HOLD)], REVOKED),
        ([(OURS, HOLD)], [(OURS, REMOVE)], GOOD),
        ([(OURS, HOLD)], [(OURS, LEAKED)], REVOKED),
        ([(OURS, HOLD)], [(OTHERS, REMOVE)], REVOKED),
    ],
)
def test_openssl_judges_by_a_base_and_its_delta_together(
    scope: Scope,
    in_base: list[tuple[int, RevocationReason]],
    in_delta: list[tuple[int, RevocationReason]],
    end: str,
    tmp_path: Path,
) -> None:
    program = OpenSslVerify(tmp_path, authority(SIGN).raw)
    program.publish(scope.listing(7, *in_base, deltas=True), scope.listing(8, *in_delta, base=7))
    assert end in program.says(holder(SIGN).raw, LATER, "-extended_crl", "-use_deltas")


def test_openssl_looks_at_no_delta_of_a_list_that_does_not_say_where_its_deltas_are(tmp_path: Path) -> None:
    program = OpenSslVerify(tmp_path, authority(SIGN).raw)
    listing = SCOPES["all"].listing
    program.publish(listing(7), listing(8, (OURS, LEAKED), base=7))
    assert GOOD in program.says(holder(SIGN).raw, LATER, "-extended_crl", "-use_deltas")

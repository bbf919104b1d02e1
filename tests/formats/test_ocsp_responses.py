"""OCSP answers as they are made and read: exact, and other programs read and believe them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from asn1crypto import ocsp as asn1_ocsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import given
from hypothesis import strategies as st
from issued import DAY, authority, holder, key
from ocsp_answers import LATER, NOW, RESPONDER_KEY, answer, cert_id, responder, single
from openssl_program import openssl
from pkilint import loader, pkix
from pkilint.pkix import extension, name
from pkilint.pkix import ocsp as lint

from jpki.formats import (
    CERT_GOOD,
    CERT_UNKNOWN,
    MAX_CERT_IDS,
    OCSP_INTERNAL_ERROR,
    OCSP_MALFORMED_REQUEST,
    OCSP_TRY_LATER,
    OCSP_UNAUTHORIZED,
    SHA1,
    SHA256,
    SHA256_WITH_RSA,
    BasicOcspResponse,
    CertStatus,
    FormatError,
    OcspResponse,
    OcspResponseStatus,
    OcspTemplate,
    RevocationReason,
    encode_single_response,
    key_identifier,
    ocsp_request,
    to_pem,
)
from jpki.formats.der import SEQUENCE, encode
from jpki.formats.ocsp_response import CertState
from jpki.terms import Role

ROLES = [Role.SIGNATURE, Role.AUTHENTICATION]
REVOKED = CertStatus.revoked(DAY, RevocationReason.KEY_COMPROMISE)
HELD = CertStatus.revoked(DAY, RevocationReason.CERTIFICATE_HOLD)
STATUSES = [
    CERT_GOOD,
    CERT_UNKNOWN,
    *(CertStatus.revoked(DAY, one) for one in RevocationReason if one is not RevocationReason.REMOVE_FROM_CRL),
]
STATUS_NAMES = [(status.reason or status.state).name for status in STATUSES]
BUILDERS = {SHA1: hashes.SHA1(), SHA256: hashes.SHA256()}  # noqa: S303 - what clients send


def basic(raw: bytes) -> BasicOcspResponse:
    found = OcspResponse.parse(raw)
    assert found.status is OcspResponseStatus.SUCCESSFUL
    assert found.basic is not None
    return found.basic


# --- exact ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "octets"),
    [
        (CERT_GOOD, "8000"),
        (CERT_UNKNOWN, "8200"),
        (CertStatus.revoked(DAY), "A111180F32303236313132323031303230335A"),
        (REVOKED, "A116180F32303236313132323031303230335AA0030A0101"),
    ],
    ids=["good", "unknown", "revoked", "revoked with a reason"],
)
def test_what_is_said_of_a_certificate_has_these_octets(status: CertStatus, octets: str) -> None:
    written = single(status, cutoff=DAY)
    body = (
        cert_id().raw.hex().upper()
        + octets
        + "180F32303236313132323031303730335A"
        + "A011180F32303236313132323032303730335A"
        + "A1223020301E06092B06010505073001060411180F32303236313132323031303230335A"
    )
    assert written == encode(SEQUENCE, bytes.fromhex(body))


def test_the_moment_a_certificate_is_good_until_and_the_cutoff_may_be_absent() -> None:
    assert single(until=None) == encode(
        SEQUENCE, cert_id().raw, bytes.fromhex("8000180F32303236313132323031303730335A")
    )


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("algorithm", [SHA1, SHA256])
@pytest.mark.parametrize("nonce", [None, bytes(32), bytes(128)], ids=["no nonce", "32", "128"])
@pytest.mark.parametrize("status", STATUSES, ids=STATUS_NAMES)
def test_an_answer_is_the_one_that_another_library_makes(
    role: Role, algorithm: str, nonce: bytes | None, status: CertStatus
) -> None:
    states = {
        CertState.GOOD: ocsp.OCSPCertStatus.GOOD,
        CertState.REVOKED: ocsp.OCSPCertStatus.REVOKED,
        CertState.UNKNOWN: ocsp.OCSPCertStatus.UNKNOWN,
    }
    # An unspecified reason is not written, so the other library must not be told it.
    reason = status.reason or None
    mine = x509.load_der_x509_certificate(responder(role).raw)
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=x509.load_der_x509_certificate(holder(role).raw),
            issuer=x509.load_der_x509_certificate(authority(role).raw),
            algorithm=BUILDERS[algorithm],
            cert_status=states[status.state],
            this_update=NOW,
            next_update=LATER,
            revocation_time=status.revoked_at,
            revocation_reason=None if reason is None else x509.ReasonFlags(reason.text),
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, mine)
        .certificates([mine])
    )
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    made = builder.sign(key(RESPONDER_KEY).private, hashes.SHA256())
    template = OcspTemplate.prepare(responder(role))
    # The other library says by itself when the answer was produced.
    tbs = template.tbs([single(status, cert_id(role, algorithm=algorithm))], made.produced_at_utc, nonce)
    assert template.response(tbs, key(RESPONDER_KEY).sign(tbs)) == made.public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("made", "status"),
    [
        (OCSP_MALFORMED_REQUEST, ocsp.OCSPResponseStatus.MALFORMED_REQUEST),
        (OCSP_INTERNAL_ERROR, ocsp.OCSPResponseStatus.INTERNAL_ERROR),
        (OCSP_TRY_LATER, ocsp.OCSPResponseStatus.TRY_LATER),
        (OCSP_UNAUTHORIZED, ocsp.OCSPResponseStatus.UNAUTHORIZED),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
def test_the_errors_are_those_that_another_library_makes(made: bytes, status: ocsp.OCSPResponseStatus) -> None:
    assert made == ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
    found = OcspResponse.parse(made)
    assert (found.status.value, found.basic, found.raw) == (status.value, None, made)


# --- read back --------------------------------------------------------------------------------------------------------


@given(
    st.lists(
        st.tuples(
            st.integers(1, (1 << 159) - 1),
            st.sampled_from([SHA1, SHA256]),
            st.sampled_from(STATUSES),
            st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
            st.none() | st.timedeltas(timedelta(0), timedelta(days=7)),
            st.none() | st.timedeltas(timedelta(0), timedelta(days=5000)),
        ),
        min_size=1,
        max_size=MAX_CERT_IDS,
    ),
    st.none() | st.binary(min_size=1, max_size=128),
)
def test_what_is_said_of_several_certificates_is_read_in_its_order(
    rows: list[tuple[int, str, CertStatus, datetime, timedelta | None, timedelta | None]], nonce: bytes | None
) -> None:
    named = [cert_id(serial=serial, algorithm=algorithm) for serial, algorithm, *_ in rows]
    singles = []
    expected = []
    for one, (_, _, status, exact, lasts, kept) in zip(named, rows, strict=True):
        at = exact.replace(microsecond=0)
        until, since = at + lasts if lasts is not None else None, at - kept if kept is not None else None
        until = until and until.replace(microsecond=0)
        since = since and since.replace(microsecond=0)
        singles.append(encode_single_response(one, status, exact, until, since))
        expected.append((one, status, at, until, since))
    found = basic(answer(*singles, nonce=nonce))
    assert [
        (one.cert_id, one.status, one.this_update, one.next_update, one.archive_cutoff) for one in found.responses
    ] == expected
    assert [one.raw for one in found.responses] == singles
    assert (found.nonce, found.produced_at) == (nonce, NOW)


def test_everything_else_of_an_answer_is_read() -> None:
    raw = answer(single(), nonce=b"N")
    found = basic(raw)
    assert found.raw in raw
    assert found.responder_name is None
    assert found.responder_key_hash == key_identifier(responder(Role.SIGNATURE).public_key_info)
    assert found.certificates == (responder(Role.SIGNATURE),)
    assert found.signature_algorithm == SHA256_WITH_RSA
    assert found.signature == key(RESPONDER_KEY).sign(found.tbs)
    assert found.unknown_critical_extensions == ()
    (said,) = found.responses
    assert said.unknown_critical_extensions == ()
    assert found.find(cert_id()) == said
    assert found.find(cert_id(algorithm=SHA256)) is None


def test_a_moment_in_another_zone_is_written_in_utc() -> None:
    in_japan = [moment.astimezone(timezone(timedelta(hours=9))) for moment in (DAY, NOW, LATER)]
    revoked = CertStatus.revoked(in_japan[0], RevocationReason.KEY_COMPROMISE)
    assert encode_single_response(cert_id(), revoked, *in_japan[1:]) == single(REVOKED)


@pytest.mark.parametrize(
    "status",
    [CertStatus(CertState.REVOKED), CertStatus.revoked(DAY, RevocationReason.REMOVE_FROM_CRL)],
    ids=["no moment", "removeFromCRL"],
)
def test_a_revocation_without_a_moment_or_by_a_delta_s_reason_is_not_written(status: CertStatus) -> None:
    with pytest.raises(FormatError):
        single(status)


@pytest.mark.parametrize("nonce", [b"", bytes(129)])
def test_a_nonce_out_of_bounds_is_not_written(nonce: bytes) -> None:
    with pytest.raises(FormatError):
        answer(nonce=nonce)


# --- other programs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("status", "says"),
    [
        (CERT_GOOD, "0x06D18006: good"),
        (CERT_UNKNOWN, "0x06D18006: unknown"),
        (REVOKED, "0x06D18006: revoked"),
        (HELD, "Reason: certificateHold"),
    ],
    ids=["good", "unknown", "revoked", "on hold"],
)
def test_openssl_believes_an_answer(role: Role, status: CertStatus, says: str, tmp_path: Path) -> None:
    named = [cert_id(role), cert_id(role, 5, SHA256)]
    (tmp_path / "ca.pem").write_text(to_pem("CERTIFICATE", authority(role).raw))
    (tmp_path / "request.der").write_bytes(ocsp_request(named, bytes(32)))
    raw = answer(single(status, named[0], cutoff=DAY), single(REVOKED, named[1]), role=role, nonce=bytes(32))
    (tmp_path / "answer.der").write_bytes(raw)
    files = ["-issuer", "ca.pem", "-CAfile", "ca.pem", "-reqin", "request.der", "-respin", "answer.der"]
    numbers = ["-serial", "0x06D18006", "-sha256", "-serial", "5"]
    decades = "1000000000"  # this program judges the two updates by the clock on the wall, not by -attime
    words = ["-no_nonce", "-attime", str(int(NOW.timestamp())), "-validity_period", decades, "-resp_text"]
    done = openssl("ocsp", *files, *numbers, *words, folder=tmp_path)
    assert "Response verify OK" in done.stderr
    assert "WARNING" not in done.stderr
    assert says in done.stdout
    assert "5: revoked" in done.stdout
    assert "Reason: keyCompromise" in done.stdout
    assert "OCSP Archive Cutoff" in done.stdout
    assert "Nov 22 01:02:03 2026 GMT" in done.stdout


def test_openssl_refuses_an_answer_with_another_nonce_or_another_signature(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(to_pem("CERTIFICATE", authority(Role.SIGNATURE).raw))
    (tmp_path / "request.der").write_bytes(ocsp_request([cert_id()], bytes(32)))
    good = answer(nonce=bytes(32))
    signature = basic(good).signature
    for raw, words in (
        (good, "Response verify OK"),
        (answer(nonce=bytes(31)), "Nonce Verify error"),
        (good.replace(signature, signature[:-1] + bytes((signature[-1] ^ 1,))), "Response Verify Failure"),
    ):
        (tmp_path / "answer.der").write_bytes(raw)
        files = ["-issuer", "ca.pem", "-CAfile", "ca.pem", "-reqin", "request.der", "-respin", "answer.der"]
        done = openssl("ocsp", *files, "-no_nonce", "-attime", str(int(NOW.timestamp())), folder=tmp_path)
        assert words in done.stderr


def test_another_library_reads_an_answer_about_several() -> None:
    named = [cert_id(serial=number) for number in range(1, 4)]
    raw = answer(single(CERT_GOOD, named[0], cutoff=DAY), single(HELD, named[1]), single(CERT_UNKNOWN, named[2]))
    other = asn1_ocsp.OCSPResponse.load(raw, strict=True)
    responses = other.response_data["responses"]
    assert [one["cert_id"]["serial_number"].native for one in responses] == [1, 2, 3]
    assert [one["cert_status"].name for one in responses] == ["good", "revoked", "unknown"]
    assert responses[0]["single_extensions"][0]["extn_value"].native == DAY
    assert responses[1]["cert_status"].chosen["revocation_reason"].native == "certificate_hold"
    assert other.dump(force=True) == raw
    assert x509.ocsp.load_der_ocsp_response(raw).certificates[0].serial_number == responder(Role.SIGNATURE).serial


def findings(raw: bytes) -> list[str]:
    """Returns what pkilint's rules for OCSP answers find, by severity and code."""
    rules = lint.create_pkix_ocsp_response_validator_container(
        [
            lint.create_response_decoder(),
            pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
            pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
        ],
        [],
    )
    document = loader.RFC6960OCSPResponseDocumentLoader().load_document(raw, "answer")
    results = rules.validate(document.root)
    return [
        f"{one.finding.severity.name} {one.finding.code}" for result in results for one in result.finding_descriptions
    ]


@pytest.mark.parametrize("role", ROLES)
def test_another_linter_finds_nothing_in_an_answer(role: Role) -> None:
    singles = [single(status, cert_id(role, number), cutoff=DAY) for number, status in enumerate(STATUSES, 1)]
    assert findings(answer(*singles, role=role, nonce=bytes(32))) == []


def test_that_linter_finds_what_is_wrong() -> None:
    assert findings(answer(single(until=NOW - timedelta(days=1)))) != []


@pytest.mark.parametrize("made", [OCSP_MALFORMED_REQUEST, OCSP_UNAUTHORIZED], ids=["malformed", "unauthorized"])
def test_openssl_reads_an_error(made: bytes, tmp_path: Path) -> None:
    (tmp_path / "answer.der").write_bytes(made)
    done = openssl("ocsp", "-respin", "answer.der", "-noverify", folder=tmp_path)
    assert ("malformedrequest" if made is OCSP_MALFORMED_REQUEST else "unauthorized") in done.stdout + done.stderr

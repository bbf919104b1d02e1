"""The OCSP requests and answers that the cryptography project collected: read as it reads them, or refused."""

from __future__ import annotations

from pathlib import Path

import cryptography_vectors
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from jpki.formats import CertState, FormatError, OcspRequest, OcspResponse, OcspResponseStatus, RevocationReason

FOLDER = Path(cryptography_vectors.__file__).parent / "x509" / "ocsp"
REQUESTS = sorted(path.name for path in FOLDER.glob("*req*.der"))
ANSWERS = sorted(path.name for path in FOLDER.glob("*resp*.der") if "req" not in path.name)
REFUSED = {
    "req-duplicate-ext.der": "extension 1.3.6.1.5.5.7.48.1.2 twice",
    "req-invalid-version.der": "a version that is written out as 1, or unknown",
    "resp-invalid-version.der": "a version that is written out as 1, or unknown",
    "resp-response-type-unknown-oid.der": "an answer of another kind than basic",
    "resp-successful-no-response-bytes.der": "an error with an answer, or success without one",
    "resp-unknown-response-status.der": "a response status without a meaning",
}
STATES = {
    CertState.GOOD: ocsp.OCSPCertStatus.GOOD,
    CertState.REVOKED: ocsp.OCSPCertStatus.REVOKED,
    CertState.UNKNOWN: ocsp.OCSPCertStatus.UNKNOWN,
}
SEVERAL = {"req-multi-sha1.der"}  # which that library does not read


def test_the_vectors_are_there() -> None:
    assert len(REQUESTS) >= 11
    assert len(ANSWERS) >= 17
    assert REFUSED.keys() | SEVERAL <= {*REQUESTS, *ANSWERS}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_wrong_one_is_refused(name: str) -> None:
    read = OcspRequest.parse if name in REQUESTS else OcspResponse.parse
    with pytest.raises(FormatError) as caught:
        read((FOLDER / name).read_bytes())
    assert caught.value.problem == REFUSED[name]


@pytest.mark.parametrize("name", [name for name in REQUESTS if name not in REFUSED.keys() | SEVERAL])
def test_a_request_is_read_as_another_library_reads_it(name: str) -> None:
    raw = (FOLDER / name).read_bytes()
    found, other = OcspRequest.parse(raw), ocsp.load_der_ocsp_request(raw)
    (named,) = found.cert_ids
    assert (named.serial, named.issuer_name_hash, named.issuer_key_hash) == (
        other.serial_number,
        other.issuer_name_hash,
        other.issuer_key_hash,
    )
    nonces = [one.value.nonce for one in other.extensions if isinstance(one.value, x509.OCSPNonce)]
    assert nonces == ([] if found.nonce is None else [found.nonce])
    assert found.unknown_critical_extensions == ()


def test_a_request_for_several_is_read() -> None:
    found = OcspRequest.parse((FOLDER / "req-multi-sha1.der").read_bytes())
    assert len(found.cert_ids) == 2


@pytest.mark.parametrize("name", [name for name in ANSWERS if name not in REFUSED])
def test_an_answer_is_read_as_another_library_reads_it(name: str) -> None:
    raw = (FOLDER / name).read_bytes()
    found, other = OcspResponse.parse(raw), ocsp.load_der_ocsp_response(raw)
    assert found.status.value == other.response_status.value
    if found.status is not OcspResponseStatus.SUCCESSFUL:
        assert found.basic is None
        return
    basic = found.basic
    assert basic is not None
    assert basic.tbs == other.tbs_response_bytes
    assert (basic.signature, basic.produced_at) == (other.signature, other.produced_at_utc)
    assert basic.responder_key_hash == other.responder_key_hash
    assert (basic.responder_name and basic.responder_name.raw) == (
        other.responder_name and other.responder_name.public_bytes()
    )
    assert [one.raw for one in basic.certificates] == [one.public_bytes(Encoding.DER) for one in other.certificates]
    for one, another in zip(basic.responses, other.responses, strict=True):
        assert one.cert_id.serial == another.serial_number
        assert one.cert_id.issuer_key_hash == another.issuer_key_hash
        assert STATES[one.status.state] is another.certificate_status
        assert (one.this_update, one.next_update) == (another.this_update_utc, another.next_update_utc)
        assert one.status.revoked_at == another.revocation_time_utc
        if another.revocation_reason is not None:
            assert one.status.reason is RevocationReason.from_text(another.revocation_reason.value)

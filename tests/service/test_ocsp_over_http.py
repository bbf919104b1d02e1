"""OCSP over HTTP, asked by OpenSSL and octet by octet: POST, GET by RFC 5019, and what is refused."""

from __future__ import annotations

import base64
import subprocess
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import pytest
from offices import Office
from running_service import OCSP_REQUEST, RunningService, cert_id, request_for, root, state_in

from jpki.formats import (
    MAX_OCSP_REQUEST_OCTETS,
    CertState,
    OcspResponse,
    OcspResponseStatus,
)
from jpki.service import MAX_AGE
from jpki.terms import CertificateName, Role

WITHIN = 5.0  # seconds from a confirmed revocation to the answer that says so


def status_of(body: bytes) -> OcspResponseStatus:
    return OcspResponse.parse(body).status


def openssl_ocsp(office: Office, service: RunningService, role: Role, name: str, *more: str) -> str:
    der, pem = root(office, role), office.path / "root.pem"
    subprocess.run(["openssl", "x509", "-inform", "DER", "-in", der, "-out", pem], check=True, capture_output=True)
    number = str(CertificateName.parse(name).number)
    words = ["-issuer", pem, "-serial", number, "-url", service.url, "-CAfile", pem, *more]
    done = subprocess.run(["openssl", "ocsp", *words], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("more", [(), ("-no_nonce",)], ids=["with a nonce", "without"])
def test_openssl_believes_what_the_service_says_of_a_good_certificate(
    office: Office, service: RunningService, names: dict[Role, str], role: Role, more: tuple[str, ...]
) -> None:
    said = openssl_ocsp(office, service, role, names[role], *more)
    assert "Response verify OK" in said
    assert ": good" in said


def test_openssl_hears_of_a_revocation(own_office: Office, own_service: RunningService, names: dict[Role, str]) -> None:
    own_office.revoke(names[Role.SIGNATURE])
    said = openssl_ocsp(own_office, own_service, Role.SIGNATURE, names[Role.SIGNATURE])
    assert "Response verify OK" in said
    assert ": revoked" in said
    assert "keyCompromise" in said


def test_a_revocation_takes_back_what_was_made_ahead_within_five_seconds(
    own_office: Office, own_service: RunningService, names: dict[Role, str]
) -> None:
    request = request_for(own_office, names[Role.SIGNATURE])
    for _ in range(3):
        assert state_in(own_service.post(request).body) is CertState.GOOD
    own_service.wait_until(lambda: own_service.metric('jpki_ocsp_answers_total{outcome="made_ahead"}') >= 1)
    own_office.revoke(names[Role.SIGNATURE])
    confirmed = time.monotonic()
    own_service.wait_until(lambda: state_in(own_service.post(request).body) is CertState.REVOKED)
    assert time.monotonic() - confirmed < WITHIN


@pytest.mark.parametrize("path", ["/", "/ocsp", "/ocsp/"])
def test_a_request_is_answered_at_each_of_its_addresses(
    office: Office, service: RunningService, names: dict[Role, str], path: str
) -> None:
    answer = service.post(request_for(office, names[Role.AUTHENTICATION]), path)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/ocsp-response")
    assert state_in(answer.body) is CertState.GOOD


@pytest.mark.parametrize("before", ["/", "/ocsp/"])
@pytest.mark.parametrize(
    "written",
    [lambda text: text, lambda text: quote(text, safe=""), lambda text: text.rstrip("="), quote],
    ids=["as it is", "all by percent", "without padding", "slashes kept"],
)
def test_every_way_to_write_a_request_into_an_address_is_understood(
    office: Office, service: RunningService, names: dict[Role, str], before: str, written: object
) -> None:
    request = _with_every_sign(office)
    text = base64.b64encode(request).decode()
    assert "+" in text
    assert "/" in text
    answer = service.get(before + written(text))  # type: ignore[operator]
    assert answer.status == 200
    assert status_of(answer.body) is OcspResponseStatus.SUCCESSFUL


def _with_every_sign(office: Office) -> bytes:
    """Returns a request whose base64 has both signs that addresses treat in their own way."""
    for number in range(0x01000001, 0x01100000):
        request = request_for(office, f"sign:{number:08X}")
        if {"+", "/"} <= set(base64.b64encode(request).decode()):
            return request
    raise AssertionError


def address_of(request: bytes) -> str:
    return "/" + quote(base64.b64encode(request).decode(), safe="")


def test_an_answer_by_get_tells_caches_how_long_it_holds(
    office: Office, service: RunningService, names: dict[Role, str]
) -> None:
    answer = service.get(address_of(request_for(office, names[Role.SIGNATURE])))
    basic = OcspResponse.parse(answer.body).basic
    assert basic is not None
    single = basic.responses[0]
    assert parsedate_to_datetime(answer.headers["last-modified"]) == single.this_update
    assert parsedate_to_datetime(answer.headers["expires"]) == single.next_update
    assert answer.headers["cache-control"] == f"max-age={MAX_AGE}, public, no-transform, must-revalidate"
    assert abs((parsedate_to_datetime(answer.headers["date"]) - datetime.now(UTC)).total_seconds()) < 60


def test_a_client_that_has_the_answer_gets_no_second_copy(
    office: Office, service: RunningService, names: dict[Role, str]
) -> None:
    address = address_of(request_for(office, names[Role.SIGNATURE]))
    first = service.get(address)
    again = service.get(address, {"If-None-Match": f'"other", {first.headers["etag"]}'})
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


def test_an_answer_with_a_nonce_is_not_to_be_kept(
    office: Office, service: RunningService, names: dict[Role, str]
) -> None:
    answer = service.get(address_of(request_for(office, names[Role.SIGNATURE], b"n" * 32)))
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers
    basic = OcspResponse.parse(answer.body).basic
    assert basic is not None
    assert basic.nonce == b"n" * 32


def test_what_cannot_be_read_gets_the_error_of_ocsp(service: RunningService) -> None:
    for answer in (service.post(b""), service.post(b"0\x03\x02\x01\x00"), service.get("/MAMCAQA"), service.get("/M*")):
        assert answer.status == 200
        assert status_of(answer.body) is OcspResponseStatus.MALFORMED_REQUEST
    assert service.get("/MAMCAQA").headers["cache-control"] == "no-store"


def test_a_wrong_type_is_refused(service: RunningService) -> None:
    assert service.post(b"x", headers={"Content-Type": "text/plain"}).status == 415
    assert service.post(b"x", headers={}).status == 415


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_a_wrong_method_is_refused(service: RunningService, method: str) -> None:
    answer = service.ask(method, "/ocsp", b"", {})
    assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")


def test_a_request_that_is_too_large_is_refused(service: RunningService) -> None:
    assert service.post(bytes(MAX_OCSP_REQUEST_OCTETS + 1)).status == 413
    assert service.get("/M" + "A" * 5000).status == 414


def test_a_body_of_unknown_length_is_cut_off_at_the_limit(service: RunningService) -> None:
    piece = b"1000\r\n" + bytes(0x1000) + b"\r\n"
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/ocsp-request\r\nTransfer-Encoding: chunked\r\n\r\n"
    with service.connected() as connection:
        connection.sendall(head + piece * 8)
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_many_requests_on_one_connection_are_answered_in_their_order(
    office: Office, service: RunningService, names: dict[Role, str]
) -> None:
    requests = [request_for(office, name) for name in names.values()] * 5
    with service.connected() as connection:
        for request in requests:
            head = "".join(f"{name}: {value}\r\n" for name, value in OCSP_REQUEST.items())
            length = f"Content-Length: {len(request)}\r\n"
            connection.sendall(f"POST / HTTP/1.1\r\nHost: x\r\n{head}{length}\r\n".encode() + request)
        received = b""
        while received.count(b"HTTP/1.1 200 OK") < len(requests) or not _whole(received):
            piece = connection.recv(65536)
            assert piece
            received += piece
    bodies = _bodies(received)
    asked = [cert_id(office, name).raw for name in names.values()] * 5
    answered = [OcspResponse.parse(body).basic for body in bodies]
    assert [basic.responses[0].cert_id.raw for basic in answered if basic] == asked


def _whole(received: bytes) -> bool:
    try:
        _bodies(received)
    except ValueError:
        return False
    return True


def _bodies(received: bytes) -> list[bytes]:
    found = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        (length,) = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        if len(rest) < length:
            raise ValueError
        found.append(rest[:length])
        received = rest[length:]
    return found


def test_the_journal_names_neither_numbers_nor_clients(
    own_office: Office, own_service: RunningService, names: dict[Role, str]
) -> None:
    own_service.post(request_for(own_office, names[Role.SIGNATURE]))
    own_service.post(b"nonsense")
    assert own_service.stop() == 0
    told = own_service.log.read_text("utf-8")
    assert [line["event"] for line in own_service.lines] == ["listening", "ended"]
    assert names[Role.SIGNATURE].partition(":")[2] not in told
    assert "R000001" not in told

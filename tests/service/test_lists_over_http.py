"""Revocation lists over HTTP, fetched with curl: whole, as 304, and where there is none."""

from __future__ import annotations

import hashlib
import re
import subprocess
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from offices import Office
from running_service import RunningService

from jpki.ca import AuthorityFolder
from jpki.formats import CertificateList
from jpki.store import PublishedList, Scope, Store
from jpki.terms import Role

LONG = 24 << 20  # more than lies between a server and a client that does not read


def curl(*words: object) -> str:
    done = subprocess.run(["curl", "-sS", *map(str, words)], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def newest(store: Store, role: Role) -> PublishedList:
    with store.snapshot() as view:
        found = view.newest_list(Scope(view.authority_keys(role)[0].name))
    assert found is not None
    return found


def add_list(
    store: Store, scope: Scope, content: bytes, *, base: int = 0, digest: bytes | None = None
) -> PublishedList:
    """Puts a list into the store, with whatever octets: the service never looks into them."""
    at = datetime.now(UTC).replace(microsecond=0)
    with store.transaction() as change:
        made = PublishedList(
            scope,
            change.take_list_number(scope.issuer.authority),
            at,
            at + timedelta(hours=1),
            1,
            len(content),
            digest or hashlib.sha256(content).digest(),
            change.revision(scope.issuer.authority),
            base,
        )
        change.add_list(made, [content[start : start + 100_000] for start in range(0, len(content), 100_000)])
    return made


@pytest.mark.parametrize("role", Role)
def test_curl_gets_the_list_that_was_published(
    office: Office, service: RunningService, role: Role, tmp_path: Path
) -> None:
    file = tmp_path / "list.crl"
    curl("-f", "-o", file, f"{service.url}/crl/{role.short}-1.crl")
    assert file.read_bytes() == (office.path / "crl" / f"{role.short}.crl").read_bytes()
    read = CertificateList.parse(file.read_bytes())
    head = service.get(f"/crl/{role.short}-1.crl").headers
    assert head["content-type"] == "application/pkix-crl"
    assert int(head["content-length"]) == len(file.read_bytes())
    assert parsedate_to_datetime(head["last-modified"]) == read.this_update
    assert parsedate_to_datetime(head["expires"]) == read.next_update
    assert re.match(r"max-age=\d+, public", head["cache-control"])


def test_curl_with_the_tag_of_last_time_gets_nothing_twice(service: RunningService, tmp_path: Path) -> None:
    words = ["--etag-save", tmp_path / "tag", "--etag-compare", tmp_path / "tag", "-o", tmp_path / "list"]
    ask = [*words, "-w", "%{http_code} %{size_download}", f"{service.url}/crl/sign-1.crl"]
    assert curl(*ask).startswith("200 ")
    assert curl(*ask) == "304 0"


def test_head_tells_what_get_would_and_sends_nothing(service: RunningService) -> None:
    head = service.get("/crl/sign-1.crl", method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["etag"] == service.get("/crl/sign-1.crl").headers["etag"]


@pytest.mark.parametrize(
    "path",
    [
        "/crl/sign-2.crl",
        "/crl/sign-0.crl",
        "/crl/sign-1-13221.crl",
        "/crl/other-1.crl",
        "/delta/sign-1.crl",
        "/crl/../health",
        "/crl/sign-1.crl/",
        "/nothing",
    ],
)
def test_a_list_that_there_is_not_is_not_found(service: RunningService, path: str) -> None:
    assert service.get(path).status == 404


def test_lists_are_only_read(service: RunningService) -> None:
    answer = service.ask("PUT", "/crl/sign-1.crl", b"mine", {})
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


def test_a_new_list_takes_the_place_of_the_old_one(own_office: Office, own_service: RunningService) -> None:
    before = own_service.get("/crl/sign-1.crl")
    own_office.publish()
    own_service.wait_until(lambda: own_service.get("/crl/sign-1.crl").headers["etag"] != before.headers["etag"])
    assert own_service.get("/crl/sign-1.crl", {"If-None-Match": before.headers["etag"]}).status == 200


def test_municipal_lists_and_deltas_have_addresses_of_their_own(
    own_office: Office, own_service: RunningService
) -> None:
    with Store.open(AuthorityFolder(own_office.ca).store) as store:
        with store.snapshot() as view:
            (point,) = view.points(Role.SIGNATURE)
        issuer = newest(store, Role.SIGNATURE).scope.issuer
        complete = add_list(store, Scope(issuer, point.id), b"complete")
        add_list(store, Scope(issuer, point.id), b"delta", base=complete.number)
    assert own_service.get(f"/crl/sign-1-{point.municipality}-Chiyoda-ku.crl").body == b"complete"
    assert own_service.get(f"/crl/sign-1-{point.municipality}.crl").body == b"complete"
    assert own_service.get(f"/delta/sign-1-{point.municipality}.crl").body == b"delta"
    assert own_service.get(f"/crl/auth-1-{point.municipality}.crl").status == 404


def test_a_long_list_comes_in_pieces_and_whole(own_office: Office, own_service: RunningService) -> None:
    content = bytes(range(256)) * (LONG // 256)
    with Store.open(AuthorityFolder(own_office.ca).store) as store:
        add_list(store, newest(store, Role.SIGNATURE).scope, content)
    own_service.wait_until(lambda: own_service.get("/crl/sign-1.crl").body == content)
    with own_service.connected() as connection:
        connection.sendall(b"GET /crl/sign-1.crl HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.recv(1000)  # and goes away in the middle
    broken_off = 'jpki_list_requests_total{outcome="broken_off"}'
    own_service.wait_until(lambda: own_service.metric(broken_off) == 1)
    assert own_service.get("/crl/sign-1.crl").body == content


def test_octets_that_are_not_those_recorded_are_given_to_nobody(
    own_office: Office, own_service: RunningService
) -> None:
    with Store.open(AuthorityFolder(own_office.ca).store) as store:
        add_list(store, newest(store, Role.AUTHENTICATION).scope, b"damaged", digest=bytes(32))
    own_service.wait_until(lambda: own_service.get("/crl/auth-1.crl").status == 503)
    assert own_service.get("/crl/sign-1.crl").status == 200
    assert {"event": "list-not-given", "error": "ListGone"}.items() <= own_service.lines[-1].items()

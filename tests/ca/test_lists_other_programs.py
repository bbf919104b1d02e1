"""What OpenSSL, GnuTLS and our own verifier make of full, municipal and delta lists."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from authorities import BOTH, NOW, Applicants, certificate_of, issued
from openssl_program import OpenSslVerify

from jpki.ca import Authority, IssuedCertificate, ListOrder, make_lists
from jpki.formats import RevocationReason, to_pem
from jpki.store import PublishedList
from jpki.terms import Role
from jpki.verify import CertificateAlone, Evidence, FolderFetcher, Result, Trust, Verdict, verify_with

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ONE_BY_ONE = ("-extended_crl", "-use_deltas")
TOWNS = (("13101", "Chiyoda-ku"), ("13221", "Kiyose-shi"))
STATES = ("good", "revoked before", "on hold before", "revoked since", "released since", "on hold since", "final since")
# What each of these is by the complete lists, and by these and the deltas.
REVOKED_BEFORE = {"revoked before", "on hold before", "released since", "final since"}
REVOKED_NOW = {"revoked before", "on hold before", "revoked since", "on hold since", "final since"}


@dataclass(frozen=True)
class Town:
    """Certificates of one authority in every state, of people of two municipalities, and the lists of two rounds."""

    authority: Authority
    role: Role
    certificates: dict[tuple[str, str], IssuedCertificate]
    complete: tuple[PublishedList, ...]
    deltas: tuple[PublishedList, ...]

    def octets(self, lists: tuple[PublishedList, ...], *, full: bool | None = None) -> list[bytes]:
        """Returns lists (DER): the full one, the municipal ones, or all."""
        chosen = [one for one in lists if full is None or full == (one.scope.point == 0)]
        with self.authority.store.snapshot() as view:
            return [b"".join(view.list_content(one)) for one in chosen]


@pytest.fixture(params=BOTH)
def town(request: pytest.FixtureRequest, authority: Authority, applicants: Applicants) -> Town:
    role: Role = request.param
    order = ListOrder(municipal=True, roles=(role,))
    wanted = [(code, name, state) for code, name in TOWNS for state in STATES]
    outcomes = authority.issue(
        [
            applicants.asks(applicants.person(municipality_code=code, municipality_romaji=name))
            for code, name, _ in wanted
        ],
        NOW,
    )
    made = {
        (code, state): certificate_of(issued(one), role) for (code, _, state), one in zip(wanted, outcomes, strict=True)
    }

    def act(state: str, reason: RevocationReason, at: datetime) -> None:
        for code, _ in TOWNS:
            authority.revoke(made[code, state].name, reason, at)

    act("revoked before", RevocationReason.KEY_COMPROMISE, NOW + HOUR)
    for state in ("on hold before", "released since", "final since"):
        act(state, RevocationReason.CERTIFICATE_HOLD, NOW + HOUR)
    complete = make_lists(authority, order, NOW + DAY)
    act("revoked since", RevocationReason.KEY_COMPROMISE, NOW + DAY + HOUR)
    act("on hold since", RevocationReason.CERTIFICATE_HOLD, NOW + DAY + HOUR)
    act("final since", RevocationReason.KEY_COMPROMISE, NOW + DAY + HOUR)
    if role is Role.AUTHENTICATION:
        for code, _ in TOWNS:
            authority.release(made[code, "released since"].name, NOW + DAY + HOUR)
    deltas = make_lists(authority, ListOrder(municipal=True, delta=True, roles=(role,)), NOW + DAY + 2 * HOUR)
    return Town(authority, role, made, complete, deltas)


def states(town: Town) -> Iterator[tuple[str, str, IssuedCertificate]]:
    for (code, state), certificate in town.certificates.items():
        yield code, state, certificate


def refused_by(openssl: OpenSslVerify, town: Town, *more: str) -> set[str]:
    """Returns the states of certificates that OpenSSL finds revoked; the others it finds good."""
    at = NOW + DAY + 3 * HOUR
    said = {(code, state): openssl.says(one.encoded, at, *more) for code, state, one in states(town)}
    assert all("certificate revoked" in each or each == "certificate.pem: OK" for each in said.values()), said
    revoked = {key for key, each in said.items() if "certificate revoked" in each}
    assert {state for code, state in revoked if code == TOWNS[0][0]} == {
        state for code, state in revoked if code == TOWNS[1][0]
    }
    return {state for _, state in revoked}


def now_revoked(town: Town) -> set[str]:
    released = set() if town.role is Role.AUTHENTICATION else {"released since"}
    return REVOKED_NOW | released


def test_openssl_agrees_on_the_full_list(town: Town, tmp_path: Path) -> None:
    openssl = OpenSslVerify(tmp_path, town.authority.certificates[town.role].encoded)
    openssl.publish(*town.octets(town.complete, full=True))
    assert refused_by(openssl, town) == REVOKED_BEFORE


def test_openssl_agrees_on_the_lists_of_municipalities(town: Town, tmp_path: Path) -> None:
    openssl = OpenSslVerify(tmp_path, town.authority.certificates[town.role].encoded)
    openssl.publish(*town.octets(town.complete, full=False))
    assert refused_by(openssl, town, "-extended_crl") == REVOKED_BEFORE


def test_openssl_takes_no_other_municipalitys_list_for_a_certificate(town: Town, tmp_path: Path) -> None:
    openssl = OpenSslVerify(tmp_path, town.authority.certificates[town.role].encoded)
    for raw in town.octets(town.complete, full=False):
        openssl.publish(raw)
        said = [openssl.says(one.encoded, NOW + DAY + HOUR) for _, state, one in states(town) if state == "good"]
        assert sorted("OK" if each.endswith(": OK") else "no" for each in said) == ["OK", "no"]


@pytest.mark.parametrize("full", [True, False], ids=["full", "municipal"])
def test_openssl_agrees_on_a_base_and_its_delta(town: Town, tmp_path: Path, full: bool) -> None:
    openssl = OpenSslVerify(tmp_path, town.authority.certificates[town.role].encoded)
    openssl.publish(*town.octets(town.complete, full=full), *town.octets(town.deltas, full=full))
    assert refused_by(openssl, town, *ONE_BY_ONE) == now_revoked(town)


def certtool(folder: Path, certificate: bytes, root: bytes, raw: bytes) -> str:
    for name, kind, content in (("c", "CERTIFICATE", certificate), ("r", "CERTIFICATE", root), ("l", "X509 CRL", raw)):
        (folder / f"{name}.pem").write_text(to_pem(kind, content))
    words = ["--verify", "--load-ca-certificate", "r.pem", "--load-crl", "l.pem", "--infile", "c.pem"]
    done = subprocess.run(["certtool", *words], cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_certtool_agrees_on_the_full_list(town: Town, tmp_path: Path) -> None:
    root = town.authority.certificates[town.role].encoded
    (raw,) = town.octets(town.complete, full=True)
    for _, state, one in states(town):
        said = certtool(tmp_path, one.encoded, root, raw)
        # It goes by its own clock, and may find lists out of date; what is revoked it says in any case.
        assert ("The certificate chain is revoked" in said) == (state in REVOKED_BEFORE), said


def test_certtool_reads_every_list(town: Town, tmp_path: Path) -> None:
    for raw in (*town.octets(town.complete), *town.octets(town.deltas)):
        (tmp_path / "list.der").write_bytes(raw)
        words = ["--crl-info", "--inder", "--infile", "list.der"]
        done = subprocess.run(["certtool", *words], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert "Issuing Distribution Point" in done.stdout or "2.5.29.28" in done.stdout


@pytest.mark.parametrize("full", [True, False], ids=["full", "municipal"])
def test_our_verifier_takes_complete_lists_from_a_folder_and_no_deltas(town: Town, tmp_path: Path, full: bool) -> None:
    for place, lists in (("crl", town.complete), ("delta", town.deltas)):
        (tmp_path / place).mkdir()
        for at, raw in enumerate(town.octets(lists, full=full)):
            (tmp_path / place / f"{at}.crl").write_bytes(raw)
    trust = Trust.test(town.authority.certificates[town.role].encoded)
    at = NOW + DAY + 3 * HOUR
    for _, state, one in states(town):
        found = verify_with(FolderFetcher(tmp_path / "crl"), CertificateAlone(one.encoded), trust, Evidence.of(), at)
        assert isinstance(found, Verdict)
        assert (found.result is Result.VALID) == (state not in REVOKED_BEFORE), state
        alone = verify_with(FolderFetcher(tmp_path / "delta"), CertificateAlone(one.encoded), trust, Evidence.of(), at)
        assert isinstance(alone, Verdict) is False or alone.result is not Result.VALID, state

"""The thousand residents through the authority: who should get certificates gets them, and all read them alike."""

from __future__ import annotations

import secrets
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from authorities import BOTH, NOW, new_authority, real_residents, request_of
from certified_cards import PINS
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from desk_at_hand import card_of
from prime_pool import PrimePool

from card_profiles import load_profile
from emulator import blank_state
from jpki.ca import Authority, Certifiable, IssueRequest, NotEntitled, Refused, Resident, decide
from jpki.card import Encoded, JpkiApplication, LocalConnection, Resolving
from jpki.formats import to_pem
from jpki.issuance import IssuanceDesk
from jpki.terms import Role
from jpki.verify import (
    Challenge,
    Evidence,
    Login,
    LoginResponse,
    SignedDocument,
    Trust,
    Verdict,
    verify,
)

PROFILE = load_profile("mynumber")
ORIGIN = "https://bank.example"
DOCUMENT = b"what everybody signs"
BATCH = 100
_COMMON = {"2.5.29.15", "2.5.29.32", "2.5.29.18", "2.5.29.31", "1.3.6.1.5.5.7.1.1", "2.5.29.35", "2.5.29.14"}
# The names of the holder in the one, what it is for in the other.
EXTENSIONS = {Role.SIGNATURE: _COMMON | {"2.5.29.17"}, Role.AUTHENTICATION: _COMMON | {"2.5.29.37"}}


@dataclass(frozen=True)
class Holder:
    """A resident with the keys and certificates that were made for him."""

    resident: Resident
    keys: Mapping[Role, RSAPrivateKey]
    certificates: Mapping[Role, bytes]


@dataclass(frozen=True)
class Town:
    """An authority that has served everybody, and whom it refused all."""

    authority: Authority
    holders: list[Holder]
    refused: dict[str, NotEntitled]


def entitled(resident: Resident) -> tuple[Role, ...]:
    """Returns which certificates the rules give a resident today, for a new card."""
    decisions = decide(resident, NOW)
    return tuple(role for role in BOTH if isinstance(decisions.of(role), Certifiable))


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    pool, people, refused = PrimePool(20), [], {}
    with new_authority(tmp_path_factory.mktemp("town")) as authority:
        asked = []
        for resident in real_residents():
            # Who is entitled to nothing asks for everything, and is refused.
            keys = {role: pool.generate().private_key for role in entitled(resident) or BOTH}
            requests = {role: request_of(key) for role, key in keys.items()}
            asked.append((keys, IssueRequest(resident, requests, "a new card")))
        for start in range(0, len(asked), BATCH):
            batch = asked[start : start + BATCH]
            outcomes = authority.issue([request for _, request in batch], NOW)
            for (keys, request), outcome in zip(batch, outcomes, strict=True):
                if isinstance(outcome, Refused):
                    assert isinstance(outcome.error, NotEntitled)
                    refused[request.holder] = outcome.error
                else:
                    issued = {one.name.authority: one.encoded for one in outcome.certificates}
                    people.append(Holder(request.resident, keys, issued))
        yield Town(authority, people, refused)


def test_everybody_gets_what_the_rules_give(town: Town) -> None:
    for holder in town.holders:
        assert tuple(holder.certificates) == entitled(holder.resident)
    assert all(not entitled(one) for one in real_residents() if one.resident_id in town.refused)
    given = Counter(tuple(holder.certificates) for holder in town.holders)
    # 165 are under 15 and 13 adult wards; one has no birth date, and one an address that is too long.
    assert given == {BOTH: 820, (Role.AUTHENTICATION,): 178}
    assert set(town.refused) == {"R000016", "R000034"}


def test_another_library_reads_every_certificate_as_it_was_meant(town: Town) -> None:
    roots = {role: x509.load_der_x509_certificate(town.authority.certificates[role].encoded) for role in BOTH}
    numbers: dict[Role, list[int]] = {role: [] for role in BOTH}
    for holder in town.holders:
        decisions = decide(holder.resident, NOW)
        for role, encoded in holder.certificates.items():
            decision = decisions.of(role)
            assert isinstance(decision, Certifiable)
            read = x509.load_der_x509_certificate(encoded)
            read.verify_directly_issued_by(roots[role])
            assert read.public_key() == holder.keys[role].public_key()
            assert (read.not_valid_before_utc, read.not_valid_after_utc) == (NOW, decision.not_after)
            assert {one.oid.dotted_string for one in read.extensions} == EXTENSIONS[role]
            numbers[role].append(read.serial_number)
    for role in BOTH:
        assert numbers[role] == list(range(0x0100_0002, 0x0100_0002 + len(numbers[role])))


def test_the_verifier_accepts_what_everybody_signs_and_knows_who_it_was(town: Town) -> None:
    trust = Trust.test(*(town.authority.certificates[role].encoded for role in BOTH))
    evidence = Evidence.of(*(town.authority.certificate_list(role, NOW).encoded for role in BOTH))
    challenge = Challenge(bytes(32), ORIGIN, NOW)
    for holder in town.holders:
        decisions = decide(holder.resident, NOW)
        for role, encoded in holder.certificates.items():
            message = challenge.message if role is Role.AUTHENTICATION else DOCUMENT
            signature = holder.keys[role].sign(message, padding.PKCS1v15(), SHA256())
            subject = (
                Login(LoginResponse(ORIGIN, challenge.nonce, signature, encoded), challenge)
                if role is Role.AUTHENTICATION
                else SignedDocument(DOCUMENT, signature, encoded)
            )
            verdict = verify(subject, trust, evidence, NOW)
            assert isinstance(verdict, Verdict)
            assert verdict.valid, (holder.resident.resident_id, verdict.failed)
            decision = decisions.of(role)
            assert isinstance(decision, Certifiable)
            assert verdict.holder == decision.attributes


def test_openssl_accepts_every_certificate(town: Town, tmp_path: Path) -> None:
    own, lists = town.authority.certificates, {role: town.authority.certificate_list(role, NOW) for role in BOTH}
    (tmp_path / "roots.pem").write_text("".join(to_pem("CERTIFICATE", own[role].encoded) for role in BOTH))
    (tmp_path / "lists.pem").write_text("".join(to_pem("X509 CRL", lists[role].encoded) for role in BOTH))
    names = []
    for holder in town.holders:
        for role, encoded in holder.certificates.items():
            names.append(f"{holder.resident.resident_id}-{role.short}.pem")
            (tmp_path / names[-1]).write_text(to_pem("CERTIFICATE", encoded))
    options = ["-x509_strict", "-crl_check", "-attime", str(int(NOW.timestamp()))]
    files = ["-CAfile", "roots.pem", "-CRLfile", "lists.pem", *names]
    done = subprocess.run(
        ["openssl", "verify", *options, *files], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == [f"{name}: OK" for name in names], done.stderr


def test_the_edge_cases_fit_onto_cards(tmp_path: Path) -> None:
    cards = 0
    with new_authority(tmp_path) as authority:
        desk = IssuanceDesk(authority, secrets.token_bytes)
        for resident in real_residents()[:40]:
            card = card_of(PROFILE, blank_state(PROFILE, resident.resident_id.rjust(10).encode()))
            with card, LocalConnection(card) as connection:
                shown = Resolving(Encoded(connection))
                if not entitled(resident):
                    with pytest.raises(NotEntitled):
                        desk.issue(shown, PROFILE, resident, PINS, NOW)
                    continue
                delivered = desk.issue(shown, PROFILE, resident, PINS, NOW)
                assert tuple(name.authority for name in delivered.certificates) == entitled(resident)
                with JpkiApplication.select(shown, PROFILE) as jpki:
                    assert jpki.certificates_present() == set(entitled(resident))
                    for name in delivered.certificates:
                        jpki.verify_pin(name.authority, PINS[name.authority])
                        assert jpki.read_certificate(name.authority).raw == authority.encoded(name)
                cards += 1
    assert cards == 38

"""An authority whose keys are on a token: it works as with keys in files, and loses nothing when the token goes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from authorities import BOTH, NOW, Applicants, certificate_of, issue_one
from openssl_program import OpenSslVerify
from soft_tokens import PIN, SoftToken, chosen_soft_token

from jpki.ca import (
    Authority,
    AuthorityFolder,
    AuthoritySettings,
    KeysUnusable,
    NoAuthority,
    PassphraseNeeded,
    SharedKey,
)
from jpki.formats import Certificate, RevocationReason
from jpki.terms import Role, Secret

PASSPHRASE = Secret(b"for the master key")
HOUR = timedelta(hours=1)


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftToken]:
    monkeypatch.setattr("jpki.ca.sealing._PBKDF2_ROUNDS", 1000)
    yield from chosen_soft_token(tmp_path / "hsm", monkeypatch)


@pytest.fixture
def folder(token: SoftToken, tmp_path: Path) -> AuthorityFolder:
    made = AuthorityFolder(tmp_path / "ca")
    places = {role: token.uri(f"{role.short}-1") for role in BOTH}
    made.create(PASSPHRASE, AuthoritySettings(), NOW, places=places).close()
    return made


@pytest.fixture
def authority(folder: AuthorityFolder) -> Iterator[Authority]:
    with folder.open() as opened:  # without a passphrase: the token has the keys
        yield opened


def test_only_the_keys_that_certify_nothing_lie_in_the_folder_under_the_passphrase(folder: AuthorityFolder) -> None:
    assert sorted(file.name for file in folder.keys.iterdir()) == ["audit.key", "card-issuer.key"]
    with folder.open() as authority, pytest.raises(PassphraseNeeded):
        authority.issuer_master_key()
    with folder.open(PASSPHRASE) as authority:
        assert len(authority.issuer_master_key().reveal()) == 32


def test_no_two_keys_of_an_authority_are_the_same(token: SoftToken, tmp_path: Path) -> None:
    made = AuthorityFolder(tmp_path / "ca")
    with pytest.raises(SharedKey) as caught:
        made.create(PASSPHRASE, AuthoritySettings(), NOW, places=dict.fromkeys(BOTH, token.uri("one")))
    assert caught.value.name is None
    places = {role: token.uri(role.short) for role in BOTH}
    with pytest.raises(SharedKey):
        made.create(PASSPHRASE, AuthoritySettings(), NOW, places=places, seal_place=token.uri("auth"))
    with pytest.raises(NoAuthority):
        made.open()


@pytest.mark.parametrize("role", BOTH)
def test_openssl_accepts_what_it_issues_and_lists(
    authority: Authority, applicants: Applicants, tmp_path: Path, role: Role
) -> None:
    good, bad = (certificate_of(issue_one(authority, applicants.asks()), role) for _ in range(2))
    authority.revoke(bad.name, RevocationReason.KEY_COMPROMISE, NOW)
    openssl = OpenSslVerify(tmp_path, authority.certificates[role].encoded)
    openssl.publish(authority.certificate_list(role, NOW).encoded)
    assert openssl.says(good.encoded, NOW + HOUR).endswith(": OK")
    assert "certificate revoked" in openssl.says(bad.encoded, NOW + HOUR)


def test_a_making_that_was_interrupted_is_finished_with_the_same_keys(
    token: SoftToken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(BaseException):
        pass

    def stop(*_: object) -> None:
        raise Interrupted

    made = AuthorityFolder(tmp_path / "ca")
    places = {role: token.uri(f"{role.short}-1") for role in BOTH}
    monkeypatch.setattr("jpki.store.writing.StoreWriting.open_authority", stop)
    with pytest.raises(Interrupted):
        made.create(PASSPHRASE, AuthoritySettings(), NOW, places=places)
    monkeypatch.undo()
    monkeypatch.setenv("SOFTHSM2_CONF", str(token.configuration))
    with made.create(PASSPHRASE, AuthoritySettings(), NOW, places=places) as authority:
        for role in BOTH:
            authority.certificate_list(role, NOW)  # one key of each name, or it would not be found


def test_a_token_unplugged_while_certificates_are_issued_loses_nothing_and_repeats_no_number(
    token: SoftToken, authority: Authority, applicants: Applicants
) -> None:
    before = issue_one(authority, applicants.asks())
    asked = [applicants.asks() for _ in range(3)]
    token.unplug()
    for _ in range(2):
        with pytest.raises(KeysUnusable) as caught:
            authority.issue(asked, NOW)
        assert PIN not in str(caught.value)
    lost = authority.unfinished(NOW + HOUR)
    assert {intent.holder for intent in lost} == {request.holder for request in asked}
    with pytest.raises(KeysUnusable):
        authority.certificate_list(Role.SIGNATURE, NOW)
    # Questions and revocations need no key.
    authority.revoke(certificate_of(before, Role.SIGNATURE).name, RevocationReason.KEY_COMPROMISE, NOW)
    token.plug_in()
    outcomes = [issue_one(authority, request) for request in asked]
    names = {one.name for outcome in outcomes for one in outcome.certificates}
    assert len(names) == 6
    assert names.isdisjoint(intent.name for intent in lost)
    for outcome in outcomes:
        for one in outcome.certificates:
            assert authority.encoded(one.name) == one.encoded
    assert authority.certificate_list(Role.SIGNATURE, NOW).entries == 1


def test_the_next_generation_moves_from_a_file_onto_a_token(
    token: SoftToken, tmp_path: Path, applicants: Applicants
) -> None:
    folder = AuthorityFolder(tmp_path / "files")
    with folder.create(PASSPHRASE, AuthoritySettings(), NOW) as authority:
        old = certificate_of(issue_one(authority, applicants.asks()), Role.SIGNATURE)
        authority.new_generation(Role.SIGNATURE, NOW + HOUR, token.uri("sign-2"))
        new = certificate_of(issue_one(authority, applicants.asks(), NOW + HOUR), Role.SIGNATURE)
        for issued, generation in ((old, 1), (new, 2)):
            root = Certificate.parse(authority.generations[Role.SIGNATURE][generation - 1].encoded)
            openssl = OpenSslVerify(tmp_path, root.raw)
            made = authority.certificate_list(Role.SIGNATURE, NOW + HOUR, generation=generation)
            openssl.publish(made.encoded)
            assert openssl.says(issued.encoded, NOW + HOUR).endswith(": OK")

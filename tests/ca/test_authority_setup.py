"""How an authority comes to be: its keys, certificates, folder and settings, once and for all."""

from __future__ import annotations

import importlib
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from authorities import BOTH, NOW, Applicants, PoolKeys, issue_one, name_in, new_authority
from prime_pool import PrimePool

from jpki.ca import (
    Authority,
    AuthorityExists,
    AuthorityFolder,
    AuthorityFolderFailed,
    AuthoritySettings,
    BadSetting,
    ClockBehind,
    DamagedKey,
    ForeignKey,
    KeyMissing,
    LoadedKey,
    NoAuthority,
    PassphraseNeeded,
    WrongPassphrase,
)
from jpki.formats import BadHost, Certificate, RevocationReason
from jpki.store import CertificateState, ForeignStore, NoStore, Store
from jpki.terms import Role, Secret

PASSPHRASE = Secret(b"correct horse")
NEW_KEYS = PrimePool(8)


def made(path: Path, passphrase: Secret = PASSPHRASE, settings: AuthoritySettings | None = None) -> Authority:
    chosen = settings or AuthoritySettings()
    return AuthorityFolder(path).create(passphrase, chosen, NOW, make_key=lambda: NEW_KEYS.generate().private_key)


@pytest.fixture(autouse=True)
def cheap_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the derivation of keys from passphrases fast: what it costs an attacker is not what is tested here."""
    monkeypatch.setattr("jpki.ca.sealing._SCRYPT_N", 16)
    monkeypatch.setattr("jpki.ca.sealing._PBKDF2_ROUNDS", 1000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> AuthorityFolder:
    """A finished authority, which no test changes."""
    path = tmp_path_factory.mktemp("made") / "authority"
    made(path).close()
    return AuthorityFolder(path)


def test_the_folder_holds_what_the_documentation_says_and_only_its_owner_reads_it(folder: AuthorityFolder) -> None:
    found = {str(path.relative_to(folder.path)): path for path in folder.path.rglob("*") if path.is_file()}
    assert sorted(found) == [
        "authority.sqlite3",
        "certificates/audit.pub",
        "certificates/auth-1.cer",
        "certificates/sign-1.cer",
        "keys/audit.key",
        "keys/auth-1.key",
        "keys/card-issuer.key",
        "keys/sign-1.key",
        "seals/000001.json",
        "seals/000001.json.sig",
    ]
    private = [folder.path, folder.keys, folder.store, *folder.keys.iterdir()]
    assert {path.name for path in private if stat.S_IMODE(path.stat().st_mode) & 0o077} == set()


@pytest.mark.parametrize("role", BOTH)
def test_an_authority_certifies_itself_for_ten_years_under_a_name_that_says_test(
    folder: AuthorityFolder, role: Role
) -> None:
    own = Certificate.parse(folder.certificate(role).read_bytes())
    assert own.subject == own.issuer
    assert own.subject.texts("O") == ("JPKI-TEST",)
    assert (own.not_before, own.not_after) == (NOW, datetime(2036, 11, 21, 14, 59, 59, tzinfo=UTC))
    assert own.serial == 0x0100_0001


def test_what_was_made_can_be_opened_and_signs(folder: AuthorityFolder, tmp_path: Path) -> None:
    with folder.open(PASSPHRASE) as authority:
        assert authority.certificate_list(Role.SIGNATURE, NOW).entries == 0
        assert len(authority.issuer_master_key().reveal()) == 32


def test_without_a_passphrase_it_answers_and_signs_nothing(folder: AuthorityFolder) -> None:
    with folder.open() as authority:
        assert authority.list_certificates(NOW) == ()
        with pytest.raises(PassphraseNeeded):
            authority.certificate_list(Role.SIGNATURE, NOW)
        with pytest.raises(PassphraseNeeded):
            authority.issuer_master_key()


def test_a_wrong_passphrase_is_an_error_that_names_the_file(folder: AuthorityFolder) -> None:
    with folder.open(Secret(b"wrong horse")) as authority, pytest.raises(WrongPassphrase) as caught:
        authority.certificate_list(Role.AUTHENTICATION, NOW)
    assert caught.value.file == str(folder.keys / "auth-1.key")


def test_a_finished_authority_is_not_made_again(folder: AuthorityFolder) -> None:
    before = {path: path.read_bytes() for path in folder.keys.iterdir()}
    with pytest.raises(AuthorityExists) as caught:
        made(folder.path)
    assert caught.value.folder == str(folder.path)
    assert {path: path.read_bytes() for path in folder.keys.iterdir()} == before


def test_a_damaged_key_is_an_error_and_no_new_one_is_made(tmp_path: Path) -> None:
    made(tmp_path / "a").close()
    folder = AuthorityFolder(tmp_path / "a")
    (folder.keys / "sign-1.key").write_bytes(b"nonsense")
    with folder.open(PASSPHRASE) as authority, pytest.raises(DamagedKey):
        authority.certificate_list(Role.SIGNATURE, NOW)
    with pytest.raises(AuthorityExists):
        made(folder.path)


def test_a_lost_key_is_an_error_and_no_new_one_is_made(tmp_path: Path) -> None:
    made(tmp_path / "a").close()
    folder = AuthorityFolder(tmp_path / "a")
    (folder.keys / "sign-1.key").unlink()
    folder.certificate(Role.SIGNATURE).unlink()
    made(folder.path).close()
    assert not (folder.keys / "sign-1.key").exists()
    with folder.open(PASSPHRASE) as authority, pytest.raises(KeyMissing):
        authority.certificate_list(Role.SIGNATURE, NOW)


def test_another_key_than_the_certificates_is_an_error(tmp_path: Path, keys: PoolKeys) -> None:
    new_authority(tmp_path, keys).close()
    keys._keys[Role.SIGNATURE, 1] = LoadedKey(NEW_KEYS.generate().private_key)
    with Authority(Store.open(tmp_path / "authority.sqlite3"), keys) as again, pytest.raises(ForeignKey) as caught:
        again.certificate_list(Role.SIGNATURE, NOW)
    assert caught.value.role is Role.SIGNATURE


def test_no_authority_is_an_error_that_names_the_folder(tmp_path: Path) -> None:
    with pytest.raises(NoAuthority) as caught:
        AuthorityFolder(tmp_path).open()
    assert caught.value.folder == str(tmp_path)
    Store.create(tmp_path / "authority.sqlite3").close()
    with pytest.raises(NoAuthority):
        AuthorityFolder(tmp_path).open()


def test_a_lost_store_is_an_error_and_its_keys_give_no_number_a_second_time(tmp_path: Path) -> None:
    made(tmp_path / "a").close()
    folder = AuthorityFolder(tmp_path / "a")
    folder.store.unlink()
    for attempt in (folder.open, lambda: made(folder.path)):
        with pytest.raises(NoStore) as caught:
            attempt()
        assert caught.value.store == str(folder.store)
    assert not folder.store.exists()


def test_a_file_where_the_folder_should_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AuthorityFolderFailed) as caught:
        made(tmp_path / "file")
    assert caught.value.folder == str(tmp_path / "file")


def test_a_foreign_file_in_the_stores_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "authority.sqlite3").write_bytes(b"my holiday pictures")
    with pytest.raises(ForeignStore):
        made(tmp_path)
    assert (tmp_path / "authority.sqlite3").read_bytes() == b"my holiday pictures"


class Interrupted(BaseException):
    """Stands for a process that is killed at this place."""


KEY_FILE = ("jpki.ca.keys", "", "write_new_file")
PLACES = [
    (KEY_FILE, 1),
    (KEY_FILE, 2),
    (KEY_FILE, 3),
    (("jpki.store.store", "Store", "_upgrade"), 1),
    (("jpki.store.writing", "StoreWriting", "open_authority"), 1),
    (("jpki.store.writing", "StoreWriting", "add_authority_key"), 2),
    (("jpki.ca.folder", "", "replace_file"), 1),
    (("jpki.ca.folder", "", "replace_file"), 2),
]


@pytest.mark.parametrize(("place", "time"), PLACES)
def test_a_making_that_was_interrupted_anywhere_is_finished_by_the_same_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: tuple[str, str, str], time: int
) -> None:
    calls = 0

    def stop(*_: object, **__: object) -> None:
        nonlocal calls
        calls += 1
        if calls == time:
            raise Interrupted
        return original(*_, **__)

    module, name, attribute = place
    owner = getattr(importlib.import_module(module), name) if name else importlib.import_module(module)
    original = getattr(owner, attribute)
    monkeypatch.setattr(owner, attribute, stop)
    path = tmp_path / "authority"
    with pytest.raises(Interrupted):
        made(path)
    monkeypatch.undo()
    kept = {file.name: file.read_bytes() for file in path.rglob("*.key")}
    with made(path) as authority:
        outcome = issue_one(authority, Applicants().asks())
        # Numbers that something may have been signed under are not given again.
        lost = authority.unfinished(NOW + timedelta(days=1))
        signed = ("jpki.store.writing", "StoreWriting", "add_authority_key")
        assert [(one.name.number, one.holder) for one in lost] == [(0x0100_0001, "")] * (2 if place == signed else 0)
        assert name_in(outcome, Role.SIGNATURE).number == 0x0100_0002 + len(lost) // 2
    assert {name: (path / "keys" / name).read_bytes() for name in kept} == kept
    assert [file.name for file in path.rglob(".*")] == []
    with pytest.raises(AuthorityExists):
        made(path)


def test_an_interrupted_making_is_not_finished_under_another_passphrase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise Interrupted

    monkeypatch.setattr("jpki.store.writing.StoreWriting.open_authority", stop)
    with pytest.raises(Interrupted):
        made(tmp_path)
    monkeypatch.undo()
    with pytest.raises(WrongPassphrase):
        made(tmp_path, Secret(b"another"))


def test_settings_stay_with_the_authority(tmp_path: Path) -> None:
    settings = AuthoritySettings(
        ocsp_sign_host="sign.example:8080",
        ocsp_auth_host="auth.example",
        cps_host="cps.example",
        counter="A7Z9",
        first_number=0x0680_0000,
        authentication_hold_can_end=False,
        signature_hold_can_end=True,
    )
    with new_authority(tmp_path, settings=settings) as authority:
        outcome = issue_one(authority, Applicants().asks())
    with Authority(Store.open(tmp_path / "authority.sqlite3"), PoolKeys()) as again:
        assert again.settings == settings
    certificate = Certificate.parse(outcome.certificates[0].encoded)
    assert certificate.serial == 0x0680_0001
    assert certificate.ocsp_urls == ("http://sign.example:8080",)
    assert (certificate.subject.common_name or "").endswith("A7Z9")


def test_a_store_of_before_there_was_a_choice_ends_holds_as_by_default() -> None:
    texts = AuthoritySettings().as_texts()
    old = {name: value for name, value in texts.items() if not name.endswith("_hold_can_end")}
    assert len(old) == len(texts) - 2
    assert AuthoritySettings.from_texts(old) == AuthoritySettings()
    with pytest.raises(BadSetting) as caught:
        AuthoritySettings.from_texts(texts | {"signature_hold_can_end": "maybe"})
    assert caught.value.setting == "signature_hold_can_end"


@pytest.mark.parametrize("host", ["jpki.go.jp", "ocspsignnorm.jpki.go.jp", "www.JPKI.go.jp:80", "no host", "", "a:b"])
@pytest.mark.parametrize("setting", ["ocsp_sign_host", "ocsp_auth_host", "cps_host"])
def test_a_host_that_is_not_ours_is_refused(setting: str, host: str) -> None:
    with pytest.raises(BadHost):
        AuthoritySettings(**{setting: host})


@pytest.mark.parametrize(
    "wrong",
    [{"counter": "12"}, {"counter": "12345"}, {"counter": "abcd"}, {"first_number": 1}, {"first_number": 1 << 31}],
    ids=str,
)
def test_other_settings_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BadSetting) as caught:
        AuthoritySettings(**wrong)  # type: ignore[arg-type]
    assert caught.value.setting == next(iter(wrong))


def test_nothing_is_signed_before_the_authority_was_made(authority: Authority, applicants: Applicants) -> None:
    with pytest.raises(ClockBehind):
        authority.issue([applicants.asks()], NOW - timedelta(seconds=1))
    with pytest.raises(ClockBehind):
        authority.certificate_list(Role.SIGNATURE, NOW - timedelta(seconds=1))


def test_a_revocation_needs_no_key(tmp_path: Path, keys: PoolKeys, applicants: Applicants) -> None:
    with new_authority(tmp_path, keys) as authority:
        name = name_in(issue_one(authority, applicants.asks()), Role.SIGNATURE)
    with AuthorityFolder(tmp_path).open() as again:
        again.revoke(name, RevocationReason.KEY_COMPROMISE, NOW)
        assert again.chain(name, NOW).certificate.state is CertificateState.REVOKED

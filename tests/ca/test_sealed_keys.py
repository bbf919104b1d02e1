"""Keys under a passphrase: standard forms, and which damage is taken for what."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import stat
import subprocess
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from prime_pool import PrimePool

from jpki.ca import DamagedKey, EmptyPassphrase, KeyFileFailed, KeyFolder, KeyMissing, PassphraseNeeded, WrongPassphrase
from jpki.ca.sealing import open_private_key, open_secret, seal_private_key, seal_secret
from jpki.formats import from_pem, to_pem
from jpki.terms import Role, Secret

PASSPHRASE = Secret("正しい馬 battery staple".encode())
KEY = PrimePool(3).generate().private_key
PUBLIC = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
MASTER = bytes(range(100, 132))


def counting(length: int) -> bytes:
    return MASTER[:length]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both files, made once: to derive a key from a passphrase takes its time, on purpose."""
    path = tmp_path_factory.mktemp("keys")
    folder = KeyFolder(path, PASSPHRASE, make_key=lambda: KEY, random=counting)
    folder.signing_key(Role.SIGNATURE, 1, make=True)
    folder.master_key(make=True)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    return KeyFolder(tmp_path, PASSPHRASE, make_key=lambda: KEY, random=counting)


@pytest.fixture
def key_file(made: Path, folder: KeyFolder) -> Path:
    return Path(shutil.copy(made / "sign-1.key", folder.folder))


@pytest.fixture
def master_file(made: Path, folder: KeyFolder) -> Path:
    return Path(shutil.copy(made / "card-issuer.key", folder.folder))


def test_a_key_comes_back_from_its_file(folder: KeyFolder, key_file: Path) -> None:
    assert folder.signing_key(Role.SIGNATURE, 1).public_key_info == PUBLIC


def test_the_master_key_comes_back_from_its_file(folder: KeyFolder, master_file: Path) -> None:
    assert folder.master_key().reveal() == MASTER


def test_only_the_owner_reads_the_files_and_nothing_is_left_beside_them(made: Path) -> None:
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in made.iterdir()}
    assert modes == {"sign-1.key": 0o600, "card-issuer.key": 0o600}


def test_openssl_opens_a_key_with_the_passphrase(key_file: Path) -> None:
    done = subprocess.run(
        ["openssl", "pkey", "-in", key_file, "-passin", "stdin", "-pubout", "-outform", "DER"],
        input=PASSPHRASE.reveal() + b"\n",
        capture_output=True,
        check=True,
    )
    assert done.stdout == PUBLIC


def test_a_key_is_sealed_with_scrypt_and_aes(key_file: Path) -> None:
    shown = subprocess.run(["openssl", "asn1parse", "-in", key_file], capture_output=True, text=True, check=True).stdout
    assert [word for word in ("PBES2", "scrypt", "aes-256-cbc") if f":{word}" in shown] == [
        "PBES2",
        "scrypt",
        "aes-256-cbc",
    ]


def test_the_master_key_is_a_json_web_encryption(master_file: Path) -> None:
    # Read by RFC 7516 and RFC 7518 alone.
    def octets(text: str) -> bytes:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    protected, wrapped, iv, hidden, tag = master_file.read_text("ascii").splitlines()[1].split(".")
    header = json.loads(octets(protected))
    assert (header["alg"], header["enc"]) == ("PBES2-HS512+A256KW", "A256GCM")
    salt = header["alg"].encode() + b"\x00" + octets(header["p2s"])
    wrapping = PBKDF2HMAC(hashes.SHA512(), 32, salt, header["p2c"]).derive(PASSPHRASE.reveal())
    content_key = aes_key_unwrap(wrapping, octets(wrapped))
    assert AESGCM(content_key).decrypt(octets(iv), octets(hidden) + octets(tag), protected.encode()) == MASTER


def test_neither_key_nor_passphrase_stands_in_a_file(key_file: Path, master_file: Path) -> None:
    secrets = (MASTER, PASSPHRASE.reveal(), KEY.private_numbers().p.to_bytes(128, "big"))
    content = key_file.read_bytes() + master_file.read_bytes()
    assert not any(secret in content or base64.b64encode(secret)[:-4] in content for secret in secrets)


@pytest.mark.parametrize("wrong", [b"x", PASSPHRASE.reveal() + b" ", PASSPHRASE.reveal()[:-1]])
def test_another_passphrase_is_told_from_a_damaged_file(key_file: Path, master_file: Path, wrong: bytes) -> None:
    other = KeyFolder(key_file.parent, Secret(wrong))
    with pytest.raises(WrongPassphrase) as caught:
        other.signing_key(Role.SIGNATURE, 1)
    assert caught.value.file == str(key_file)
    with pytest.raises(WrongPassphrase) as caught:
        other.master_key()
    assert caught.value.file == str(master_file)


@pytest.mark.parametrize("at", [0, 3, 20, 80, 200, 900, -3])
def test_a_file_with_an_octet_changed_is_damaged(folder: KeyFolder, key_file: Path, master_file: Path, at: int) -> None:
    for file in (key_file, master_file):
        content = bytearray(file.read_bytes())
        content[at % len(content)] ^= 1
        file.write_bytes(content)
    with pytest.raises(DamagedKey) as caught:
        folder.signing_key(Role.SIGNATURE, 1)
    assert caught.value.file == str(key_file)
    with pytest.raises(DamagedKey):
        folder.master_key()


@pytest.mark.parametrize("length", [0, 1, 70, 500])
def test_a_file_that_is_cut_short_is_damaged(folder: KeyFolder, key_file: Path, length: int) -> None:
    key_file.write_bytes(key_file.read_bytes()[:length])
    with pytest.raises(DamagedKey):
        folder.signing_key(Role.SIGNATURE, 1)


def test_a_file_of_the_other_kind_is_damaged(key_file: Path, master_file: Path) -> None:
    with pytest.raises(DamagedKey):
        open_private_key(master_file.read_bytes(), PASSPHRASE, "it")
    with pytest.raises(DamagedKey):
        open_secret(key_file.read_bytes(), PASSPHRASE, "it")


def test_a_key_that_is_not_there_is_an_error_that_names_its_file(folder: KeyFolder) -> None:
    with pytest.raises(KeyMissing) as caught:
        folder.signing_key(Role.AUTHENTICATION, 2)
    assert caught.value.file == str(folder.folder / "auth-2.key")
    with pytest.raises(KeyMissing):
        folder.master_key()


def test_making_a_key_never_replaces_one(folder: KeyFolder, key_file: Path, master_file: Path) -> None:
    before = key_file.read_bytes(), master_file.read_bytes()
    other = KeyFolder(folder.folder, PASSPHRASE, make_key=lambda: pytest.fail("a key was made"))
    assert other.signing_key(Role.SIGNATURE, 1, make=True).public_key_info == PUBLIC
    assert other.master_key(make=True).reveal() == MASTER
    assert (key_file.read_bytes(), master_file.read_bytes()) == before


def test_a_key_that_another_process_made_in_the_same_moment_is_the_one(tmp_path: Path, made: Path) -> None:
    def meanwhile() -> RSAPrivateKey:
        shutil.copy(made / "sign-1.key", tmp_path)
        return PrimePool(4).generate().private_key

    found = KeyFolder(tmp_path, PASSPHRASE, make_key=meanwhile).signing_key(Role.SIGNATURE, 1, make=True)
    assert found.public_key_info == PUBLIC
    assert [file.name for file in tmp_path.iterdir()] == ["sign-1.key"]
    assert (tmp_path / "sign-1.key").read_bytes() == (made / "sign-1.key").read_bytes()


def test_without_a_passphrase_no_key_is_opened_or_made(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path, None)
    with pytest.raises(PassphraseNeeded):
        folder.signing_key(Role.SIGNATURE, 1, make=True)
    with pytest.raises(PassphraseNeeded):
        folder.master_key(make=True)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmptyPassphrase):
        KeyFolder(tmp_path, Secret(b""))


def test_a_folder_that_is_not_there_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "absent", PASSPHRASE, make_key=lambda: KEY)
    with pytest.raises(KeyFileFailed) as caught:
        folder.signing_key(Role.SIGNATURE, 1, make=True)
    assert caught.value.file == str(tmp_path / "absent" / "sign-1.key")


# --- files that somebody altered and gave a first line that fits ------------------------------------------------------


def fitting(rest: bytes) -> bytes:
    """Returns a file's content with the first line that says that nothing of it was altered."""
    return b"SHA-256 " + hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest


def with_header(content: bytes, change: Callable[[dict[str, object]], str]) -> bytes:
    """Returns a sealed secret with another header."""
    header, *rest = content.split(b"\n", 1)[1].decode("ascii").strip().split(".")
    read = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    written = base64.urlsafe_b64encode(change(read).encode()).rstrip(b"=").decode()
    return fitting(".".join([written, *rest]).encode() + b"\n")


HEADERS: dict[str, Callable[[dict[str, object]], str]] = {
    "rounds without end": lambda header: json.dumps(header | {"p2c": 0}).replace("0}", "1e999}"),
    "rounds that are no number": lambda header: json.dumps(header | {"p2c": float("nan")}),
    "rounds that are true": lambda header: json.dumps(header | {"p2c": True}),
    "half a round": lambda header: json.dumps(header | {"p2c": 1.5}),
    "rounds in a text": lambda header: json.dumps(header | {"p2c": "1000"}),
    "no rounds": lambda header: json.dumps(header | {"p2c": 0}),
    "rounds for a year": lambda header: json.dumps(header | {"p2c": 1 << 40}),
    "no salt": lambda header: json.dumps({name: header[name] for name in ("alg", "enc", "p2c")}),
    "another algorithm": lambda header: json.dumps(header | {"alg": "dir"}),
    "another cipher": lambda header: json.dumps(header | {"enc": "A128GCM"}),
    "a list": lambda header: json.dumps([header]),
    "a nest": lambda _: "[" * 100_000,
    "no JSON": lambda _: "{",
}


@pytest.mark.parametrize("change", HEADERS.values(), ids=HEADERS.keys())
def test_a_sealed_secret_with_another_header_is_damaged(
    master_file: Path, change: Callable[[dict[str, object]], str]
) -> None:
    with pytest.raises(DamagedKey) as caught:
        open_secret(with_header(master_file.read_bytes(), change), PASSPHRASE, "it")
    assert caught.value.file == "it"


# Of scrypt: N, r and p as they are sealed, and others of the same length that cannot be.
COSTS = "02024000020108020105"
OTHER_COSTS = {
    "N that is no power of two": "02024001020108020105",
    "blocks of nothing": "02024000020100020105",
    "in parallel with nothing": "02024000020108020100",
    "below zero": "0202C0000201080201FB",
}


def der_of(key_file: Path) -> bytes:
    (der,) = from_pem(key_file.read_bytes().split(b"\n", 1)[1].decode("ascii"), "ENCRYPTED PRIVATE KEY")
    return der


@pytest.mark.parametrize("costs", OTHER_COSTS.values(), ids=OTHER_COSTS.keys())
def test_a_key_sealed_at_costs_that_cannot_be_is_an_error_that_names_the_file(key_file: Path, costs: str) -> None:
    der = der_of(key_file)
    assert der.count(bytes.fromhex(COSTS)) == 1
    altered = der.replace(bytes.fromhex(COSTS), bytes.fromhex(costs))
    with pytest.raises((DamagedKey, WrongPassphrase)) as caught:
        open_private_key(fitting(to_pem("ENCRYPTED PRIVATE KEY", altered).encode()), PASSPHRASE, "it")
    assert caught.value.file == "it"


def test_a_key_that_is_not_sealed_at_all_is_damaged() -> None:
    clear = KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(DamagedKey):
        open_private_key(fitting(to_pem("ENCRYPTED PRIVATE KEY", clear).encode()), PASSPHRASE, "it")


def test_the_costs_are_those_of_the_documentation(key_file: Path, master_file: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "authority.md").read_text("utf-8")
    assert "scrypt (N = 2¹⁴, r = 8, p = 5)" in page
    assert bytes.fromhex(COSTS) in der_of(key_file)
    header = master_file.read_bytes().split(b"\n", 1)[1].split(b".")[0]
    assert "210,000 rounds" in page
    assert json.loads(base64.urlsafe_b64decode(header + b"=="))["p2c"] == 210_000


# --- what an error carries along --------------------------------------------------------------------------------------


class Stopped(Exception):
    """Comes up in the middle of the work, as a full memory or an impatient person would."""


def stop(*_: object, **__: object) -> object:
    raise Stopped


SECRETS = (PASSPHRASE.reveal(), MASTER[5:25], KEY.private_numbers().p.to_bytes(128, "big")[20:40])
SEALING = {
    "sealing a key": (lambda _: seal_private_key(KEY, PASSPHRASE, bytes), ("Scrypt", "Cipher", "to_pem", "tlv")),
    "sealing a secret": (
        lambda _: seal_secret(Secret(MASTER), PASSPHRASE, lambda count: MASTER[:count]),
        ("aes_key_wrap", "json", "_checked"),
    ),
    "opening a key": (
        lambda made: open_private_key((made / "sign-1.key").read_bytes(), PASSPHRASE, "it"),
        ("from_pem",),
    ),
    "opening a secret": (
        lambda made: open_secret((made / "card-issuer.key").read_bytes(), PASSPHRASE, "it"),
        ("aes_key_unwrap", "AESGCM"),
    ),
}


@pytest.mark.parametrize(
    ("work", "step"), [(work, step) for work, (_, steps) in SEALING.items() for step in steps], ids=str
)
def test_an_error_on_the_way_shows_no_key_even_with_all_that_the_functions_held(
    made: Path, monkeypatch: pytest.MonkeyPatch, work: str, step: str
) -> None:
    call, _ = SEALING[work]
    monkeypatch.setattr(f"jpki.ca.sealing.{step}", stop)
    with pytest.raises((Stopped, AttributeError)) as caught:
        call(made)
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    frames = [frame for frame in told.stack if frame.filename.endswith("sealing.py")]
    assert frames
    shown = " ".join(f"{value}" for frame in frames for value in (frame.locals or {}).values())
    assert not any(repr(secret)[2:-1] in shown or secret.hex() in shown for secret in SECRETS)

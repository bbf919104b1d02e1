"""Keys on a token (SoftHSM2): made there, found again, signing; and a token that is not as it should be."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from hashlib import new, sha256
from pathlib import Path

import pkcs11
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pkcs11 import Attribute, KeyType, MechanismFlag, ObjectClass
from soft_tokens import PIN, SoftToken, chosen_soft_token, token_place

from jpki.ca import (
    KeyFolder,
    KeyMissing,
    KeysUnusable,
    SigningKey,
    TokenAmbiguous,
    TokenKeyAmbiguous,
    TokenKeyUnfit,
    TokenMissing,
    TokenModuleFailed,
    TokenPinBlocked,
    TokenPinMissing,
    TokenPinUnreadable,
    TokenPinWrong,
)
from jpki.ca.custody.token_key import TokenKey, holds_key, open_token_key
from jpki.ca.custody.token_modules import module_of
from jpki.terms import Role, Secret

ROOT = Path(__file__).parents[2]
CONTENT = b"what is to be signed" * 100


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftToken]:
    yield from chosen_soft_token(tmp_path / "hsm", monkeypatch)


@pytest.fixture
def key(token: SoftToken) -> TokenKey:
    return open_token_key(token.place(), make=True)


def public_key(key: SigningKey) -> RSAPublicKey:
    found = load_der_public_key(key.public_key_info)
    assert isinstance(found, RSAPublicKey)
    return found


def verify(key: SigningKey, signature: bytes) -> None:
    public_key(key).verify(signature, CONTENT, padding.PKCS1v15(), hashes.SHA256())


def session_on(token: SoftToken) -> pkcs11.Session:
    """Returns a session of the test's own, logged in because the module is."""
    return pkcs11.lib(token.module).get_token(token_label="JPKI test").open(rw=True)


def test_a_key_made_on_a_token_signs(key: TokenKey) -> None:
    verify(key, key.sign(CONTENT))
    assert public_key(key).key_size == 2048


def test_a_digest_is_signed_as_its_content_would_be(key: TokenKey) -> None:
    assert key.sign_digest(sha256(CONTENT).digest()) == key.sign(CONTENT)
    public_key(key).verify(
        key.sign_digest(sha256(CONTENT).digest()),
        sha256(CONTENT).digest(),
        padding.PKCS1v15(),
        Prehashed(hashes.SHA256()),
    )


def test_a_new_key_cannot_leave_the_token_and_does_nothing_but_sign(token: SoftToken, key: TokenKey) -> None:
    with session_on(token) as session:
        found = session.get_key(ObjectClass.PRIVATE_KEY, label="sign-1")
        told = {
            name: found[name]
            for name in Attribute
            if name.name
            in {"SENSITIVE", "EXTRACTABLE", "ALWAYS_SENSITIVE", "NEVER_EXTRACTABLE", "LOCAL", "TOKEN", "PRIVATE"}
            or name.name in {"SIGN", "SIGN_RECOVER", "DECRYPT", "UNWRAP", "DERIVE"}
        }
        yes = {name.name for name, value in told.items() if value is True}
        assert yes == {"SENSITIVE", "ALWAYS_SENSITIVE", "NEVER_EXTRACTABLE", "LOCAL", "TOKEN", "PRIVATE", "SIGN"}
        assert {name.name for name in told} - yes == {"EXTRACTABLE", "SIGN_RECOVER", "DECRYPT", "UNWRAP", "DERIVE"}
        with pytest.raises(pkcs11.PKCS11Error):
            found[Attribute.PRIVATE_EXPONENT]


def test_a_key_is_found_again_and_not_made_a_second_time(token: SoftToken, key: TokenKey) -> None:
    assert open_token_key(token.place(), make=True).public_key_info == key.public_key_info
    assert open_token_key(token.place()).public_key_info == key.public_key_info
    assert holds_key(token.place())
    assert not holds_key(token.place("sign-2"))


def test_a_key_is_found_by_its_id(token: SoftToken) -> None:
    by_id = token_place(token.uri().replace("object=sign-1", "id=%01%02"))
    both = token_place(token.uri().replace("object=sign-1", "object=named;id=%01%02"))
    other = token_place(token.uri().replace("object=sign-1", "object=named;id=%01%03"))
    made = open_token_key(both, make=True)
    assert open_token_key(by_id).public_key_info == made.public_key_info
    with pytest.raises(KeyMissing):
        open_token_key(other)


def test_another_program_finds_the_key_and_signs_the_same(token: SoftToken, key: TokenKey, tmp_path: Path) -> None:
    (tmp_path / "content").write_bytes(CONTENT)
    subprocess.run(
        [
            *("pkcs11-tool", "--module", token.module, "--login", "--pin", PIN, "--label", "sign-1"),
            *("--sign", "--mechanism", "SHA256-RSA-PKCS"),
            *("--input-file", tmp_path / "content", "--output-file", tmp_path / "signature"),
        ],
        check=True,
        capture_output=True,
    )
    assert (tmp_path / "signature").read_bytes() == key.sign(CONTENT)


def test_a_folder_of_keys_gives_the_key_on_a_token_where_the_uri_says_so(token: SoftToken, tmp_path: Path) -> None:
    keys = KeyFolder(tmp_path, None)
    made = keys.signing_key(Role.SIGNATURE, 2, token.uri("sign-2"), make=True)
    verify(made, made.sign(CONTENT))
    assert keys.place(Role.SIGNATURE, 2, token.uri("sign-2")) == f"pkcs11:token={token.label};object=sign-2"
    assert keys.holds(Role.SIGNATURE, 2, token.uri("sign-2"))
    assert not keys.holds(Role.SIGNATURE, 3, token.uri("sign-3"))


# --- what is not as it should be --------------------------------------------------------------------------------------


def refused(token: SoftToken, uri: str) -> KeysUnusable:
    place = token_place(uri)
    with pytest.raises(KeysUnusable) as caught:
        open_token_key(place)
    assert caught.value.file == str(place)
    assert PIN not in str(caught.value)
    return caught.value


def test_a_key_that_is_not_there_is_missing(token: SoftToken) -> None:
    assert type(refused(token, token.uri())) is KeyMissing


def test_a_key_that_is_there_twice_is_not_chosen_from(token: SoftToken, key: TokenKey) -> None:
    with session_on(token) as session:
        session.generate_keypair(KeyType.RSA, 2048, label="sign-1", store=True)
    error = refused(token, token.uri())
    assert isinstance(error, TokenKeyAmbiguous)
    assert error.count == 2


@pytest.mark.parametrize(
    ("length", "template", "problem"),
    [
        (2048, {Attribute.EXTRACTABLE: True}, "a key that can leave the token"),
        (2048, {Attribute.SENSITIVE: False}, "a key that can leave the token"),
        (2048, {Attribute.SIGN: False}, "a key that may not sign"),
        (1024, {}, "not 2048 bits with the exponent 65537"),
    ],
)
def test_a_key_that_an_authority_should_not_have_is_refused(
    token: SoftToken, key: TokenKey, length: int, template: dict[Attribute, bool], problem: str
) -> None:
    with session_on(token) as session:
        session.generate_keypair(
            KeyType.RSA, length, label="odd", store=True, capabilities=MechanismFlag.SIGN, private_template=template
        )
    error = refused(token, token.uri("odd"))
    assert isinstance(error, TokenKeyUnfit)
    assert error.problem == problem


def test_a_key_of_another_kind_is_refused(token: SoftToken, key: TokenKey) -> None:
    with session_on(token) as session:
        curve = session.create_domain_parameters(
            KeyType.EC, {Attribute.EC_PARAMS: pkcs11.util.ec.encode_named_curve_parameters("secp384r1")}, local=True
        )
        curve.generate_keypair(label="odd", store=True)
    error = refused(token, token.uri("odd"))
    assert isinstance(error, TokenKeyUnfit)
    assert error.problem == "not an RSA key"


def test_a_token_that_is_not_there_is_missing(token: SoftToken) -> None:
    error = refused(token, token.uri(token="another"))
    assert isinstance(error, TokenMissing)
    assert error.module == token.module


def test_two_tokens_of_one_name_are_not_chosen_from(token: SoftToken) -> None:
    token.initialise("JPKI test")
    error = refused(token, token.uri())
    assert isinstance(error, TokenAmbiguous)
    assert error.count == 2


def test_two_tokens_of_one_name_are_told_apart_by_their_serial_number(token: SoftToken) -> None:
    token.initialise("JPKI test")
    module_of(token.place()).spoil()
    with module_of(token.place()).use(token.place()):
        serials = [one.serial.decode() for one in pkcs11.lib(token.module).get_tokens(token_label="JPKI test")]
    assert len(set(serials)) == 2
    uris = [token.uri().replace("object=", f"serial={serial};object=") for serial in serials]
    first, second = (open_token_key(token_place(uri), make=True) for uri in uris)
    assert first.public_key_info != second.public_key_info


@pytest.mark.parametrize("module", ["/nowhere/p11.so", str(Path(__file__))])
def test_a_module_that_cannot_be_loaded_is_an_error_that_names_it(token: SoftToken, module: str) -> None:
    error = refused(token, token.uri().replace(token.module, module))
    assert isinstance(error, TokenModuleFailed)
    assert error.module == module
    assert error.problem


def test_a_module_named_without_path_is_looked_for_by_the_system(token: SoftToken) -> None:
    program = (
        "import sys; from jpki.ca import read_key_place; from jpki.ca.custody.token_key import open_token_key;"
        "sys.stdout.buffer.write(open_token_key(read_key_place(sys.argv[1])).public_key_info)"
    )
    uri = token.uri().replace(f"module-path={token.module}", "module-name=softhsm2")
    made = open_token_key(token.place(), make=True)
    done = subprocess.run(
        [sys.executable, "-c", program, uri],
        cwd=ROOT,
        env={**os.environ, "LD_LIBRARY_PATH": str(Path(token.module).parent)},
        check=True,
        capture_output=True,
    )
    assert done.stdout == made.public_key_info


# --- the PIN ----------------------------------------------------------------------------------------------------------


def test_a_uri_without_a_pin_says_so(token: SoftToken) -> None:
    assert type(refused(token, token.uri(pin=False))) is TokenPinMissing


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"", "empty"), (b"\n1234\n", "empty"), (b"\xff\n", "not a PIN"), (b"1" * 300, "not a PIN")],
)
def test_a_pin_file_without_a_pin_is_an_error_that_names_it(token: SoftToken, content: bytes, problem: str) -> None:
    token.pin_file.write_bytes(content)
    error = refused(token, token.uri())
    assert isinstance(error, TokenPinUnreadable)
    assert (error.source, error.problem) == (str(token.pin_file), problem)


def test_a_pin_file_that_is_not_there_is_an_error_that_names_it(token: SoftToken) -> None:
    token.pin_file.unlink()
    error = refused(token, token.uri())
    assert isinstance(error, TokenPinUnreadable)
    assert error.problem == "No such file or directory"


def test_a_pin_file_that_everybody_may_read_is_not_read(token: SoftToken) -> None:
    token.pin_file.chmod(0o644)
    error = refused(token, token.uri())
    assert isinstance(error, TokenPinUnreadable)
    assert error.problem == "open to everybody"


def test_a_wrong_pin_is_sent_once_and_not_again(token: SoftToken, monkeypatch: pytest.MonkeyPatch) -> None:
    token.pin_file.write_text("9999-wrong\n", "utf-8")
    assert type(refused(token, token.uri())) is TokenPinWrong
    monkeypatch.setattr("jpki.ca.custody.token_modules._logged_in_by", lambda *_: pytest.fail("the PIN was sent again"))
    for _ in range(3):
        assert type(refused(token, token.uri())) is TokenPinWrong
        module_of(token.place()).spoil()


def test_of_a_refused_pin_no_hash_is_kept_that_anybody_could_find_it_by(token: SoftToken) -> None:
    token.pin_file.write_text("9999-wrong\n", "utf-8")
    assert type(refused(token, token.uri())) is TokenPinWrong
    kept = module_of(token.place())._refused
    assert kept
    for _, mark in kept:
        assert mark not in {new(name, b"9999-wrong").digest() for name in ("md5", "sha1", "sha256", "sha512")}
        assert b"9999" not in mark


def test_another_pin_is_tried_after_a_wrong_one(token: SoftToken) -> None:
    token.pin_file.write_text("9999-wrong\n", "utf-8")
    assert type(refused(token, token.uri())) is TokenPinWrong
    token.pin_file.write_text(f"{PIN}\n", "utf-8")
    assert type(refused(token, token.uri())) is KeyMissing


def test_a_blocked_pin_is_told_and_none_is_sent(token: SoftToken, monkeypatch: pytest.MonkeyPatch) -> None:
    token.block()
    monkeypatch.setattr("jpki.ca.custody.token_modules._logged_in_by", lambda *_: pytest.fail("a PIN was sent"))
    assert type(refused(token, token.uri())) is TokenPinBlocked


def test_a_passphrase_opens_no_token_and_none_is_asked_for(token: SoftToken, tmp_path: Path) -> None:
    for passphrase in (None, Secret(b"any")):
        keys = KeyFolder(tmp_path, passphrase)
        with pytest.raises(KeyMissing):
            keys.signing_key(Role.SIGNATURE, 9, token.uri("sign-9"))

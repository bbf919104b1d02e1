"""Tokens (SoftHSM2) that are unplugged in the middle, and threads and processes that use one at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pkcs11
import pytest
from pkcs11 import ObjectClass
from soft_tokens import SoftToken, chosen_soft_token

from jpki.ca import (
    KeyMissing,
    KeysUnusable,
    TokenFailed,
    TokenKeyUnfit,
    TokenMissing,
    TokenModuleFailed,
)
from jpki.ca.custody.token_key import TokenKey, open_token_key
from jpki.ca.custody.token_modules import module_of

CONTENT = b"what is to be signed" * 100


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftToken]:
    yield from chosen_soft_token(tmp_path / "hsm", monkeypatch)


@pytest.fixture
def key(token: SoftToken) -> TokenKey:
    return open_token_key(token.place(), make=True)


def session_on(token: SoftToken) -> pkcs11.Session:
    """Returns a session of the test's own, logged in because the module is."""
    return pkcs11.lib(token.module).get_token(token_label="JPKI test").open(rw=True)


def test_threads_sign_at_once_each_in_a_session_of_its_own(key: TokenKey) -> None:
    together = threading.Barrier(4)

    def sign() -> bytes:
        together.wait()
        return b"".join(key.sign(CONTENT) for _ in range(50))

    with ThreadPoolExecutor(4) as pool:
        signatures = [future.result() for future in [pool.submit(sign) for _ in range(4)]]
    assert set(signatures) == {key.sign(CONTENT) * 50}
    assert len(key._idle) <= 4


def test_a_forked_process_signs_and_so_does_its_parent(key: TokenKey) -> None:
    before = key.sign(CONTENT)
    child = os.fork()
    if child == 0:
        os._exit(0 if key.sign(CONTENT) == before else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert key.sign(CONTENT) == before


def test_a_token_unplugged_in_the_middle_is_an_error_and_a_later_call_connects_anew(
    token: SoftToken, key: TokenKey
) -> None:
    before = key.sign(CONTENT)
    token.unplug()
    for _ in range(3):
        with pytest.raises((TokenFailed, TokenMissing, TokenModuleFailed)) as caught:
            key.sign(CONTENT)
        assert caught.value.file == str(token.place())
    token.plug_in()
    assert key.sign(CONTENT) == before
    assert key.sign_digest(sha256(CONTENT).digest()) == before


def test_a_token_unplugged_and_plugged_in_between_two_calls_is_found_again(token: SoftToken, key: TokenKey) -> None:
    before = key.sign(CONTENT)
    token.unplug()
    token.plug_in()
    assert key.sign(CONTENT) == before


def test_threads_that_sign_while_the_token_is_unplugged_get_errors_and_sign_again_afterwards(
    token: SoftToken, key: TokenKey
) -> None:
    before = key.sign(CONTENT)
    together = threading.Barrier(5, timeout=60)

    def signs() -> bool:
        try:
            return key.sign(CONTENT) == before
        except KeysUnusable:
            return False

    def work() -> int:
        signatures = 0
        for plugged_in in (True, False, True, False, True):
            together.wait()  # until the token is as it should be for this round
            for _ in range(50):
                signed = signs()
                signatures += signed
                assert signed <= plugged_in
            together.wait()
        return signatures

    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(work) for _ in range(4)]
        for change in (token.unplug, token.plug_in, token.unplug, token.plug_in, None):
            together.wait()
            together.wait()
            if change is not None:
                change()
        # After a fault each thread may meet sessions that ended with the module once more, and no more than that.
        assert [future.result() >= 3 * 50 - 2 * 4 for future in futures] == [True] * 4
    assert key.sign(CONTENT) == before


def test_another_key_in_the_place_of_one_that_was_used_is_refused(token: SoftToken, key: TokenKey) -> None:
    key.sign(CONTENT)
    with session_on(token) as session:
        session.get_key(ObjectClass.PRIVATE_KEY, label="sign-1").destroy()
    module_of(token.place()).spoil()
    with pytest.raises(KeyMissing):
        key.sign(CONTENT)
    open_token_key(token.place(), make=True)
    with pytest.raises(TokenKeyUnfit) as caught:
        key.sign(CONTENT)
    assert caught.value.problem == "another key than before"

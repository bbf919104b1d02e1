"""Secrets that do not print, whatever prints them."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from typing import Any

import pytest

from jpki.terms import HIDDEN, Pin, Secret

WORDS = "ABC123"


@pytest.mark.parametrize("secret", [Secret(WORDS.encode()), Pin(WORDS)])
@pytest.mark.parametrize("show", [repr, str, format, "{}".format, "{!s}".format, lambda secret: f"{[secret]}"])
def test_a_secret_shows_as_dots(secret: Secret, show: object) -> None:
    assert callable(show)
    shown = show(secret)
    assert WORDS not in shown
    assert HIDDEN in shown


def test_a_secret_gives_its_bytes_only_when_asked() -> None:
    assert Secret(b"\x00\xff").reveal() == b"\x00\xff"
    assert Pin(WORDS).reveal() == b"ABC123"


def test_a_secret_keeps_its_own_copy_of_what_it_was_made_from() -> None:
    given: Any = bytearray(b"1234")
    secret = Secret(given)
    given[:] = b"0000"
    assert secret.reveal() == b"1234"


def test_a_log_record_holds_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("PIN %s of %r", Pin(WORDS), {"pin": Pin(WORDS)})
    assert WORDS not in caplog.text
    assert HIDDEN in caplog.text


def test_a_traceback_with_local_values_holds_no_secret() -> None:
    def fails(pin: Pin) -> None:
        raise RuntimeError(pin)

    with pytest.raises(RuntimeError) as caught:
        fails(Pin(WORDS))
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert f"pin = {HIDDEN}" in shown
    assert "ABC123'" not in shown.replace("WORDS", "")


@pytest.mark.parametrize("write_out", [pickle.dumps, json.dumps, copy.deepcopy])
def test_a_secret_is_not_written_out(write_out: object) -> None:
    assert callable(write_out)
    with pytest.raises(TypeError):
        write_out(Pin(WORDS))


def test_secrets_are_equal_by_value_and_have_no_hash() -> None:
    assert Pin("1234") == Secret(b"1234")
    assert Pin("1234") != Pin("1235")
    assert Pin("1234") != "1234"
    with pytest.raises(TypeError):
        hash(Pin("1234"))


def test_an_empty_secret_is_false() -> None:
    assert not Pin("")
    assert Pin("0000")


@pytest.mark.parametrize("text", ["12\udcff34", "\ud800"])
def test_a_pin_that_is_no_text_is_no_error_that_would_carry_it(text: str) -> None:
    assert not Pin(text).reveal().isascii()

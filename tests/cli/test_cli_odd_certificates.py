"""A certificate over a key that is none, handed to the program: an error with a sentence, and no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from certified_cards import LENGTHS, certified_state
from command_line import Invoke
from odd_certificates import with_public_key

from jpki.formats import Certificate, rsa_public_key_info
from jpki.terms import Role

RIGHT = certified_state().applications["jpki"].files[0x0001][: LENGTHS[Role.SIGNATURE]]
MODULUS = Certificate.parse(RIGHT).public_key.modulus


@pytest.mark.parametrize("exponent", [1, 65_536, MODULUS + 2])
def test_a_known_certificate_of_no_key_signs_nothing(invoke: Invoke, card: Path, tmp_path: Path, exponent: int) -> None:
    (tmp_path / "odd.crt").write_bytes(with_public_key(RIGHT, rsa_public_key_info(MODULUS, exponent)))
    (tmp_path / "document").write_text("what the holder agrees to")
    told = ("--known-certificate", "odd.crt", "--allow-last-try", "--json")
    done = invoke("card", "sign", "document", "-e", card, *told, JPKI_SIGN_PIN="ABC123")
    assert (done.code, done.error["error"]) == (4, "KeyMismatch")
    assert not (tmp_path / "document.sig").exists()

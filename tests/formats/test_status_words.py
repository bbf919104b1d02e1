"""What status words say: ISO/IEC 7816-4, with JICSAP's meanings where they differ; every other one says nothing."""

from __future__ import annotations

import pytest

from jpki.formats import StatusWord

MEANINGS = {
    "9000": "done",
    "6281": "part of the data returned may be corrupted",
    "6283": "DF locked",
    "6300": "verification failed",
    "6381": "file filled up by the last write",
    "6400": "execution error, memory unchanged",
    "6581": "memory failure",
    "6700": "wrong length",
    "6881": "logical channel not supported",
    "6882": "secure messaging not supported",
    "6883": "last command of the chain expected",
    "6884": "command chaining not supported",
    "6981": "command incompatible with file structure",
    "6982": "security status not satisfied",
    "6983": "authentication method blocked",
    "6984": "referenced IEF locked",
    "6985": "conditions of use not satisfied",
    "6986": "no current EF",
    "6987": "secure messaging data objects missing",
    "6988": "secure messaging data objects incorrect",
    "6A80": "incorrect parameters in the data field",
    "6A81": "function not supported",
    "6A82": "file not found",
    "6A83": "record not found",
    "6A84": "not enough memory space",
    "6A85": "Lc inconsistent with TLV structure",
    "6A86": "incorrect P1-P2",
    "6A87": "Lc inconsistent with P1-P2",
    "6A88": "referenced data not found",
    "6A89": "file already exists",
    "6B00": "offset outside the EF",
    "6D00": "instruction not supported",
    "6E00": "class not supported",
    "6F00": "no precise diagnosis",
}


@pytest.mark.parametrize(("code", "meaning"), MEANINGS.items())
def test_a_status_word_has_its_meaning(code: str, meaning: str) -> None:
    assert StatusWord(int(code, 16)).meaning == meaning


def test_a_word_with_a_number_in_it_says_the_number() -> None:
    words = [StatusWord(0x63C0 | left) for left in range(16)]
    assert [word.meaning for word in words] == [f"{left} tries left" for left in range(16)]
    assert [StatusWord(0x6100 | count).meaning for count in (0, 1, 0xFF)] == [
        f"{count} more bytes available" for count in (256, 1, 255)
    ]
    assert [StatusWord(0x6C00 | count).meaning for count in (0, 1, 0xFF)] == [
        f"wrong Le, {count} bytes available" for count in (256, 1, 255)
    ]


def test_no_other_word_has_a_meaning() -> None:
    told = {f"{word:04X}" for word in range(0x1_0000) if StatusWord(word).meaning}
    numbered = {f"{head}{low:02X}" for head in ("61", "6C") for low in range(256)} | {
        f"63C{left:X}" for left in range(16)
    }
    assert told == MEANINGS.keys() | numbered

"""What an outlet makes of bytes that lie in the place of a list: a list, or nothing whole, and never anything else."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from published_copies import complete, delta, raw_of
from small_pki import SIGN_CA, element

from jpki.outlets import FolderOutlet, Held, Outcome

RAW = raw_of(complete(41, entries=200))
LONG = element(0x30, element(0x30, b"\x02\x01\x01", element(0x04, bytes(70_000)), b""))


def held(tmp_path: Path, content: bytes) -> Held | None:
    outlet = FolderOutlet(tmp_path)
    place = outlet.place(complete())
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(content)
    return outlet.held(complete())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x30",
        b"\x30\x80",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\x89\x01" + bytes(20),
        b"\x30\x00",
        b"\x30\x02\x30\x00",
        b"<html>404</html>",
        LONG,
        RAW + b"\0",
        SIGN_CA.revocation_list(number=None),
        SIGN_CA.root(),
    ],
    ids=range(12),
)
def test_what_is_no_whole_list_with_a_number_is_nothing(tmp_path: Path, content: bytes) -> None:
    assert held(tmp_path, content) is None
    assert FolderOutlet(tmp_path).put(complete()) is Outcome.PUT


@pytest.mark.parametrize("raw", [RAW, raw_of(complete(entries=0)), raw_of(delta(42))], ids=["long", "empty", "delta"])
def test_a_list_is_known_by_number_and_digest(tmp_path: Path, raw: bytes) -> None:
    found = held(tmp_path, raw)
    assert found is not None
    assert found.number in (41, 42)
    assert found.digest == hashlib.sha256(raw).digest()


@given(at=st.integers(0, len(RAW) - 1), inserted=st.binary(max_size=8), dropped=st.integers(0, 8))
def test_no_bytes_break_the_reading(
    tmp_path_factory: pytest.TempPathFactory, at: int, inserted: bytes, dropped: int
) -> None:
    content = RAW[:at] + inserted + RAW[at + dropped :]
    found = held(tmp_path_factory.getbasetemp(), content)
    assert found is None or found.digest == hashlib.sha256(content).digest()

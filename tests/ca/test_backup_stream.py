"""The encrypted stream of a backup: whatever is altered or cut shows, and another program opens it."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import shutil
import subprocess
import termios
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from jpki.ca import BackupDamaged, BackupForeign, BackupLocked, BackupUnreadable
from jpki.ca.backup.stream import DecryptingReader, EncryptingWriter
from jpki.terms import Secret

PASSPHRASE = Secret(b"a passphrase for tests")
CHUNK = 64 * 1024
COST = 10  # as cheap as no backup is: most of these tests would only wait
CONTENT = bytes(range(256)) * 600  # two chunks and a part of one


def fixed_random() -> Callable[[int], bytes]:
    numbers = count(1)
    return lambda size: bytes((next(numbers),)) * size


def sealed(content: bytes, passphrase: Secret = PASSPHRASE) -> bytes:
    sink = io.BytesIO()
    writer = EncryptingWriter(sink, passphrase, fixed_random(), log_n=COST)
    for start in range(0, len(content), 10_000):
        writer.write(content[start : start + 10_000])
    writer.finish()
    return sink.getvalue()


def opened(data: bytes, passphrase: Secret = PASSPHRASE) -> bytes:
    reader = DecryptingReader(io.BytesIO(data), passphrase, "file")
    parts = []
    while part := reader.read(7_777):
        parts.append(part)
    reader.finish()
    return b"".join(parts)


SEALED = sealed(CONTENT)
HEADER = SEALED.index(b"---") + 3 + 1 + 43 + 1


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])
def test_what_was_written_is_read(size: int) -> None:
    content = CONTENT[:size]
    assert opened(sealed(content)) == content


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_the_program_age_opens_it(tmp_path: Path) -> None:
    program = shutil.which("age")
    if program is None:
        assert "CI" not in os.environ, "age is not installed"
        pytest.skip("age is not installed (Debian: apt-get install age)")
    (tmp_path / "sealed").write_bytes(SEALED)
    terminal, end = pty.openpty()  # age takes a passphrase from nowhere else
    with subprocess.Popen(
        [program, "--decrypt", "--output", tmp_path / "opened", tmp_path / "sealed"],
        stdin=end,
        stdout=end,
        stderr=end,
        start_new_session=True,
        preexec_fn=_take_terminal,  # noqa: PLW1509 - no other thread is at work
    ) as process:
        os.close(end)
        asked = b""
        while b"passphrase" not in asked:
            asked += os.read(terminal, 100)
        os.write(terminal, PASSPHRASE.reveal() + b"\n")
        assert process.wait(60) == 0
    os.close(terminal)
    assert (tmp_path / "opened").read_bytes() == CONTENT


def test_what_a_try_of_a_passphrase_costs_stands_in_the_file() -> None:
    sink = io.BytesIO()
    EncryptingWriter(sink, PASSPHRASE, fixed_random()).finish()
    assert sink.getvalue().splitlines()[1].endswith(b" 17")  # 128 MiB, as OWASP asks of scrypt
    assert opened(sink.getvalue()) == b""


def test_another_passphrase_does_not_open_it() -> None:
    with pytest.raises(BackupLocked):
        opened(SEALED, Secret(b"another passphrase"))


# The first and the last octet of every part: version, salt, costs, wrapped key, code, nonce, and each chunk.
PLACES = [0, 20, 22, 33, 55, 57, 60, 103, 105, 110, 150, HEADER, HEADER + 15, HEADER + 16]
CHUNKS = [HEADER + 16 + CHUNK + 15, HEADER + 16 + CHUNK + 16, HEADER + 16 + 2 * (CHUNK + 16) + 5, len(SEALED) - 1]


@pytest.mark.parametrize("place", PLACES + CHUNKS)
def test_one_altered_octet_shows(place: int) -> None:
    altered = bytearray(SEALED)
    altered[place] ^= 1
    with pytest.raises((BackupDamaged, BackupForeign, BackupLocked)):
        opened(bytes(altered))


@pytest.mark.parametrize(
    "length",
    [
        0,
        5,
        22,
        100,
        HEADER,
        HEADER + 16,
        HEADER + 17,
        *(HEADER + 16 + n * (CHUNK + 16) for n in (1, 2)),
        len(SEALED) - 1,
    ],
)
def test_a_cut_shows_also_between_two_chunks(length: int) -> None:
    with pytest.raises(BackupUnreadable):
        opened(SEALED[:length])


def test_what_was_added_shows() -> None:
    for more in (b"\0", SEALED[HEADER + 16 :]):
        with pytest.raises(BackupDamaged):
            opened(SEALED + more)


def test_chunks_in_another_order_show() -> None:
    start, size = HEADER + 16, CHUNK + 16
    first, second = SEALED[start : start + size], SEALED[start + size : start + 2 * size]
    with pytest.raises(BackupDamaged):
        opened(SEALED[:start] + second + first + SEALED[start + 2 * size :])


def test_no_octet_is_given_out_before_it_was_verified() -> None:
    altered = bytearray(SEALED)
    altered[HEADER + 16 + CHUNK + 20] ^= 1
    reader = DecryptingReader(io.BytesIO(bytes(altered)), PASSPHRASE, "file")
    assert reader.read(CHUNK) == CONTENT[:CHUNK]
    with pytest.raises(BackupDamaged):
        reader.read(1)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "no backup"),
        (b"SQLite format 3\0" + bytes(100), "no backup"),
        (SEALED.replace(b"/v1\n", b"/v0\n", 1), "another form"),
        (SEALED.replace(b"/v1\n", b"/v2\n", 1), "another form"),
    ],
)
def test_another_file_is_told_from_a_damaged_one(data: bytes, problem: str) -> None:
    with pytest.raises(BackupForeign) as caught:
        opened(data)
    assert caught.value.facts == {"file": "file", "problem": problem}


def test_costs_that_no_machine_has_are_not_tried() -> None:
    with pytest.raises(BackupDamaged):
        opened(SEALED.replace(b" 10\n", b" 30\n", 1))

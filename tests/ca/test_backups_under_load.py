"""A backup while four processes issue, and one that is killed: the store of one moment, or no file."""

from __future__ import annotations

import errno
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from authorities import NOW
from backup_in_a_process import PASSPHRASE
from prime_pool import PrimePool

from jpki.ca import AuthorityFolder, AuthoritySettings, BackupFailed, back_up, put_back
from jpki.store import Store
from jpki.terms import Role

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
CHOICE = random.Random(20261122)  # noqa: S311 - when a process is killed is no secret


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> AuthorityFolder:
    """Gives an authority that is made once: copy it."""
    place = AuthorityFolder(tmp_path_factory.mktemp("site") / "ca")
    pool = PrimePool(177)
    place.create(PASSPHRASE, AuthoritySettings(), NOW, make_key=lambda: pool.generate().private_key).close()
    return place


@pytest.fixture
def place(original: AuthorityFolder, tmp_path: Path) -> AuthorityFolder:
    shutil.copytree(original.path, tmp_path / "ca")
    return AuthorityFolder(tmp_path / "ca")


def write_rows(place: AuthorityFolder, number: int) -> subprocess.Popen[bytes]:
    """Starts a process that takes numbers and tells of them, in transactions, until it is ended."""
    program = (
        "import sys; from authorities import NOW; from jpki.store import Store; from jpki.terms import Role\n"
        "with Store.open(sys.argv[1]) as store:\n"
        "    while True:\n"
        "        with store.transaction() as change:\n"
        "            taken = change.take_numbers(Role.SIGNATURE, 1)[0]\n"
        "            change.put_settings({f'number {taken}': sys.argv[2]})\n"
        "            change.note('test', NOW, {'number': taken})\n"
    )
    return subprocess.Popen([sys.executable, "-c", program, str(place.store), str(number)], env=ENVIRONMENT)


def test_four_writers_go_on_and_the_backup_is_of_one_moment(place: AuthorityFolder, tmp_path: Path) -> None:
    with Store.open(place.store) as store:
        before = next_number(store)
        writers = [write_rows(place, number) for number in range(4)]
        try:
            end = time.monotonic() + 60
            while next_number(store) < before + 40:
                assert time.monotonic() < end
                time.sleep(0.01)
            made = back_up(place, PASSPHRASE, tmp_path / "backup.age", NOW, tool="1.2.3")
            seen = next_number(store)
            while next_number(store) <= seen:  # they still write
                assert time.monotonic() < end + 60
                time.sleep(0.01)
        finally:
            for writer in writers:
                writer.kill()
                writer.wait()
    given = made.manifest.standing.sequences["sign"].next_number - before
    assert given >= 40
    # Every number that was taken stands in a row and in the trail, as each transaction wrote them together.
    kept = [name for name in made.manifest.standing.settings if name.startswith("number ")]
    assert len(kept) == given
    put_back(tmp_path / "backup.age", tmp_path / "new", PASSPHRASE, NOW)
    with Store.open(tmp_path / "new" / "authority.sqlite3") as copy, copy.snapshot() as view:
        assert sum(b'"kind":"test"' in entry.body for entry in view.audit_entries()) == given


def next_number(store: Store) -> int:
    with store.snapshot() as view:
        return view.sequences(Role.SIGNATURE).next_number


def test_killed_at_any_moment_it_leaves_no_file_of_that_name_and_the_next_one_is_whole(
    place: AuthorityFolder, tmp_path: Path
) -> None:
    file = tmp_path / "out" / "backup.age"
    file.parent.mkdir()
    started = time.monotonic()
    subprocess.run(command(place, file), env=ENVIRONMENT, check=True)
    usual = time.monotonic() - started
    file.unlink()
    for _ in range(8):
        process = subprocess.Popen(command(place, file), env=ENVIRONMENT)
        time.sleep(CHOICE.uniform(0, usual))
        process.kill()
        process.wait()
        if file.exists():  # it was faster this time: then it is whole
            put_back(file, tmp_path / "new", PASSPHRASE, NOW)
            shutil.rmtree(tmp_path / "new")
            file.unlink()
    back_up(place, PASSPHRASE, file, NOW, tool="1.2.3")
    assert not list(place.path.glob(".backup-*"))
    with place.open(PASSPHRASE) as authority:
        authority.store.check()


def command(place: AuthorityFolder, file: Path) -> list[str]:
    return [sys.executable, str(ROOT / "tests" / "backup_in_a_process.py"), str(place.path), str(file)]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has small file systems to mount here")
def test_where_the_disk_is_full_nothing_has_the_name(place: AuthorityFolder, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small file system")
    try:
        with pytest.raises(BackupFailed) as caught:
            back_up(place, PASSPHRASE, small / "backup.age", NOW, tool="1.2.3")
        assert caught.value.facts["problem"] == os.strerror(errno.ENOSPC)
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert not list(place.path.glob(".backup-*"))

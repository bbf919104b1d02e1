"""A folder that is full, may not be written, or is gone: an error that names it, and the old list to be read."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from published_copies import complete, delta, municipal, raw_of

from jpki.outlets import (
    CopyFailed,
    FolderOutlet,
    Held,
    Outcome,
    OutletFolderMissing,
    OutletFolderReadOnly,
    bring_up_to_date,
)

TESTS = Path(__file__).parent.parent
NOBODY = 65534
MOUNTED = 'mount -t tmpfs -o "$1" none "$2" && shift 2 && exec "$@"'
WAYS_TO_MOUNT = (
    ["unshare", "--mount"],
    # Where the root is no mount of its own (in a chroot), its propagation cannot be changed.
    ["unshare", "--mount", "--propagation", "unchanged"],
    ["unshare", "--map-root-user", "--mount"],
    ["sudo", "-n", "unshare", "--mount"],
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Gives a folder that other users can come to, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="jpki-outlet-") as name:
        found = Path(name)
        found.chmod(0o755)
        yield found


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Lets the code within be that of an unprivileged user: root may write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def way_to_mount(folder: Path) -> list[str]:
    for way in WAYS_TO_MOUNT:
        trial = [*way, "sh", "-c", MOUNTED, "sh", "size=64k", str(folder), "true"]
        if shutil.which(way[0]) is not None and subprocess.run(trial, capture_output=True, check=False).returncode == 0:
            return way
    pytest.skip("no small disk to try with: this user may not mount one (unshare --mount)")


def on_a_disk(folder: Path, size: str, *entries: int) -> dict[str, Any]:
    """Returns what a publisher tells that puts lists of so many entries onto a disk of this size, mounted for it."""
    path = os.pathsep.join(map(str, (TESTS, TESTS.parent)))
    program = [sys.executable, str(TESTS / "outlet_in_a_process.py"), str(folder), *map(str, entries)]
    mounted = ["sh", "-c", MOUNTED, "sh", f"size={size}", str(folder)]
    done = subprocess.run(
        [*way_to_mount(folder), *mounted, "env", f"PYTHONPATH={path}", *program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_full_disk_is_told_and_leaves_the_old_list(folder: Path) -> None:
    found = on_a_disk(folder, "64k", 3, 3000, 4)
    place = str(folder / "crl" / "sign-1.crl")
    full = ["OutletFull", {"outlet": str(folder), "place": place}]
    assert found == {"told": ["PUT", full, "PUT"], "files": {"crl/sign-1.crl": 3}}


def test_a_disk_full_at_the_last_list_still_has_the_one_before(folder: Path) -> None:
    found = on_a_disk(folder, "64k", 1000, 1000, 1000)
    assert [told if isinstance(told, str) else told[0] for told in found["told"]] == ["PUT", "OutletFull", "OutletFull"]
    assert found["files"] == {"crl/sign-1.crl": 1}


def test_a_folder_that_may_not_be_written_is_told(folder: Path) -> None:
    outlet = FolderOutlet(folder)
    outlet.put(complete(41))
    (folder / "crl").chmod(0o555)
    with as_nobody():
        with pytest.raises(OutletFolderReadOnly) as caught:
            outlet.put(complete(42))
        assert outlet.held(complete()) == Held(41, complete(41).digest)
    (folder / "crl").chmod(0o755)
    assert caught.value.facts["place"] == str(folder / "crl")


def test_a_folder_in_which_none_may_be_made_is_told(folder: Path) -> None:
    folder.chmod(0o555)
    with as_nobody(), pytest.raises(OutletFolderReadOnly) as caught:
        FolderOutlet(folder).put(complete())
    assert caught.value.facts["place"] == str(folder)


def test_a_disk_that_is_mounted_read_only_is_told(folder: Path) -> None:
    found = on_a_disk(folder, "64k,ro", 3)
    told = {"outlet": str(folder), "problem": "may not be written", "place": str(folder)}
    assert found == {"told": [["OutletFolderReadOnly", told]], "files": {}}


def test_a_list_that_may_not_be_read_is_told(folder: Path) -> None:
    outlet = FolderOutlet(folder)
    outlet.put(complete(41))
    outlet.place(complete()).chmod(0)
    with as_nobody(), pytest.raises(CopyFailed) as caught:
        outlet.put(complete(42))
    assert caught.value.facts == {
        "outlet": str(folder),
        "place": str(outlet.place(complete())),
        "problem": "Permission denied",
    }


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    outlet = FolderOutlet(tmp_path / "mounted" / "later")
    for act in (outlet.put, outlet.held):
        with pytest.raises(OutletFolderMissing) as caught:
            act(complete())
        assert caught.value.outlet == str(tmp_path / "mounted" / "later")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_goes_while_a_list_is_written_is_told(folder: Path) -> None:
    whole = raw_of(complete(42))

    def pieces() -> Iterator[bytes]:
        yield whole[:100]
        shutil.rmtree(folder)
        yield whole[100:]

    with pytest.raises(OutletFolderMissing):
        FolderOutlet(folder).put(complete(42, pieces=pieces()))
    folder.mkdir()


def test_a_folder_whose_lists_go_while_one_is_written_is_told(folder: Path) -> None:
    whole = raw_of(complete(42))

    def pieces() -> Iterator[bytes]:
        yield whole
        shutil.rmtree(folder / "crl")

    with pytest.raises(CopyFailed) as caught:
        FolderOutlet(folder).put(complete(42, pieces=pieces()))
    assert caught.value.problem == "No such file or directory"
    FolderOutlet(folder).put(complete(42))


def test_a_file_where_the_folder_of_lists_should_be_is_told(folder: Path) -> None:
    (folder / "crl").write_text("no folder")
    with pytest.raises(CopyFailed) as caught:
        FolderOutlet(folder).put(complete())
    assert caught.value.facts == {"outlet": str(folder), "place": str(folder / "crl"), "problem": "File exists"}
    assert FolderOutlet(folder).put(delta()) is Outcome.PUT


def test_a_folder_in_the_place_of_a_list_is_told(folder: Path) -> None:
    outlet = FolderOutlet(folder)
    outlet.place(complete()).mkdir(parents=True)
    with pytest.raises(CopyFailed) as caught:
        outlet.put(complete())
    assert caught.value.problem == "Is a directory"


def test_one_outlet_that_fails_holds_up_no_other(tmp_path: Path) -> None:
    good, gone = tmp_path / "good", tmp_path / "gone"
    good.mkdir()
    copies = (complete(), municipal(), delta())
    lost, kept = bring_up_to_date([FolderOutlet(gone), FolderOutlet(good)], iter(copies))
    assert (lost.outlet, lost.results, lost.untried) == (str(gone), (), 3)
    assert isinstance(lost.unusable, OutletFolderMissing)
    assert kept.errors == ()
    assert [result.copy for result in kept.results] == list(copies)


def test_one_list_that_cannot_be_put_holds_up_no_other(folder: Path) -> None:
    outlet = FolderOutlet(folder)
    outlet.place(complete()).mkdir(parents=True)
    (report,) = bring_up_to_date([outlet], [complete(), municipal()])
    assert [type(error) for error in report.errors] == [CopyFailed]
    assert outlet.held(municipal()) == Held(41, municipal().digest)

"""A folder as an outlet: names, replacing, and what is believed of what lies there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from judging import TRUST, document
from published_copies import NEXT_SIGN_CA, complete, delta, lines, municipal, raw_of
from small_pki import AUTH_CA, NOW, SIGN_CA

from jpki.formats import CertificateList, Name
from jpki.outlets import FolderOutlet, Held, ListBytesWrong, MunicipalScope, Outcome, PublishedCopy
from jpki.verify import Evidence, FolderFetcher, Result, verify_with

TESTS = Path(__file__).parent.parent


@pytest.fixture
def outlet(tmp_path: Path) -> FolderOutlet:
    return FolderOutlet(tmp_path)


def run_python(program: str, argument: Path, *, ends: int = 0) -> str:
    """Runs a program that sees this suite, and returns what it prints."""
    path = os.pathsep.join(map(str, (TESTS, TESTS.parent)))
    command = [sys.executable, "-c", program, str(argument)]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == ends, done.stderr
    return done.stdout


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_complete_lists_and_deltas_stand_in_folders_of_their_own(outlet: FolderOutlet, tmp_path: Path) -> None:
    for copy in (complete(), complete(ca=AUTH_CA), complete(ca=NEXT_SIGN_CA), municipal(), delta()):
        assert outlet.put(copy) is Outcome.PUT
        assert outlet.place(copy).read_bytes() == raw_of(copy)
    assert files_in(tmp_path) == [
        "crl/auth-1.crl",
        "crl/sign-1-13221-Kiyose-shi.crl",
        "crl/sign-1.crl",
        "crl/sign-2.crl",
        "delta/sign-1-13221-Kiyose-shi.crl",
    ]


@pytest.mark.parametrize(
    ("city", "code"), [("../../etc", "1/../2"), ("a\0b\n", ".."), ("", "13221"), ("清瀬市", "13221")]
)
def test_no_name_leads_out_of_the_folder(outlet: FolderOutlet, tmp_path: Path, city: str, code: str) -> None:
    given = municipal()
    scope = MunicipalScope(code, Name.of(("C", "JP"), ("CN", city)))
    copy = PublishedCopy(**{name: getattr(given, name) for name in PublishedCopy.__slots__} | {"scope": scope})
    assert outlet.place(copy).parent == tmp_path / "crl"
    assert outlet.put(copy) is Outcome.PUT


def test_what_is_there_already_is_not_written_again(outlet: FolderOutlet) -> None:
    outlet.put(complete())
    before = outlet.place(complete()).stat()
    assert outlet.put(complete()) is Outcome.HELD
    after = outlet.place(complete()).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_list_takes_the_place_of_the_one_before_it(outlet: FolderOutlet) -> None:
    outlet.put(complete(41))
    assert outlet.put(complete(42)) is Outcome.PUT
    assert outlet.held(complete()) == Held(42, complete(42).digest)


def test_nothing_is_held_before_something_is_put(outlet: FolderOutlet) -> None:
    assert outlet.held(complete()) is None


def test_a_lower_number_never_takes_the_place_of_a_higher_one(outlet: FolderOutlet) -> None:
    outlet.put(complete(42))
    assert outlet.put(complete(41)) is Outcome.NEWER_HELD
    assert outlet.place(complete()).read_bytes() == raw_of(complete(42))


@pytest.mark.parametrize("other", [complete(99, AUTH_CA), delta(99), complete(99, NEXT_SIGN_CA)], ids=str)
def test_a_list_of_something_else_with_a_higher_number_does_not_keep_the_place(
    outlet: FolderOutlet, other: PublishedCopy
) -> None:
    outlet.put(complete(41))
    outlet.place(complete()).write_bytes(raw_of(other))
    assert outlet.put(complete(41)) is Outcome.PUT


def test_a_copy_that_was_cut_or_damaged_anywhere_is_put_again(outlet: FolderOutlet) -> None:
    copy = complete(41)
    whole = raw_of(copy)
    outlet.put(copy)
    place = outlet.place(copy)
    for at in range(0, len(whole), 11):
        place.write_bytes(whole[:at])
        assert outlet.put(copy) is Outcome.PUT
        place.write_bytes(whole[:at] + bytes((whole[at] ^ 0x55,)) + whole[at + 1 :])
        assert outlet.put(copy) is Outcome.PUT, at
        assert place.read_bytes() == whole
    place.write_bytes(whole + b"\0")
    assert outlet.put(copy) is Outcome.PUT


def test_a_number_made_higher_by_damage_is_not_believed(outlet: FolderOutlet) -> None:
    copy = complete(41)
    outlet.put(copy)
    place = outlet.place(copy)
    damaged = raw_of(copy).replace(b"\x55\x1d\x14\x04\x03\x02\x01\x29", b"\x55\x1d\x14\x04\x03\x02\x01\x69")
    assert CertificateList.parse(damaged).number == 0x69
    place.write_bytes(damaged)
    assert outlet.put(copy) is Outcome.PUT


def test_bytes_that_are_not_the_recorded_ones_replace_nothing(outlet: FolderOutlet, tmp_path: Path) -> None:
    outlet.put(complete(41))
    wrong = complete(42, pieces=[raw_of(complete(42))[:-1], b"\0"])
    with pytest.raises(ListBytesWrong) as caught:
        outlet.put(wrong)
    assert caught.value.facts == {"place": str(outlet.place(wrong)), "number": 42}
    assert outlet.held(complete()) == Held(41, complete(41).digest)
    assert files_in(tmp_path) == ["crl/sign-1.crl"]


def test_a_list_whose_bytes_gave_way_to_a_newer_one_is_left_out(outlet: FolderOutlet, tmp_path: Path) -> None:
    outlet.put(complete(41))
    assert outlet.put(complete(42, pieces=[])) is Outcome.OVERTAKEN
    assert outlet.held(complete()) == Held(41, complete(41).digest)
    assert files_in(tmp_path) == ["crl/sign-1.crl"]


def test_what_a_killed_publisher_left_is_removed_by_the_next(outlet: FolderOutlet, tmp_path: Path) -> None:
    outlet.put(municipal())
    (tmp_path / "crl" / ".sign-1.crl.0123456789ab").write_bytes(b"half a list")
    (tmp_path / "crl" / ".htaccess").write_bytes(b"the web server's")
    FolderOutlet(tmp_path).put(municipal())
    assert files_in(tmp_path) == ["crl/.htaccess", "crl/sign-1-13221-Kiyose-shi.crl"]


def test_a_slow_publisher_of_an_older_list_does_not_come_last(outlet: FolderOutlet) -> None:
    """While number 41 is being written, another publisher comes with 42: it waits, and stays."""
    newer = threading.Thread(target=outlet.put, args=(complete(42),))

    def slowly() -> Iterator[bytes]:
        whole = raw_of(complete(41))
        yield whole[:100]
        newer.start()
        yield whole[100:]

    class Slow:
        def __iter__(self) -> Iterator[bytes]:
            return slowly()

    outlet.put(complete(41, pieces=Slow()))
    newer.join()
    assert outlet.held(complete()) == Held(42, complete(42).digest)
    assert outlet.put(complete(41)) is Outcome.NEWER_HELD


def test_a_publisher_killed_in_the_middle_leaves_the_old_list(outlet: FolderOutlet, tmp_path: Path) -> None:
    outlet.put(complete(41))
    program = (
        "import os, signal, sys\n"
        "from published_copies import complete, raw_of\n"
        "from jpki.outlets import FolderOutlet\n"
        "def pieces():\n"
        "    yield raw_of(complete(42))[:100]\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "FolderOutlet(sys.argv[1]).put(complete(42, pieces=pieces()))\n"
    )
    run_python(program, tmp_path, ends=-signal.SIGKILL)
    assert outlet.held(complete()) == Held(41, complete(41).digest)
    assert len(files_in(tmp_path)) == 2
    assert FolderOutlet(tmp_path).put(complete(42)) is Outcome.PUT
    assert files_in(tmp_path) == ["crl/sign-1.crl"]


def test_a_list_of_a_million_entries_goes_through_in_little_memory(outlet: FolderOutlet, tmp_path: Path) -> None:
    """Both while it is written, and while it is found to be newer than another one, signature and all."""
    long = SIGN_CA.revocation_list(b"".join(lines(1)) * 1_000_000, number=43)
    source = tmp_path / "long"
    source.write_bytes(long)
    told = run_python(
        "import hashlib, resource, sys\n"
        "from dataclasses import replace\n"
        "from pathlib import Path\n"
        "from published_copies import complete\n"
        "from jpki.outlets import FolderOutlet\n"
        "def pieces():\n"
        "    with open(sys.argv[1], 'rb') as file:\n"
        "        while piece := file.read(1 << 20): yield piece\n"
        "digest = hashlib.sha256()\n"
        "for piece in pieces(): digest.update(piece)\n"
        "outlet = FolderOutlet(Path(sys.argv[1]).parent)\n"
        "copy = complete()\n"
        "outlet.held(copy)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(outlet.put(replace(copy, number=43, pieces=pieces, digest=digest.digest())).name)\n"
        "print(outlet.put(copy).name, outlet.held(copy).number)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n",
        source,
    )
    first, second, number, growth = told.split()
    assert (first, second, number) == ("PUT", "NEWER_HELD", "43")
    assert len(long) > 30_000_000
    assert int(growth) < 15_000  # KB


def test_the_verifier_reads_the_folder_of_complete_lists(outlet: FolderOutlet, tmp_path: Path) -> None:
    outlet.put(complete())
    outlet.put(delta())
    verdict = verify_with(FolderFetcher(tmp_path / "crl"), document(), TRUST, Evidence.of(), NOW)
    assert verdict.result is Result.VALID

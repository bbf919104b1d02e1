"""Revocation lists of millions of entries, from a store to a list that was read back, verified and recorded.

python -m benchmarks.lists FOLDER     # one list of the store that is there, as JSON: seconds, entries, octets, peak
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from authorities import NOW, PoolKeys, new_authority

from jpki.ca import Authority, ListOrder, make_lists
from jpki.formats import CertificateList
from jpki.store import Scope, Store
from jpki.terms import Role

from .large_store import MUNICIPALITIES, enough_room, make
from .measure import ROUNDS, Goal, Result

__all__ = ["a_million", "of_municipalities", "ten_millions"]

_MILLION = 1_000_000
_MOST_KIBIBYTES = 350 * 1024
_RATIO = 1 / 8
_STAND_IN = 10  # octets in place of a certificate, which lists do not look at
_CONFIGURATION = """[ca]
default_ca = authority
[authority]
database = index.txt
serial = serial
crlnumber = number
certificate = authority.pem
private_key = authority.key
default_md = sha256
default_crl_days = 2
unique_subject = no
crl_extensions = extensions
[extensions]
authorityKeyIdentifier = keyid
"""
_SUBJECT = "/C=JP/L=Tokyo-to/L=Chiyoda-ku/CN=20261122090000123451310100001"  # as long as one of ours


def a_million() -> Result:
    """It compares a list of a million entries with what `openssl ca -gencrl` needs for the same ones."""
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder) / "ours", Path(folder) / "theirs"
        _store(ours, _MILLION, _MILLION)
        _prepare_openssl(theirs, ours)
        rounds = []
        for _ in range(ROUNDS):
            made = _list(ours)
            rounds.append((made, _openssl(theirs)))
        assert made["entries"] == _MILLION
    seconds, reference = min(one["seconds"] for one, _ in rounds), min(other for _, other in rounds)
    peak = max(one["peak"] for one, _ in rounds)
    return Result(
        "list-of-a-million",
        seconds / reference if peak <= _MOST_KIBIBYTES else float("inf"),
        "of the time",
        _RATIO,
        Goal.AT_MOST,
        "openssl ca -gencrl on the same entries",
        f"{seconds:.2f} s beside {reference:.2f} s; at most {peak / 1024:.0f} MB in memory (limit 350)",
    )


def ten_millions() -> Result | None:
    """It looks how much memory a list of ten million entries takes beside one of a million; None without room."""
    with tempfile.TemporaryDirectory() as folder:
        if not enough_room(Path(folder)):
            print("left out: a list of ten millions needs 20 GB of room on the disk", file=sys.stderr)
            return None
        few, many = Path(folder) / "few", Path(folder) / "many"
        _store(few, _MILLION, _MILLION)
        _store(many, 10 * _MILLION, 10 * _MILLION)
        small, large = _list(few), _list(many)
    return Result(
        "list-of-ten-millions",
        large["peak"] / 1024,
        "MB",
        _MOST_KIBIBYTES / 1024,
        Goal.AT_MOST,
        "the limit of a list of one million",
        f"{large['seconds']:.1f} s for {large['octets'] / 1e6:.0f} MB; a list of one million: "
        f"{small['peak'] / 1024:.0f} MB, {small['seconds']:.1f} s",
    )


def of_municipalities() -> Result:
    """It looks how long the lists of all municipalities take, of a million entries together."""
    with tempfile.TemporaryDirectory() as folder:
        _store(Path(folder), _MILLION, _MILLION)
        whole, parts = _list(Path(folder)), _list(Path(folder), municipal=True)
    return Result(
        "lists-of-municipalities",
        parts["seconds"] / parts["lists"] * 1000,
        "ms a list",
        10,
        Goal.AT_MOST,
        "nothing: ten would still be 38 s for both authorities",
        f"{parts['lists']:.0f} lists in {parts['seconds']:.1f} s; one of all {_MILLION:,} entries takes "
        f"{whole['seconds']:.1f} s",
    )


def _store(folder: Path, certificates: int, revocations: int) -> None:
    folder.mkdir(exist_ok=True)
    make(new_authority(folder), certificates=certificates, revocations=revocations, encoded=_STAND_IN)


def _list(folder: Path, *, municipal: bool = False) -> dict[str, float]:
    """Returns what a process of its own says that makes one list, or those of all municipalities."""
    words = [sys.executable, "-m", "benchmarks.lists", str(folder), *(["municipal"] if municipal else [])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(words, env=environment, capture_output=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _prepare_openssl(folder: Path, ours: Path) -> None:
    """Writes what OpenSSL keeps of the same revocations."""
    folder.mkdir()
    words = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "authority.key", "-out", "authority.pem")
    _run("openssl", *words, "-subj", "/CN=authority", "-days", "3650", folder=folder)
    with Store.open(ours / "authority.sqlite3") as store, store.snapshot() as view:
        first = view.authority_keys(Role.SIGNATURE)[0].name.number + 1
    with (folder / "index.txt").open("w", encoding="ascii") as file:
        for number in range(first, first + _MILLION):
            file.write(f"R\t311231145959Z\t261123000000Z,superseded\t{number:08X}\tunknown\t{_SUBJECT}\n")
    (folder / "number").write_text("01\n")
    (folder / "serial").write_text("02\n")
    (folder / "configuration").write_text(_CONFIGURATION)


def _openssl(folder: Path) -> float:
    """Returns the seconds that OpenSSL takes for its list."""
    begun = time.perf_counter()
    _run("openssl", "ca", "-config", "configuration", "-gencrl", "-out", "list.pem", folder=folder)
    return time.perf_counter() - begun


def _run(*words: str, folder: Path) -> None:
    program = shutil.which(words[0])
    assert program is not None, f"{words[0]} is not installed"
    subprocess.run([program, *words[1:]], cwd=folder, capture_output=True, check=True)


def _peak() -> int:
    """Returns the most memory in kibibytes that this process has had; `ru_maxrss` counts its parent's, too."""
    (line,) = re.findall(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text("ascii"), re.MULTILINE)
    return int(line)


def _main(folder: Path, *, municipal: bool) -> None:
    keys = PoolKeys()
    for role in Role:
        keys.signing_key(role, 1, make=True)
    with Authority(Store.open(folder / "authority.sqlite3"), keys) as authority:
        own = authority.certificates[Role.SIGNATURE].name
        with authority.store.snapshot() as view:
            last = view.newest_list(Scope(own))
        at = (NOW + timedelta(days=2)) if last is None else last.this_update + timedelta(hours=1)
        begun = time.perf_counter()
        order = ListOrder(full=not municipal, municipal=municipal, roles=(Role.SIGNATURE,))
        made = make_lists(authority, order, at)
        seconds = time.perf_counter() - begun
        assert len(made) == (MUNICIPALITIES if municipal else 1)
        peak = _peak()
        facts = {
            "seconds": seconds,
            "lists": len(made),
            "entries": sum(one.entries for one in made),
            "octets": sum(one.size for one in made),
            "peak": peak,
        }
        if not municipal and facts["entries"] <= _MILLION:
            with authority.store.snapshot() as view:
                assert len(CertificateList.parse(b"".join(view.list_content(made[0])))) == facts["entries"]
    print(json.dumps(facts))


if __name__ == "__main__":
    _main(Path(sys.argv[1]), municipal=sys.argv[2:] == ["municipal"])

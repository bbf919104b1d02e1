"""What stands in the audit trail: all that was done, and nothing of whom it was done for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from authorities import ADULT, BOTH, NOW, Applicants, PoolKeys, issue_one, name_in, new_authority, seal_key

from jpki.ca import (
    Authority,
    AuthorityFolder,
    AuthoritySettings,
    LifeEvent,
    Occasion,
    check_audit_trail,
    listed_entries,
)
from jpki.formats import RevocationReason
from jpki.store import Store
from jpki.terms import Role, Secret, Sex

ROOT = Path(__file__).parents[2]
IN_TIME = datetime(2030, 11, 1, tzinfo=UTC)  # in the last three months of what is issued at NOW
HOUR = timedelta(hours=1)
MARKED = replace(
    ADULT,
    resident_id="R424242",
    name="印田　記",
    furigana="シルシダ　シルス",
    former_name="旧印",
    birth_date=date(1977, 1, 7),
    sex=Sex("2"),
    address="東京都千代田区印町４２番地",
)
MARKS = ("R424242", "印田", "シルシダ", "旧印", "印町", "1977", "4242", "千代田", "女")
PASSPHRASE = "a passphrase that is marked"


def bodies(store: Store) -> list[bytes]:
    with store.snapshot() as view:
        return [entry.body for entry in view.audit_entries()] + [seal.body for seal in view.audit_seals()]


@pytest.fixture
def lived(tmp_path: Path) -> Iterator[Authority]:
    """Gives an authority in which a marked person was issued, renewed, held, released, replaced, and died."""
    applicants = Applicants()
    folder = AuthorityFolder(tmp_path / "ca")
    with folder.create(Secret(PASSPHRASE.encode()), AuthoritySettings(), NOW) as authority:
        first = issue_one(authority, applicants.asks(MARKED, job="印の仕事"))
        for role in BOTH:
            authority.confirm(name_in(first, role), NOW + HOUR)
        authority.revoke(name_in(first, Role.AUTHENTICATION), RevocationReason.CERTIFICATE_HOLD, NOW + HOUR)
        authority.release(name_in(first, Role.AUTHENTICATION), NOW + 2 * HOUR)
        renewed = issue_one(authority, applicants.asks(MARKED, job="2", occasion=Occasion.RENEWAL), IN_TIME)
        for role in BOTH:
            authority.confirm(name_in(renewed, role), IN_TIME + HOUR)
        issue_one(authority, applicants.asks(MARKED, job="3", occasion=Occasion.REPLACEMENT), IN_TIME + 2 * HOUR)
        death = LifeEvent("E1", MARKED.resident_id, "death", IN_TIME + 3 * HOUR)
        authority.apply_event(death, IN_TIME + 4 * HOUR)
        for role in BOTH:
            authority.certificate_list(role, IN_TIME + 5 * HOUR)
        authority.new_generation(Role.SIGNATURE, IN_TIME + 6 * HOUR)
        authority.seal(IN_TIME + 7 * HOUR)
        yield authority


def test_no_entry_of_a_whole_life_says_whose_it_is(lived: Authority) -> None:
    found = bodies(lived.store)
    kinds = {json.loads(body)["kind"] for body in found}
    assert kinds >= {"create", "issue", "confirm", "revoke", "release", "event", "list", "generation", "audit-seal"}
    for body in found:
        assert body.isascii()
        assert not [mark for mark in (*MARKS, PASSPHRASE, "印の仕事") if mark in strings_of(json.loads(body))]


def strings_of(value: object) -> str:
    """Returns all text of an entry that is no digest: four digits stand in one by chance."""
    match value:
        case dict():
            return " ".join(f"{key} {strings_of(item)}" for key, item in value.items())
        case list():
            return " ".join(map(strings_of, value))
        case str() if len(value) == 64 and set(value) <= set("0123456789abcdef"):
            return ""
        case int():
            return ""
    return str(value)


def test_the_trail_of_a_whole_life_is_whole(lived: Authority, tmp_path: Path) -> None:
    folder = AuthorityFolder(tmp_path / "ca")
    key = lived._keys.seal_key().public_key_info
    found = check_audit_trail(lived.store, key, files=folder.seals.read())
    assert found.findings == ()
    assert found.unsealed == 0
    assert found.rows > 10


def test_everything_that_was_done_to_a_certificate_is_told(lived: Authority) -> None:
    name = lived.find("auth:01000002")
    told = [(one.kind, *one.facts) for one in listed_entries(lived.store, name=name)]
    assert told == [
        ("issue", "certificate"),
        ("confirm", "confirmation"),
        ("revoke", "revocation"),
        ("release", "release"),
        ("confirm", "revocation"),
    ]
    late = listed_entries(lived.store, name=name, since=IN_TIME)
    assert [one.kind for one in late] == ["confirm"]


def test_entries_are_told_page_by_page(lived: Authority) -> None:
    everything = listed_entries(lived.store, limit=1000)
    after, pages = (0, 0), []
    while page := listed_entries(lived.store, after=after, limit=4):
        pages += page
        after = page[-1].entry
    assert tuple(pages) == everything


def start(folder: Path, number: int, count: int) -> subprocess.Popen[bytes]:
    address = str(folder / "authority.sqlite3")
    words = (
        ROOT / "tests" / "issue_in_a_process.py",
        folder,
        number * 500,
        count,
        folder / f"journal-{number}",
        address,
    )
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    return subprocess.Popen([sys.executable, *map(str, words), "revoking"], env=environment)


def lines(folder: Path, number: int) -> int:
    journal = folder / f"journal-{number}"
    return journal.read_text("ascii").count("\n") if journal.exists() else 0


def test_the_trail_is_whole_after_four_processes_wrote_at_once_and_one_was_killed(tmp_path: Path) -> None:
    new_authority(tmp_path).close()
    running = [start(tmp_path, number, 200) for number in range(4)]
    end = time.monotonic() + 120
    try:
        while not all(lines(tmp_path, number) for number in range(4)):
            assert time.monotonic() < end
            time.sleep(0.01)
        (tmp_path / "go").touch()
        while lines(tmp_path, 0) < 50:
            assert time.monotonic() < end
            time.sleep(0.001)
        running[0].kill()
        assert [process.wait(120) for process in running] == [-signal.SIGKILL, 0, 0, 0]
    finally:
        for process in running:
            process.kill()
            process.wait()
    keys = PoolKeys()
    with Authority(Store.open(tmp_path / "authority.sqlite3"), keys) as authority:
        authority.seal(NOW)
        found = check_audit_trail(authority.store, seal_key().public_key_info)
    assert found.findings == ()
    assert (found.chains, found.unsealed) == (5, 0)  # the first one is that of whoever made the authority

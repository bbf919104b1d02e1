"""An authority in one file, and back: whole or not at all, and nothing signed before it has caught up."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from authorities import BOTH, NOW
from backed_up_sites import PASSPHRASE, Site, names_in

from jpki.ca import (
    AuthorityFolderFailed,
    BackupDamaged,
    BackupForeign,
    BackupInTheWay,
    BackupLocked,
    BackupTooNew,
    BackupUnreadable,
    WrongPassphrase,
    back_up,
    put_back,
)
from jpki.store import NEWEST_SCHEMA, StoreDamaged
from jpki.terms import Secret

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SIGN, AUTH = BOTH


def test_a_backup_tells_what_it_holds_and_only_its_owner_may_read_it(site: Site) -> None:
    made = site.back_up()
    assert (made.manifest.tool, made.manifest.made_at, made.manifest.schema) == ("1.2.3", NOW + HOUR, NEWEST_SCHEMA)
    assert made.manifest.standing.rows["certificate"] == 200
    assert made.manifest.standing.sequences["sign"].next_number == 0x0100_0002 + 100
    assert made.manifest.standing.sequences["sign"].next_list == 2
    assert made.manifest.standing.last_seal == 1
    assert site.file.stat().st_mode & 0o777 == 0o600
    assert site.file.stat().st_size == made.size
    assert {one.path for one in made.manifest.files} == {
        "authority.sqlite3",
        *(f"keys/{name}.key" for name in ("sign-1", "auth-1", "audit", "card-issuer")),
        *(f"certificates/{name}" for name in ("sign-1.cer", "auth-1.cer", "audit.pub")),
    }
    assert names_in(site.path) == ["backup.age", "ca"]
    assert not [name for name in names_in(site.place.path) if name.startswith(".")]


def test_keys_stay_sealed_in_it(backed_up: Site) -> None:
    content = backed_up.content()
    assert content["keys/sign-1.key"] == (backed_up.place.keys / "sign-1.key").read_bytes()
    assert next(iter(content)) == "manifest.json"
    assert PASSPHRASE.reveal() not in content["manifest.json"]


def test_a_file_that_is_there_is_not_replaced(site: Site) -> None:
    site.file.write_bytes(b"mine")
    with pytest.raises(BackupInTheWay):
        site.back_up()
    assert site.file.read_bytes() == b"mine"


def test_under_another_passphrase_nothing_is_made(site: Site) -> None:
    with pytest.raises(WrongPassphrase):
        back_up(site.place, Secret(b"another one"), site.file, NOW, tool="1.2.3")
    assert names_in(site.path) == ["ca"]


def test_a_damaged_store_is_not_backed_up(site: Site) -> None:
    content = bytearray(site.place.store.read_bytes())
    middle = len(content) // 2 & ~0xFFF
    content[middle : middle + 0x1000] = b"\xff" * 0x1000
    site.place.store.write_bytes(content)
    with pytest.raises(StoreDamaged):
        site.back_up()
    assert names_in(site.path) == ["ca"]


def test_what_a_killed_backup_left_in_clear_goes_with_the_next(site: Site) -> None:
    left = site.place.path / ".backup-killed"
    left.mkdir()
    (left / "authority.sqlite3").write_bytes(b"names and addresses")
    site.back_up()
    assert not left.exists()


def test_a_wrong_passphrase_puts_nothing_back(backup: Site) -> None:
    with pytest.raises(BackupLocked):
        put_back(backup.file, backup.new, Secret(b"another one"), NOW)
    assert not backup.new.exists()


def test_of_a_damaged_backup_nothing_is_put_back(backup: Site) -> None:
    content = bytearray(backup.file.read_bytes())
    content[len(content) // 2] ^= 1
    backup.file.write_bytes(content)
    backup.new.mkdir()
    with pytest.raises(BackupDamaged):
        backup.put_back()
    assert names_in(backup.new) == []


def test_a_file_that_is_not_there_is_named(backup: Site) -> None:
    backup.file.unlink()
    with pytest.raises(BackupUnreadable):
        backup.put_back()


def manifest(content: dict[str, bytes], **different: object) -> dict[str, bytes]:
    facts = json.loads(content["manifest.json"]) | different
    return content | {"manifest.json": json.dumps(facts).encode()}


def test_a_later_schema_or_format_is_named_and_an_older_form_refused(backup: Site) -> None:
    good = backup.content()
    for different, error in (
        ({"format": 2}, BackupTooNew),
        ({"schema": "9999"}, BackupTooNew),
        ({"format": 0}, BackupForeign),
        ({"format": "1"}, BackupForeign),
        ({"files": []}, BackupDamaged),
        ({"made_at": "yesterday"}, BackupDamaged),
    ):
        backup.write(manifest(good, **different))
        with pytest.raises(error):
            backup.put_back()
        assert not backup.new.exists()


def test_a_file_outside_the_folder_is_never_written(backup: Site) -> None:
    good = backup.content()
    files = json.loads(good["manifest.json"])["files"]
    for path in ("../outside", "/outside", "keys/../../outside", "keys/.hidden", "somewhere/else"):
        backup.write(manifest(good, files=[*files, {"path": path, "size": 1, "sha256": "0" * 64}]) | {path: b"x"})
        with pytest.raises(BackupDamaged):
            backup.put_back()
    assert names_in(backup.path) == ["backup.age"]


def test_a_backup_that_is_not_what_it_says_is_refused(backup: Site) -> None:
    good = backup.content()
    standing = json.loads(good["manifest.json"])["standing"]
    less = {name: data for name, data in good.items() if name != "keys/audit.key"}
    turned = dict(reversed(good.items()))
    for content, error in (
        (less, BackupDamaged),
        (turned, BackupForeign),
        (good | {"keys/more.key": b"x"}, BackupDamaged),
        (good | {"keys/sign-1.key": good["keys/auth-1.key"]}, BackupDamaged),
        (manifest(good, standing=standing | {"last_seal": 7}), BackupDamaged),
    ):
        backup.write(content)
        with pytest.raises(error):
            backup.put_back()
        assert not backup.new.exists()


def test_a_folder_that_cannot_be_made_is_named(backup: Site) -> None:
    (backup.path / "file").touch()
    with pytest.raises(AuthorityFolderFailed):
        put_back(backup.file, backup.path / "file" / "new", PASSPHRASE, NOW)

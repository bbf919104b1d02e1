"""Evidence from files: what is missing is brought, asked for once more, and a file that is none is named."""

from __future__ import annotations

import errno
import os
from datetime import timedelta
from pathlib import Path

import pytest
from judging import TRUST, document, login
from small_pki import AUTH_CA, NOW, SIGN_CA, revoked

from jpki.formats import to_pem
from jpki.verify import (
    CrlFor,
    Evidence,
    EvidenceUnreadable,
    FolderFetcher,
    Missing,
    NoEvidenceFolder,
    Result,
    verify,
    verify_with,
)


def needs() -> tuple[CrlFor, ...]:
    return verify(document(), TRUST, Evidence(), NOW).crl_for


def test_what_is_missing_is_brought_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "sign.crl").write_bytes(SIGN_CA.revocation_list())
    (tmp_path / "AUTH.CRL").write_bytes(to_pem("X509 CRL", AUTH_CA.revocation_list()).encode())
    (tmp_path / "notes.txt").write_text("no list")
    fetcher = FolderFetcher(tmp_path)
    evidence = Evidence()
    for subject in (document(), login()):
        answer = verify(subject, TRUST, evidence, NOW)
        assert isinstance(answer, Missing)
        evidence |= fetcher.bring(answer.crl_for)
        assert verify(subject, TRUST, evidence, NOW).valid


def test_one_file_may_stand_for_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_bytes(SIGN_CA.revocation_list())
    assert verify_with(FolderFetcher(file), document(), TRUST, Evidence(), NOW).valid


def test_a_stale_list_is_replaced_by_what_the_fetcher_brings(tmp_path: Path) -> None:
    (tmp_path / "new.crl").write_bytes(SIGN_CA.revocation_list())
    stale = SIGN_CA.revocation_list(number=40, this_update=NOW - timedelta(days=3), next_update=NOW - timedelta(days=1))
    assert verify_with(FolderFetcher(tmp_path), document(), TRUST, Evidence.of(stale), NOW).valid


def test_what_nobody_has_leaves_the_verdict_open(tmp_path: Path) -> None:
    verdict = verify_with(FolderFetcher(tmp_path), document(), TRUST, Evidence(), NOW)
    assert verdict.result is Result.INDETERMINATE
    assert verdict.crl_for


def test_a_folder_may_be_named_by_its_text(tmp_path: Path) -> None:
    (tmp_path / "sign.crl").write_bytes(SIGN_CA.revocation_list())
    assert verify_with(FolderFetcher(str(tmp_path)), document(), TRUST, Evidence(), NOW).valid


@pytest.mark.parametrize("kind", [Path, str])
def test_a_folder_that_does_not_exist_is_named(tmp_path: Path, kind: type[Path] | type[str]) -> None:
    absent = tmp_path / "absent"
    with pytest.raises(NoEvidenceFolder) as caught:
        FolderFetcher(kind(absent)).bring(needs())
    assert caught.value.folder == str(absent)


def test_a_path_below_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no folder")
    below = tmp_path / "notes.txt" / "lists"
    with pytest.raises(NoEvidenceFolder) as caught:
        FolderFetcher(below).bring(needs())
    assert caught.value.folder == str(below)


def test_lists_of_others_are_not_brought(tmp_path: Path) -> None:
    (tmp_path / "auth.crl").write_bytes(AUTH_CA.revocation_list())
    assert FolderFetcher(tmp_path).bring(needs()).lists == ()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no list",
        SIGN_CA.revocation_list()[:-5],
        to_pem("CERTIFICATE", SIGN_CA.root()).encode(),
        b"-----BEGIN X509 CRL-----\n",
    ],
    ids=["empty", "text", "cut short", "a certificate", "PEM without an end"],
)
def test_a_file_that_is_no_list_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.crl"
    file.write_bytes(content)
    with pytest.raises(EvidenceUnreadable) as caught:
        FolderFetcher(tmp_path).bring(needs())
    assert caught.value.file == str(file)


def test_a_file_is_read_again_only_when_it_changed(tmp_path: Path) -> None:
    file = tmp_path / "sign.crl"
    file.write_bytes(SIGN_CA.revocation_list())
    fetcher = FolderFetcher(tmp_path)
    (first,) = fetcher.bring(needs()).lists
    assert fetcher.bring(needs()).lists[0] is first
    file.write_bytes(SIGN_CA.revocation_list(revoked(), number=42))
    os.utime(file, ns=(1, 1))
    assert fetcher.bring(needs()).lists[0].content.number == 42


def test_a_list_that_was_withdrawn_is_brought_no_more(tmp_path: Path) -> None:
    file = tmp_path / "sign.crl"
    file.write_bytes(SIGN_CA.revocation_list())
    fetcher = FolderFetcher(tmp_path)
    assert fetcher.bring(needs()).lists
    file.unlink()
    assert fetcher.bring(needs()).lists == ()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_what_is_no_file_in_a_folder_is_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.crl")
    (tmp_path / "folder.crl").mkdir()
    (tmp_path / "sign.crl").write_bytes(SIGN_CA.revocation_list())
    assert len(FolderFetcher(tmp_path).bring(needs()).lists) == 1


def test_a_file_of_over_two_gigabytes_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "sign.crl").open("wb") as file:
        file.truncate((2 << 30) + 1)  # a hole: it takes no room
    with pytest.raises(EvidenceUnreadable) as caught:
        FolderFetcher(tmp_path).bring(needs())
    assert (caught.value.file, caught.value.problem) == (str(tmp_path / "sign.crl"), "over 2 GB")


def test_a_path_that_the_system_refuses_to_look_at_is_named(tmp_path: Path) -> None:
    path = tmp_path / ("a" * 300)
    # Later versions of Python take such a path for one that does not exist.
    with pytest.raises((EvidenceUnreadable, NoEvidenceFolder)) as caught:
        FolderFetcher(path).bring(needs())
    assert str(path) in caught.value.facts.values()


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no file here that opens and cannot be read")
def test_a_file_that_cannot_be_read_is_named_with_the_systems_reason() -> None:
    with pytest.raises(EvidenceUnreadable) as caught:
        FolderFetcher("/proc/self/mem").bring(needs())
    assert (caught.value.file, caught.value.problem) == ("/proc/self/mem", os.strerror(errno.EIO))

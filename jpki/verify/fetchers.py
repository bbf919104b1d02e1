"""Fetchers: they bring the evidence that a judgement names as missing. The judgement itself does no I/O."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Protocol

from jpki.formats import FormatError, from_pem

from .errors import EvidenceUnreadable, NoEvidenceFolder
from .evidence import Evidence, PreparedList, prepare_list
from .judge import verify
from .subjects import Subject
from .trust import Trust
from .verdict import CrlFor, Missing, Verdict

__all__ = ["Fetcher", "FolderFetcher", "verify_with"]

_SUFFIX = ".crl"
_MAX_OCTETS = 2 << 30


class Fetcher(Protocol):
    """Something that brings evidence: from a folder, a directory service, a web server."""

    def bring(self, needs: tuple[CrlFor, ...]) -> Evidence:
        """Returns what there is of the lists needed; none of it is believed unchecked. Raises EvidenceUnreadable."""
        ...


class FolderFetcher:
    """Brings revocation lists from one file, or from the files `*.crl` of a folder, in DER or PEM.

    A file is read again only when its size or time of change is another. Which lists a folder holds is found out by
    reading them all.
    """

    def __init__(self, path: Path | str) -> None:
        """Takes the path of a file or a folder, which need not exist before something is brought from it."""
        self._path = Path(path)
        self._read: dict[Path, tuple[tuple[int, int], tuple[PreparedList, ...]]] = {}

    def bring(self, needs: tuple[CrlFor, ...]) -> Evidence:
        """Returns the lists under the names of the authorities needed.

        Raises NoEvidenceFolder where the path does not exist, EvidenceUnreadable(file, …) for what cannot be read.
        """
        issuers = {need.issuer.raw for need in needs}
        lists = (one for file in self._files() for one in self._lists(file))
        return Evidence.of(*(one for one in lists if one.content.issuer.raw in issuers))

    def _files(self) -> list[Path]:
        try:
            if self._path.is_dir():
                files = (file for file in self._path.iterdir() if file.suffix.lower() == _SUFFIX)
                return sorted(file for file in files if file.is_file())  # a pipe would be waited for without end
            if self._path.exists():
                return [self._path]
        except OSError as error:
            raise EvidenceUnreadable(file=str(self._path), problem=error.strerror or "cannot be read") from error
        raise NoEvidenceFolder(folder=str(self._path))

    def _lists(self, file: Path) -> tuple[PreparedList, ...]:
        try:
            status = file.stat()
            version = (status.st_size, status.st_mtime_ns)
            known = self._read.get(file)
            if known is not None and known[0] == version:
                return known[1]
            if status.st_size > _MAX_OCTETS:
                raise EvidenceUnreadable(file=str(file), problem="over 2 GB")
            lists = _read_lists(file.read_bytes())
        except OSError as error:
            raise EvidenceUnreadable(file=str(file), problem=error.strerror or "cannot be read") from error
        except FormatError as error:
            raise EvidenceUnreadable(file=str(file), problem=error.problem) from error
        self._read[file] = (version, lists)
        return lists


def _read_lists(content: bytes) -> tuple[PreparedList, ...]:
    if not content.lstrip()[:10].startswith(b"-----BEGIN"):
        return (prepare_list(content),)
    blocks = from_pem(content.decode("ascii", "replace"), "X509 CRL")
    if not blocks:
        raise FormatError(what="certificate revocation list", problem="no X509 CRL in the PEM text")
    return tuple(prepare_list(block) for block in blocks)


def verify_with(fetcher: Fetcher, subject: Subject, trust: Trust, evidence: Evidence, at: datetime) -> Verdict:
    """Returns the verdict on a subject, having the fetcher bring what is missing or stale, once.

    What is then still missing leaves the verdict indeterminate. Raises what `verify` and the fetcher raise.
    """
    answer = verify(subject, trust, evidence, at)
    if answer.crl_for:
        answer = verify(subject, trust, evidence | fetcher.bring(answer.crl_for), at)
    return answer.verdict if isinstance(answer, Missing) else answer

"""Files that have to be something in particular: refused by name where they are something else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from jpki.errors import BadInput

from .errors import FileUnreadable, NothingInFolder, WrongFile
from .files import read_file

if TYPE_CHECKING:
    from jpki.formats import Certificate, CertificateList

__all__ = [
    "LARGEST",
    "LIST",
    "files_in",
    "list_files",
    "read_certificate_file",
    "read_json_file",
    "read_list_file",
    "read_request_file",
    "refusing_others",
]

_T = TypeVar("_T")

LARGEST = 65_536
LIST = "revocation list"
_LARGEST_LIST = 1 << 30
_CERTIFICATE = "certificate"
_REQUEST = "certificate request"
_SEQUENCE = b"\x30"  # what every certificate and request begins with in DER


def read_certificate_file(path: Path) -> Certificate:
    """Reads a certificate, DER or PEM (of several the first); raises FileUnreadable, WrongFile."""
    from jpki.formats import Certificate

    blocks = _blocks(path, _CERTIFICATE, "CERTIFICATE")
    if not blocks:
        raise WrongFile(path=str(path), what=_CERTIFICATE, problem="no certificate")
    with refusing_others(path, _CERTIFICATE):
        return Certificate.parse(blocks[0])


def read_request_file(path: Path) -> bytes:
    """Reads a request (PKCS #10) in DER or PEM, and returns it in DER; raises FileUnreadable, WrongFile."""
    from jpki.formats import CertificateRequest

    blocks = _blocks(path, _REQUEST, "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST")
    if len(blocks) != 1:
        raise WrongFile(path=str(path), what=_REQUEST, problem=f"{len(blocks)} requests in one PEM text")
    with refusing_others(path, _REQUEST):
        return CertificateRequest.parse(blocks[0]).raw


def read_list_file(path: Path) -> list[CertificateList]:
    """Reads the revocation lists in a file: one in DER, or any number in PEM; raises FileUnreadable, WrongFile."""
    from jpki.formats import CertificateList

    with refusing_others(path, LIST):
        return [CertificateList.parse(block) for block in _blocks(path, LIST, "X509 CRL", largest=_LARGEST_LIST)]


def list_files(path: Path) -> list[Path]:
    """Returns the files of revocation lists that a path names; raises FileUnreadable, NothingInFolder."""
    return files_in(path, (".crl",), LIST)


def files_in(path: Path, endings: tuple[str, ...], what: str) -> list[Path]:
    """Returns a file, or those of a folder whose names end like this; raises FileUnreadable, NothingInFolder."""
    try:
        if not path.is_dir():
            path.stat()
            return [path]
        found = sorted(file for file in path.iterdir() if file.suffix.lower() in endings)
    except OSError as error:
        raise FileUnreadable(path=str(path), problem=error.strerror or "cannot be read") from error
    if not found:
        named = ", ".join(f"*{ending}" for ending in endings)
        raise NothingInFolder(path=str(path), what=what, problem=f"no file {named}")
    return found


def read_json_file(path: Path, what: str, read: Callable[[object], _T]) -> _T:
    """Returns what `read` makes of a JSON file; raises FileUnreadable, WrongFile."""
    try:
        facts = json.loads(read_file(path, largest=LARGEST))
    except (ValueError, RecursionError) as error:
        raise WrongFile(path=str(path), what=what, problem="not JSON") from error
    with refusing_others(path, what):
        return read(facts)


@contextmanager
def refusing_others(path: Path, what: str) -> Iterator[None]:
    """Raises WrongFile in the place of an error that says what is wrong with the content of a file."""
    try:
        yield
    except BadInput as error:
        problem = error.facts.get("problem")
        if isinstance(error, FileUnreadable) or not isinstance(problem, str):
            raise
        raise WrongFile(path=str(path), what=what, problem=problem) from error


def _blocks(path: Path, what: str, *labels: str, largest: int = LARGEST) -> list[bytes]:
    """Returns what a file holds: one block in DER, or the blocks of these labels in PEM."""
    from jpki.formats import from_pem

    data = read_file(path, largest=largest)
    if not data:
        raise WrongFile(path=str(path), what=what, problem="empty")
    if data.startswith(_SEQUENCE) or b"-----BEGIN" not in data:
        return [data]
    with refusing_others(path, what):
        return [block for label in labels for block in from_pem(data.decode("ascii", "replace"), label)]

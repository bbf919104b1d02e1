"""Whom a verification believes, and the revocation lists that it goes by."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .errors import BadValue, TrustNeeded, TwoTrusts, WrongFile
from .file_kinds import LARGEST, files_in, list_files, refusing_others
from .files import read_file
from .frame import FILE, frame_of, option

if TYPE_CHECKING:
    from jpki.verify import CrlFor, Evidence, Subject, Trust, Verdict

__all__ = ["Basis", "basis_options"]

_ROOTS = (".cer", ".crt", ".der", ".pem")
_ROOT = "root"
_TEST_ROOT = "root of a test authority"


@dataclass(frozen=True, slots=True)
class Basis:
    """Whose certificates are believed, and the revocation lists at hand."""

    trust: Trust
    lists: tuple[Path, ...]

    def judge(self, subject: Subject, at: datetime) -> Verdict:
        """Returns the verdict on a subject for a moment; raises FormatError, EvidenceUnreadable.

        The lists are at hand, so they are looked at also where something else is wrong already.
        """
        from jpki.formats import Certificate
        from jpki.verify import CrlFor, Missing, verify

        root = self.trust.root_of(Certificate.parse(subject.certificate))
        needs = () if root is None else (CrlFor(root.name, root.certificate.subject, root.key_id, (), at),)
        answer = verify(subject, self.trust, self._bring(needs), at)
        return answer.verdict if isinstance(answer, Missing) else answer

    def _bring(self, needs: tuple[CrlFor, ...]) -> Evidence:
        from jpki.verify import Evidence, FolderFetcher

        found = Evidence()
        for path in self.lists if needs else ():
            found |= FolderFetcher(path).bring(needs)
        return found


def basis_options(function: Callable[..., Any]) -> Any:  # noqa: ANN401 - click decorates functions and commands alike
    """Adds `--trust`, `--japan`, `--root` and `--crl`; the function gets a Basis as its first argument.

    Raises TrustNeeded, TwoTrusts, FileUnreadable, and what a Trust raises for a root that it cannot take.
    """

    @functools.wraps(function)
    def with_basis(
        *,
        trust: tuple[Path, ...],
        japan: bool,
        root: tuple[tuple[Path, str], ...],
        crl: tuple[Path, ...],
        **others: object,
    ) -> object:
        settings = frame_of(click.get_current_context()).settings
        if not trust and not japan and settings.trust:
            trust = (Path(settings.trust).expanduser(),)
        for path in crl:
            list_files(path)
        return function(Basis(_trust(trust, root, japan=japan), crl), **others)

    decorated: Any = with_basis
    for decorate in (
        option("--crl", type=FILE, metavar="PATH", multiple=True),
        option("--root", type=(FILE, str), metavar="FILE SHA256", multiple=True),
        option("--japan", is_flag=True),
        option("--trust", type=FILE, metavar="PATH", multiple=True),
    ):
        decorated = decorate(decorated)
    return decorated


def _trust(tests: tuple[Path, ...], added: tuple[tuple[Path, str], ...], *, japan: bool) -> Trust:
    from jpki.verify import Trust

    if japan and tests:
        raise TwoTrusts
    if not japan and not tests:
        raise TrustNeeded
    trust = Trust.japan() if japan else _test_trust([file for path in tests for file in files_in(path, _ROOTS, _ROOT)])
    for path, fingerprint in added:
        trust = _with_root(trust, path, fingerprint)
    return trust


def _test_trust(files: list[Path]) -> Trust:
    """Returns trust in the roots in these files; raises WrongFile for the first that holds none of a test authority."""
    from jpki.verify import Trust

    roots = [read_file(file, largest=LARGEST) for file in files]
    for file, root in zip(files, roots, strict=True):
        with _named(file, _TEST_ROOT):
            Trust.test(root)
    return Trust.test(*roots)


def _with_root(trust: Trust, path: Path, fingerprint: str) -> Trust:
    """Returns the trust and one root more; raises WrongFile, FingerprintMismatch, BadValue for a bad fingerprint."""
    from jpki.verify import BadSubject

    root = read_file(path, largest=LARGEST)
    try:
        with _named(path, _ROOT):
            return trust.adding(root, fingerprint=fingerprint)
    except WrongFile as error:
        if isinstance(error.__cause__, BadSubject) and error.__cause__.what == "fingerprint":
            raise BadValue(parameter="--root", problem=error.problem) from error
        raise


@contextmanager
def _named(file: Path, what: str) -> Iterator[None]:
    """Raises WrongFile in the place of what a trust says of a root that it cannot take."""
    from jpki.verify import WrongRealm

    try:
        with refusing_others(file, what):
            yield
    except WrongRealm as error:
        problem = f"its organization is {error.organization or '–'}"
        raise WrongFile(path=str(file), what=what, problem=problem) from error

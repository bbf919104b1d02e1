"""`jpki verify document` and `jpki verify cert`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jpki.terms import Role

from ..errors import FileUnreadable, NotSigned
from ..file_kinds import LARGEST, read_certificate_file, refusing_others
from ..files import beside, read_file
from ..frame import FILE, argument, command, file_option, option
from ..moments import MOMENT, now
from ..report import Report
from ..trusting import Basis, basis_options
from ..values import Word
from ..verdicts import verdict_report

if TYPE_CHECKING:
    from jpki.verify import Digest

__all__ = ["cert", "document"]

_PIECE = 1 << 20


@command("verify.document")
@argument("file", type=FILE)
@file_option("--signature", "-s")
@file_option("--certificate", "-c", variant="signer")
@option("--at", type=MOMENT, metavar="MOMENT", variant="verdict")
@basis_options
def document(
    basis: Basis, *, file: Path, signature: Path | None, certificate: Path | None, at: datetime | None
) -> Report:
    """Judges a signature over a file, with the certificate beside it."""
    from jpki.verify import SignedDocument

    digest = _digest(file)
    signature_file = signature or _beside(file, ".sig")
    certificate_file = certificate or _beside(file, ".crt")
    signed = read_file(signature_file, largest=LARGEST)
    signer = read_certificate_file(certificate_file)
    verdict = basis.judge(SignedDocument(digest, signed, signer.raw), at or now())
    subject = {
        "what": Word("document", of="subject"),
        "document": str(file),
        "document_sha256": digest.value,
        "signature_file": str(signature_file),
        "certificate_file": str(certificate_file),
    }
    return verdict_report(verdict, subject, basis)


@command("verify.cert")
@argument("file", type=FILE)
@option("--role", type=click.Choice(["sign", "auth"]), variant="purpose")
@option("--at", type=MOMENT, metavar="MOMENT", variant="verdict")
@basis_options
def cert(basis: Basis, *, file: Path, role: str | None, at: datetime | None) -> Report:
    """Judges a certificate alone."""
    from jpki.verify import CertificateAlone

    purpose = None if role is None else Role.from_short(role)
    verdict = basis.judge(CertificateAlone(read_certificate_file(file).raw, purpose), at or now())
    subject = {"what": Word("certificate", of="subject"), "certificate_file": str(file)}
    return verdict_report(verdict, subject, basis)


def _beside(document: Path, ending: str) -> Path:
    """Returns the file of this ending beside a document; raises NotSigned where there is none."""
    path = beside(document, ending)
    if not path.exists():
        raise NotSigned(path=str(path), problem="no such file", document=str(document))
    return path


def _digest(file: Path) -> Digest:
    """Returns the digest of a file of any size; raises WrongFile for an empty one, FileUnreadable."""
    from jpki.verify import Digest

    try:
        with file.open("rb") as stream, refusing_others(file, "document"):
            return Digest.of(iter(lambda: stream.read(_PIECE), b""))
    except OSError as error:
        raise FileUnreadable(path=str(file), problem=error.strerror or "cannot be read") from error

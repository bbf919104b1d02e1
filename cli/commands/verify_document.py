"""`jpki verify document` and `jpki verify cert`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jpki.terms import Role

from ..errors import FileUnreadable
from ..files import read_file
from ..frame import FILE, argument, command, file_option, option
from ..moments import MOMENT, now
from ..report import Report
from ..signing import read_certificate_file
from ..trusting import Basis, basis_options, verdict_report
from ..values import Word

if TYPE_CHECKING:
    from jpki.verify import Digest

__all__ = ["cert", "document"]

_LARGEST = 65_536
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

    signature_file = signature or file.with_name(f"{file.name}.sig")
    certificate_file = certificate or file.with_name(f"{file.name}.crt")
    digest = _digest(file)
    signed = read_file(signature_file, largest=_LARGEST)
    signer = read_certificate_file(certificate_file)
    verdict = basis.judge(SignedDocument(digest, signed, signer.raw), at or now())
    subject = {
        "what": Word("document", of="subject"),
        "document": str(file),
        "document_sha256": digest.value,
        "signature_file": str(signature_file),
        "certificate_file": str(certificate_file),
    }
    return verdict_report(verdict, subject)


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
    return verdict_report(verdict, {"what": Word("certificate", of="subject"), "certificate_file": str(file)})


def _digest(file: Path) -> Digest:
    """Returns the digest of a file of any size; raises BadSubject for an empty one, FileUnreadable."""
    from jpki.verify import Digest

    try:
        with file.open("rb") as stream:
            return Digest.of(iter(lambda: stream.read(_PIECE), b""))
    except OSError as error:
        raise FileUnreadable(path=str(file), problem=error.strerror or "cannot be read") from error

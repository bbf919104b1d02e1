"""`jpki card sign`: a signature over a file, and the certificate that goes with it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from jpki.terms import Role

from ..card_login import last_try_option, logged_in
from ..cards import CardChoice, card_options, open_chosen_card
from ..errors import FileUnreadable
from ..file_kinds import read_certificate_file
from ..files import beside, refuse_to_overwrite, write_file
from ..frame import FILE, argument, command, file_option, option
from ..pins import SecretSource, pin_options, pin_variable
from ..report import Report
from ..signing import signature_of

__all__ = ["sign"]

_ROLE = Role.SIGNATURE


@command("card.sign")
@argument("file", type=FILE)
@file_option("--out", "-o", variant="signature")
@file_option("--certificate")
@file_option("--known-certificate")
@option("--force", is_flag=True)
@pin_options
@last_try_option
@card_options
def sign(
    choice: CardChoice,
    *,
    file: Path,
    out: Path | None,
    certificate: Path | None,
    known_certificate: Path | None,
    force: bool,
    pin_fd: int | None,
    pin_file: Path | None,
    allow_last_try: bool,
) -> Report:
    """Signs a file with the signature key: FILE.sig and FILE.crt beside it, unless other names are given."""
    signature_file = out or beside(file, ".sig")
    certificate_file = certificate or beside(file, ".crt")
    if not force:
        refuse_to_overwrite(signature_file, certificate_file)
    digest = _digest(file)
    known = None if known_certificate is None else read_certificate_file(known_certificate)
    source = SecretSource(pin_variable(_ROLE), pin_fd, pin_file)
    with (
        open_chosen_card(choice) as opened,
        logged_in(opened, _ROLE, source, allow_last_try=allow_last_try) as jpki,
    ):
        signed = signature_of(jpki, _ROLE, digest, known)
        name = opened.name
    write_file(signature_file, signed.signature, replace=force)
    write_file(certificate_file, signed.certificate.raw, replace=force)
    facts = {
        "card": name,
        "document": str(file),
        "document_sha256": digest,
        "signature_file": str(signature_file),
        "certificate_file": str(certificate_file),
        "name": signed.certificate.name(_ROLE),
        "algorithm": "sha256WithRSAEncryption",
    }
    return Report("card-signature", facts)


def _digest(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError as error:
        raise FileUnreadable(path=str(file), problem=error.strerror or "cannot be read") from error

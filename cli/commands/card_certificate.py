"""`jpki card cert`: a certificate off the card, as a file, as data for another program, or as facts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jpki.terms import Role

from ..card_login import last_try_option, logged_in
from ..cards import CardChoice, OpenedCard, card_options, open_chosen_card
from ..console import write_data
from ..facts import certificate_facts, role_of_word
from ..files import refuse_to_overwrite, write_file
from ..frame import argument, command, file_option, frame_of, option
from ..pins import SecretSource, pin_options, pin_variable
from ..report import Report
from ..values import Word

if TYPE_CHECKING:
    from jpki.card import JpkiApplication
    from jpki.formats import Certificate

__all__ = ["cert"]


@command("card.cert")
@argument("certificate", type=click.Choice(["sign", "auth", "ca-sign", "ca-auth"]))
@file_option("--out", "-o")
@option("--pem", is_flag=True)
@option("--force", is_flag=True)
@pin_options
@last_try_option
@card_options
@click.pass_context
def cert(
    context: click.Context,
    choice: CardChoice,
    *,
    certificate: str,
    out: Path | None,
    pem: bool,
    force: bool,
    pin_fd: int | None,
    pin_file: Path | None,
    allow_last_try: bool,
) -> Report | None:
    """Reads a certificate: a file with --out, data where nobody looks at them, else what it says."""
    if out is not None and not force:
        refuse_to_overwrite(out)
    role, of_authority = role_of_word(certificate)
    source = SecretSource(pin_variable(role), pin_fd, pin_file)
    with open_chosen_card(choice) as opened:
        found = _read(opened, role, source, of_authority=of_authority, allow_last_try=allow_last_try)
        name = opened.name
    encoded = _encoded(found, pem=pem)
    if out is not None:
        write_file(out, encoded, replace=force)
        return Report("card-certificate-file", {"card": name, **_named(found, role, of_authority), **_file(out, pem)})
    if not frame_of(context).json and (pem or not sys.stdout.isatty()):
        write_data(encoded)
        return None
    issued_by = None if of_authority else found.name(role)
    facts = {"card": name, "certificate": Word(certificate, of="certificate")}
    return Report("card-certificate", {**facts, **certificate_facts(found, issued_by)})


def _read(
    opened: OpenedCard, role: Role, source: SecretSource, *, of_authority: bool, allow_last_try: bool
) -> Certificate:
    with _session(opened, role, source, of_authority=of_authority, allow_last_try=allow_last_try) as jpki:
        return jpki.read_authority_certificate(role) if of_authority else jpki.read_certificate(role)


@contextmanager
def _session(
    opened: OpenedCard, role: Role, source: SecretSource, *, of_authority: bool, allow_last_try: bool
) -> Iterator[JpkiApplication]:
    """Opens a session in which the file can be read: with its PIN where this kind of card asks for one."""
    files = opened.kind().jpki.roles.get(role)
    file = None if files is None else files.authority_certificate if of_authority else files.certificate
    if file is None or file.read.free:
        with opened.session() as jpki:
            yield jpki
    else:
        with logged_in(opened, role, source, allow_last_try=allow_last_try) as jpki:
            yield jpki


def _encoded(certificate: Certificate, *, pem: bool) -> bytes:
    from jpki.formats import to_pem

    return to_pem("CERTIFICATE", certificate.raw).encode() if pem else certificate.raw


def _named(certificate: Certificate, role: Role, of_authority: bool) -> dict[str, object]:
    word = f"ca-{role.short}" if of_authority else role.short
    return {
        "certificate": Word(word, of="certificate"),
        "name": None if of_authority else certificate.name(role),
    }


def _file(out: Path, pem: bool) -> dict[str, object]:
    return {"file": str(out), "encoding": "PEM" if pem else "DER"}

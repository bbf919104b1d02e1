"""`jpki ca init`: a new authority in a folder."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from jpki.terms import Role

from ..authorities import AuthorityChoice, signing_options
from ..catalogue import words
from ..frame import command, option
from ..moments import now
from ..report import Advice, Report

if TYPE_CHECKING:
    from jpki.ca import Authority, AuthorityFolder

__all__ = ["init"]


@command("ca.init")
@option("--store", metavar="URL", variant="authority")
@option("--ocsp-sign-host", metavar="HOST")
@option("--ocsp-auth-host", metavar="HOST")
@option("--cps-host", metavar="HOST")
@option("--counter", metavar="CODE")
@option("--sign-hold", type=click.Choice(["ends", "final"]))
@option("--auth-hold", type=click.Choice(["ends", "final"]))
@option("--sign-key", metavar="URI")
@option("--auth-key", metavar="URI")
@option("--seal-key", metavar="URI")
@signing_options
def init(
    choice: AuthorityChoice,
    *,
    store: str | None,
    ocsp_sign_host: str | None,
    ocsp_auth_host: str | None,
    cps_host: str | None,
    counter: str | None,
    sign_hold: str | None,
    auth_hold: str | None,
    sign_key: str | None,
    auth_key: str | None,
    seal_key: str | None,
) -> Report:
    """Makes both authorities in a folder, or finishes what an interrupted run began."""
    from jpki.ca import AuthorityExists, AuthorityFolder, AuthoritySettings, read_key_place
    from jpki.store import full_address

    usual = AuthoritySettings()
    settings = replace(
        usual,
        ocsp_sign_host=ocsp_sign_host or usual.ocsp_sign_host,
        ocsp_auth_host=ocsp_auth_host or usual.ocsp_auth_host,
        cps_host=cps_host or usual.cps_host,
        counter=counter or usual.counter,
        signature_hold_can_end=usual.signature_hold_can_end if sign_hold is None else sign_hold == "ends",
        authentication_hold_can_end=usual.authentication_hold_can_end if auth_hold is None else auth_hold == "ends",
    )
    if store is not None:
        full_address(store)
    place = AuthorityFolder(choice.folder)
    if place.made:
        raise AuthorityExists(folder=str(place.path))
    keys = {role: uri for role, uri in ((Role.SIGNATURE, sign_key), (Role.AUTHENTICATION, auth_key)) if uri is not None}
    for uri in (*keys.values(), *([] if seal_key is None else [seal_key])):
        read_key_place(uri)  # before a passphrase is asked for
    with place.create(
        choice.new_passphrase(), settings, now(), store=store, places=keys, seal_place=seal_key
    ) as authority:
        return Report("authority", _facts(place, authority), advice=_advice(place, choice))


def _advice(place: AuthorityFolder, choice: AuthorityChoice) -> tuple[Advice, ...]:
    roots = str(place.certificate(Role.SIGNATURE).parent)
    return (
        Advice(words("prompts", "init.begin-again")),
        Advice(words("prompts", "init.issue"), choice.command("jpki issue RESIDENTS.csv --id ID")),
        Advice(words("prompts", "init.publish", roots=roots), choice.command("jpki ca crl --out FOLDER")),
    )


def _facts(place: AuthorityFolder, authority: Authority) -> dict[str, object]:
    from jpki.formats import Certificate

    own = {role: Certificate.parse(authority.certificates[role].encoded) for role in Role}
    return {
        "folder": str(place.path),
        "store": authority.store.place,
        "key_folder": str(place.keys),
        "authorities": [
            {
                "name": authority.certificates[role].name,
                "not_after": certificate.not_after,
                "certificate_file": str(place.certificate(role)),
                "sha256": certificate.fingerprint,
            }
            for role, certificate in own.items()
        ],
        "settings": authority.settings.as_texts(),
    }

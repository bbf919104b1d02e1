"""`jpki ca init`: a new authority in a folder."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

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
@option("--ocsp-sign-host", metavar="HOST")
@option("--ocsp-auth-host", metavar="HOST")
@option("--cps-host", metavar="HOST")
@option("--counter", metavar="CODE")
@signing_options
def init(
    choice: AuthorityChoice,
    *,
    ocsp_sign_host: str | None,
    ocsp_auth_host: str | None,
    cps_host: str | None,
    counter: str | None,
) -> Report:
    """Makes both authorities in a folder, or finishes what an interrupted run began."""
    from jpki.ca import AuthorityExists, AuthorityFolder, AuthoritySettings

    usual = AuthoritySettings()
    settings = replace(
        usual,
        ocsp_sign_host=ocsp_sign_host or usual.ocsp_sign_host,
        ocsp_auth_host=ocsp_auth_host or usual.ocsp_auth_host,
        cps_host=cps_host or usual.cps_host,
        counter=counter or usual.counter,
    )
    place = AuthorityFolder(choice.folder)
    if place.made:
        raise AuthorityExists(folder=str(place.path))
    with place.create(choice.new_passphrase(), settings, now()) as authority:
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
        "store": str(place.store),
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

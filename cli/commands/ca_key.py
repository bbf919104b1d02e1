"""`jpki ca key`: the authorities' keys: which there are, and where; a new generation; ceremonies."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from jpki.terms import Role

from ..authorities import AuthorityChoice, authority_option, signing_options
from ..catalogue import words
from ..console import say
from ..errors import BadValue, ConfirmationNeeded
from ..frame import command, group, option
from ..moments import now
from ..report import Advice, Report
from ..stopping import Declined, interruption_told_as

if TYPE_CHECKING:
    from jpki.ca import Authority
    from jpki.store import StoredAuthorityKey

__all__ = ["ceremony", "key", "key_row", "list_", "new"]

key = group(
    "ca.key",
    {
        "list": ".commands.ca_key:list_",
        "new": ".commands.ca_key:new",
        "ceremony": ".commands.ca_key:ceremony",
    },
)
ceremony = group(
    "ca.key.ceremony",
    {
        "rehearse": ".commands.ca_key_ceremony:rehearse",
        "run": ".commands.ca_key_ceremony:run",
    },
)


@command("ca.key.list")
@authority_option
def list_(choice: AuthorityChoice) -> Report:
    """Lists every generation of both authorities' keys, with its place; no key is used for it."""
    with choice.answering() as authority:
        rows = [key_row(authority, own) for role in Role for own in authority.generations[role]]
    return Report("authority-keys", {"keys": rows})


@command("ca.key.new")
@option("--role", type=click.Choice(["sign", "auth"]), required=True, variant="key")
@option("--place", metavar="URI")
@option("--generation", type=click.IntRange(2), metavar="N")
@option("--yes", "-y", is_flag=True, variant="key")
@signing_options
def new(choice: AuthorityChoice, *, role: str, place: str | None, generation: int | None, yes: bool) -> Report:
    """Makes the next generation of one authority's key, which issues from then on."""
    from jpki.ca import AuthorityFolder

    whose = Role.from_short(role)
    with choice.answering() if on_token(place) else choice.signing() as authority:
        newest = authority.certificates[whose].generation
        generation = newest + 1 if generation is None else generation
        if generation not in {newest, newest + 1}:
            raise BadValue(parameter="--generation", problem="not the next generation")
        told = authority.key_place(whose, generation, place)
        if not yes and generation != newest:
            _confirm(whose, generation, told)
        made = authority.new_generation(whose, now(), place, generation=generation)
        folder = AuthorityFolder(choice.folder)
        folder.hand_out(authority)
        row = key_row(authority, made) | {"certificate_file": str(folder.certificate(whose, generation))}
    roots = str(folder.certificate(whose).parent)
    return Report(
        "authority-key",
        {"key": row},
        advice=(
            Advice(words("prompts", "key.new.roots", roots=roots)),
            Advice(words("prompts", "key.new.lists"), choice.command("jpki ca crl --out FOLDER")),
        ),
    )


def on_token(place: str | None) -> bool:
    """Returns whether a key's place is on a token, so that no passphrase is needed; raises BadKeyUri."""
    from jpki.ca import TokenPlace, read_key_place

    return place is not None and isinstance(read_key_place(place), TokenPlace)


def key_row(authority: Authority, own: StoredAuthorityKey) -> dict[str, object]:
    """Returns one generation of an authority's key as one row of a table."""
    from jpki.formats import Certificate

    role = own.name.authority
    certificate = Certificate.parse(own.encoded)
    return {
        "role": role,
        "generation": own.generation,
        "name": own.name,
        "issues": own == authority.certificates[role],
        "not_before": own.not_before,
        "not_after": own.not_after,
        "place": authority.key_place(role, own.generation, own.place),
        "sha256": certificate.fingerprint,
    }


def _confirm(role: Role, generation: int, place: str) -> None:
    """Asks whether a new key is meant; raises ConfirmationNeeded where nobody can be asked, Declined for a no."""
    if not sys.stdin.isatty():
        raise ConfirmationNeeded(option="--yes")
    say(words("prompts", "key.new", role=role, generation=generation, place=place))
    with interruption_told_as("key"):
        sys.stderr.write(words("prompts", "key.new.ask"))
        sys.stderr.flush()
        answer = sys.stdin.readline().strip().lower()
    if answer not in {"y", "yes", "はい"}:
        raise Declined("key")

"""`jpki ca catch-up`: what a copy of the authority that was put back does not know."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from jpki.terms import CertificateName, Role

from ..authorities import AuthorityChoice, authority_option
from ..catalogue import words
from ..errors import BadValue, MissingParameter, WrongFile
from ..file_kinds import LIST, list_files, read_list_file
from ..frame import FILE, command, option
from ..moments import now
from ..report import Advice, Report

if TYPE_CHECKING:
    from jpki.ca import Authority, CaughtUp
    from jpki.formats import CertificateList

__all__ = ["catch_up"]

_HIGHEST = 0x7FFF_FFFF  # the last number that has four octets: behind it there is none to go on with


@command("ca.catch-up")
@option("--crl", type=FILE, metavar="PATH", multiple=True, required=True, variant="published")
@option("--last", metavar="NAME", multiple=True, required=True)
@authority_option
def catch_up(choice: AuthorityChoice, *, crl: tuple[Path, ...], last: tuple[str, ...]) -> Report:
    """Takes over the revocations of published lists, and goes on above their numbers and those that were given."""
    numbers = _last_numbers(last)
    files = [file for path in crl for file in list_files(path)]
    with choice.answering() as authority:
        authority.store.check()
        found = list(_published(authority, files))
        for role in Role:
            if all(of is not role for of, _, _ in found):
                raise BadValue(parameter="--crl", problem=f"no list of the authority {role.short}")
        published = [one for role in Role for one in found if one[0] is role]
        done = [(role, file, _caught_up(authority, role, file, one, numbers[role])) for role, file, one in published]
    rows = [
        {
            "role": role,
            "file": str(file),
            "list_number": took.list_number,
            "taken_over": took.revoked,
            "not_known": took.unknown,
            "last_number": CertificateName(role, numbers[role]),
        }
        for role, file, took in done
    ]
    advice = Advice(words("prompts", "caught-up"), choice.command("jpki ca crl --out FOLDER"))
    return Report("authority-caught-up", {"lists": rows}, advice=(advice,))


def _last_numbers(names: tuple[str, ...]) -> dict[Role, int]:
    """Returns the highest number named of each authority; raises BadCertificateName, MissingParameter, BadValue."""
    named = [CertificateName.parse(name) for name in names]
    if {name.authority for name in named} != set(Role):
        raise MissingParameter(parameter="--last")
    if any(name.number > _HIGHEST for name in named):
        raise BadValue(parameter="--last", problem="a number over four octets")
    return {role: max(name.number for name in named if name.authority is role) for role in Role}


def _published(authority: Authority, files: list[Path]) -> Iterator[tuple[Role, Path, CertificateList]]:
    """Yields the lists in files, each with the authority whose name it bears; raises WrongFile."""
    from jpki.formats import Certificate

    names = {Certificate.parse(own.encoded).subject.raw: role for role, own in authority.certificates.items()}
    for file in files:
        for one in read_list_file(file):
            role = names.get(one.issuer.raw)
            if role is None:
                raise WrongFile(path=str(file), what=LIST, problem="of another authority")
            yield role, file, one


def _caught_up(authority: Authority, role: Role, file: Path, published: CertificateList, last: int) -> CaughtUp:
    from jpki.ca import ListRefused

    try:
        return authority.catch_up(role, published.raw, now(), last_number=last)
    except ListRefused as error:
        raise WrongFile(path=str(file), what=LIST, problem=error.problem) from error

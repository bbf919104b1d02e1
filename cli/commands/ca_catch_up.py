"""`jpki ca catch-up`: what an authority that was put back does not know."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from jpki.terms import CertificateName, Role

from ..authorities import AuthorityChoice, authority_option
from ..catalogue import words
from ..errors import BadValue, FileUnreadable, MissingParameter, WrongFile
from ..exits import ExitCode
from ..file_kinds import LIST, files_in, list_files, read_list_file
from ..files import beside, read_file
from ..frame import FILE, command, option
from ..moments import now
from ..report import Advice, Report

if TYPE_CHECKING:
    from jpki.ca import Authority, CaughtUp, RestoredMark
    from jpki.formats import CertificateList
    from jpki.store import SealRow

__all__ = ["catch_up", "owed_facts"]

_HIGHEST = 0x7FFF_FFFF  # the last number that has four octets: behind it there is none to go on with
_SEAL = "audit seal"
_PUBLIC_KEY = "public key"


class _Published(NamedTuple):
    """A list, in a file, of one authority."""

    role: Role
    file: Path
    content: CertificateList


@command("ca.catch-up")
@option("--crl", type=FILE, metavar="PATH", multiple=True, variant="published")
@option("--last", metavar="NAME", multiple=True, required=True)
@option("--no-list", metavar="NAME", multiple=True)
@option("--seal", type=FILE, metavar="PATH", multiple=True)
@option("--no-seal", is_flag=True)
@authority_option
def catch_up(
    choice: AuthorityChoice,
    *,
    crl: tuple[Path, ...],
    last: tuple[str, ...],
    no_list: tuple[str, ...],
    seal: tuple[Path, ...],
    no_seal: bool,
) -> Report:
    """Takes over what published lists say, and goes on above their numbers and those that were given."""
    numbers = _last_numbers(last)
    files = [file for path in crl for file in list_files(path)]
    if seal and no_seal:
        raise BadValue(parameter="--no-seal", problem="a seal is shown")
    if not files and not no_list:
        raise MissingParameter(parameter="--crl")
    seals = sorted((_seal(path) for path in seal), key=lambda row: row.number)
    with choice.answering() as authority:
        authority.store.check()
        found = sorted(_published(authority, files), key=lambda one: (one.role.short, one.content.number or 0))
        stated = _stated(authority, no_list)
        _refuse_missing({one.role for one in found} | {name.authority for name in stated})
        done = [(one, _caught_up(authority, one, numbers[one.role])) for one in found]
        # What ends the mark of a restored authority comes last, when all lists are taken over.
        if stated or no_seal:
            authority.state_nothing_published(now(), lists=stated, seal=no_seal)
        for row in seals:
            _show_seal(choice, authority, row)
        owed = authority.owed()
    facts = {
        "lists": [_row(one, took, numbers[one.role]) for one, took in sorted(done, key=lambda each: _order(each[0]))],
        "seal": seals[-1].number if seals else None,
        "none_published": [*stated, *(["seal"] if no_seal else [])],
        **owed_facts(owed),
    }
    advice = _advice(choice, [took for _, took in done], owed=owed is not None)
    code = ExitCode.OK if owed is None else ExitCode.AUTHORITY
    return Report("authority-caught-up", facts, version=2, exit_code=code, advice=advice)


def owed_facts(owed: RestoredMark | None) -> dict[str, object]:
    """Returns what an authority that was put back still has to be shown, in the words of a report."""
    return {
        "owed_lists": () if owed is None else owed.lists,
        "owed_deltas": () if owed is None else owed.deltas,
        "owed_municipal": () if owed is None else owed.municipal,
        "owed_seal": owed is not None and owed.seal,
    }


def _order(one: _Published) -> tuple[int, int]:
    return list(Role).index(one.role), one.content.number or 0


def _row(one: _Published, took: CaughtUp, last: int) -> dict[str, object]:
    return {
        "role": one.role,
        "file": str(one.file),
        "issuer": took.issuer,
        "list_number": took.list_number,
        "taken_over": took.revoked,
        "not_known": took.unknown,
        "released": took.released,
        "not_listed": took.not_listed,
        "last_number": CertificateName(one.role, last),
    }


def _advice(choice: AuthorityChoice, done: Sequence[CaughtUp], *, owed: bool) -> tuple[Advice, ...]:
    advice = []
    held = [name for took in done for name in took.not_listed]
    if held:
        advice.append(Advice(words("prompts", "caught-up.held"), choice.command("jpki ca release NAME")))
    if owed:
        return (*advice, Advice(words("prompts", "caught-up.owed")))
    return (*advice, Advice(words("prompts", "caught-up"), choice.command("jpki ca crl --out FOLDER")))


def _last_numbers(names: tuple[str, ...]) -> dict[Role, int]:
    """Returns the highest number named of each authority; raises BadCertificateName, MissingParameter, BadValue."""
    named = [CertificateName.parse(name) for name in names]
    if {name.authority for name in named} != set(Role):
        raise MissingParameter(parameter="--last")
    if any(name.number > _HIGHEST for name in named):
        raise BadValue(parameter="--last", problem="a number over four octets")
    return {role: max(name.number for name in named if name.authority is role) for role in Role}


def _refuse_missing(shown: set[Role]) -> None:
    """Raises BadValue where nothing is shown or said of an authority."""
    for role in Role:
        if role not in shown:
            raise BadValue(parameter="--crl", problem=f"no list of the authority {role.short}")


def _stated(authority: Authority, names: tuple[str, ...]) -> list[CertificateName]:
    """Returns the keys of which no list was published, as somebody says; raises BadCertificateName, BadValue."""
    stated = [CertificateName.parse(name) for name in names]
    known = {own.name for every in authority.generations.values() for own in every}
    if not known.issuperset(stated):
        raise BadValue(parameter="--no-list", problem="not the certificate of an authority's key")
    return stated


def _published(authority: Authority, files: list[Path]) -> Iterator[_Published]:
    """Yields the lists in files, each with the authority whose name it bears; raises WrongFile."""
    from jpki.formats import Certificate

    names = {Certificate.parse(own.encoded).subject.raw: role for role, own in authority.certificates.items()}
    for file in files:
        for one in read_list_file(file):
            role = names.get(one.issuer.raw)
            if role is None:
                raise WrongFile(path=str(file), what=LIST, problem="of another authority")
            yield _Published(role, file, one)


def _caught_up(authority: Authority, one: _Published, last: int) -> CaughtUp:
    from jpki.ca import ListRefused

    try:
        return authority.catch_up(one.role, one.content.raw, now(), last_number=last)
    except ListRefused as error:
        raise WrongFile(path=str(one.file), what=LIST, problem=error.problem) from error


def _seal(path: Path) -> SealRow:
    """Reads a seal, or the newest of a folder, with its signature beside it; raises FileUnreadable, WrongFile."""
    from jpki.store import SealRow

    file = max(files_in(path, (".json",), _SEAL), key=lambda one: (len(one.stem), one.stem))
    body, signature = read_file(file), read_file(beside(file, ".sig"))
    try:
        number = json.loads(body)["number"]
    except (ValueError, KeyError, TypeError, RecursionError):
        number = None
    if type(number) is not int or number < 1:
        raise WrongFile(path=str(file), what=_SEAL, problem="not a seal")
    return SealRow(number, body, signature)


def _show_seal(choice: AuthorityChoice, authority: Authority, row: SealRow) -> None:
    from jpki.ca import AuthorityFolder
    from jpki.formats import FormatError, from_pem

    file = AuthorityFolder(choice.folder).seals.public_key
    try:
        keys = from_pem(read_file(file).decode("ascii", "replace"), "PUBLIC KEY")
    except FormatError as error:
        raise WrongFile(path=str(file), what=_PUBLIC_KEY, problem=error.problem) from error
    if len(keys) != 1:
        raise FileUnreadable(path=str(file), problem="no public key")
    authority.show_seal(keys[0], row, now())

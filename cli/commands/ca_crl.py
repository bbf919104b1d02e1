"""`jpki ca crl`: new revocation lists, and copies of the newest ones where relying parties look for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jpki.terms import Role

from ..authorities import FOLDER, AuthorityChoice, signing_options
from ..catalogue import error_words, words
from ..errors import BadValue
from ..exits import exit_code_of
from ..files import make_folder, write_file
from ..frame import command, option
from ..moments import now
from ..publishing import opened_outlets, push, read_outlets
from ..report import Advice, Report

if TYPE_CHECKING:
    from jpki.ca import Authority
    from jpki.outlets import OutletReport
    from jpki.store import PublishedList

__all__ = ["crl"]

_BOTH = "both"


@command("ca.crl")
@option("--role", type=click.Choice(["sign", "auth", _BOTH]), default=_BOTH, variant="list")
@option("--full", is_flag=True, variant="lists")
@option("--municipal", is_flag=True, variant="lists")
@option("--delta", is_flag=True, variant="lists")
@option("--urgent", is_flag=True, variant="lists")
@option("--out", "-o", type=FOLDER, metavar="FOLDER", variant="lists")
@option("--outlet", multiple=True, metavar="PLACE", variant="lists")
@option("--push-only", is_flag=True, variant="lists")
@signing_options
def crl(
    choice: AuthorityChoice,
    *,
    role: str,
    out: Path | None,
    outlet: tuple[str, ...],
    push_only: bool,
    **wanted: bool,
) -> Report:
    """Makes lists of each key of an authority, and copies to every outlet what it lacks."""
    _refuse_what_contradicts(out, push_only=push_only, **wanted)
    roles = tuple(Role) if role == _BOTH else (Role.from_short(role),)
    tables = read_outlets(choice.folder, outlet)
    if out is not None:
        make_folder(out)
    with (
        opened_outlets(choice.folder, tables) as outlets,
        choice.answering() if push_only else choice.signing() as authority,
    ):
        made = () if push_only else _made(authority, roles, **wanted)
        files = {} if out is None else _written(authority, roles, out, now())
        reports = push(authority, outlets, now())
        facts = _facts(authority, made, files) | {name: wanted[name] for name in ("delta", "urgent")}
    errors = [error for report in reports for error in report.errors]
    return Report(
        "authority-lists",
        facts | {"outlets": [_outlet_row(report) for report in reports]},
        table="lists",
        exit_code=exit_code_of(errors[0]) if errors else 0,
        advice=tuple(_advice(choice, reports)) if reports or out is not None else (_nowhere(choice),),
    )


def _refuse_what_contradicts(out: Path | None, *, push_only: bool, **wanted: bool) -> None:
    if wanted["delta"] and out is not None:
        raise BadValue(parameter="--out", problem="deltas never stand beside complete lists")
    if push_only and any(wanted.values()):
        raise BadValue(parameter="--push-only", problem="nothing is made with it")


def _made(
    authority: Authority, roles: tuple[Role, ...], *, full: bool, municipal: bool, delta: bool, urgent: bool
) -> tuple[PublishedList, ...]:
    from jpki.ca import ListOrder, make_lists

    return make_lists(authority, ListOrder(full or not municipal, municipal, delta, urgent, roles), now())


def _written(authority: Authority, roles: Iterable[Role], folder: Path, at: datetime) -> dict[PublishedList, Path]:
    """Puts the newest list of everything of each key into a folder: `sign.crl`, of an older key `sign-1.crl`."""
    written = {}
    for role in roles:
        for own in authority.generations[role]:
            with authority.store.snapshot() as view:
                newest = next(
                    (one for one in view.newest_lists(own.name) if not one.base and not one.scope.point), None
                )
                if newest is None or own.not_after < at:
                    continue
                encoded = b"".join(view.list_content(newest))
            is_newest = own == authority.certificates[role]
            file = folder / (f"{role.short}.crl" if is_newest else f"{role.short}-{own.generation}.crl")
            write_file(file, encoded)
            written[newest] = file
    return written


def _facts(
    authority: Authority,
    made: tuple[PublishedList, ...],
    files: dict[PublishedList, Path],
) -> dict[str, object]:
    generations = {own.name: own.generation for some in authority.generations.values() for own in some}
    wholes = [one for one in made if not one.scope.point] or list(files)
    rows = [
        {
            "role": one.authority,
            "generation": generations[one.scope.issuer],
            "list_number": one.number,
            "entries": one.entries,
            "this_update": one.this_update,
            "next_update": one.next_update,
            "file": str(files[one]) if one in files else None,
        }
        for one in wholes
    ]
    municipal = [
        {
            "role": name.authority,
            "generation": generations[name],
            "list_number": some[0].number,
            "municipalities": len(some),
            "entries": sum(one.entries for one in some),
        }
        for name in generations
        if (some := [one for one in made if one.scope.point and one.scope.issuer == name])
    ]
    return {"lists": rows, "municipal": municipal}


def _outlet_row(report: OutletReport) -> dict[str, object]:
    from jpki.outlets import Outcome

    failed = sum(result.error is not None for result in report.results)
    return {
        "outlet": report.outlet,
        "put": report.number_of(Outcome.PUT),
        "there_already": report.number_of(Outcome.HELD),
        "newer_there": report.number_of(Outcome.NEWER_HELD) + report.number_of(Outcome.OVERTAKEN),
        "not_put": failed + report.untried,
        "outlet_errors": sorted({type(error).__name__ for error in report.errors}),
    }


def _advice(choice: AuthorityChoice, reports: Iterable[OutletReport]) -> Iterator[Advice]:
    """Yields what was wrong at each outlet, once for each kind of error, and how to go on."""
    missing = False
    for report in reports:
        for error in {type(error): error for error in report.errors}.values():
            missing = True
            yield Advice(" ".join(error_words(error)))
    if missing:
        yield Advice(words("prompts", "lists.push"), choice.command("jpki ca crl --push-only"))


def _nowhere(choice: AuthorityChoice) -> Advice:
    return Advice(words("prompts", "lists.nowhere"), choice.command("jpki ca crl --push-only --outlet FOLDER"))

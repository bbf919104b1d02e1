"""From the store to the outlets: which lists there are to copy, where to, and what was copied last."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import BadValue, SettingsError

if TYPE_CHECKING:
    from jpki.ca import Authority
    from jpki.outlets import Outlet, OutletReport, PublishedCopy
    from jpki.store import PublishedList, Store, StoredAuthorityKey

__all__ = ["opened_outlets", "push", "read_outlets"]

_FILE = "outlets.toml"
_FOLDER = {"folder"}
_DIRECTORY = {"address", "user", "password_file", "authorities", "entry_limit"}
_NEEDED = {"address", "user", "password_file"}
_LARGEST_LIMIT = 1 << 30


def read_outlets(folder: Path, named: Sequence[str] = ()) -> tuple[Mapping[str, Any], ...]:
    """Returns the outlets of an authority's folder (`outlets.toml`), or those that were named, as tables.

    A folder can be named that is not in the file; of a directory the file has to say who logs in. Raises SettingsError,
    BadValue.
    """
    configured = _configured(folder / _FILE)
    if not named:
        return tuple(configured.values())
    found = []
    for place in named:
        if place in configured:
            found.append(configured[place])
        elif "://" in place:
            raise BadValue(parameter="--outlet", problem="a directory that outlets.toml does not have")
        else:
            found.append({"folder": str(Path(place).expanduser().absolute())})
    return tuple(found)


@contextmanager
def opened_outlets(folder: Path, tables: Sequence[Mapping[str, Any]]) -> Iterator[list[Outlet]]:
    """Gives the outlets that tables describe; relative paths are below the authority's folder.

    Raises BadDirectoryAddress, BadPasswordFile. Nothing is connected before something is put there.
    """
    from jpki.outlets import DirectoryAddress, DirectoryOutlet, FolderOutlet, read_password

    with ExitStack() as stack:
        outlets: list[Outlet] = []
        for table in tables:
            if "folder" in table:
                outlets.append(FolderOutlet(folder.absolute() / Path(table["folder"]).expanduser()))
                continue
            authorities = table.get("authorities")
            more = {"entry_limit": table["entry_limit"]} if "entry_limit" in table else {}
            directory = DirectoryOutlet(
                DirectoryAddress.parse(table["address"]),
                user=table["user"],
                password=read_password(folder / Path(table["password_file"]).expanduser()),
                authorities=None if authorities is None else folder / Path(authorities).expanduser(),
                **more,
            )
            outlets.append(stack.enter_context(directory))
        yield outlets


def push(authority: Authority, outlets: Sequence[Outlet], at: datetime) -> tuple[OutletReport, ...]:
    """Copies the newest lists of the store to the outlets that lack them, and records what each was given last."""
    from jpki.outlets import Outcome, bring_up_to_date

    if not outlets:
        return ()
    copies = [(one, copy) for one, copy in _copies(authority, at)]
    of_copy = {id(copy): one for one, copy in copies}
    reports = []
    for outlet in outlets:
        (report,) = bring_up_to_date([outlet], [copy for _, copy in copies])
        there = [of_copy[id(result.copy)] for result in report.results if result.outcome in (Outcome.PUT, Outcome.HELD)]
        if there:
            with authority.store.transaction() as change:
                change.note_pushed(report.outlet, there, at)
        reports.append(report)
    return tuple(reports)


def _copies(authority: Authority, at: datetime) -> Iterator[tuple[PublishedList, PublishedCopy]]:
    """Yields the newest lists of every key whose certificate has not ended, as they are to be copied."""
    from jpki.formats import Name
    from jpki.terms import Role

    with authority.store.snapshot() as view:
        points = {role: {one.id: one for one in view.points(role)} for role in Role}
        keys = [own for role in Role for own in authority.generations[role] if own.not_after >= at]
        found = [(own, one) for own in keys for one in view.newest_lists(own.name)]
    names = {
        point.id: (point.municipality, Name.parse(point.name)) for some in points.values() for point in some.values()
    }
    for own, one in found:
        if not one.scope.point or one.scope.point in names:
            yield one, _copy(authority.store, own, one, names.get(one.scope.point))


def _copy(store: Store, own: StoredAuthorityKey, one: PublishedList, point: tuple[str, Any] | None) -> PublishedCopy:
    from jpki.ca import list_name
    from jpki.formats import Certificate
    from jpki.outlets import MunicipalScope, PublishedCopy

    issuer = Certificate.parse(own.encoded)
    return PublishedCopy(
        authority=own.name.authority,
        generation=own.generation,
        issuer=issuer,
        scope=None if point is None else MunicipalScope(*point),
        delta=one.base > 0,
        entry=list_name(issuer, None if point is None else point[1], delta=one.base > 0),
        number=one.number,
        this_update=one.this_update,
        next_update=one.next_update,
        size=one.size,
        digest=one.digest,
        pieces=_pieces_of(store, one),
    )


def _pieces_of(store: Store, one: PublishedList) -> Callable[[], Iterator[bytes]]:
    def pieces() -> Iterator[bytes]:
        with store.snapshot() as view:
            yield from view.list_content(one)

    return pieces


def _configured(file: Path) -> dict[str, Mapping[str, Any]]:
    """Returns the outlets of a file by their place; none where there is no file."""
    try:
        text = file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            path=str(file), where="", problem=getattr(error, "strerror", None) or "not UTF-8"
        ) from error
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(path=str(file), where="", problem="not TOML") from error
    tables = values.pop("outlet", [])
    if values or not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SettingsError(path=str(file), where=next(iter(values), "outlet"), problem="not [[outlet]], one for each")
    found: dict[str, Mapping[str, Any]] = {}
    for number, table in enumerate(tables, 1):
        place = _place(file, f"outlet {number}", table)
        if place in found:
            raise SettingsError(path=str(file), where=f"outlet {number}", problem="one outlet twice")
        found[place] = table
    return found


def _place(file: Path, where: str, table: Mapping[str, Any]) -> str:
    """Returns the folder or the address of an outlet; raises SettingsError for what is neither, or not whole."""

    def wrong(problem: str) -> SettingsError:
        return SettingsError(path=str(file), where=where, problem=problem)

    known = _FOLDER if "folder" in table else _DIRECTORY
    if not set(table) <= known or not (table.keys() >= _FOLDER or table.keys() >= _NEEDED):
        raise wrong("neither a folder, nor address, user and password_file")
    if not all(isinstance(value, str) and value for name, value in table.items() if name != "entry_limit"):
        raise wrong("not a text")
    limit = table.get("entry_limit", 1)
    if not isinstance(limit, int) or isinstance(limit, bool) or not 0 < limit <= _LARGEST_LIMIT:
        raise wrong("an entry_limit that is no number of octets")
    place: str = table["folder"] if "folder" in table else table["address"]
    return place

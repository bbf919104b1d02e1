"""How a store is named: by a path, `sqlite:///PATH`, or `postgresql://USER@HOST:PORT/NAME`."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from .engine import Place
from .errors import BadStoreUrl
from .postgresql import PostgresqlDatabase
from .sqlite import SqliteFile

__all__ = ["full_address", "place_of"]

_SECRETS = {"password", "sslpassword"}
_SERVERS = {"host", "port"}
_OPTIONS = {"passfile", "sslcert", "sslkey", "sslmode", "sslrootcert"}


def place_of(address: str | Path) -> Place:
    """Returns the place that a store's address names; raises BadStoreUrl.

    A PostgreSQL address may go on with `?host=` and `&port=` (each a list with commas, a host also a folder with the
    server's socket; of several servers the one that can be written is taken), `passfile`, `sslmode`, `sslrootcert`,
    `sslcert` and `sslkey`, as libpq understands them. Source: docs/store.md
    """
    if isinstance(address, Path) or "://" not in address:
        return SqliteFile(Path(address))
    try:
        url: URL = make_url(address)
    except (ArgumentError, ValueError):
        raise BadStoreUrl(problem="not an address") from None
    if url.password is not None or _SECRETS & url.query.keys():
        raise BadStoreUrl(problem="a password in the address")
    match url.drivername:
        case "sqlite":
            return _file(url)
        case "postgresql":
            return _database(url)
    raise BadStoreUrl(problem="neither sqlite:///PATH nor postgresql://USER@HOST/NAME")


def full_address(address: str | Path) -> str:
    """Returns an address so that it names the same place from any folder; raises BadStoreUrl."""
    return place_of(address).address


def _file(url: URL) -> SqliteFile:
    if url.host or url.query:
        raise BadStoreUrl(problem="not of the form sqlite:///PATH")
    if not url.database or url.database == ":memory:":
        raise BadStoreUrl(problem="names no file")
    return SqliteFile(Path(url.database))


def _database(url: URL) -> PostgresqlDatabase:
    if not url.database:
        raise BadStoreUrl(problem="names no database")
    if not url.query.keys() <= _SERVERS | _OPTIONS:
        raise BadStoreUrl(problem="has an option that is not known here")
    said = {name: value for name, value in url.query.items() if isinstance(value, str)}
    if said.keys() != url.query.keys() or (url.host and "host" in said) or (url.port and "port" in said):
        raise BadStoreUrl(problem="says something twice")
    hosts = said.pop("host", url.host or "").split(",")
    ports = said.pop("port", str(url.port or "")).split(",")
    if len(ports) not in (1, len(hosts)) or not all(port.isdecimal() or not port for port in ports):
        raise BadStoreUrl(problem="has other ports than hosts")
    return PostgresqlDatabase(url.database, url.username or "", tuple(hosts), tuple(ports), tuple(sorted(said.items())))
